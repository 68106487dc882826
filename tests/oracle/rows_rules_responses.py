"""Rules that look at responses and change them: http-response, http-after-response, tcp-response."""

from __future__ import annotations

from tests.oracle.configs import REFUSED, SERVER, Topic, lines, served
from tests.oracle.row import Departure, Row, at_head, chunks, get, ok, request, response, then
from tests.oracle.texts import BAD_GATEWAY, STOPPED, logged
from tests.peers.script import Do

_HOST = "Host: lb.example"

TOPIC = Topic(
    "responses",
    "http",
    {
        "headers": served("""
            http-response set-header X-Set "%[status] %[res.hdr(server)]"
            http-response add-header x-add "%[srv_name] %[be_name] %s"
            http-response del-header server
            http-response del-header ^x-[0-9]+$ -m reg
            http-response replace-header set-cookie (C=[^;]*);(.*) \\1;ip=%fi;\\2
            http-response replace-value cache-control ^public$ private
            http-response set-header x-path "%[capture.req.uri] %[capture.req.method] %[capture.req.ver]"
        """),
        "status": served("""
            http-response set-status 431
            http-response set-status 503 reason "Slow Down" if { res.hdr(x-status) 503 }
            http-response set-status 299 if { status 206 }
        """),
        "conditions": served("""
            acl fine status 200:299
            acl json res.hdr(content-type) -m beg application/json
            acl big res.hdr_val(content-length) gt 10
            acl cookie res.cook(sid) -m found
            acl gotten var(txn.m) -m str GET
            http-request set-var(txn.m) method
            http-request set-var(req.gone) str(gone)
            http-response set-header x-fine yes if fine
            http-response set-header x-json yes if json or { res.hdr(x-json) 1 }
            http-response set-header x-big "%[res.hdr(content-length)]" if big
            http-response set-header x-sid "%[res.cook(sid)]" if cookie
            http-response set-header x-method "%[var(txn.m)]%[var(req.gone)]" if gotten
            http-response set-header x-ver "%[res.ver] %[res.hdr_cnt(x-list)] %[res.fhdr(x-list)]" unless fine
        """),
        "stops": served("""
            http-response deny if { res.hdr(x-do) deny }
            http-response deny deny_status 500 if { res.hdr(x-do) deny500 }
            http-response deny status 403 content-type text/plain lf-string "%[res.ver]" if { res.hdr(x-do) denystring }
            http-response return status 200 content-type text/plain string "instead" if { res.hdr(x-do) return }
            http-response return status 404 hdr x-was fixed if { res.hdr(x-do) returnhdr }
            http-response redirect location /elsewhere if { res.hdr(x-do) redirect }
            http-response redirect code 303 location "%[res.hdr(x-to)]" if { res.hdr(x-do) redirect303 }
            http-response allow if { res.hdr(x-do) allow }
            http-response set-header x-passed yes
        """),
        "after": served("""
            http-request deny if { path /deny }
            http-request return status 200 content-type text/plain string hello if { path /return }
            http-request redirect location /x if { path /redirect }
            http-request set-var(txn.seen) str(yes)
            http-response set-header x-response yes
            http-after-response set-header x-after "%[status] %[capture.req.uri] %[var(txn.seen)]"
            http-after-response add-header x-after second
            http-after-response del-header cache-control
            http-after-response replace-value content-type text (\\0)
            http-after-response set-status 299 if { status 404 }
            http-after-response allow if { res.hdr(x-allow) -m found }
            http-after-response set-var(txn.late) int(5)
            http-after-response set-header x-late "%[var(txn.late)]" unless { status 302 }
            http-after-response unset-var(txn.late)
            http-after-response set-header x-unset "%[var(txn.late)]"
        """),
        "aftererror": ("retries 0", 'http-after-response set-header x-error "%[status]"', REFUSED),
        "afterauth": served("""
            http-request auth
            http-after-response replace-header www-authenticate Basic(.*) Digest\\1
        """),
        "strict": served("""
            http-request set-var(txn.long) req.hdr(x-long)
            http-response set-header x-long "%[var(txn.long)]%[var(txn.long)]"
            http-response set-header x-behind yes
        """),
        "lax": served("""
            http-request set-var(txn.long) req.hdr(x-long)
            http-response strict-mode off
            http-response set-header x-long "%[var(txn.long)]%[var(txn.long)]"
            http-response set-header x-behind yes
        """),
        "inspected": served("""
            tcp-response inspect-delay 2s
            tcp-response content accept if { res.hdr(x-accept) -m found }
            tcp-response content set-var(txn.tcp) str(tcp)
            tcp-response content reject if { res.hdr(x-reject) 1 }
            http-response set-header x-tcp "%[var(txn.tcp)]"
        """),
        "undelayed": served("""
            tcp-response content reject if { res.hdr(x-reject) 1 }
            tcp-response content set-var(txn.tcp) str(tcp)
            http-response set-header x-tcp "%[var(txn.tcp)]"
        """),
        "both": lines("""
            http-response set-header x-order frontend
            http-response add-header x-list frontend
            http-after-response add-header x-after frontend
            default_backend behind
        """),
        "denies": lines("""
            http-response set-header x-order frontend
            http-after-response add-header x-after frontend
            default_backend refusing
        """),
        "checked": lines("""
            option checkcache
            cookie SRV insert
            server s1 "127.0.0.1:${BE}" cookie a
        """),
        "restricted": ("option http-restrict-req-hdr-names reject", SERVER),
        "cleaned": ("option http-restrict-req-hdr-names delete", SERVER),
        "preserved": ("option http-restrict-req-hdr-names preserve", SERVER),
    },
    logs=True,
    sections="""
        backend behind
            http-response set-header x-order backend
            http-response add-header x-list backend
            http-after-response add-header x-after backend
            server s1 "127.0.0.1:${BE}"

        backend refusing
            http-response deny status 502
            http-after-response add-header x-after backend
            server s1 "127.0.0.1:${BE}"
    """,
)

