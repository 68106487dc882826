"""Rules that wait for bodies and look into them, and samples that are not there."""

from __future__ import annotations

from tests.oracle.configs import SERVER, Topic, served
from tests.oracle.row import Row, at_head, chunks, get, ok, request, response, then
from tests.oracle.texts import STOPPED
from tests.peers.script import Do

_HOST = "Host: lb.example"
_FORM = "Content-Type: application/x-www-form-urlencoded"

TOPIC = Topic(
    "bodies",
    "http",
    {
        "waits": served("""
            http-request wait-for-body time 2s if METH_POST
            http-request set-header x-body "%[req.body]"
            http-request set-header x-len "%[req.body_len] %[req.body_size]"
        """),
        "atleast": served("""
            http-request wait-for-body time 2s at-least 3
            http-request deny if { req.body -m sub bad }
            http-request set-header x-seen "%[req.body,bytes(0,3)]"
        """),
        "impatient": served("""
            http-request wait-for-body time 60ms at-least 5
            http-request set-header x-len "%[req.body_len]"
        """),
        "buffered": served("""
            option http-buffer-request
            http-request set-header x-body "%[req.body,length] %[req.body,crc32] %[req.body_size]"
            http-request deny deny_status 413 if { req.body_len gt 10 }
        """),
        "form": served("""
            option http-buffer-request
            http-request set-header x-a "%[req.body_param(a)]"
            http-request set-header x-b "%[req.body_param(b),url_dec]"
            http-request set-header x-any "%[req.body_param()]"
            use_backend forms if { req.body_param(a) -m str go }
        """),
        "slowbody": ("option http-buffer-request", "timeout http-request 80ms", SERVER),
        "unasked": served("""
            http-request deny deny_status 413 if { req.body -m sub bad }
            http-request set-header x-body "%[req.body] %[req.body_len] %[req.body_size] %[req.body_param(a)]"
            http-response set-header x-body "%[res.body] %[res.body_len] %[res.body_size]"
        """),
        "response": served("""
            http-response wait-for-body time 2s
            http-response set-header x-body "%[res.body] %[res.body_len] %[res.body_size]"
            http-response deny if { res.body -m sub secret }
        """),
        "timeouts": ("http-request set-timeout server 60ms if { path /short }", SERVER),
        "sizes": served("""
            http-request deny deny_status 413 if { req.hdr_val(content-length) gt 100 }
            http-request deny deny_status 413 if { req.hdr(transfer-encoding) -m found } METH_POST
        """),
        "nothing": served("""
            http-request set-header x-a "%[req.hdr(x-none)]%[var(txn.none)]%[req.cook(none)]%[url_param(none)]"
            http-request set-header x-b "%[req.hdr(x-none),lower]|%[int(5),div(0)]|%[str(),length]|%[req.hdr(host),json_query('\\$.a')]"
            http-request deny if { req.hdr(x-none),length gt 0 }
            http-request deny if { req.hdr(x-none) -m len 0 }
            http-request deny if !{ always_true }
            http-request deny if { req.hdr_val(x-none) 0 }
        """),  # noqa: E501
    },
    logs=True,
    sections="""
        backend forms
            server s1 "127.0.0.1:${BE}"
    """,
)


def _post(path: str, body: bytes, *headers: str) -> bytes:
    return request(f"POST {path} HTTP/1.1", _HOST, *headers, f"Content-Length: {len(body)}", body=body)


def _chunked(path: str, *parts: bytes) -> bytes:
    return request(f"POST {path} HTTP/1.1", _HOST, "Transfer-Encoding: chunked", body=chunks(*parts))


_HEAD = request("POST / HTTP/1.1", _HOST, "Content-Length: 5")

