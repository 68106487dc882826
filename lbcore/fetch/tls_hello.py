"""The first message of a TLS handshake in the bytes of mode tcp (manual 7.3.5; RFC 8446 4.1.2, 5.1; RFC 5246 7.4.1.2).

Nothing is decrypted: all can read a ClientHello. One that is not whole yet has no samples, and sets `t.missing`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lbcore.fetch.payload import Data, pending, request_data, response_data
from lbcore.fetch.rows import alias, plain, remembering
from lbcore.sample.points import CLIENT, REQUEST, RESPONSE
from lbcore.sample.rows import add_fetches
from lbcore.sample.types import Type, Value
from lbcore.stream.txn import Txn

HANDSHAKE, CLIENT_HELLO, SERVER_HELLO = 22, 1, 2  # content type; handshake types
SERVER_NAME, GROUPS, SIGNATURES, ALPN, TICKET, KEY_SHARE = 0, 10, 13, 16, 35, 51  # extensions
_RECORD, _MESSAGE = 5, 4  # bytes before a record's content, before a message's


class Short(Exception):
    """A field reaches beyond the end of what it lies in."""


class Reader:
    """Takes fields off the beginning of bytes. Raises Short where there are not enough."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def more(self) -> bool:
        return self.at < len(self.data)

    def take(self, size: int) -> bytes:
        """So many bytes."""
        end = self.at + size
        if end > len(self.data):
            raise Short
        found = self.data[self.at : end]
        self.at = end
        return found

    def number(self, size: int) -> int:
        """An unsigned number of so many bytes."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """Bytes behind their length, which has `size` bytes."""
        return self.take(self.number(size))


@dataclass(slots=True)
class Hello:
    """A hello of either side. `extensions` is None if it has no such part, else by type, the first of each."""

    kind: int
    version: int  # major * 65536 + minor
    ciphers: bytes = b""
    extensions: dict[int, bytes] | None = field(default=None)


def messages(data: bytes) -> bytes:
    """What the handshake records that `data` begins with carry. Raises Short if the last one is not whole, ValueError
    for what begins with no hello."""
    reader, content = Reader(data), b""
    while reader.more:
        kind, major, _ = reader.take(3)
        if kind != HANDSHAKE or major != 3:
            if content:
                break
            raise ValueError("no handshake")
        content += reader.vector(2)
        if content and content[0] not in (CLIENT_HELLO, SERVER_HELLO):
            raise ValueError("no hello")
        if len(content) >= _MESSAGE and len(content) >= _MESSAGE + int.from_bytes(content[1:4], "big"):
            break
    return content


@remembering
def parse(data: bytes) -> Hello:
    """The hello that `data` begins with. Raises Short if it is not whole, ValueError if it is none."""
    if data[:1] and data[0] & 0x80:
        return _parse_v2(data)
    reader = Reader(messages(data))
    kind = reader.number(1)
    body = Reader(reader.vector(3))
    try:
        return _parse_body(kind, body)
    except Short:
        raise ValueError("a field is longer than the message") from None


def _parse_body(kind: int, body: Reader) -> Hello:
    hello = Hello(kind, _version(body.take(2)))
    body.take(32)  # random
    body.vector(1)  # session
    if kind == SERVER_HELLO:
        hello.ciphers = body.take(2)
        body.take(1)  # compression
    else:
        hello.ciphers = body.vector(2)
        body.vector(1)
    if body.more:
        hello.extensions = _parse_extensions(Reader(body.vector(2)))
    return hello


def _parse_extensions(reader: Reader) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while reader.more:
        kind = reader.number(2)
        found.setdefault(kind, reader.vector(2))
    return found


def _parse_v2(data: bytes) -> Hello:
    """The old form in which clients of long ago began (RFC 5246 E.2). Only its version is of interest."""
    reader = Reader(data)
    body = Reader(reader.take(reader.number(2) & 0x7FFF))
    try:
        if body.number(1) != CLIENT_HELLO:
            raise ValueError("no hello")
        version = _version(body.take(2))
        ciphers, session, challenge = body.number(2), body.number(2), body.number(2)
        body.take(ciphers + session + challenge)
    except Short:
        raise ValueError("a field is longer than the message") from None
    if ciphers % 3 or not ciphers or body.more:
        raise ValueError("no hello")
    return Hello(0, version)


def _version(raw: bytes) -> int:
    return raw[0] << 16 | raw[1]


def _part(part: Callable[[Hello], Value | None], data: Data = request_data) -> Callable[[Txn], Value | None]:
    """What fetches a part of the hello that one side began with."""

    def fetch(t: Txn) -> Value | None:
        found = data(t)
        if found is None:
            return None
        try:
            hello = parse(found)
        except Short:
            pending(t)
            return None
        except ValueError:
            return None
        return part(hello)

    return fetch


def _client(part: Callable[[Hello], Value | None]) -> Callable[[Txn], Value | None]:
    """As `_part`, of a ClientHello only."""
    return _part(lambda hello: part(hello) if hello.kind == CLIENT_HELLO else None)


def _extension(number: int, part: Callable[[bytes], Value | None]) -> Callable[[Txn], Value | None]:
    """What fetches a part of one extension of a ClientHello. One that is malformed has none."""

    def read(hello: Hello) -> Value | None:
        raw = (hello.extensions or {}).get(number)
        if raw is None:
            return None
        try:
            return part(raw)
        except Short:
            return None

    return _client(read)


def kind_of(hello: Hello) -> int | None:
    return hello.kind or None  # an old hello has another numbering


def ticket_of(hello: Hello) -> int | None:
    """0 without a session ticket extension, 1 with an empty one, 2 with a ticket."""
    if hello.extensions is None:
        return None
    ticket = hello.extensions.get(TICKET)
    return 0 if ticket is None else 2 if ticket else 1


def server_name(raw: bytes) -> str | None:
    """The host in a list of names (RFC 6066 3)."""
    names = Reader(Reader(raw).vector(2))
    while names.more:
        kind, name = names.number(1), names.vector(2)
        if kind == 0:
            return name.decode("latin-1")
    return None


def first_protocol(raw: bytes) -> str | None:
    """The protocol that the client likes best (RFC 7301 3.1)."""
    protocols = Reader(Reader(raw).vector(2))
    return protocols.vector(1).decode("latin-1") if protocols.more else None


def key_groups(raw: bytes) -> bytes | None:
    """The groups for which there is a key, two bytes each (RFC 8446 4.2.8)."""
    shares, groups = Reader(Reader(raw).vector(2)), b""
    while shares.more:
        groups += shares.take(2)
        shares.vector(2)
    return groups or None


def vector_of(raw: bytes) -> bytes | None:
    """What stands behind its length."""
    return Reader(raw).vector(2) or None


add_fetches(
    plain("req.ssl_alpn", Type.STR, REQUEST, _extension(ALPN, first_protocol), "The first protocol of ALPN."),
    plain(
        "req.ssl_cipherlist", Type.BIN, CLIENT, _client(lambda hello: hello.ciphers),
        "The cipher suites that the client offers, two bytes each.",
    ),
    plain(
        "req.ssl_ec_ext", Type.BOOL, REQUEST, _extension(GROUPS, lambda raw: True),
        "True if the client offers elliptic curves.",
    ),
    *alias(
        plain("req.ssl_hello_type", Type.SINT, REQUEST, _part(kind_of), "The type of the client's hello: 1."),
        "req_ssl_hello_type",
    ),
    plain(
        "req.ssl_keyshare_groups", Type.BIN, CLIENT, _extension(KEY_SHARE, key_groups),
        "The groups that the client sends keys of, two bytes each.",
    ),
    plain(
        "req.ssl_sigalgs", Type.BIN, CLIENT, _extension(SIGNATURES, vector_of),
        "The signature algorithms that the client offers, two bytes each.",
    ),
    *alias(
        plain("req.ssl_sni", Type.STR, REQUEST, _extension(SERVER_NAME, server_name), "The server's name."),
        "req_ssl_sni",
    ),
    plain("req.ssl_st_ext", Type.SINT, REQUEST, _client(ticket_of), "Session ticket: 0 no, 1 empty, 2 with a ticket."),
    plain(
        "req.ssl_supported_groups", Type.BIN, CLIENT, _extension(GROUPS, vector_of),
        "The groups that the client offers, two bytes each.",
    ),
    *alias(
        plain("req.ssl_ver", Type.SINT, REQUEST, _part(lambda hello: hello.version), "Major * 65536 + minor version."),
        "req_ssl_ver",
    ),
    *alias(
        plain(
            "res.ssl_hello_type", Type.SINT, RESPONSE, _part(kind_of, response_data),
            "The type of the server's hello: 2.",
        ),
        "rep_ssl_hello_type",
        points=RESPONSE,
    ),
)  # fmt: skip
