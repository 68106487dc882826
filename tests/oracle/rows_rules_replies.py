"""Replies that rules give in a server's place: deny, tarpit, return, redirect, auth, reject."""

from __future__ import annotations

from base64 import b64encode

from tests.oracle.configs import Topic, lines, served
from tests.oracle.row import Differ, Row, get, ok, request
from tests.peers.script import Do

_HOST = "Host: lb.example"

TOPIC = Topic(
    "replies",
    "http",
    {
        "deny": served("""
            http-request deny if { path /plain }
            http-request deny deny_status 429 if { path /429 }
            http-request deny status 404 if { path /404 }
            http-request deny deny_status 500 if { path /500 }
            http-request deny status 418 if { path /418 }
            http-request deny status 401 if { path /401 }
            http-request deny status 407 if { path /407 }
            http-request deny content-type text/plain string "no way" if { path /string }
            http-request deny status 410 content-type text/plain lf-string "no %[path] with %[req.hdr(x-a)]\\n" if { path_dir lf }
            http-request deny status 403 content-type text/html file page.html if { path /file }
            http-request deny status 400 content-type "text/x; charset=a" lf-file page.lf if { path /lf-file }
            http-request deny errorfile raw.http if { path /errorfile }
            http-request deny status 404 errorfiles pages if { path /errorfiles }
            http-request deny status 500 errorfiles pages if { path /errorfiles-none }
            http-request deny status 503 default-errorfiles if { path /default }
            http-request deny hdr x-why "of %[path]" hdr x-other fixed if { path /hdr }
            http-request deny content-type text/plain string "with header" hdr x-why "%[method,lower]" if { path /both }
            http-request deny unless { path_beg / }
        """),  # noqa: E501
        "tarpit": served("""
            timeout tarpit 60ms
            http-request tarpit if { path /plain }
            http-request tarpit deny_status 429 if { path /429 }
            http-request tarpit status 403 content-type text/plain string "so late" hdr x-late yes if { path /string }
        """),
        "return": served("""
            http-request return if { path /empty }
            http-request return status 204 if { path /204 }
            http-request return status 200 content-type text/plain string "hello there" if { path /string }
            http-request return content-type application/json lf-string '{"path":"%[path,json]","n":%[int(2),mul(21)]}' if { path_dir lf }
            http-request return content-type text/html file page.html if { path /file }
            http-request return status 201 content-type text/plain lf-file page.lf if { path /lf-file }
            http-request return errorfile raw.http if { path /errorfile }
            http-request return status 404 errorfiles pages if { path /errorfiles }
            http-request return status 502 default-errorfiles if { path /default }
            http-request return status 503 if { path /503 }
            http-request return status 200 hdr x-a "1 2" hdr x-a 3 hdr cache-control no-store if { path /hdr }
            http-request return status 299 content-type text/plain string "odd" if { path /299 }
            http-request return status 404 content-type text/plain string "empty: '%[path]'" if { path /not-lf }
            http-request return content-type text/plain lf-string "%[req.hdr(x-none)]" if { path /nothing }
        """),  # noqa: E501
        "redirect": served("""
            http-request redirect location /there if { path /location }
            http-request redirect code 301 location http://other.example/x if { path /301 }
            http-request redirect location /x code 303 if { path /303 }
            http-request redirect location /x code 307 if { path /307 }
            http-request redirect location /x code 308 if { path /308 }
            http-request redirect prefix https://p.example if { path_beg /prefix }
            http-request redirect prefix https://p.example drop-query if { path_beg /drop }
            http-request redirect prefix / drop-query if { path /bare }
            http-request redirect prefix https://p.example drop-query append-slash if { path_beg /slash }
            http-request redirect scheme https if { path_beg /scheme }
            http-request redirect scheme https code 301 if { path_beg /moved }
            http-request redirect location /x set-cookie SEEN=1 if { path /set-cookie }
            http-request redirect location /x clear-cookie USER= if { path /clear-cookie }
            http-request redirect location /x set-cookie A if { path /odd-cookie }
            http-request redirect location http://%[req.hdr(host)]/new%[path]?q=%[query] if { path_beg /format }
            http-request redirect location %[req.hdr(x-to)] if { path /empty }
            http-request redirect location %[req.hdr(x-to)] ignore-empty if { path /ignore }
            http-request redirect prefix https://%[hdr(host),regsub(^lb,www)] code 302 if { path_beg /fmt-prefix }
        """),
        "oldredirect": served("""
            acl secure hdr(x-proto) https
            redirect scheme https if !secure { path_beg /secure }
            redirect location /gone code 301 if { path /old }
            redirect prefix /new drop-query append-slash set-cookie X=Y unless { path_beg /new /secure }
        """),
        "auth": served("""
            http-request auth unless { http_auth(people) }
        """),
        "realm": served("""
            acl admins http_auth_group(people) admins
            http-request auth realm "The Office" if { path_beg /admin } !admins
            http-request auth realm Other%20Realm if { path_beg /other } !{ http_auth(people) }
            http-request deny if { path /alice } !{ http_auth_user alice }
            http-request deny if { path /basic } !{ http_auth_type Basic }
            http-request set-header x-user "%[http_auth_user]:%[http_auth_pass]" if { path /show }
        """),
        "reject": served("""
            http-request reject if { path /reject }
        """),
        "order": served("""
            http-request allow if { path /allowed }
            http-request deny if { path /allowed } or { path /denied }
            http-request set-var(txn.seen) str(one)
            http-request return status 200 content-type text/plain lf-string "%[var(txn.seen)]%[var(txn.unseen)]" if { path /var }
            http-request set-var(txn.unseen) str(two)
            http-request redirect location /first if { path /twice }
            http-request redirect location /second if { path /twice }
            http-request deny status 405 unless { method GET }
        """),  # noqa: E501
        "inbackend": lines("""
            http-request set-header x-from frontend
            use_backend denies if { path /denies }
            use_backend redirects if { path /redirects }
            use_backend returns if { path /returns }
            default_backend works
        """),
        "monitored": served("""
            monitor-uri /health
            monitor fail if { nbsrv(dead) lt 1 } { hdr(x-strict) 1 }
            http-request deny
        """),
    },
    logs=True,
    sections="""
        http-errors pages
            errorfile 404 missing.http
            errorfile 403 raw.http

        userlist people
            group admins users alice
            group staff users bob,carol
            user alice insecure-password open:sesame
            user bob password $5$lbcore$R6441/4VK6qjN7IhXOhZr7e06UCfgJeUsRJsKpJwIeC
            user carol insecure-password "with space" groups admins

        backend denies
            http-request deny status 403 content-type text/plain lf-string "%b says %ST to %f\\n"

        backend redirects
            redirect prefix /again code 307

        backend returns
            http-request return status 200 content-type text/plain lf-string "%[be_name] %[fe_name] %[req.hdr(x-from)]"

        backend works
            server s1 "127.0.0.1:${BE}"

        backend dead
            server s1 "127.0.0.1:${BE}" disabled
    """,
    files={
        "page.html": "<p>page</p>\n",
        "page.lf": "method %[method]\npath %[path]\n100%%\n",
        "raw.http": "HTTP/1.0 418 Teapot\r\nX-Raw: Yes\r\nContent-Type: text/plain\r\n\r\nshort and stout\n",
        "missing.http": "HTTP/1.1 404 Gone Missing\r\ncontent-length: 7\r\n\r\nmissing",
    },
)