_COOKIE = ok(b"hello", "Set-Cookie: C=1; path=/", "Set-Cookie: D=2; path=/", "Cache-Control: public, max-age=5")
_LONG = get("/", "X-Long: " + "y" * 8150)


# The log lines of a response that option checkcache blocks.
_BLOCKED = (
    b"<129>D lb[N]: Blocking cacheable cookie in response from instance checked, server s1.\n",
    b'<134>D lb[N]: 127.0.0.1:P [D] checked checked/s1 T/T/T/T/T 502 B - - PHNI 1/1/0/0/0 0/0 "GET / HTTP/1.1"\n',
)

ROWS = (
    Row("headers: set, add, del", get("/p?q"), (ok(b"x", "Server: nginx", "X-Set: old", "X-12: 3"),), via="headers"),
    Row("headers: none there", get("/"), (ok(),), via="headers"),
    Row("headers: replaced", get("/"), (_COOKIE,), via="headers"),
    Row(
        "headers: of an interim response",
        get("/"),
        (then(response("103 Early Hints", "Link: </a>", "X-12: 3"), Do.CUT, ok()),),
        via="headers",
    ),
    Row(
        "headers: of a chunked response with trailers",
        get("/"),
        (
            response(
                "200 OK", "Transfer-Encoding: chunked", "Server: x", body=chunks(b"abc", trailers=b"Server: late\r\n")
            ),
        ),
        via="headers",
    ),
    Row(
        "headers: to HEAD",
        (request("HEAD / HTTP/1.1", _HOST), Do.HEAD_REPLY, Do.SHUT, Do.END),
        (response("200 OK", "Content-Length: 5", "Server: x"),),
        via="headers",
    ),
    Row(
        "headers: no length, HTTP/1.0",
        get("/"),
        (then(response("200 OK", "Server: x", version="1.0"), b"to the end", Do.CLOSE),),
        via="headers",
    ),
    Row("headers: an error of ours has none", get("/"), (at_head(Do.CLOSE),), via="headers"),
    Row("status", get("/"), (ok(),), via="status"),
    Row("status: with a reason", get("/"), (ok(b"x", "X-Status: 503"),), via="status"),
    Row(
        "status: a rule sees what the one before has set",
        get("/"),
        (response("206 Partial Content", "Content-Length: 0"),),
        via="status",
    ),
    *(
        Row(f"conditions: {name}", get("/"), (reply,), via="conditions")
        for name, reply in (
            ("200", ok()),
            ("json", ok(b"{}", "Content-Type: application/json; charset=utf-8")),
            ("another header for json", ok(b"{}", "X-JSON: 1")),
            ("big", ok(b"0123456789a")),
            ("cookie", ok(b"x", "Set-Cookie: a=b", "Set-Cookie: sid=s1; path=/; HttpOnly")),
            ("500", response("500 Oops", "Content-Length: 0", "X-List: a, b", "X-List: c")),
            ("HTTP/1.0", response("404 No", "Content-Length: 0", version="1.0")),
            ("304", response("304 Not Modified")),
        )
    ),
    Row(
        "conditions: not GET",
        request("POST / HTTP/1.1", _HOST, "Content-Length: 1", body=b"x"),
        (ok(),),
        via="conditions",
    ),
    *(
        Row(f"stops: {do}", get("/"), (ok(b"body", f"X-Do: {do}", "X-To: /there"),), via="stops", differ=differ)
        for differ, dos in (
            (STOPPED, ("deny", "deny500", "denystring", "return", "returnhdr", "redirect", "redirect303")),
            (None, ("allow", "nothing")),
        )
        for do in dos
    ),
    Row(
        "stops: the connections stay",
        (get("/1"), Do.REPLY, get("/2"), Do.REPLY, get("/3"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"one", "X-Do: return"), ok(b"two", "X-Do: nothing"), ok(b"three", "X-Do: deny")),
        via="stops",
        differ=STOPPED,
    ),
    *(Row(f"after: on our own {path}", get(path), via="after") for path in ("/deny", "/return", "/redirect")),
    Row(
        "after: on a server's",
        get("/x"),
        (ok(b"x", "Cache-Control: no-store", "Content-Type: text/html"),),
        via="after",
    ),
    Row("after: status", get("/x"), (response("404 Gone", "Content-Length: 0"),), via="after"),
    Row("after: allow", get("/x"), (ok(b"x", "X-Allow: 1"),), via="after"),
    Row("after: on 502", get("/x"), (at_head(Do.CLOSE),), via="after"),
    Row("after: not on what the parser refuses", b"GET / HTTP/1.1\r\nbad header: x\r\n\r\n", via="after"),
    Row("aftererror: on 503", get("/x"), via="aftererror"),
    Row("afterauth", get("/x"), via="afterauth"),
    Row("strict: a header that does not fit is 500", _LONG, (ok(),), via="strict", differ=STOPPED),
    Row("strict: what fits", get("/", "X-Long: z"), (ok(),), via="strict"),
    Row("lax: a header that does not fit is left out", _LONG, (ok(),), via="lax"),
    Row("inspected: fine", get("/"), (ok(),), via="inspected"),
    Row(
        "inspected: rejected by a header",
        get("/"),
        (ok(b"x", "X-Reject: 1"),),
        via="inspected",
        departs=Departure(
            "manual 8.2.3: the status and the bytes are those that the client got: none",
            b"",
            (b"GET / HTTP/1.1\r\nhost: lb.example\r\n\r\n",),
            (logged('inspected inspected/s1 T/T/T/T/T -1 0 - - PD-- 1/1/0/0/0 0/0 "GET / HTTP/1.1"'),),
        ),
    ),
    Row("inspected: accepted before", get("/"), (ok(b"x", "X-Accept: 1", "X-Reject: 1"),), via="inspected"),
    Row("undelayed: the response is not there yet", get("/"), (ok(b"x", "X-Reject: 1"),), via="undelayed"),
    Row("both: the backend's rules go first", get("/"), (ok(),), via="both"),
    Row("denies: the frontend's rules are not met", get("/"), (ok(),), via="denies", differ=STOPPED),
    *(
        Row(f"checked: {name}", get("/"), (reply,), via="checked")
        for name, reply in (
            ("no cookie", ok(b"x")),
            ("cacheable cookie", ok(b"x", "Set-Cookie: a=b")),
            ("cookie, public", ok(b"x", "Set-Cookie: a=b", "Cache-Control: public")),
            ("cookie and Pragma", ok(b"x", "Set-Cookie: a=b", 'ETag: "1"', "Pragma: no-cache")),
            ("private cookie", ok(b"x", "Set-Cookie: a=b", "Cache-Control: private")),
            ("cookie excluded", ok(b"x", "Set-Cookie: a=b", 'Cache-Control: no-cache="set-cookie"')),
            ("cookie of an uncacheable status", response("500 Oops", "Set-Cookie: a=b", "Content-Length: 0")),
            ("max-age=0", ok(b"x", "Set-Cookie: a=b", "Cache-Control: max-age=0")),
        )
    ),
    Row(
        "checked: cookie to a POST",
        request("POST / HTTP/1.1", _HOST, "Content-Length: 0"),
        (ok(b"x", "Set-Cookie: a=b"),),
        via="checked",
    ),
    *(
        Row(
            f"checked: cookie and a {name}",
            get("/"),
            (ok(b"x", "Set-Cookie: a=b", header),),
            via="checked",
            lines=2,
            differ=STOPPED,
            departs=Departure(
                "manual 4.2, option checkcache: it is blocked with 502",
                BAD_GATEWAY,
                (b"GET / HTTP/1.1\r\nhost: lb.example\r\n\r\n",),
                _BLOCKED,
            ),
        )
        for name, header in (("lifetime", "Cache-Control: max-age=60"), ("validator", 'ETag: "1"'))
    ),
    *(
        Row(f"{via}: {name}", get("/", name), () if via == "restricted" and name[:4] != "X-Fi" else (ok(),), via=via)
        for via in ("restricted", "cleaned", "preserved")
        for name in ("X-Fine-9: 1", "X_Under: 1", "X.Dot: 1", "X!: 1")
    ),
)
