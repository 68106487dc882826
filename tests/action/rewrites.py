"""A table of rules that rewrite requests: request, rules, and what the request is then.

A request is its first line and its fields, a result the same; a number is the status of the answer that ends it.
`since` names the release of HAProxy that knows the rules first: the oracle is older than some.
"""

from __future__ import annotations

from typing import NamedTuple

GET = "GET /a/b?c=d HTTP/1.1"


class Rewrite(NamedTuple):
    """A row."""

    rules: tuple[str, ...]
    request: tuple[str, ...]
    result: tuple[str, ...] | int
    why: str = ""  # HAProxy answers otherwise, and why we do not


def row(rules: str | tuple[str, ...], request: str | tuple[str, ...], *result: str | int, why: str = "") -> Rewrite:
    listed = (rules,) if isinstance(rules, str) else rules
    given = (request,) if isinstance(request, str) else request
    if isinstance(result[0], int):
        return Rewrite(listed, given, result[0], why)
    return Rewrite(listed, given, tuple(str(line) for line in result), why)


HEADERS = (
    row("add-header X-A 1", (GET, "X-A: 0"), GET, "x-a: 0", "x-a: 1"),
    row("add-header X-A %[path]", GET, GET, "x-a: /a/b"),
    row('add-header X-A "%[str()]"', GET, GET, "x-a: "),
    row('add-header X-A "%[str(a),hex]-%[path]"', GET, GET, "x-a: 61-/a/b"),
    row('add-header X-A "a%%b"', GET, GET, "x-a: a%b"),
    row('add-header X-A "%[str(0d0a),hex2i]"', GET, GET, "x-a: 3338"),
    row('add-header X-A "%[bin(610d0a62)]"', GET, GET, "x-a: a%0D%0Ab"),
    row('add-header X-A "%[bin(6100)]"', GET, GET, "x-a: a"),
    row("set-header X-A 1", (GET, "X-A: 0", "x-b: 2", "X-a: 3"), GET, "x-b: 2", "x-a: 1"),
    row("set-header X-A %[req.hdr(x-a)]1", (GET, "X-A: 0"), GET, "x-a: 01"),
    row(("set-header X-A 1", "set-header X-A %[req.hdr(x-a)]2"), GET, GET, "x-a: 12"),
    row("del-header X-A", (GET, "X-A: 0", "b: 1", "x-a: 2", "x-ab: 3"), GET, "b: 1", "x-ab: 3"),
    row("del-header X-A -m str", (GET, "X-A: 0", "x-ab: 3"), GET, "x-ab: 3"),
    row("del-header X-A -m beg", (GET, "X-A: 0", "b: 1", "x-ab: 3"), GET, "b: 1"),
    row("del-header Ab -m end", (GET, "X-A: 0", "b: 1", "x-ab: 3"), GET, "x-a: 0", "b: 1"),
    row("del-header -A -m sub", (GET, "X-A: 0", "b: 1", "x-ab: 3", "-a: 4"), GET, "b: 1"),
    row("del-header ^x-.$ -m reg", (GET, "X-A: 0", "b: 1", "x-ab: 3"), GET, "b: 1", "x-ab: 3"),
    row("del-header X -m reg", (GET, "X-A: 0", "b: 1"), GET, "x-a: 0", "b: 1"),
    row("del-header x-z", (GET, "X-A: 0"), GET, "x-a: 0"),
    row(
        r"replace-header Cookie foo=([^;]*);(.*) foo=\1;ip=x;\2",
        (GET, "Cookie: foo=1; b=2"),
        GET,
        "cookie: foo=1;ip=x; b=2",
    ),
    row(r"replace-header X-A b X", (GET, "X-A: abc", "X-A: d", "X-A: b, b"), GET, "x-a: X", "x-a: d", "x-a: X"),
    row(r"replace-header X-A B X", (GET, "X-A: abc"), GET, "x-a: abc"),
    row(r"replace-header X-A (?i)B X", (GET, "X-A: abc"), GET, "x-a: X"),
    row(r"replace-header X-A ^(.)(.)(.)? [\3\2\1\0]", (GET, "X-A: ab"), GET, "x-a: [baab]"),
    row(r"replace-header X-A a \9x", (GET, "X-A: ab"), GET, "x-a: x"),
    row(r'replace-header X-A a "\\x41\\\\\\q"', (GET, "X-A: ab"), GET, r"x-a: A\q"),
    row(r'replace-header X-A a "b\\"', (GET, "X-A: ab"), 500),
    row(r'replace-header X-A a "b\\x4"', (GET, "X-A: ab"), 500),
    row(r"replace-header X-A ^$ empty", (GET, "X-A:"), GET, "x-a: empty"),
    row('replace-header X-A a "%[str()]"', (GET, "X-A: a"), GET, "x-a: "),
    row(r"replace-header X-A a %[path]\0", (GET, "X-A: a"), GET, "x-a: /a/ba"),
    row(r"replace-value X-A ^b$ X", (GET, "X-A: a, b ,b,bb", "X-A: b"), GET, "x-a: a,X,X,bb", "x-a: X"),
    row(r'replace-value X-A b "c, d"', (GET, "X-A: b, b"), GET, "x-a: c, d,c, d"),
    row(r"replace-value X-A ^$ e", (GET, "X-A: a,, b"), GET, "x-a: a,e, b"),
    row(r"replace-value X-A a,b X", (GET, 'X-A: "a,b", c'), GET, "x-a: X, c"),
    row(r"replace-value Cookie ^a=(.*)$ b=\1", (GET, "Cookie: a=1; a=2"), GET, "cookie: b=1; a=2"),
    row(r"replace-value If-Modified-Since 2 X", (GET, "If-Modified-Since: Tue, 02"), GET, "if-modified-since: Tue,X"),
    row(("strict-mode off", r'replace-header X-A a "b\\"'), (GET, "X-A: ab"), GET, "x-a: ab"),
)

