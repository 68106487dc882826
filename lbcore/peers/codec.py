"""The words of the peers protocol 2.1: numbers, messages, definitions of tables (HAProxy's doc/peers.txt).

Nothing here reads a socket or knows a table. What a peer says is never trusted: all that is not as it should be is a
`ProtocolError`, whatever the bytes.

    message     class (1 byte), type (1 byte); if the type is 128 or above: the length of what follows, the body
    number      240 and above: 0xf0 and four bits in the first byte, then seven bits a byte, the lowest first;
                before each shift the flag that was set is subtracted
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

PROTOCOL = "HAProxyS"
MAJOR, MINOR = 2, 1
TIMED_FROM = 1  # the minor version from which updates tell how long an entry has to live
LENGTHY = 128  # types from which a body follows
ONE_BYTE = 0xF0  # numbers below take one
NUMBERS = 1 << 64  # none is larger
SHIFT_MAX = 64
HEAD_MAX = 12  # class, type, and the longest length


class ProtocolError(Exception):
    """A peer says what makes no sense."""


class TooLarge(ProtocolError):
    """A peer sends a message that is larger than any may be."""


class Class(IntEnum):
    """The first byte of a message."""

    CONTROL = 0
    ERROR = 1
    TABLE = 10
    RESERVED = 255


class Control(IntEnum):
    """Messages of Class.CONTROL."""

    RESYNC_REQUEST = 0
    RESYNC_FINISHED = 1
    RESYNC_PARTIAL = 2
    RESYNC_CONFIRM = 3
    HEARTBEAT = 4


class Fault(IntEnum):
    """Messages of Class.ERROR."""

    PROTOCOL = 0
    SIZE = 1


class About(IntEnum):
    """Messages of Class.TABLE. HAProxy 2.6 sends them by these numbers; its document has another one for ACK."""

    UPDATE = 0x80
    INCREMENTAL = 0x81  # its number is that of the last one and 1
    DEFINE = 0x82
    SWITCH = 0x83
    ACK = 0x84
    TIMED = 0x85  # an UPDATE that tells how long the entry has to live
    TIMED_INCREMENTAL = 0x86


class Status(IntEnum):
    """The answer to a hello."""

    OK = 200
    TRY_AGAIN = 300
    PROTOCOL = 501
    VERSION = 502
    NAME = 503  # it is not us that the hello is for
    UNKNOWN = 504  # we do not know who says it


class Message(NamedTuple):
    """One message. `type` is of the class's enumeration, or any number that a newer peer knows."""

    kind: int
    type: int
    body: bytes


# --- numbers ---


def _encode(value: int) -> bytes:
    out = bytearray((value & 0x0F | ONE_BYTE,))
    value = (value - ONE_BYTE) >> 4
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value = (value - 0x80) >> 7
    out.append(value)
    return bytes(out)


_SMALL = tuple(bytes((value,)) if value < ONE_BYTE else _encode(value) for value in range(2288))


def number(value: int) -> bytes:
    """The bytes of a number, 0 .. 2^64-1."""
    return _SMALL[value] if value < len(_SMALL) else _encode(value)


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """(the number at `at`, where the next one begins). Raises ProtocolError if there is none, or more than 64 bits."""
    try:
        value = data[at]
        at += 1
        if value < ONE_BYTE:
            return value, at
        shift = 4
        while True:
            byte = data[at]
            at += 1
            value += byte << shift
            if byte < 0x80:
                break
            shift += 7
            if shift >= SHIFT_MAX:
                raise ProtocolError("a number of more than 64 bits")
    except IndexError:
        raise ProtocolError("a number is cut short") from None
    if value >= NUMBERS:
        raise ProtocolError("a number of more than 64 bits")
    return value, at


# --- messages ---


def message(kind: Class, type_: int, body: bytes = b"") -> bytes:
    """A message as it is sent."""
    head = bytes((kind, type_))
    return head + number(len(body)) + body if type_ >= LENGTHY else head


