"""The texts of errors and how users replace them: errorfile, errorfiles, http-errors, http-error, errorloc."""

from __future__ import annotations

from tests.oracle.configs import REFUSED, SERVER, Topic, lines
from tests.oracle.row import Differ, Row, at_head, get, ok, request, response
from tests.peers.script import Do

_HOST = "Host: lb.example"
_DENY = "http-request deny deny_status %d if { path /%d }"
_DENIES = tuple(
    _DENY % (status, status) for status in (400, 401, 403, 404, 405, 408, 410, 413, 425, 429, 500, 501, 502, 503, 504)
)

TOPIC = Topic(
    "errors",
    "http",
    {
        "builtin": (*_DENIES, "http-request return status 200 default-errorfiles if { path /200 }", SERVER),
        "files": (
            "errorfile 403 e403.http",
            "errorfile 400 e400.http",
            "errorfile 502 e502.http",
            "errorfile 404 long.http",
            *_DENIES,
            SERVER,
        ),
        "sections": ("errorfiles site", *_DENIES, SERVER),
        "some": ("errorfiles site 403 404", *_DENIES, SERVER),
        "later": ("errorfiles site", "errorfile 403 e403.http", *_DENIES, SERVER),
        "loc302": ("errorloc 403 http://errors.example/403", "errorloc302 404 /not-found", *_DENIES, SERVER),
        "loc303": ("errorloc303 403 http://errors.example/403", "errorloc303 502 /bad", *_DENIES, SERVER),
        "replies": (
            *lines("""
            http-error status 400 content-type text/plain string "bad, bad"
            http-error status 403 content-type application/json lf-string '{"path":"%[path,json]","src":"%[src]"}' hdr x-id "%[req.hdr(x-id)]"
            http-error status 404 errorfile e404.http
            http-error status 429 content-type text/html file page.html hdr retry-after 5
            http-error status 500 errorfiles site
            http-error status 502 default-errorfiles
            http-error status 503 hdr x-empty yes
            http-error status 504 content-type text/plain lf-file page.lf
        """),  # noqa: E501
            *_DENIES,
            SERVER,
        ),
        "inbackend": ("errorfile 503 e403.http", "default_backend errors_own"),
        "outside": ("errorfile 503 e403.http", "default_backend errors_none"),
        "unreachable": ("retries 0", "errorfile 503 e403.http", REFUSED),
        "slow": ("timeout http-request 80ms", "errorfile 408 e400.http", SERVER),
        "slowserver": ("timeout server 80ms", "http-error status 504 content-type text/plain string late", SERVER),
        "quiet": ("errorfile 400 /dev/null", "errorfile 408 /dev/null", "timeout http-request 80ms", SERVER),
        "both": (
            "errorfile 403 e403.http",
            "http-request deny errorfile e404.http if { path /own }",
            *_DENIES,
            "http-after-response set-header x-after yes",
            SERVER,
        ),
        "monitor": (
            "monitor-uri /alive",
            "errorfile 200 e200.http",
            "monitor fail if { hdr(x-fail) 1 }",
            "errorfile 503 e403.http",
            SERVER,
        ),
    },
    logs=True,
    sections="""
        http-errors site
            errorfile 400 e400.http
            errorfile 403 e403.http
            errorfile 404 e404.http
            errorfile 500 long.http

        backend errors_own
            errorfile 503 e404.http

        backend errors_none
    """,
    files={
        "e200.http": "HTTP/1.0 200 Fine\r\nContent-Length: 5\r\n\r\nalive",
        "e400.http": "HTTP/1.0 400 Bad\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nyours is bad\n",
        "e403.http": "HTTP/1.1 403 Forbidden here\r\nContent-Type: text/html\r\nX-Own: Yes\r\n\r\n<h1>no</h1>\n",
        "e404.http": "HTTP/1.1 404 Nothing\r\nContent-Length: 7\r\nCache-Control: no-store\r\n\r\nnothing",
        "e502.http": "HTTP/1.1 599 Odd\r\n\r\n",
        "long.http": "HTTP/1.1 404 Long\r\nContent-Type: text/plain\r\n\r\n" + "0123456789" * 300,
        "page.html": "<p>%[path]</p>\n",
        "page.lf": "%[src] waited for %[be_name]\n",
    },
)

