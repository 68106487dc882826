"""Headers by which other proxies tell of the client: received, sent to servers, and what is logged of bad ones."""

from __future__ import annotations

import socket
import struct

from tests.oracle.configs import SERVER, Topic, served
from tests.oracle.row import Departure, Differ, Row, at_accept, get, ok
from tests.oracle.texts import logged
from tests.peers.script import Do, Receive

_EXPECT = "tcp-request connection expect-proxy layer4"
_ENDS = "http-request set-header X-Ends %[src]:%[src_port]-%[dst]:%[dst_port]"
_TOLD = "http-request set-header X-Told %[fc_rcvd_proxy],%[fc_pp_authority],%[fc_pp_unique_id]"

TOPIC = Topic(
    "proxyheader",
    "http",
    {
        "pp": (_EXPECT, _ENDS, _TOLD, "option forwardfor", SERVER),
        "null": (_EXPECT, "option dontlognull", SERVER),
        "raised": (_EXPECT, "option log-separate-errors", "option dontlog-normal", SERVER),
        "errors": (
            _EXPECT,
            'error-log-format "%ci %ft %b %s %[fc_err] %{+Q}[fc_err_str] %TR/%Tw/%Tc %ST %B %ts %[src]"',
            SERVER,
        ),
        "tcp": ("mode tcp", "option tcplog", _EXPECT, SERVER),
        "some": (_EXPECT + " if { src 127.0.0.2 }", _TOLD, SERVER),
        "layers": served(f"""
            tcp-request connection set-var(sess.real) src
            {_EXPECT}
            tcp-request session set-var(sess.told) src
            tcp-request session reject if {{ src 192.0.2.66 }}
            http-request set-header X-Both %[var(sess.real)],%[var(sess.told)]
        """),
        "cip": ("tcp-request connection expect-netscaler-cip layer4", _ENDS, _TOLD, SERVER),
        "both": ("tcp-request connection expect-netscaler-cip layer4", _EXPECT, _ENDS, SERVER),
        "slow": (_EXPECT, "timeout client 100ms", SERVER),
        "sendone": (_EXPECT, SERVER + " send-proxy"),
        "sendtwo": (_EXPECT, SERVER + " send-proxy-v2"),
        "sendcrc": (_EXPECT, SERVER + " send-proxy-v2 proxy-v2-options crc32c,authority"),
        "sendid": (
            _EXPECT,
            "unique-id-format id-%ci",
            SERVER + " send-proxy-v2 proxy-v2-options authority,unique-id,crc32c",
        ),
        "sendidtcp": (
            "mode tcp",
            "option tcplog",
            "unique-id-format id-%ci",
            _EXPECT,
            SERVER + " send-proxy-v2 proxy-v2-options unique-id",
        ),
        "sendnoid": (_EXPECT, SERVER + " send-proxy-v2 proxy-v2-options unique-id"),
        "sendboth": (_EXPECT, SERVER + " send-proxy send-proxy-v2"),
        "sendnone": (_EXPECT, SERVER + " send-proxy no-send-proxy"),
        "sendmoved": (_EXPECT, "http-request set-src req.hdr(x-src)", SERVER + " send-proxy"),
    },
    logs=True,
)

V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n"
V1_6 = b"PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n"
SIGN = b"\r\n\r\n\0\r\nQUIT\n"
ENDS4 = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + struct.pack(">HH", 1111, 2222)
ENDS6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::2")
    + struct.pack(">HH", 1111, 2222)
)
FORWARDED = b"GET / HTTP/1.1\r\nhost: lb.example\r\n\r\n"


def v2(family: int, ends: bytes, tlvs: bytes = b"", *, command: int = 0x21) -> bytes:
    """A header of version 2."""
    return SIGN + bytes((command, family)) + struct.pack(">H", len(ends) + len(tlvs)) + ends + tlvs


def tlv(kind: int, value: bytes) -> bytes:
    return bytes((kind,)) + struct.pack(">H", len(value)) + value


def packet(protocol: int = 6) -> bytes:
    """What a NetScaler shows of a client: an IPv4 header and a TCP header."""
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, protocol, 0) + ENDS4[:8]
    return ip + struct.pack(">HHIIHHHH", 1111, 2222, 0, 0, 5 << 12, 0, 0, 0)


