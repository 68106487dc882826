"""What is asked of lbcore and of HAProxy alike: messages, and expressions over all of them."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass

from lbcore.stream.txn import Txn
from tests.fetch.transactions import FakeWorld, request, respond


@dataclass(frozen=True)
class Message:
    """A request or a response: its first line, its field lines, its body."""

    line: str
    fields: tuple[str, ...] = ()
    body: bytes | None = None
    chunked: bool = False

    @property
    def raw(self) -> bytes:
        """As it goes over the wire."""
        if self.chunked:
            body = self.body or b""
            return self._head(*self.fields, "Transfer-Encoding: chunked") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        length = () if self.body is None else (f"Content-Length: {len(self.body)}",)
        return self._head(*self.fields, *length) + (self.body or b"")

    def _head(self, *fields: str) -> bytes:
        return "\r\n".join([self.line, *fields, "", ""]).encode("latin-1")

    @property
    def all_fields(self) -> tuple[str, ...]:
        """The field lines, with that which frames the body."""
        if self.chunked:
            return (*self.fields, "Transfer-Encoding: chunked")
        return self.fields if self.body is None else (*self.fields, f"Content-Length: {len(self.body)}")

    def request(self, world: FakeWorld | None = None) -> Txn:
        """The transaction of this request, from and to 127.0.0.1."""
        return request(self.line, *self.all_fields, body=self.body, world=world, src="127.0.0.1", dst="127.0.0.1")

    def response(self) -> Txn:
        """The transaction of this response to a GET."""
        txn = request("GET / HTTP/1.1", "Host: h", status=int(self.line.split(" ")[1]), tc=0)
        return respond(txn, self.line, *self.all_fields, body=self.body)


def get(target: str, *fields: str, host: str = "h") -> Message:
    """A GET."""
    return Message(f"GET {target} HTTP/1.1", (f"Host: {host}", *fields))


def basic(text: str) -> str:
    """Credentials of the Basic scheme."""
    return f"Authorization: Basic {base64.b64encode(text.encode()).decode()}"


def words(text: str) -> list[str]:
    """Expressions, blanks between them."""
    return text.split()


FORM = b"a=1&b=2&A=4&&=x&c=9&d&e=&a=5"

REQUESTS = (
    get(
        "/a/b;c=1?x=1&y=2&x=3;z=4&e=&novalue", "X: a, b ,c", "X: d", "x:",
        "IP: 10.0.0.1, 1.2.3.4:99, [::1]:80, ::2, bad", "N: 12abc, -5, x",
        "Cookie: a=1; b = 2 ;c=\"q\"; a=3", "Cookie: d=; e", host="www.Example.com:8080",
    ),
    Message("OPTIONS * HTTP/1.1", ("Host: h",)),
    Message("CONNECT h:81 HTTP/1.1", ("Host: h:81",)),
    get("http://1.2.3.4:81/p?q", host="1.2.3.4:81"),
    get("http://h/?", "X: \"a,b\",c", "X: a;b"),
    Message("FOO /x? HTTP/1.0"),
    Message("POST /form HTTP/1.1", ("Host: h",), FORM),
    Message("POST /form HTTP/1.1", ("Host: h",), b"a=1&b=2", chunked=True),
    Message("PUT /empty HTTP/1.1", ("Host: h",), b""),
    get("http://1.2.3.4/", host="1.2.3.4"),
    get("https://1.2.3.4/", host="1.2.3.4"),
    get("http://[::1]:5/", host="[::1]:5"),
    get("/?a=1&b;c=2&=5&a=3&&A=4"),
    get("/;x=1;y=2?x=3&y"),
    get("/??"),
    get("/?a=1?a=2&b=3#".rstrip("#")),
    get("/?b=%20&x=a+b&a"),
    get(
        "/", "X: a,,b", "X: ,", "IP: ::ffff:1.2.3.4", "IP: 1.2.3.4:70000", "IP: 1.2.3.4:", "IP: 1.2.3.4:0",
        "N: 7, 0042", "Cookie: =x; a; b=\"x;y\"; $c=1; d= 1 2 ;  e=x=y; f", "Cookie:", "Cookie: a=zz, g=2",
    ),
    get("/", basic("u:p:q"), "X-Tok: Bearer zzz"),
    get("/", "Authorization: basic   dTpw  ", "X-Tok: Bearer  two words "),
    get("/", "Authorization: Bearer abc.def", "X-Tok: bearer x"),
    get("/", "Authorization: Digest x=1", "X-Tok: Bearer"),
    get("/", "Authorization: Basic !!", "X-Tok: Basic dTpw"),
    get("/", basic("nopass"), "X-Tok: Bearer t"),
    get("/", "Authorization: Basic", "X-Tok: Bearer t"),
    get("/", basic("u:"), basic("v:w"), "X-Tok: Bearer t"),
    get("/%e9?%ff=1", "X: \xe9, \xfe", "Long: " + "v" * 300),
)  # fmt: skip

REQUEST_EXPRESSIONS = words("""
path pathq query url base baseq base32 base32+src,hex url32 url32+src,hex url_ip url_port method req.ver req.proto_http
http_first_req req_ver req_proto_http
req.hdr(x) req.hdr(x,0) req.hdr(x,1) req.hdr(x,2) req.hdr(x,3) req.hdr(x,4) req.hdr(x,5) req.hdr(x,6) req.hdr(x,-1)
req.hdr(x,-2) req.hdr(x,-5) req.hdr(x,-6) req.hdr(X) hdr(x) hdr(x,2) hdr req.hdr req.hdr(,1) req.hdr(,2) req.hdr(,-1)
req.hdr(none) req.hdr(long)
req.fhdr(x) req.fhdr(x,1) req.fhdr(x,2) req.fhdr(x,3) req.fhdr(x,4) req.fhdr(x,-2) req.fhdr(x,-3) req.fhdr req.fhdr(,2)
req.hdr_cnt(x) req.hdr_cnt(none) req.hdr_cnt hdr_cnt(x) req.fhdr_cnt(x) req.fhdr_cnt req.hdr_names req.hdr_names(;)
req.hdr_names(ab)
req.hdr_ip(ip) req.hdr_ip(ip,1) req.hdr_ip(ip,2) req.hdr_ip(ip,3) req.hdr_ip(ip,4) req.hdr_ip(ip,5) req.hdr_ip
hdr_ip(ip,1) req.hdr_val(n) req.hdr_val(n,1) req.hdr_val(n,2) req.hdr_val(n,3) req.hdr_val hdr_val(n,1) req.hdrs
req.hdrs_bin,hex
req.cook(a) req.cook(b) req.cook(c) req.cook(d) req.cook(e) req.cook(f) req.cook(g) req.cook($c) req.cook(A) req.cook
req.cook() req.cook_cnt req.cook_cnt(a) req.cook_cnt(none) req.cook_val(a) req.cook_val cook(a) cook cook_cnt
cook_cnt(a) cook_val(a) cookie(a) cookie
url_param(x) url_param(y) url_param(z) url_param(e) url_param(novalue) url_param(X) url_param(a) url_param(b)
url_param(c) url_param(c,;) url_param(x,;) url_param(y,;) url_param(b;c,/) url_param url_param() urlp(x) urlp urlp(a,?)
urlp_val(x) urlp_val(a)
req.body,hex req.body_len req.body_size req.body_param(a) req.body_param(b) req.body_param(A) req.body_param(c)
req.body_param(d) req.body_param(e) req.body_param(x) req.body_param
capture.req.method capture.req.uri capture.req.ver capture.req.hdr(0) capture.req.hdr(1)
http_auth_type http_auth_user http_auth_pass http_auth_bearer http_auth(list) http_auth_group(list)
src dst fc_src fc_dst fc_http_major fc_rcvd_proxy fc_err fc_err_str fc_pp_authority fc_pp_unique_id src_is_local
dst_is_local fc_src_is_local fc_dst_is_local so_id so_name fe_name fe_defbe fe_client_timeout
be_conn(be) be_conn_free(be) be_sess_rate(be) connslots(be) nbsrv(be) queue(be) avg_queue(be) nbsrv(up)
connslots(up) be_conn_free(up) nbsrv(spare) nbsrv(spares) nbsrv(none) be_conn_free(spare) be_conn_free(none)
connslots(none) avg_queue(none) srv_conn(be/s1) srv_conn_free(be/s1) srv_conn_free(up/s1) srv_is_up(up/s1)
srv_is_up(up/s3) srv_weight(up/s1) srv_uweight(up/s1) srv_iweight(up/s1) srv_queue(up/s1) srv_sess_rate(up/s1)
bin(4142fF),hex bool(true) bool(false) bool(1) bool(0) int(-5) int(0) int(9223372036854775807) str(abc) str()
ipv4(1.2.3.4) ipv6(::1) ipv6(::ffff:1.2.3.4) meth(GET) meth(foo) always_true always_false env(FETCHED) env(NOT_THERE)
hostname proc stopping rand(1) date,length date(0,ms),length date(0,us),length date(9999999999),length
uuid,length uuid(4),length last_rule_file last_rule_line unique-id prio_class prio_offset wait_end var(txn.x)
var(txn.x,abc) var(txn.x,) var(sess.x) var(proc.x) req.payload(0,0) req.payload_lv(0,1) req.rdp_cookie
req.rdp_cookie_cnt req.ssl_hello_type req.ssl_ver req.ssl_sni
""")

NEWER_EXPRESSIONS = words("""
url_param(A,,i) url_param(a,,i) url_param(a,?,i) url_param(Z,;,i) urlp_val(X,,i) req.body_param(A,i) req.body_param(C,i)
url_param(a,?) path base
""")

CONDITIONS = {  # -> a fetch and a pattern that any of its values has to equal
    "{ req.hdr(x) -m str b }": ("req.hdr(x)", "b"),
    "{ req.hdr(x) -m str c }": ("req.hdr(x)", "c"),
    "{ req.hdr(x,2) -m str a }": ("req.hdr(x,2)", "a"),
    "{ req.fhdr(x) -m str d }": ("req.fhdr(x)", "d"),
    "{ req.fhdr(x) -m str b }": ("req.fhdr(x)", "b"),
    "{ hdr(x) -m str d }": ("hdr(x)", "d"),
    "{ url_param(a) -m str 3 }": ("url_param(a)", "3"),
    "{ url_param -m str 2 }": ("url_param", "2"),
    "{ url_param(x,;) -m str 1 }": ("url_param(x,;)", "1"),
    "{ urlp_val(a) 3 }": ("urlp_val(a)", 3),
    "{ req.cook(a) -m str 1 }": ("req.cook(a)", "1"),
    "{ req.cook -m str 3 }": ("req.cook", "3"),
    "{ req.cook_val(a) 1 }": ("req.cook_val(a)", 1),
    "{ req.hdr_val(n) 12 }": ("req.hdr_val(n)", 12),
    "{ req.body_param(a) -m str 5 }": ("req.body_param(a)", b"5"),
    "{ http_auth_group(list) admins }": ("http_auth_group(list)", "admins"),
    "{ http_auth_group(list) users }": ("http_auth_group(list)", "users"),
}

RESPONSES = (
    Message(
        "HTTP/1.1 200 OK",
        (
            "Set-Cookie: a=1; path=/; b=2", "Set-Cookie: b=\"x;y\"; HttpOnly", "Set-Cookie: a=3, c=4", "X: a, b",
            "X: c", "N: 42", "IP: 10.0.0.1",
        ),
        b"body",
    ),
    Message("HTTP/1.1 404 Not Found", ("Set-Cookie: noequals", "Set-Cookie: =v", "X:"), b""),
    Message("HTTP/1.0 302 Found", ("Location: /x", "Set-Cookie: e="), b"ab"),
)  # fmt: skip

RESPONSE_EXPRESSIONS = words("""
status res.ver resp_ver res.hdr(x) res.hdr(x,1) res.hdr(x,-2) res.hdr(none) shdr(x) res.fhdr(x) res.fhdr(x,1)
res.fhdr_cnt(x) res.hdr_cnt(x) shdr_cnt(x) res.hdr_cnt res.fhdr_cnt res.hdr_names res.hdr_names(;) res.hdr_ip(ip)
shdr_ip(ip) res.hdr_val(n) shdr_val(n) res.hdrs res.hdrs_bin,hex hdr(x) cookie(a) cookie
res.cook(a) res.cook(b) res.cook(c) res.cook(noequals) res.cook res.cook_cnt(a) res.cook_val(a)
res.cook_val scook(a) scook_cnt(b) scook_val(a) capture.req.ver capture.res.ver
capture.res.hdr(0) method http_first_req be_name be_server_timeout be_tunnel_timeout srv_id srv_name fe_name
bc_http_major res.payload(0,0) res.ssl_hello_type
""")

RESPONSE_CONDITIONS = {
    "{ res.hdr(x) -m str b }": ("res.hdr(x)", "b"),
    "{ res.cook(a) -m str 1 }": ("res.cook(a)", "1"),
    "{ res.cook -m str x }": ("res.cook", "x"),
    "{ res.hdr_val(n) 42 }": ("res.hdr_val(n)", 42),
}


# --- mode tcp ---


def client_hello(name: str | None, *protocols: str, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bytes:
    """What a TLS client of this Python begins with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = newest
    if protocols:
        context.set_alpn_protocols(list(protocols))
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(received, sent, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return sent.read()
    raise AssertionError("nobody answered")


def record(content: bytes, *, kind: int = 22, version: bytes = b"\x03\x01") -> bytes:
    """A TLS record."""
    return bytes([kind]) + version + len(content).to_bytes(2, "big") + content


def hello(
    *extensions: tuple[int, bytes], version: bytes = b"\x03\x03", ciphers: bytes = b"\x00\x2f", block: bool = True
) -> bytes:
    """A ClientHello, as a handshake message; without `block` it has no part for extensions."""
    body = version + bytes(32) + b"\0" + len(ciphers).to_bytes(2, "big") + ciphers + b"\x01\x00"
    if block:
        parts = b"".join(kind.to_bytes(2, "big") + len(raw).to_bytes(2, "big") + raw for kind, raw in extensions)
        body += len(parts).to_bytes(2, "big") + parts
    return b"\x01" + len(body).to_bytes(3, "big") + body


_SERVER_BODY = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x2f" + b"\0"
SERVER_HELLO = record(b"\x02" + len(_SERVER_BODY).to_bytes(3, "big") + _SERVER_BODY)
SSL2_HELLO = b"\x80\x1c\x01\x03\x01\x00\x03\x00\x00\x00\x10" + b"\0\0\x2f" + bytes(16)
RDP = b"\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00"

CONTENTS = (
    client_hello("Www.Example.com", "h2", "http/1.1"),
    client_hello("a.b", newest=ssl.TLSVersion.TLSv1_2),
    client_hello(None, "x"),
    client_hello("a.b")[:60],
    client_hello("a.b")[:3],
    record(hello(block=False)),
    record(hello((35, b""))),
    record(hello((35, b"abc"))),
    record(hello((10, b"\0\2\0\x17"))),
    record(hello((10, b""))),
    record(hello((0, b""))),
    record(hello((0, b"\0\5\1\0\2ab"))),
    record(hello((0, b"\0\5\0\0\2ab"))),
    record(hello((16, b"\0\3\2h2"))),
    record(hello((16, b"\0\0"))),
    record(hello((0, b"\0\5\0\0\2ab"), version=b"\x03\x01"), version=b"\x03\x00"),
    record(hello(block=False))[:20],
    SERVER_HELLO,
    SSL2_HELLO,
    record(b"\x01\x00", kind=21),
    b"GET /a?b=1 HTTP/1.1\r\nHost: h\r\nX: 1, 2\r\n\r\n",
    b"GET /a?b=1 HTTP/1.1\r\nHo",
    RDP + b"Cookie: mstshash=user\r\n\x01\x00\x08\x00\x03\x00\x00\x00",
    RDP + b"Cookie: mstshash=us",
    RDP + b"cookie:  MSTS=1.2.3\r\nx",
    RDP + b"Cookie: x\r\nabcdefghijkl",
    RDP + b"Kookie: mstshash=user\r\nabcdefghijkl",
    b"\0\3abcdef",
    b"\x02zz\0\0",
    b"x",
)

CONTENT_EXPRESSIONS = words("""
req.len req.payload(0,0),hex req.payload(0,3),hex req.payload(2,2),hex req.payload(1,0),hex req.payload(200,1),hex
req.payload_lv(0,2),hex req.payload_lv(0,1),hex req.payload_lv(0,2,+1),hex req.payload_lv(0,2,3),hex
req.payload_lv(0,2,-1),hex req.payload_lv(1,1,0),hex payload(0,2),hex payload_lv(0,1),hex
req.ssl_hello_type req.ssl_ver req.ssl_sni req.ssl_alpn req.ssl_ec_ext req.ssl_st_ext req_ssl_hello_type req_ssl_sni
req_ssl_ver req.rdp_cookie req.rdp_cookie(mstshash) req.rdp_cookie(MSTS) req.rdp_cookie(msts) req.rdp_cookie_cnt
req.rdp_cookie_cnt(mstshash) rdp_cookie rdp_cookie_cnt req_len
req.proto_http method req.ver path query req.hdr(host) req.hdr(x,1) req.hdr_cnt(x) url wait_end
""")