def _basic(user: str, password: str, header: str = "Authorization") -> str:
    return f"{header}: Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


_ALL = {
    "deny": (
        *("plain", "429", "404", "500", "418", "401", "407", "string", "lf", "lf/x%20y", "file", "lf-file"),
        *("errorfile", "errorfiles", "errorfiles-none", "default", "hdr", "both", "let/through"),
    ),
    "tarpit": ("plain", "429", "string", "let/through"),
    "return": (
        *("empty", "204", "string", "lf", 'lf/"quoted"', "file", "lf-file", "errorfile", "errorfiles", "default"),
        *("503", "hdr", "299", "not-lf", "nothing", "let/through"),
    ),
    "redirect": (
        *("location", "301", "303", "307", "308", "prefix", "prefix/a?b=c", "drop?b=c", "bare?b=c"),
        *("slash", "slash/", "slash?b=c", "scheme?b=c", "scheme", "moved/a?b=c", "set-cookie", "clear-cookie"),
        *("odd-cookie", "format?x=1&y=2", "empty", "ignore", "fmt-prefix/a?b=c", "let/through"),
    ),
    "oldredirect": ("secure/a?b=c", "old", "older?b=c", "new"),
    "reject": ("reject", "let/through"),
    "order": ("allowed", "denied", "var", "twice", "last"),
    "inbackend": ("denies", "redirects?x=1", "returns", "works"),
    "monitored": ("health", "health?x=1", "health/x"),
}
_THROUGH = {"let/through", "allowed", "last", "new", "works"}
_TARPIT = Differ("2.6", "manual 8.5: a tarpitted request ends with PT")

