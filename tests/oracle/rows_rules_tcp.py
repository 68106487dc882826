"""tcp-request and tcp-response: connections, sessions and contents judged by what their first bytes are."""

from __future__ import annotations

from tests.oracle.configs import SERVER, Topic, lines, served
from tests.oracle.row import Departure, Differ, Row, at_accept, get, ok
from tests.peers.script import Do, Receive, Step

TOPIC = Topic(
    "tcprules",
    "tcp",
    {
        "connection": ("tcp-request connection reject if { src 127.0.0.0/8 }", SERVER),
        "accepted": served("""
            tcp-request connection accept if { src 127.0.0.1 }
            tcp-request connection reject
        """),
        "connectionport": ("tcp-request connection reject if { dst_port 1:10 } or !{ src_port gt 1 }", SERVER),
        "session": served("""
            tcp-request session set-var(sess.who) src
            tcp-request session reject if { src 127.0.0.1 } { var(sess.who) -m ip 127.0.0.1 }
        """),
        "sessionvar": served("""
            tcp-request connection set-var(sess.a) src,ipmask(8)
            tcp-request session set-var(sess.b) str(b)
            tcp-request content set-var(txn.c) var(sess.b),concat(-c)
            log-format "%[var(sess.a)] %[var(sess.b)] %[var(txn.c)] %ts"
        """),
        "sources": served("""
            tcp-request connection set-src src,ipmask(8)
            tcp-request connection set-src-port int(4242)
            tcp-request content accept
            log-format "%ci %cp %[src] %[src_port] %ts"
        """),
        "first": served("""
            tcp-request inspect-delay 2s
            tcp-request content reject if { req.payload(0,4) -m bin 62616421 }
            tcp-request content accept if { req.len ge 4 }
        """),
        "length": served("""
            tcp-request inspect-delay 2s
            acl enough req.len ge 8
            tcp-request content accept if enough { req.payload(4,4) -m str good }
            tcp-request content reject if enough
        """),
        "prefixed": served("""
            tcp-request inspect-delay 2s
            tcp-request content reject if { req.payload_lv(1,2) -m str evil }
            tcp-request content accept if { req.payload_lv(1,2) -m found }
        """),
        "late": served("""
            tcp-request inspect-delay 60ms
            tcp-request content accept if { req.len gt 0 }
            tcp-request content reject if WAIT_END
        """),
        "patient": served("""
            tcp-request inspect-delay 60ms
            tcp-request content set-var(txn.n) req.len if WAIT_END
            log-format "%[var(txn.n)] %ts"
        """),
        "undecided": served("""
            tcp-request inspect-delay 60ms
            tcp-request content reject if !{ req.payload(0,9) -m beg hello }
        """),
        "sni": lines("""
            tcp-request inspect-delay 2s
            tcp-request content set-var(sess.sni) req.ssl_sni,lower
            tcp-request content reject if !{ req.ssl_hello_type 1 }
            use_backend red if { req.ssl_sni -i -m end .red.example }
            use_backend %[var(sess.sni),field(1,.)]
            default_backend blue
            log-format "%b/%s %[var(sess.sni)] %ts"
        """),
        "hello": served("""
            tcp-request inspect-delay 2s
            tcp-request content set-var(sess.ver) req.ssl_ver
            tcp-request content set-var(sess.alpn) req.ssl_alpn
            tcp-request content set-var(sess.ec) req.ssl_ec_ext
            tcp-request content accept if { req.ssl_hello_type 1 }
            tcp-request content reject if { req.ssl_hello_type 0 }
            log-format "%[var(sess.ver)] %[var(sess.alpn)] %[var(sess.ec)] %ts"
        """),
        "proto": lines("""
            tcp-request inspect-delay 2s
            tcp-request content accept if { req.len ge 16 }
            use_backend red if HTTP
            use_backend green if { req.len gt 0 }
            default_backend blue
        """),
        "switched": lines("""
            tcp-request inspect-delay 2s
            tcp-request content switch-mode http if HTTP
            tcp-request content reject if { req.len gt 0 } !HTTP
            default_backend web
        """),
        "captured": served("""
            tcp-request inspect-delay 2s
            tcp-request content capture req.payload(0,3) len 10
            tcp-request content capture src len 4 if { req.len gt 0 }
            log-format "%hr|%[capture.req.hdr(0)]|%[capture.req.hdr(1)] %ts"
        """),
        "dynamic": lines("""
            tcp-request inspect-delay 2s
            tcp-request content accept if { req.len ge 4 }
            use_backend %[req.payload(0,4),field(1,:)]
            default_backend blue
        """),
        "rdp": lines("""
            tcp-request inspect-delay 2s
            tcp-request content accept if RDP_COOKIE
            tcp-request content reject
            use_backend red if { req.rdp_cookie(mstshash) -m str alice }
            default_backend blue
        """),
        "distcc": served("""
            tcp-request inspect-delay 2s
            tcp-request content set-var(txn.n) distcc_param(ARGV,2)
            tcp-request content set-var(txn.arg) distcc_body(ARGV,2)
            tcp-request content reject if { distcc_body(DOTI) -m str evil }
            tcp-request content accept if { distcc_body(DOTI) -m found }
            tcp-request content reject
            log-format "%[var(txn.n)] %[var(txn.arg)] %ts"
        """),
        "server": lines("""
            tcp-request inspect-delay 2s
            tcp-request content accept if { req.len ge 1 }
            use-server two if { req.payload(0,1) -m str 2 }
            server one "127.0.0.1:${BE}"
            server two "127.0.0.1:${BE}" weight 0
        """),
        "response": served("""
            tcp-response inspect-delay 2s
            tcp-response content reject if { res.payload(0,3) -m str bad }
            tcp-response content accept if { res.len ge 3 }
        """),
        "closing": served("""
            tcp-response inspect-delay 2s
            tcp-response content close if { res.payload(0,3) -m str bye }
            tcp-response content set-var(txn.r) res.payload(0,3) if { res.len ge 3 }
            log-format "%[var(txn.r)] %ts %B"
        """),
        "levels": served("""
            tcp-request inspect-delay 2s
            tcp-request content set-log-level err if { req.payload(0,1) -m str e }
            tcp-request content set-log-level silent if { req.payload(0,1) -m str s }
        """),
        "inhttp": served("""
            mode http
            option httplog
            tcp-request inspect-delay 2s
            tcp-request content reject if { path /reject }
            tcp-request content set-var(txn.host) req.hdr(host)
            tcp-request content accept if { path /accept }
            tcp-request content capture req.hdr(user-agent) len 9
            http-request set-header x-host "%[var(txn.host)]|%[capture.req.hdr(0)]"
        """),
        "formats": served("""
            log-format "%ci:P %ft %b/%s Tw=%Tw Tc=%Tc Tt=%Tt %B %U %ts %ac/%fc/%bc/%sc/%rc %sq/%bq %H=H %fi %si %[fe_name]"
        """),  # noqa: E501
    },
    logs=True,
    sections="".join(f'\nbackend {name}\n    server s1 "127.0.0.1:${{BE}}"\n' for name in ("red", "green", "blue"))
    + '\nbackend web\n    mode http\n    http-request set-header x-switched yes\n    server s1 "127.0.0.1:${BE}"\n',
)


