"""Rules that change requests: headers, method and target, variables, addresses; what the server is told shows it."""

from __future__ import annotations

from tests.oracle.configs import SERVER, Topic, served
from tests.oracle.row import Departure, Differ, Row, chunks, get, ok, request, response, then
from tests.oracle.texts import INTERNAL_ERROR, logged
from tests.peers.script import Do

_HOST = "Host: lb.example"

TOPIC = Topic(
    "rewriting",
    "http",
    {
        "headers": served("""
            http-request set-header x-set "%[method] %[path]" if { path_beg /set }
            http-request set-header Host other.example if { path /set/host }
            http-request add-header x-add one if { path_beg /add }
            http-request add-header X-Add "two, %[src]" if { path_beg /add }
            http-request del-header x-del if { path_beg /del }
            http-request del-header x- -m beg if { path /del/beg }
            http-request del-header -suffix -m end if { path /del/end }
            http-request del-header middle -m sub if { path /del/sub }
            http-request del-header ^x-[0-9]+$ -m reg if { path /del/reg }
            http-request set-header x-none "%[req.hdr(x-absent)]" if { path /none }
            http-request set-header x-quoted "a \\"b\\" 'c' %% \\\\ d" if { path /quoted }
            http-request add-header x-twice "%[req.hdr_cnt(x-twice)]" if { path /again }
            http-request add-header x-twice "%[req.hdr_cnt(x-twice)]" if { path /again }
        """),
        "replacing": served("""
            http-request replace-header cookie foo=([^;]*);(.*) foo=\\1;ip=%fi;\\2 if { path /cookie }
            http-request replace-header user-agent curl foo if { path /agent }
            http-request replace-header accept (.*)/(.*) \\2/\\1 if { path /groups }
            http-request replace-header x-a ^a$ %[path] if { path /expr }
            http-request replace-value x-forwarded-for ^192\\.168\\.(.*)$ 172.16.\\1 if { path /value }
            http-request replace-value x-list (.) <\\1> if { path /list }
            http-request replace-header x-list (.) <\\1> if { path /whole }
            http-request replace-value host (.*)\\.example \\1.test if { path /host }
        """),
        "targets": served("""
            http-request set-method %[req.hdr(x-method)] if { req.hdr(x-method) -m found }
            http-request set-path /new%[path] if { path_beg /path }
            http-request set-path no-slash if { path /relative }
            http-request set-pathq /new%[pathq]&more=1 if { path_beg /pq }
            http-request set-query %[query]&more=1 if { path_beg /query }
            http-request set-query %[url_param(none)] if { path_beg /none }
            http-request set-uri http://other.example%[pathq] if { path_beg /uri }
            http-request set-uri /short if { path_beg /cut }
            http-request set-uri * if { path /star }
        """),
        "twisted": served("""
            http-request replace-path /api/v([0-9]+)/(.*) /v\\1/api/\\2 if { path_beg /api }
            http-request replace-path (.*) \\1/ if { path_beg /append }
            http-request replace-pathq ([^?]*)\\?id=([0-9]+) \\1/\\2 if { path_beg /item }
            http-request replace-uri ^([^/:]*://[^/]*)?(.*) \\1/prefix\\2 if { path_beg /uri }
            http-request replace-uri ^/here/(.*) https://far.example/\\1 if { path_beg /here }
            http-request replace-path /never /changed if { path_beg /other }
            http-request replace-path .* "/%[path,length]" if { path_beg /length }
        """),
        "merge": ("http-request normalize-uri path-merge-slashes", SERVER),
        "dot": ("http-request normalize-uri path-strip-dot", SERVER),
        "dotdot": ("http-request normalize-uri path-strip-dotdot", SERVER),
        "dotdotfull": ("http-request normalize-uri path-strip-dotdot full", SERVER),
        "unreserved": ("http-request normalize-uri percent-decode-unreserved", SERVER),
        "unreservedstrict": ("http-request normalize-uri percent-decode-unreserved strict", SERVER),
        "uppercase": ("http-request normalize-uri percent-to-uppercase", SERVER),
        "uppercasestrict": ("http-request normalize-uri percent-to-uppercase strict", SERVER),
        "sort": ("http-request normalize-uri query-sort-by-name", SERVER),
        "variables": served("""
            http-request set-var(txn.path) path
            http-request set-var(txn.path) str(shadowed),concat(-,txn.path) if { path_beg /set }
            http-request set-var-fmt(req.fmt) "%[src]:%[method]:%[var(txn.path)]"
            http-request unset-var(req.fmt) if { path_beg /unset }
            http-request set-var(sess.count) int(1)
            http-request set-var(sess.total) var(sess.total),add(1) if { var(sess.total) -m found }
            http-request set-var(sess.total) int(1) unless { var(sess.total) -m found }
            http-request set-var(txn.cond,ifnotexists) str(first)
            http-request set-var(txn.cond,ifnotexists) str(second)
            http-request set-var(txn.cond,ifexists) str(third) if { path /exists }
            http-request set-var(txn.e,ifempty) str(was-empty)
            http-request set-var(txn.e,ifnotempty) str(was-full) if { path /full }
            http-request set-var(txn.none) req.hdr(x-absent)
            http-request set-header x-vars "%[var(txn.path)]|%[var(req.fmt)]|%[var(sess.count)]|%[var(sess.total)]"
            http-request set-header x-conds "%[var(txn.cond)]|%[var(txn.e)]|%[var(txn.none)]|%[var(txn.never,dflt)]"
        """),
        "types": served("""
            http-request set-var(txn.int) int(42),sub(2),mul(-3),div(7)
            http-request set-var(txn.bool) int(1),bool
            http-request set-var(txn.ip) src,ipmask(8)
            http-request set-var(txn.bin) str(abc),sha1
            http-request set-var(txn.str) 'str("a,b")'
            http-request set-var(txn.meth) method
            http-request set-header x-int "%[var(txn.int)]"
            http-request set-header x-bool "%[var(txn.bool)]"
            http-request set-header x-ip "%[var(txn.ip)]"
            http-request set-header x-bin "%[var(txn.bin),hex]"
            http-request set-header x-str "%[var(txn.str)]"
            http-request set-header x-meth "%[var(txn.meth)]"
            http-request set-header x-big "%[int(9223372036854775807),add(1)]|%[int(7),div(0)]|%[int(-7),mod(3)]"
        """),
        "addresses": served("""
            http-request set-src req.hdr(x-src) if { req.hdr(x-src) -m found }
            http-request set-src-port req.hdr(x-port) if { req.hdr(x-port) -m found }
            http-request set-header x-now "%[src] %[dst]"
            option forwardfor
        """),
        "destinations": served("""
            http-request set-dst req.hdr(x-dst) if { req.hdr(x-dst) -m found }
            http-request set-header x-now "%[src] %[dst]"
            option originalto header X-Dst-Was
        """),
        "bothends": ("option forwardfor", "option originalto", SERVER),
        "original": ("option originalto", SERVER),
        "originalexcept": ("option originalto except 127.0.0.0/8", SERVER),
        "hints": served("""
            http-request early-hint Link "</style.css>; rel=preload" if { path_beg /hint }
            http-request early-hint Link "</%[path,field(3,/)].js>; rel=preload" if { path_beg /hint }
            http-request early-hint X-More 1 if { path /hint/more }
        """),
        "hinted": served("""
            http-request early-hint Link "</a.css>; rel=preload"
            http-request early-hint Link "</b.js>; rel=preload"
            http-request set-header x-between yes
            http-request early-hint X-Third 3
        """),
        "strict": served("""
            http-request set-header x-big "%[req.hdr(x-in)]%[req.hdr(x-in)]" if { path /big }
            http-request set-uri "/%[req.hdr(x-in)]%[req.hdr(x-in)]" if { path /uri }
        """),
        "lax": served("""
            http-request strict-mode off
            http-request set-header x-big "%[req.hdr(x-in)]%[req.hdr(x-in)]"
            http-request set-header x-after yes
        """),
        "unseen": served("""
            http-request set-tos 0x10 if { path /tos }
            http-request set-header x-after yes
        """),
        "values": served("""
            http-request set-header x-nul "a%[req.hdr(x-in),url_dec]b"
        """),
    },
    logs=True,
    globals=("expose-experimental-directives",),
)