def packet6() -> bytes:
    ip = struct.pack(">IHBB", 6 << 28, 20, 6, 64) + ENDS6[:32]
    return ip + struct.pack(">HHIIHHHH", 1111, 2222, 0, 0, 5 << 12, 0, 0, 0)


def cip(shown: bytes) -> bytes:
    """A NetScaler's header of the newer form; the magic number is 0 where `bind` names none."""
    return struct.pack(">IIHH", 0, 12 + len(shown), 1, len(shown)) + shown


def old_cip(shown: bytes) -> bytes:
    return struct.pack(">II", 0, len(shown)) + shown


def sends(name: str, via: str, received: bytes, sent: int, *headers: str) -> Row:
    """A conversation whose server gets a header of `sent` bytes before the request."""
    more = sum(len(header) + 2 for header in headers)
    return Row(name, received + get("/", *headers), (at_accept(Receive(sent + len(FORWARDED) + more), ok()),), via=via)


_BAD = "Received an invalid PROXY protocol header"
_STRICT = "proxy-protocol.txt 2.1: numbers are written without leading zeros, and a port is at most 65535"


def stricter(name: str, header: bytes) -> Row:
    return Row(name, header + get(), (ok(),), departs=Departure(_STRICT, b"", (), (logged(f"pp/1: {_BAD}"),)), via="pp")


_LOCAL = Differ("2.6", "proxy-protocol.txt 2.2: whatever a LOCAL command says of addresses is to be skipped")