def _asked(name: str, via: str, question: bytes, answer: bytes = b"pong", lines: int | None = None) -> Row:
    """The question goes through and is answered."""
    client = (question, Receive(len(answer)), Do.SHUT, Do.END)
    return Row(name, client, (at_accept(Receive(len(question)), answer, Do.END, Do.CLOSE),), via=via, lines=lines)


def _refused(name: str, via: str, *client: Step, lines: int = 1) -> Row:
    """The server is never asked."""
    return Row(name, (*client, Do.END), via=via, lines=lines)


_INHTTP = b"<134>D lb[N]: 127.0.0.1:P [D] inhttp "


def _named(client: bytes = b"", servers: tuple[bytes, ...] = (), logs: tuple[bytes, ...] = ()) -> Departure:
    """What else was seen, before a rule of contents rejects a request."""
    rejected = _INHTTP + b'inhttp/<NOSRV> -1/-1/-1/-1/T -1 0 - - PR-- 1/1/0/0/0 0/0 {} "GET /reject HTTP/1.1"\n'
    return Departure("manual 8.2.3: <BADREQ> is a request that could not be parsed", client, servers, (*logs, rejected))


def _sized(data: bytes, width: int) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _hello(name: bytes | None = b"www.red.example", protocols: tuple[bytes, ...] = (), version: int = 0x0303) -> bytes:
    """A TLS ClientHello in one record (RFC 8446 4.1.2), with server_name and ALPN as asked for."""
    extensions = b"\x00\x0a" + _sized(_sized(b"\x00\x1d\x00\x17", 2), 2)
    if name is not None:
        extensions += b"\x00\x00" + _sized(_sized(b"\x00" + _sized(name, 2), 2), 2)
    if protocols:
        extensions += b"\x00\x10" + _sized(_sized(b"".join(_sized(each, 1) for each in protocols), 2), 2)
    body = version.to_bytes(2, "big") + bytes(range(32)) + _sized(b"", 1)
    body += _sized(b"\x13\x01\xc0\x2f", 2) + _sized(b"\x00", 1) + _sized(extensions, 2)
    return b"\x16\x03\x01" + _sized(b"\x01" + _sized(body, 3), 2)