_PATHS: dict[str, tuple[str, ...]] = {
    "headers": ("/set", "/set/host", "/add", "/none", "/quoted"),
    "targets": (
        *("/path", "/path/a?b=c", "/relative", "/pq?a=1", "/pq", "/query?a=1", "/query", "/none"),
        *("/none?a=1", "/uri/x?y", "/cut?a=1", "/star", "/other"),
    ),
    "twisted": (
        *("/api/v2/users", "/api/v2/users?x=/api/v3/", "/append", "/append?q", "/item?id=5", "/item?id=x"),
        *("/uri/x?y=z", "/here/a", "/other", "/length/"),
    ),
    "merge": ("//a//b///c", "/a?x=//y"),
    "dot": ("/./a/./b/.", "/a/.b/c.", "/.?x=/./"),
    "dotdot": ("/a/../b", "/a/b/../../c", "/../a", "/a/..b/..", "/a/../../b", "/a?x=/../b"),
    "dotdotfull": ("/../a", "/a/../../b/..", "/.."),
    "unreserved": ("/%61%2D%7e%2f", "/%zz%41", "/a?b=%63%26"),
    "unreservedstrict": ("/%61", "/%zz%41"),
    "uppercase": ("/%2f%aB?q=%3d", "/%2x"),
    "uppercasestrict": ("/%2f", "/%2x"),
    "sort": ("/?b=1&a=2&c&a=1", "/?ab=1&a=1&a-b=2", "/x", "/?"),
    "variables": ("/", "/set", "/unset", "/exists", "/full"),
    "types": ("/",),
    "original": ("/",),
    "originalexcept": ("/",),
    "unseen": ("/", "/tos"),
}
_LONG = "X-In: " + "y" * 7000