ROWS = (
    Row("version 1, IPv4", V1 + get(), (ok(),), via="pp"),
    Row("version 1, IPv6", V1_6 + get(), (ok(),), via="pp"),
    Row("version 1, the header in a segment of its own", (V1, Do.CUT, get(), Do.REPLY, Do.SHUT, Do.END), (ok(),), "pp"),
    Row("version 1, two requests", (V1 + get(), Do.REPLY, get("/2"), Do.REPLY, Do.SHUT, Do.END), (ok(), ok()), "pp"),
    Row("version 1, unknown", b"PROXY UNKNOWN\r\n" + get(), (ok(),), via="pp", varies=rb"(?<=127\.0\.0\.1:)\d+"),
    Row("version 1, no carriage return", V1.replace(b"\r", b"") + get(), via="pp"),
    Row("version 1, too many words", V1.replace(b"\r", b" 1\r") + get(), via="pp"),
    Row("version 1, too few words", V1.replace(b" 2222", b"") + get(), via="pp"),
    Row("version 1, two blanks", V1.replace(b" 1111", b"  1111") + get(), via="pp"),
    Row("version 1, an IPv4 address in TCP6", V1.replace(b"TCP4", b"TCP6") + get(), via="pp"),
    Row("version 1, UDP", V1.replace(b"TCP", b"UDP") + get(), via="pp"),
    Row("version 1, a sign", V1.replace(b" 1111", b" +111") + get(), via="pp"),
    stricter("version 1, an address of three numbers", V1.replace(b"192.0.2.1", b"192.0.2")),
    stricter("version 1, a port with a leading zero", V1.replace(b" 1111", b" 01111")),
    stricter("version 1, a port too large", V1.replace(b" 1111", b" 65536")),
    Row("version 2, IPv4", v2(0x11, ENDS4) + get(), (ok(),), via="pp"),
    Row("version 2, IPv6", v2(0x21, ENDS6) + get(), (ok(),), via="pp"),
    Row("version 2, TLVs", v2(0x11, ENDS4, tlv(2, b"a.example") + tlv(5, b"id") + tlv(4, b"")) + get(), (ok(),), "pp"),
    Row("version 2, a local command", v2(0, b"", command=0x20) + get(), (ok(),), via="pp",
        varies=rb"(?<=127\.0\.0\.1:)\d+"),
    Row("version 2, a local command with addresses", v2(0x11, ENDS4, command=0x20) + get(), (ok(),), via="pp",
        varies=rb"(?<=127\.0\.0\.1:)\d+", differ=_LOCAL),
    Row("version 2, an unspecified family", v2(0, b"") + get(), via="pp"),
    Row("version 2, UDP", v2(0x12, ENDS4) + get(), via="pp"),
    Row("version 2, an unknown command", v2(0x11, ENDS4, command=0x22) + get(), via="pp"),
    Row("version 2, another version", v2(0x11, ENDS4, command=0x11) + get(), via="pp"),
    Row("version 2, too few bytes of addresses", v2(0x11, ENDS4[:10]) + get(), via="pp"),
    Row("a request without a header", get(), via="pp"),
    Row("lower case", V1.lower() + get(), via="pp"),
    Row("the beginning of version 1", (V1[:20], Do.END), via="pp"),
    Row("the beginning of version 2", (v2(0x11, ENDS4)[:20], Do.END), via="pp"),
    Row("nothing, and an end", (Do.SHUT, Do.END), via="pp"),
    Row("nothing, and a reset", (Do.CUT, Do.RESET), via="pp"),
    Row("nothing for too long", (Do.END,), via="slow"),
    Row("nothing, not logged", (Do.SHUT, Do.END), via="null", lines=0),
    Row("something bad, logged all the same", get(), via="null"),
    Row("something bad, at a higher level", get(), via="raised"),
    Row("error log format: nothing", (Do.SHUT, Do.END), via="errors"),
    Row("error log format: something bad", get(), via="errors"),
    Row("error log format: all is well", V1 + get(), (ok(),), via="errors"),
    Row("mode tcp", (V1 + b"hello", Receive(2), Do.CLOSE), (at_accept(Receive(5), b"hi", Do.END),), via="tcp",
        varies=rb"(?<= )-?\d+/-?\d+/\d+(?= )"),
    Row("mode tcp, something bad", b"hello", via="tcp"),
    Row("expected of others only", get(), (ok(),), via="some"),
    Row("rules of connections see who connected, those of sessions who is told", V1 + get(), (ok(),), via="layers"),
    Row("a session that is rejected", V1.replace(b"2.1 ", b"2.66 ") + get(), via="layers"),
    Row("NetScaler", cip(packet()) + get(), (ok(),), via="cip"),
    Row("NetScaler, IPv6", cip(packet6()) + get(), (ok(),), via="cip"),
    Row("NetScaler, the older form", old_cip(packet()) + get(), (ok(),), via="cip"),
    Row("NetScaler, the older form, IPv6", old_cip(packet6()) + get(), (ok(),), via="cip"),
    Row("NetScaler, another magic number", b"\1" + cip(packet())[1:] + get(), via="cip"),
    Row("NetScaler, UDP", cip(packet(17)) + get(), via="cip"),
    Row("NetScaler, the beginning", (cip(packet())[:30], Do.END), via="cip"),
    Row("NetScaler, nothing", (Do.SHUT, Do.END), via="cip"),
    Row("NetScaler before PROXY", cip(packet()) + V1_6 + get(), (ok(),), via="both"),
    sends("version 1 is sent", "sendone", V1, len(V1)),
    sends("version 1 is sent, IPv6", "sendone", V1_6, len(V1_6)),
    sends("version 2 is sent", "sendtwo", V1, 28),
    sends("version 2 is sent, IPv6", "sendtwo", V1_6, 52),
    sends("a checksum is sent", "sendcrc", V1, 35),
    sends("a checksum and the authority are sent", "sendcrc", v2(0x11, ENDS4, tlv(2, b"a.example")), 47),
    sends("the unique id is sent", "sendid", v2(0x11, ENDS4, tlv(2, b"a.example")), 28 + 7 + 12 + 15),
    sends("an empty unique id without a format", "sendnoid", V1, 31),
    Row("the unique id is sent in mode tcp", (V1 + b"hello", Receive(2), Do.CLOSE),
        (at_accept(Receive(28 + 15 + 5), b"hi", Do.END),), via="sendidtcp", varies=rb"(?<= )-?\d+/-?\d+/\d+(?= )"),
    sends("version 2 comes before version 1", "sendboth", V1, 28),
    sends("no header any more", "sendnone", V1, 0),
    sends("the address of a rule is sent", "sendmoved", V1, len(V1) + 2, "x-src: 192.0.2.123"),
)  # fmt: skip