LINES = (
    row("set-method POST", (GET, "Content-Length: 0"), "POST /a/b?c=d HTTP/1.1", "content-length: 0"),
    row("set-method %[str(put),upper]", GET, "PUT /a/b?c=d HTTP/1.1"),
    row("set-path /x", GET, "GET /x?c=d HTTP/1.1"),
    row("set-path /x%[path]", GET, "GET /x/a/b?c=d HTTP/1.1"),
    row("set-path /x?y", GET, "GET /x?y?c=d HTTP/1.1"),
    row("set-path /x", "GET / HTTP/1.1", "GET /x HTTP/1.1"),
    row("set-path /x", "GET http://h/a?b HTTP/1.1", "GET http://h/x?b HTTP/1.1"),
    row("set-path /x", "OPTIONS * HTTP/1.1", "OPTIONS /x HTTP/1.1"),
    row("set-path /x", "CONNECT h:80 HTTP/1.1", 500, why="a CONNECT has no path (RFC 9112 3.2.3)"),
    row(
        ("strict-mode off", "set-path /x"),
        "CONNECT h:80 HTTP/1.1",
        "CONNECT h:80 HTTP/1.1",
        why="a CONNECT has no path (RFC 9112 3.2.3)",
    ),
    row("set-pathq /x", GET, "GET /x HTTP/1.1"),
    row("set-pathq /x?y", "GET http://h/a?b HTTP/1.1", "GET http://h/x?y HTTP/1.1"),
    row("set-query x=y", GET, "GET /a/b?x=y HTTP/1.1"),
    row("set-query ?x=y", GET, "GET /a/b??x=y HTTP/1.1"),
    row('set-query "%[str()]"', "GET /a HTTP/1.1", "GET /a HTTP/1.1"),
    row("set-query x", "GET / HTTP/1.1", "GET /?x HTTP/1.1"),
    row('set-query "%[str()]"', GET, "GET /a/b? HTTP/1.1"),
    row("set-query %[query]&e=f", GET, "GET /a/b?c=d&e=f HTTP/1.1"),
    row("set-uri /x", GET, "GET /x HTTP/1.1"),
    row("set-uri http://h/x", (GET, "Host: g"), "GET http://h/x HTTP/1.1", "host: h"),
    row("set-uri http://h", (GET, "Host: h"), "GET http://h HTTP/1.1", "host: h"),
    row(r"replace-path /a(.*) \1", GET, "GET /b?c=d HTTP/1.1"),
    row(r"replace-path b X", GET, "GET X?c=d HTTP/1.1"),
    row(r"replace-path c=d X", GET, GET),
    row(r"replace-path /(.*) /x/\1", "GET http://h/a?b HTTP/1.1", "GET http://h/x/a?b HTTP/1.1"),
    row(r"replace-path (.*) /x\1", "OPTIONS * HTTP/1.1", "OPTIONS * HTTP/1.1"),
    row(r"replace-pathq (.*) /x\1", "CONNECT h:80 HTTP/1.1", "CONNECT h:80 HTTP/1.1"),
    row(r"replace-pathq /a/(.*)\?(.*) /\2/\1", GET, "GET /c=d/b HTTP/1.1"),
    row(r"replace-pathq z X", GET, GET),
    row(r"replace-uri ^http://[^/]*(.*) \1", "GET http://h/a?b HTTP/1.1", "GET /a?b HTTP/1.1"),
    row(r"replace-uri (.*) /x\1", GET, "GET /x/a/b?c=d HTTP/1.1"),
    row(("set-path /x", "set-header X-P %[path]"), GET, "GET /x?c=d HTTP/1.1", "x-p: /x"),
    row("set-header Host b", ("GET http://a/x HTTP/1.1", "Host: a"), "GET http://b/x HTTP/1.1", "host: b"),
    row("replace-header Host a b", ("GET http://a/x HTTP/1.1", "Host: a"), "GET http://b/x HTTP/1.1", "host: b"),
)