_GETS: dict[str, dict[str, tuple[str, ...]]] = {
    "headers": {
        "set replaces all": ("/set", "X-Set: 1", "X-Other: 2", "x-set: 3"),
        "add to what is there": ("/add", "X-ADD: zero"),
        "add counts what the rule before it added": ("/again",),
        "del": ("/del", "X-Del: 1", "X-Delete: 2", "x-del: 3"),
        "del -m beg": ("/del/beg", "X-A: 1", "Y-X-: 2", "x-B: 3"),
        "del -m end": ("/del/end", "A-Suffix: 1", "A-Suffixes: 2"),
        "del -m sub": ("/del/sub", "the-middle-one: 1", "mid-dle: 2"),
        "del -m reg": ("/del/reg", "X-12: 1", "X-12a: 2"),
    },
    "replacing": {
        "with captures and an alias": ("/cookie", "Cookie: foo=1; bar=2"),
        "no match": ("/cookie", "Cookie: bar=2"),
        "the whole value is replaced": ("/agent", "User-Agent: curl/7.88"),
        "groups": ("/groups", "Accept: text/html"),
        "each header line": ("/groups", "Accept: text/html", "Accept: image/*, a/b"),
        "with an expression": ("/expr", "X-A: a"),
        "value": ("/value", "X-Forwarded-For: 192.168.1.2, 10.0.0.1,192.168.3.4"),
        "values of a list": ("/list", "X-List: ab, cd,ef"),
        "the list as a whole": ("/whole", "X-List: ab, cd,ef"),
        "Host": ("/host",),
    },
    "targets": {
        "method": ("/", "X-Method: PURGE"),
    },
    "addresses": {
        "as they are": ("/",),
        "source": ("/", "X-Src: 192.0.2.7"),
        "source and port": ("/", "X-Src: 192.0.2.7", "X-Port: 1234"),
        "source of IPv6": ("/", "X-Src: 2001:db8::7"),
        "source that is no address": ("/", "X-Src: nobody"),
    },
    "destinations": {
        "as they are": ("/",),
        "set": ("/", "X-Dst: 192.0.2.8"),
    },
    "original": {"header there": ("/", "X-Original-To: 192.0.2.1")},
    "strict": {
        "a header that does not fit is 500": ("/big", _LONG),
        "a target that does not fit is 500": ("/uri", _LONG),
        "what fits": ("/big", "X-In: y"),
    },
    "lax": {"a header that does not fit is left out": ("/", _LONG)},
}


def _not_sent(why: str, target: str) -> Departure:
    """The request that rules have made goes to no server, the client gets 500."""
    line = f'targets targets/<NOSRV> T/-1/-1/-1/T 500 B - - PR-- 1/1/0/0/0 0/0 "GET {target} HTTP/1.1"'
    return Departure(why, INTERNAL_ERROR, logs=(logged(line),))


_NO_PATH = "RFC 9112 3.2: no request line of GET; another parser may take it for something else"
_DEPARTS = {path: _not_sent(_NO_PATH, path) for path in ("/relative", "/star")}