ROWS = (
    Row("waits: a body", _post("/", b"hello"), (ok(),), via="waits"),
    Row("waits: in pieces", (_HEAD, Do.CUT, b"he", Do.CUT, b"llo", Do.REPLY, Do.SHUT, Do.END), (ok(),), via="waits"),
    Row("waits: chunked", _chunked("/", b"hel", b"lo"), (ok(),), via="waits", rechunked=True),
    Row("waits: no body", get("/"), (ok(),), via="waits"),
    Row("waits: an empty body", _post("/", b""), (ok(),), via="waits"),
    Row(
        "waits: 100-continue",
        (
            request("POST / HTTP/1.1", _HOST, "Expect: 100-continue", "Content-Length: 5"),
            Do.INTERIM,
            b"hello",
            Do.REPLY,
            Do.SHUT,
            Do.END,
        ),
        (ok(),),
        via="waits",
    ),
    Row("atleast: good", _post("/", b"good one"), (ok(),), via="atleast"),
    Row("atleast: bad", _post("/", b"so bad"), via="atleast"),
    Row("atleast: shorter than asked for", _post("/", b"ab"), (ok(),), via="atleast"),
    Row("atleast: bad, more than the buffer takes", _post("/", b"so bad" + b"x" * 20_000), via="atleast"),
    Row("impatient: the rest does not come", (_HEAD + b"he", Do.END), via="impatient"),
    Row("impatient: it is there", _post("/", b"hello"), (ok(),), via="impatient"),
    Row("buffered: a body", _post("/", b"hello"), (ok(),), via="buffered"),
    Row(
        "buffered: in pieces",
        (_HEAD, Do.CUT, b"he", Do.CUT, b"llo", Do.REPLY, Do.SHUT, Do.END),
        (ok(),),
        via="buffered",
    ),
    Row("buffered: too long", _post("/", b"hello hello"), via="buffered"),
    Row("buffered: chunked", _chunked("/", b"abc", b"de"), (ok(),), via="buffered", rechunked=True),
    Row("buffered: no body", get("/"), (ok(),), via="buffered"),
    Row("form: both", _post("/", b"a=1&b=x%20y", _FORM), (ok(),), via="form"),
    Row("form: chooses a backend", _post("/", b"b=2&a=go&c", _FORM), (ok(),), via="form"),
    Row("form: another content type", _post("/", b"a=go", "Content-Type: text/plain"), (ok(),), via="form"),
    Row("form: the query is no body", _post("/?a=go", b"x=1", _FORM), (ok(),), via="form"),
    Row("unasked: what came with the head", _post("/", b"a=1&b=2", _FORM), (ok(b"hello"),), via="unasked"),
    Row("unasked: denied", _post("/", b"so bad"), via="unasked"),
    Row("unasked: large", _post("/", b"x" * 14_000 + b"bad"), via="unasked"),
    Row("unasked: chunked", _chunked("/", b"a=", b"hello"), (ok(),), via="unasked", rechunked=True),
    Row("unasked: no body", get("/"), (ok(),), via="unasked"),
    Row("slowbody: half of it", (_HEAD + b"he", Do.END), via="slowbody"),
    Row("slowbody: none of it", (_HEAD, Do.END), via="slowbody"),
    Row("response: a body", get("/"), (ok(b"hello"),), via="response"),
    Row(
        "response: in pieces",
        get("/"),
        (then(response("200 OK", "Content-Length: 5"), b"he", Do.CUT, b"llo"),),
        via="response",
    ),
    Row("response: denied", get("/"), (ok(b"a secret"),), via="response", differ=STOPPED),
    Row("response: none", get("/"), (response("204 No Content"),), via="response"),
    Row("timeouts: a rule's", get("/short"), (at_head(Do.END),), via="timeouts"),
    Row("timeouts: not in time but no rule", get("/long"), (then(Do.CUT, ok()),), via="timeouts"),
    Row("sizes: small", _post("/", b"x" * 100), (ok(),), via="sizes"),
    Row("sizes: large", _post("/", b"x" * 101), via="sizes"),
    Row("sizes: chunked", _chunked("/", b"x"), via="sizes"),
    Row("nothing: no sample matches nothing", get("/"), (ok(),), via="nothing"),
    Row("nothing: an empty header has a length", get("/", "X-None:"), via="nothing"),
)