_RDP = b"\x03\x00\x00\x2a\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash=USER\r\n\x01\x00\x08\x00\x03\x00\x00\x00"

_JOB = b"DIST00000001ARGC00000003ARGV00000003gccARGV00000002-cARGV00000003a.c"

_SIZE = rb"(?<=/T )\d+(?= --)"  # in HTTP sizes are another thing for each program
_CLOSE = Differ("2.6", "manual 4.2: `close` accepts the response, then closes")

ROWS = (
    _refused("connection: rejected", "connection", lines=0),
    _asked("accepted: the first rule decides", "accepted", b"ping"),
    _asked("connectionport: none holds", "connectionport", b"ping"),
    _refused("session: rejected", "session", lines=0),
    _asked("sessionvar", "sessionvar", b"ping"),
    _asked("sources", "sources", b"ping"),
    _asked("first: let through", "first", b"good"),
    _refused("first: rejected", "first", b"bad!"),
    Row(
        "first: in pieces",
        (b"b", Do.CUT, b"a", Do.CUT, b"d?", Receive(4), Do.SHUT, Do.END),
        (at_accept(Receive(4), b"pong", Do.END, Do.CLOSE),),
        via="first",
    ),
    _asked("distcc: a job", "distcc", _JOB + b"DOTI00000004int;"),
    _refused("distcc: a job that is refused", "distcc", _JOB + b"DOTI00000004evil"),
    Row(
        "distcc: in pieces",
        (_JOB, Do.CUT, b"DOTI0000", Do.CUT, b"0004in", Do.CUT, b"t;", Receive(4), Do.SHUT, Do.END),
        (at_accept(Receive(len(_JOB) + 16), b"pong", Do.END, Do.CLOSE),),
        via="distcc",
    ),
    _refused("distcc: something else", "distcc", b"GET / HTTP/1.0\r\n\r\n", Do.SHUT),
    _refused("first: rejected in pieces", "first", b"ba", Do.CUT, b"d!"),
    Row("first: too short, then FIN", (b"ab", Do.SHUT, Do.END), (at_accept(Do.END, b"bye", Do.CLOSE),), via="first"),
    _asked("length: right", "length", b"xxxxgood"),
    _refused("length: wrong", "length", b"xxxxevil"),
    _asked("length: more than asked for", "length", b"xxxxgood and more"),
    _asked("prefixed: fine", "prefixed", b"\x00\x00\x04kindly"),
    _refused("prefixed: evil", "prefixed", b"\x00\x00\x04evil!"),
    _refused("late: nothing comes", "late"),
    _asked("late: something comes", "late", b"x"),
    _asked("patient: judged at the end of the delay", "patient", b"four"),
    Row("patient: nothing comes", (Receive(3), Do.SHUT, Do.END), (at_accept(b"hi!", Do.END, Do.CLOSE),), via="patient"),
    _asked("undecided: fine", "undecided", b"hello you"),
    _refused("undecided: rejected", "undecided", b"other bytes"),
    _refused("undecided: too short until the delay is over", "undecided", b"hell"),
    # TLS
    _asked("sni: by the end of the name", "sni", _hello(b"www.RED.example")),
    _asked("sni: by a part of the name", "sni", _hello(b"GREEN.example")),
    _asked("sni: none", "sni", _hello(None)),
    _asked("sni: TLS 1.0", "sni", _hello(b"green", version=0x0301)),
    Row(
        "sni: in pieces",
        (_hello()[:20], Do.CUT, _hello()[20:60], Do.CUT, _hello()[60:], Receive(2), Do.SHUT, Do.END),
        (at_accept(Receive(len(_hello())), b"ok", Do.END, Do.CLOSE),),
        via="sni",
    ),
    _refused("sni: no TLS", "sni", b"GET / HTTP/1.1\r\n\r\n"),
    _asked("hello: ALPN", "hello", _hello(b"a.example", (b"h2", b"http/1.1"))),
    _asked("hello: no ALPN, TLS 1.1", "hello", _hello(None, version=0x0302)),
    _asked("hello: no TLS", "hello", b"SSH-2.0-x\r\n and more that is long enough"),
    # HTTP
    _asked("proto: HTTP", "proto", get("/")),
    _asked("proto: not HTTP", "proto", b"\x00\x01binary and long enough"),
    Row("switched: HTTP", get("/"), (ok(),), via="switched", varies=_SIZE),
    Row(
        "switched: several requests",
        (get("/1"), Do.REPLY, get("/2"), Do.REPLY, Do.SHUT, Do.END),
        (ok(b"1"), ok(b"2")),
        via="switched",
        varies=_SIZE,
    ),
    _refused("switched: not HTTP", "switched", b"\x00\x01binary and long enough"),
    *(Row(f"inhttp {path}", get(path, "User-Agent: curl/8"), (ok(),), via="inhttp") for path in ("/", "/accept")),
    Row("inhttp /reject", (get("/reject"), Do.END), via="inhttp", departs=_named()),
    Row(
        "inhttp: the second request",
        (get("/1"), Do.REPLY, get("/reject"), Do.REPLY, Do.END),
        (ok(b"1"),),
        via="inhttp",
        lines=2,
        departs=_named(
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1",
            (b"GET /1 HTTP/1.1\r\nhost: lb.example\r\nx-host: lb.example|\r\n\r\n",),
            (_INHTTP + b'inhttp/s1 T/T/T/T/T 200 B - - ---- 1/1/0/0/0 0/0 {} "GET /1 HTTP/1.1"\n',),
        ),
    ),
    # what else the bytes decide
    _asked("captured", "captured", b"abcdef"),
    _asked("dynamic: a backend", "dynamic", b"red: and more"),
    _asked("dynamic: none of that name", "dynamic", b"gold and more"),
    _asked("rdp: a cookie", "rdp", _RDP.replace(b"USER", b"alice")),
    _asked("rdp: another cookie", "rdp", _RDP.replace(b"USER", b"bob12")),
    _refused("rdp: none", "rdp", b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"),
    _asked("server: two", "server", b"2"),
    _asked("server: one", "server", b"1"),
    # tcp-response
    _asked("response: fine", "response", b"ping", b"good"),
    Row("response: rejected", (b"ping", Do.END), (at_accept(Receive(4), b"bad!", Do.END, Do.CLOSE),), via="response"),
    Row(
        "response: rejected in pieces",
        (b"ping", Do.END),
        (at_accept(Receive(4), b"b", Do.CUT, b"ad", Do.END, Do.CLOSE),),
        via="response",
    ),
    Row("response: too short", (b"ping", Do.SHUT, Do.END), (at_accept(Receive(4), b"ba", Do.CLOSE),), via="response"),
    Row(
        "closing: close",
        (b"ping", Do.END),
        (at_accept(Receive(4), b"bye!", Do.END, Do.CLOSE),),
        via="closing",
        differ=_CLOSE,
    ),
    _asked("closing: not", "closing", b"ping", b"stay"),
    # logs
    _asked("levels: err", "levels", b"e"),
    _asked("levels: silent", "levels", b"s", lines=0),
    _asked("levels: as it is", "levels", b"x"),
    _asked("formats", "formats", b"ping"),
    Row(
        "formats: the client says nothing",
        (Receive(2), Do.SHUT, Do.END),
        (at_accept(b"hi", Do.END, Do.CLOSE),),
        via="formats",
    ),
)