ROWS = (
    *(
        Row(f"{via} {path}", get(path), (ok(),), via=via, departs=_DEPARTS.get(path))
        for via, paths in _PATHS.items()
        for path in paths
    ),
    Row(
        "bothends: two fields",
        get("/"),
        (ok(),),
        via="bothends",
        departs=Departure(
            "RFC 9110 5.3: fields of different names have no order; ours are x-original-to, x-forwarded-for",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            (b"GET / HTTP/1.1\r\nhost: lb.example\r\nx-original-to: 127.0.0.1\r\nx-forwarded-for: 127.0.0.1\r\n\r\n",),
            (logged('bothends bothends/s1 T/T/T/T/T 200 B - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"'),),
        ),
    ),
    *(
        Row(
            f"{via}: {name}",
            get(*wanted),
            () if name.endswith(" is 500") else (ok(),),
            via=via,
        )
        for via, cases in _GETS.items()
        for name, wanted in cases.items()
    ),
    Row("headers: HTTP/1.0", request("GET /set HTTP/1.0"), (ok(),), via="headers"),
    Row("headers: Host where there was none", request("GET /set/host HTTP/1.0"), (ok(),), via="headers"),
    Row(
        "headers: of an absolute target the authority follows Host",
        request("GET http://lb.example/set/host HTTP/1.1", _HOST),
        (ok(),),
        via="headers",
    ),
    Row(
        "headers: with a chunked body",
        request("POST /add HTTP/1.1", _HOST, "Transfer-Encoding: chunked", body=chunks(b"abc")),
        (ok(),),
        via="headers",
    ),
    *(
        Row(f"{via}: absolute target {path}", request(f"GET http://lb.example{path} HTTP/1.1", _HOST), (ok(),), via=via)
        for via, path in (
            ("targets", "/path/a?b=c"),
            ("targets", "/pq?a=1"),
            ("targets", "/query?a=1"),
            ("targets", "/cut?a=1"),
            ("twisted", "/api/v2/users?x"),
            ("twisted", "/item?id=5"),
            ("twisted", "/uri/x?y=z"),
            ("merge", "//a//b"),
            ("dotdot", "/a/../b"),
        )
    ),
    Row(
        "targets: a GET made a HEAD has no body in the reply",
        (get("/", "X-Method: HEAD"), Do.HEAD_REPLY, Do.SHUT, Do.END),
        (response("200 OK", "Content-Length: 5"),),
        via="targets",
        differ=Differ("2.8", "the client asked for a body: only a close tells that there is none"),
        departs=_not_sent("RFC 9112 6.3: what answers a GET has the body that its Content-Length tells of", "/"),
    ),
    Row("targets: asterisk", request("OPTIONS * HTTP/1.1", _HOST, "X-Method: OPTIONS"), (ok(),), via="targets"),
    Row(
        "targets: a POST made a GET keeps its body",
        request("POST / HTTP/1.1", _HOST, "X-Method: GET", "Content-Length: 3", body=b"abc"),
        (ok(),),
        via="targets",
    ),
    Row("dotdot: asterisk", request("OPTIONS * HTTP/1.1", _HOST), (ok(),), via="dotdot"),
    Row(
        "variables: those of the session stay, those of the request go",
        (get("/unset"), Do.REPLY, get("/set"), Do.REPLY, get("/"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"1"), ok(b"2"), ok(b"3")),
        via="variables",
    ),
    Row(
        "addresses: of one request, not of the next",
        (get("/", "X-Src: 192.0.2.7"), Do.REPLY, get("/"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"1"), ok(b"2")),
        via="addresses",
    ),
    *(Row(f"hints {path}", get(path), (ok(),), via="hints") for path in ("/hint/app", "/hint/more", "/none")),
    Row(
        "hints: beside the server's own",
        get("/hint/more"),
        (then(b"HTTP/1.1 103 Early Hints\r\nX-Own: 1\r\n\r\n", Do.CUT, ok()),),
        via="hints",
    ),
    Row("hinted: rules side by side make one reply", get("/"), (ok(),), via="hinted"),
    Row("hints: not to HTTP/1.0", request("GET /hint/app HTTP/1.0"), (ok(),), via="hints"),
    Row("values: a blank", get("/", "X-In: 1%202"), (ok(),), via="values"),
    Row("values: a high byte", get("/", "X-In: %ff%c3%a4"), (ok(),), via="values"),
)
