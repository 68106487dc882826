"""Cookies that tell the server: every mode of `cookie`, what the client gets, what the server sees, what is logged."""

from __future__ import annotations

from tests.oracle.configs import Topic, lines
from tests.oracle.row import Departure, Row, get, ok, request, response
from tests.oracle.texts import FORBIDDEN, logged
from tests.peers.script import Do

# Whoever has no cookie goes to the first, since the others have no weight; a cookie leads to each of them.
_SERVERS = lines("""
    server one "127.0.0.1:${BE}" cookie a
    server two "127.0.0.1:${BE}" cookie b weight 0
    server away "127.0.0.1:${BE}" cookie c disabled
    server bare "127.0.0.1:${BE}" weight 0
""")

TOPIC = Topic(
    "cookies",
    "http",
    {
        "insert": ("cookie SRV insert", *_SERVERS),
        "indirect": ("cookie SRV insert indirect", *_SERVERS),
        "nocache": ("cookie SRV insert indirect nocache", *_SERVERS),
        "preserve": ("cookie SRV insert indirect preserve nocache", *_SERVERS),
        "postonly": ("cookie SRV insert postonly", *_SERVERS),
        "marked": ("cookie SRV insert httponly secure", *_SERVERS),
        "domain": ("cookie SRV insert domain a.example domain .b.example", *_SERVERS),
        "attributes": ('cookie SRV insert attr "SameSite=Lax" attr Priority=High', *_SERVERS),
        "maxidle": ("cookie SRV insert indirect maxidle 1h", *_SERVERS),
        "maxlife": ("cookie SRV insert indirect maxlife 1h", *_SERVERS),
        "both": ("cookie SRV insert indirect nocache maxidle 30m maxlife 8h domain x.example", *_SERVERS),
        "rewrite": ("cookie SRV rewrite", *_SERVERS),
        "rewritenocache": ("cookie SRV rewrite nocache", *_SERVERS),
        "prefix": ("cookie SID prefix", *_SERVERS),
        "prefixnocache": ("cookie SID prefix nocache", *_SERVERS),
        "passive": ("cookie SRV", *_SERVERS),
        "persist": ("option persist", "no option redispatch", "retries 0", "cookie SRV insert indirect", *_SERVERS),
        "dynamic": lines("""
            cookie SRV insert indirect dynamic
            dynamic-cookie-key secret
            server one "127.0.0.1:${BE}"
            server named "127.0.0.1:${BE}" cookie given weight 0
        """),
        "denied": ("http-request deny if { path /deny }", "cookie SRV insert", *_SERVERS),
        "behind": ("cookie SRV insert indirect", "default_backend cookies_behind"),
        "chosen": (
            *lines("""
            use-server two if { path /two }
            cookie SRV insert indirect
        """),
            *_SERVERS,
        ),
    },
    logs=True,
    sections="""
        backend cookies_behind
            cookie BEHIND insert indirect httponly
            server one "127.0.0.1:${BE}" cookie b1
    """,
)


def _cookie(text: str) -> bytes:
    return get("/", f"Cookie: {text}")


def _dated(value: str, *dates: int) -> bytes:
    """A cookie with the dates that maxidle and maxlife append, in seconds since 1970."""
    return _cookie("SRV=" + "|".join([value, *(_base64(date) for date in dates)]))