class Messages:
    """Takes what comes as it comes, and gives whole messages."""

    def __init__(self, largest: int) -> None:
        """`largest`: bytes that the body of a message may have."""
        self._largest = largest
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that end with `data`. Raises ProtocolError: nothing that follows could be understood.

        What is left when the caller goes away is given with the next data."""
        buffer = self._buffer + data if self._buffer else data
        at = 0
        try:
            while True:
                found = self._next(buffer, at)
                if found is None:
                    return
                one, at = found
                yield one
        finally:
            self._buffer = buffer[at:]

    def _next(self, buffer: bytes, at: int) -> tuple[Message, int] | None:
        if len(buffer) - at < 2:
            return None
        kind, type_ = buffer[at], buffer[at + 1]
        if type_ < LENGTHY:
            return Message(kind, type_, b""), at + 2
        try:
            length, start = read_number(buffer, at + 2)
        except ProtocolError:
            if len(buffer) - at >= HEAD_MAX:
                raise
            return None
        if length > self._largest:
            raise TooLarge(f"a message of {length} bytes")
        end = start + length
        if len(buffer) < end:
            return None
        return Message(kind, type_, buffer[start:end]), end


# --- what a table is ---


class Kept(NamedTuple):
    """How a data type is stored: elements, and of rates the period in ms."""

    elements: int = 1
    period: int = 0


class Definition(NamedTuple):
    """What a peer says of a table before it sends entries of it. `types` are by their number."""

    id: int  # the peer's own
    name: str
    type: int  # of keys: KEY_TYPES
    key_length: int  # bytes; of strings with a NUL
    types: Mapping[int, Kept]
    expire: int = 0  # ms


KEY_TYPES = {"integer": 2, "ip": 4, "ipv6": 5, "string": 6, "binary": 7}
ELEMENTS_MAX = 100
BITFIELD = 64  # data types that there can be


def definition(one: Definition, rates: frozenset[int], arrays: frozenset[int]) -> bytes:
    """The body of a DEFINE. `rates` and `arrays`: numbers of the data types that are such."""
    name = one.name.encode("latin-1", "replace")
    bits = sum(1 << which for which in one.types)
    out = [number(one.id), number(len(name)), name]
    out += map(number, (one.type, one.key_length, bits, one.expire))
    for which in sorted(one.types):
        kept = one.types[which]
        parts = [kept.elements] * (which in arrays) + [kept.period] * (which in rates)
        if parts:
            out += map(number, (which, *parts))
    return b"".join(out)


def read_definition(body: bytes, rates: frozenset[int], arrays: frozenset[int]) -> Definition:
    """What the body of a DEFINE says. Old peers leave out what follows the types. Raises ProtocolError."""
    which, at = read_number(body, 0)
    length, at = read_number(body, at)
    if length > len(body) - at:
        raise ProtocolError("the name of a table is cut short")
    name = body[at : at + length].decode("latin-1")
    kind, at = read_number(body, at + length)
    key_length, at = read_number(body, at)
    bits, at = read_number(body, at)
    types = {one: Kept() for one in range(BITFIELD) if bits >> one & 1}
    if at == len(body):
        return Definition(which, name, kind, key_length, types)
    expire, at = read_number(body, at)
    while at < len(body):
        type_, at = read_number(body, at)
        if type_ not in rates and type_ not in arrays:
            break  # a type of a newer peer, of whose parameters nothing is known
        elements, period = 1, 0
        if type_ in arrays:
            elements, at = read_number(body, at)
            if not 1 <= elements <= ELEMENTS_MAX:
                raise ProtocolError(f"an array of {elements} elements")
        if type_ in rates:
            period, at = read_number(body, at)
        if type_ in types:
            types[type_] = Kept(elements, period)
    return Definition(which, name, kind, key_length, types, expire)


# --- what opens a session ---


class Hello(NamedTuple):
    """The first thing that is said, by who calls."""

    version: str  # as written, what follows the name of the protocol
    to: str  # the name of the peer that is called
    name: str  # the caller's
    pid: int = 0


def hello(to: str, name: str, pid: int, minor: int = MINOR) -> bytes:
    """The lines of a hello. Names are UTF-8, as configurations are."""
    return f"{PROTOCOL} {MAJOR}.{minor}\n{to}\n{name} {pid} 1\n".encode()


def read_hello(lines: Sequence[bytes]) -> Hello:
    """What the three lines of a hello say, without their LF. Raises ProtocolError if they are none."""
    words = [line.decode("utf-8", "replace").rstrip("\r") for line in lines]
    protocol, _, version = words[0].partition(" ")
    if protocol != PROTOCOL:
        raise ProtocolError("no hello")
    name, _, rest = words[2].partition(" ")
    pid = rest.partition(" ")[0]
    return Hello(version, words[1], name, int(pid) if pid.isascii() and pid.isdecimal() and len(pid) < 10 else 0)


def minor_of(version: str) -> int | None:
    """The minor version of a peer that we can talk to, None of any other."""
    major, dot, minor = version.partition(".")
    if not dot or major != str(MAJOR) or not minor.isascii() or not minor.isdecimal() or len(minor) > 4:
        return None
    return int(minor)
