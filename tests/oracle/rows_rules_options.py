"""Options and words around HTTP that stand by themselves: probes, PROXY headers, proxies' authentication, casing."""

from __future__ import annotations

from base64 import b64encode

from tests.oracle.configs import SERVER, Topic, served
from tests.oracle.row import Row, get, ok, request
from tests.peers.script import Do

_HOST = "Host: lb.example"
_FRAGMENTS = "option accept-invalid-http-request"  # else a target with a fragment is refused

TOPIC = Topic(
    "options",
    "http",
    {
        "probes": ("option http-ignore-probes", "timeout http-request 80ms", SERVER),
        "pretending": ("option http-pretend-keepalive", "option httpclose", SERVER),
        "serverclose": ("option http-server-close", "http-request set-header x-a b", SERVER),
        "named": (
            "http-send-name-header X-Target",
            "http-request set-header x-target mine",
            SERVER,
            "option httpclose",
        ),
        "casing": (
            "option h1-case-adjust-bogus-client",
            "option h1-case-adjust-bogus-server",
            "http-request set-header x-special-case 1",
            SERVER,
        ),
        "sendname": ("http-send-name-header X-Server", SERVER),
        "stripfragment": (_FRAGMENTS, "http-request normalize-uri fragment-strip", SERVER),
        "encodefragment": (_FRAGMENTS, "http-request normalize-uri fragment-encode", SERVER),
        "forced": (
            "force-persist if { path /force }",
            "ignore-persist if { path /ignore }",
            "cookie SRV insert indirect",
            'server one "127.0.0.1:${BE}" cookie a',
            'server two "127.0.0.1:${BE}" cookie b weight 0',
            'server away "127.0.0.1:${BE}" cookie c disabled',
        ),
        "error": served("""
            tcp-request connection expect-proxy layer4
            error-log-format "%ci %ft %ac %[fc_err] %{+Q}[fc_err_str]"
        """),
        "noerror": ("tcp-request connection expect-proxy layer4", SERVER),
        "proxyauth": served("""
            option http-use-proxy-header
            http-request auth realm Proxy unless { http_auth(people) }
        """),
        "sides": ('log-format "bi=%bi Pb=%bp ST=%ST"', SERVER),
        "compressed": ("compression algo gzip", SERVER),
        "nice": ("http-request set-nice 100", "http-request set-header x-after yes", SERVER),
    },
    logs=True,
    globals=(
        "expose-experimental-directives",
        "h1-case-adjust x-special-case X-SPECIAL-Case",
        "h1-case-adjust content-length Content-Length",
    ),
    sections="""
        userlist people
            user alice insecure-password open:sesame
    """,
    not_yet=frozenset(("compressed",)),
)


def _basic(user: str, password: str, header: str = "Authorization") -> str:
    return f"{header}: Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _absolute(*headers: str) -> bytes:
    return request("GET http://lb.example/ HTTP/1.1", _HOST, *headers)


ROWS = (
    Row("probes: nothing sent", (Do.SHUT, Do.END), via="probes", lines=0),
    Row("probes: nothing until the timeout", (Do.END,), via="probes", lines=0),
    Row("probes: half a request", (b"GET / HT", Do.END), via="probes"),
    Row("pretending", get("/"), (ok(),), via="pretending"),
    Row(
        "serverclose: two requests",
        (get("/1"), Do.REPLY, get("/2"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"1"), ok(b"2")),
        via="serverclose",
    ),
    Row("named: over a rule's header", get("/", "X-Target: client"), (ok(),), via="named"),
    Row("casing: for a client and a server", get("/"), (ok(b"x", "X-Special-Case: 2"),), via="casing"),
    Row("forced: down but forced", get("/force", "Cookie: SRV=c"), (ok(),), via="forced"),
    Row("forced: ignored", get("/ignore", "Cookie: SRV=b"), (ok(),), via="forced"),
    Row("forced: neither", get("/", "Cookie: SRV=b"), (ok(),), via="forced"),
    Row("error: no PROXY header", get("/"), via="error"),
    Row("error: a PROXY header", b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n" + get("/"), (ok(),), via="error"),
    Row("noerror: no PROXY header", get("/"), via="noerror"),
    *(
        Row(f"proxyauth: {name}", wanted, (ok(),) * answered, via="proxyauth")
        for name, answered, wanted in (
            ("nobody", 0, _absolute()),
            ("in the proxy's header", 1, _absolute(_basic("alice", "open:sesame", "Proxy-Authorization"))),
            ("in the server's header", 0, _absolute(_basic("alice", "open:sesame"))),
            ("wrong password", 0, _absolute(_basic("alice", "no", "Proxy-Authorization"))),
            ("a request that is not a proxy's", 1, get("/", _basic("alice", "open:sesame"))),
            ("nobody and not a proxy's", 0, get("/")),
        )
    ),
    Row("sides", get("/"), (ok(),), via="sides"),
    *(
        Row(f"{via} {path}", get(path), (ok(),), via=via)
        for via, paths in (
            ("stripfragment", ("/a#b", "/a?b#c#d", "/a")),
            ("encodefragment", ("/a#b", "/a?b#c")),
        )
        for path in paths
    ),
    Row("sendname", get("/"), (ok(),), via="sendname"),
    Row("sendname: header there", get("/", "X-Server: forged"), (ok(),), via="sendname"),
    Row("compressed", get("/"), (ok(),), via="compressed"),
    Row("nice", get("/"), (ok(),), via="nice"),
)