_STATUSES: dict[str, tuple[int, ...]] = {
    "builtin": (400, 401, 403, 404, 405, 408, 410, 413, 425, 429, 500, 501, 502, 503, 504, 200),
    "files": (403, 400, 502, 404, 500),
    "sections": (400, 403, 404, 500, 503),
    "some": (400, 403, 404, 500),
    "later": (403, 404),
    "loc302": (403, 404, 500),
    "loc303": (403, 404, 502),
    "replies": (400, 403, 404, 429, 500, 502, 503, 504, 410),
    "both": (403,),
}
_TYPOS = Differ("2.8", "the same text without the typing errors of 2.6")
_BAD = b"GET / HTTP/1.1\r\nbad header: x\r\n\r\n"

ROWS = (
    *(
        Row(f"{via} {status}", get(f"/{status}"), via=via, differ=_TYPOS if status in (405, 501) else None)
        for via, statuses in _STATUSES.items()
        for status in statuses
    ),
    *(
        Row(f"{via}: what the parser refuses", _BAD, via=via)
        for via in ("files", "sections", "replies", "both", "loc302")
    ),
    *(
        Row(f"{via}: the server closes", get("/"), (at_head(Do.CLOSE),), via=via)
        for via in ("files", "replies", "loc303", "builtin")
    ),
    *(
        Row(f"{via}: to HEAD", (request(f"HEAD {path} HTTP/1.1", _HOST), Do.HEAD_REPLY, Do.SHUT, Do.END), via=via)
        for via, path in (("files", "/403"), ("loc302", "/403"), ("replies", "/403"))
    ),
    *(
        Row(f"{via}: to HTTP/1.0", request(f"GET {path} HTTP/1.0"), via=via)
        for via, path in (("files", "/403"), ("loc303", "/403"), ("replies", "/403"))
    ),
    *(
        Row(
            f"{via}: the connection stays",
            (get(path), Do.REPLY, get("/"), Do.REPLY, Do.SHUT, Do.END),
            (ok(),),
            via=via,
            lines=2,
        )
        for via, path in (("sections", "/404"), ("loc302", "/403"), ("replies", "/403"))
    ),
    Row("loc302: to a POST", request("POST /403 HTTP/1.1", _HOST, "Content-Length: 3", body=b"abc"), via="loc302"),
    Row("loc303: to a POST", request("POST /403 HTTP/1.1", _HOST, "Content-Length: 3", body=b"abc"), via="loc303"),
    Row("replies: with a header of the request", get("/403", "X-Id: 17"), via="replies"),
    Row(
        "files: an error of the server is its own", get("/"), (response("403 Mine", "Content-Length: 0"),), via="files"
    ),
    Row("inbackend: the backend's own", get("/"), via="inbackend"),
    Row("outside: the frontend's for a backend without", get("/"), via="outside"),
    Row("unreachable", get("/"), via="unreachable"),
    Row("slow: half a head", (b"GET / HTTP/1.1\r\n", Do.END), via="slow"),
    Row("slow: nothing", (Do.END,), via="slow"),
    Row("slowserver", get("/"), (at_head(Do.END),), via="slowserver"),
    Row("quiet: half a head", (b"GET / HTTP/1.1\r\n", Do.END), via="quiet"),
    Row("both: a file of its own", get("/own"), via="both"),
    Row("monitor: alive", get("/alive"), via="monitor", lines=0),
    Row("monitor: failing", get("/alive", "X-Fail: 1"), via="monitor", lines=0),
    Row("monitor: elsewhere", get("/alive/x"), (ok(),), via="monitor"),
    Row(
        "monitor: the connection stays",
        (get("/alive"), Do.REPLY, get("/alive"), Do.REPLY, get("/"), Do.REPLY, Do.SHUT, Do.END),
        (ok(),),
        via="monitor",
    ),
)