def normal(how: str, before: str, after: str | int) -> Rewrite:
    """A row of normalize-uri."""
    result = after if isinstance(after, int) else f"GET {after} HTTP/1.1"
    return row(f"normalize-uri {how}", f"GET {before} HTTP/1.1", result)


NORMALIZED = (
    normal("path-strip-dot", "/.", "/"),
    normal("path-strip-dot", "/./bar/", "/bar/"),
    normal("path-strip-dot", "/a/./a", "/a/a"),
    normal("path-strip-dot", "/a/././.", "/a/"),
    normal("path-strip-dot", "/.well-known/", "/.well-known/"),
    normal("path-strip-dot", "/a./b.?x=/./", "/a./b.?x=/./"),
    normal("path-strip-dotdot", "/foo/../", "/"),
    normal("path-strip-dotdot", "/foo/../bar/", "/bar/"),
    normal("path-strip-dotdot", "/foo/bar/../", "/foo/"),
    normal("path-strip-dotdot", "/foo/bar/..", "/foo/"),
    normal("path-strip-dotdot", "/../bar/", "/../bar/"),
    normal("path-strip-dotdot", "/bar/../../", "/../"),
    normal("path-strip-dotdot", "/bar/../..", "/../"),
    normal("path-strip-dotdot", "/..", "/../"),
    normal("path-strip-dotdot", "/foo//../", "/foo/"),
    normal("path-strip-dotdot", "/a/b/../../c/..d/e../", "/c/..d/e../"),
    normal("path-strip-dotdot", "/foo/%2E%2E/?x=/../", "/foo/%2E%2E/?x=/../"),
    normal("path-strip-dotdot full", "/../bar/", "/bar/"),
    normal("path-strip-dotdot full", "/bar/../../", "/"),
    normal("path-strip-dotdot full", "/..", "/"),
    normal("path-strip-dotdot full", "/../../a/..", "/"),
    normal("path-merge-slashes", "//", "/"),
    normal("path-merge-slashes", "/foo//bar///?a=//", "/foo/bar/?a=//"),
    normal("percent-decode-unreserved", "/%61dmin?%7e=%2D", "/admin?~=-"),
    normal("percent-decode-unreserved", "/foo%3Fbar=baz", "/foo%3Fbar=baz"),
    normal("percent-decode-unreserved", "/%%36%36", "/%66"),
    normal("percent-decode-unreserved", "/%ZZ", "/%ZZ"),
    normal("percent-decode-unreserved", "/a%6", "/a%6"),
    normal("percent-decode-unreserved strict", "/%%36%36", 400),
    normal("percent-decode-unreserved strict", "/%ZZ", 400),
    normal("percent-decode-unreserved strict", "/a%", 400),
    normal("percent-decode-unreserved strict", "/%61", "/a"),
    normal("percent-to-uppercase", "/%6f?%aa", "/%6F?%AA"),
    normal("percent-to-uppercase", "/%zz%a", "/%zz%a"),
    normal("percent-to-uppercase strict", "/%zz", 400),
    normal("percent-to-uppercase strict", "/%6f", "/%6F"),
    normal("query-sort-by-name", "/?c=3&a=1&b=2", "/?a=1&b=2&c=3"),
    normal("query-sort-by-name", "/?aaa=3&a=1&aa=2", "/?a=1&aa=2&aaa=3"),
    normal("query-sort-by-name", "/?a=3&b=4&a=1&b=5&a=2", "/?a=3&a=1&a=2&b=4&b=5"),
    normal("query-sort-by-name", "/b?a", "/b?a"),
    normal("query-sort-by-name", "/x", "/x"),
    normal("query-sort-by-name", "/?b&&a", "/?&a&b"),
    normal("path-merge-slashes", "http://h//a//b", "http://h/a/b"),
)

REWRITES = (*HEADERS, *LINES, *NORMALIZED)