def _base64(date: int) -> str:
    """Five characters of base64 hold the 30 bits."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return "".join(digits[date >> shift & 63] for shift in (24, 18, 12, 6, 0))


_SENT: dict[str, bytes] = {
    "no cookie": get("/"),
    "another cookie": _cookie("a=b; c=d"),
    "the first server's": _cookie("SRV=a"),
    "the second server's": _cookie("SRV=b"),
    "among others": _cookie("a=b; SRV=b; c=d"),
    "last of others": _cookie("a=b;SRV=b"),
    "unknown": _cookie("SRV=zzz"),
    "a server that is down": _cookie("SRV=c"),
    "twice": _cookie("SRV=zzz; SRV=b"),
    "twice, the first is good": _cookie("SRV=b; SRV=zzz"),
    "twice, both are good": _cookie("SRV=b; SRV=a"),
    "a second header": get("/", "Cookie: a=b", "Cookie: SRV=b"),
    "quoted": _cookie('SRV="b"'),
    "with blanks": _cookie("a=b ;  SRV = b ; c=d"),
    "empty": _cookie("SRV="),
    "of a longer name": _cookie("XSRV=b; SRVX=b"),
}
_SOME = ("no cookie", "the second server's", "unknown")
_NEW = rb"(?<=[|])[A-Za-z0-9+/]{5}(?=[|;])"
_OLD = 1_000_000_000
_SET = ok(b"x", "Set-Cookie: SRV=mine; path=/app; HttpOnly", "Set-Cookie: other=1")
_SETS = ok(b"x", "Set-Cookie: a=1, SRV=mine; path=/")
_SID = ok(b"x", "Set-Cookie: SID=session1; path=/")

ROWS = (
    *(Row(f"{via}: {name}", sent, (ok(),), via=via) for via in ("insert", "indirect") for name, sent in _SENT.items()),
    *(
        Row(f"{via}: {name}", _SENT[name], (ok(b"x", "Cache-Control: max-age=5"),), via=via)
        for via in ("nocache", "marked", "domain", "attributes", "rewrite", "passive", "persist", "behind")
        for name in _SOME
    ),
    *(
        Row(f"{via}: {name}", _SENT[name], (ok(),), via=via, varies=_NEW)
        for via in ("maxidle", "maxlife", "both")
        for name in _SOME
    ),
    *(
        Row(f"{via}: {name}", sent, (ok(),), via=via, varies=_NEW)
        for via in ("maxidle", "maxlife", "both")
        for name, sent in (
            ("too old", _dated("b", _OLD, _OLD)),
            ("idle too long", _dated("b", _OLD)),
            ("not a date", _cookie("SRV=b|???")),
            ("a bar and nothing", _cookie("SRV=b|")),
        )
    ),
    # what the server sets itself
    *(
        Row(f"{via}: the server sets it, {name}", sent, (reply,), via=via)
        for via in ("insert", "indirect", "preserve", "rewrite", "rewritenocache", "passive", "nocache")
        for name, sent, reply in (
            ("no cookie came", get("/"), _SET),
            ("a cookie came", _cookie("SRV=b"), _SET),
        )
    ),
    Row("preserve: the server sets none", get("/"), (ok(),), via="preserve"),
    Row(
        "preserve: the server deletes it", _cookie("SRV=b"), (ok(b"x", "Set-Cookie: SRV=; Max-Age=0"),), via="preserve"
    ),
    Row("rewrite: several in one header", get("/"), (_SETS,), via="rewrite"),
    Row("rewrite: quoted", get("/"), (ok(b"x", 'Set-Cookie: SRV="mine"; path=/'),), via="rewrite"),
    Row("rewrite: no value", get("/"), (ok(b"x", "Set-Cookie: SRV=; path=/"),), via="rewrite"),
    # prefix
    Row("prefix: the server sets it", get("/"), (_SID,), via="prefix"),
    Row("prefix: it comes back", _cookie("SID=a~session1"), (_SID,), via="prefix"),
    Row("prefix: to the second server", _cookie("x=y; SID=b~session1; z=1"), (ok(),), via="prefix"),
    Row("prefix: none in it", _cookie("SID=session1"), (ok(),), via="prefix"),
    Row("prefix: of an unknown server", _cookie("SID=zzz~session1"), (ok(),), via="prefix"),
    Row("prefix: of a server that is down", _cookie("SID=c~session1"), (_SID,), via="prefix"),
    Row("prefix: nothing behind it", _cookie("SID=b~"), (ok(),), via="prefix"),
    Row("prefix: no cache", get("/"), (_SID,), via="prefixnocache"),
    # when
    Row("postonly: a GET", get("/"), (ok(),), via="postonly"),
    Row(
        "postonly: a POST", request("POST / HTTP/1.1", "Host: lb.example", "Content-Length: 0"), (ok(),), via="postonly"
    ),
    Row("postonly: a GET with a cookie", _cookie("SRV=b"), (ok(),), via="postonly"),
    Row("persist: asked though it is down", _cookie("SRV=c"), (ok(),), via="persist"),
    Row("insert: it is down and another takes it", _cookie("SRV=c; a=b"), (ok(),), via="insert"),
    Row("dynamic: inserted", get("/"), (ok(),), via="dynamic", varies=rb"(?<=SRV=)[0-9a-f]{16}(?=;)"),
    Row("dynamic: a given one", _cookie("SRV=given"), (ok(),), via="dynamic"),
    Row("denied: none is set", get("/deny"), via="denied"),
    Row(
        "denied: with a server's cookie",
        get("/deny", "Cookie: SRV=b"),
        via="denied",
        departs=Departure(
            "manual 8.2.3: the server's name is that of the one to which the request was sent: none",
            FORBIDDEN,
            logs=(logged('denied denied/<NOSRV> T/-1/-1/-1/T 403 B - - PRVN 1/1/0/0/0 0/0 "GET /deny HTTP/1.1"'),),
        ),
    ),
    Row("behind: the backend's own name", _cookie("BEHIND=b1; SRV=a"), (ok(),), via="behind"),
    Row("chosen: use-server without a cookie", get("/two"), (ok(),), via="chosen"),
    Row("chosen: use-server goes before the cookie", get("/two", "Cookie: SRV=a"), (ok(),), via="chosen"),
    Row(
        "indirect: set once in a connection",
        (get("/"), Do.REPLY, _cookie("SRV=a"), Do.REPLY, _cookie("SRV=b"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"1"), ok(b"2"), ok(b"3")),
        via="indirect",
    ),
    Row("insert: on a 404", get("/"), (response("404 No", "Content-Length: 0"),), via="insert"),
    Row("insert: on a 304", get("/"), (response("304 Not Modified"),), via="insert"),
    Row("insert: HTTP/1.0", request("GET / HTTP/1.0"), (ok(),), via="insert"),
)