ROWS = (
    *(
        Row(
            f"{via} /{path}",
            get(f"/{path}"),
            (ok(),) if path in _THROUGH or (via, path) == ("redirect", "ignore") else (),
            via=via,
            differ=_TARPIT if via == "tarpit" and path not in _THROUGH else None,
            lines=0 if (via, path) == ("monitored", "health") else 1,
        )
        for via, paths in _ALL.items()
        for path in paths
    ),
    # what the client said and did before
    *(
        Row(
            f"{via}: the connection stays",
            (get(path), Do.REPLY, get(path), Do.REPLY, get("/let/through"), Do.REPLY, Do.SHUT, Do.END),
            (ok(),),
            via=via,
            lines=3,
        )
        for via, path in (("deny", "/string"), ("return", "/string"), ("redirect", "/location"))
    ),
    *(
        Row(f"{via}: pipelined", get(path) + get("/let/through"), (ok(),), via=via, lines=2)
        for via, path in (("return", "/string"), ("redirect", "/location"))
    ),
    *(
        Row(f"{via} to HTTP/1.0", request(f"GET {path} HTTP/1.0"), via=via)
        for via, path in (("deny", "/plain"), ("return", "/string"), ("redirect", "/location"))
    ),
    *(
        Row(f"{via} to a request with close", get(path, "Connection: close"), via=via)
        for via, path in (("deny", "/plain"), ("return", "/string"), ("redirect", "/location"))
    ),
    *(
        Row(f"{via} {path} to HEAD", (request(f"HEAD {path} HTTP/1.1", _HOST), Do.HEAD_REPLY, Do.SHUT, Do.END), via=via)
        for via, path in (("deny", "/string"), ("return", "/file"), ("redirect", "/location"), ("deny", "/errorfile"))
    ),
    *(
        Row(
            f"{via} to a POST",
            request(f"POST {path} HTTP/1.1", _HOST, "Content-Length: 5", body=b"hello"),
            via=via,
        )
        for via, path in (("deny", "/plain"), ("return", "/string"), ("redirect", "/location"), ("auth", "/"))
    ),
    Row("tarpit to HTTP/1.0", request("GET /plain HTTP/1.0"), via="tarpit", differ=_TARPIT),
    Row("redirect: scheme keeps the port of Host", get("/scheme/x", host="lb.example:8080"), via="redirect"),
    Row("redirect: scheme without Host", request("GET /scheme HTTP/1.0"), via="redirect"),
    Row("redirect: of an absolute target", request("GET http://lb.example/scheme?q HTTP/1.1", _HOST), via="redirect"),
    Row(
        "redirect: prefix of an absolute target",
        request("GET http://lb.example/prefix?q HTTP/1.1", _HOST),
        via="redirect",
    ),
    Row("redirect: expression with a value", get("/empty", "X-To: /to here"), via="redirect"),
    Row("redirect: ignore-empty with a value", get("/ignore", "X-To: /somewhere"), via="redirect"),
    Row("deny: format with a header", get("/lf", "X-A: b c"), via="deny"),
    Row("oldredirect: the condition holds", get("/secure", "X-Proto: https"), (ok(),), via="oldredirect"),
    Row(
        "reject: the second request of a connection",
        (get("/1"), Do.REPLY, get("/reject"), Do.END),
        (ok(),),
        via="reject",
        lines=2,
    ),
    Row("order: by method", request("PUT /last HTTP/1.1", _HOST, "Content-Length: 0"), via="order"),
    Row(
        "monitored: HEAD is no check",
        (request("HEAD /health HTTP/1.1", _HOST), Do.HEAD_REPLY, Do.SHUT, Do.END),
        via="monitored",
        lines=0,
    ),
    Row("monitored: failing", get("/health", "X-Strict: 1"), via="monitored", lines=0),
    # auth
    Row("auth: nobody", get("/"), via="auth"),
    Row("auth: plain password", get("/", _basic("alice", "open:sesame")), (ok(),), via="auth"),
    Row("auth: crypted password", get("/", _basic("bob", "builder")), (ok(),), via="auth"),
    Row("auth: password with a blank", get("/", _basic("carol", "with space")), (ok(),), via="auth"),
    Row("auth: wrong password", get("/", _basic("alice", "open")), via="auth"),
    Row("auth: wrong crypted password", get("/", _basic("bob", "Builder")), via="auth"),
    Row("auth: unknown user", get("/", _basic("mallory", "x")), via="auth"),
    Row("auth: no colon", get("/", "Authorization: Basic YWxpY2U="), via="auth"),
    Row("auth: no base64", get("/", "Authorization: Basic ???"), via="auth"),
    Row("auth: another scheme", get("/", "Authorization: Bearer abc"), via="auth"),
    Row(
        "auth: scheme in another case",
        get("/", _basic("alice", "open:sesame").replace("Basic", "BASIC")),
        (ok(),),
        via="auth",
    ),
    Row(
        "auth: asked, then given",
        (get("/"), Do.REPLY, get("/", _basic("alice", "open:sesame")), Do.REPLY, Do.SHUT, Do.END),
        (ok(),),
        via="auth",
        lines=2,
    ),
    Row("realm: a group's member", get("/admin", _basic("carol", "with space")), (ok(),), via="realm"),
    Row("realm: in another group", get("/admin", _basic("bob", "builder")), via="realm"),
    Row("realm: nobody", get("/admin"), via="realm"),
    Row("realm: written with percent signs", get("/other"), via="realm"),
    Row("realm: http_auth_user", get("/alice", _basic("alice", "whatever")), (ok(),), via="realm"),
    Row("realm: http_auth_user of another", get("/alice", _basic("bob", "whatever")), via="realm"),
    Row("realm: http_auth_type", get("/basic", "Authorization: Bearer x"), via="realm"),
    Row("realm: user and password shown", get("/show", _basic("alice", "a:b")), (ok(),), via="realm"),
)
