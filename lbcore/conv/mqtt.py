"""MQTT 3.1, 3.1.1 and 5.0: the packets that open a connection, CONNECT and CONNACK (manual 7.3.1).

(MQTT 3.1.1 sections 2.2, 3.1, 3.2; MQTT 5.0 sections 2.1, 2.2.2, 3.1, 3.2.) A packet is a byte with its type, its
length in up to four bytes, and a body, in which texts have a length of two bytes before them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, add_converters
from lbcore.sample.types import Type

TYPES = (
    "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE",
    "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
)  # fmt: skip
CONNECT, CONNACK = 1, 2
HEAD_MAX = 5  # bytes of type and length
MQTT_5 = 5

_PROTOCOLS = frozenset({b"MQTT", b"MQISDP"})  # in any case, and whatever the version, as in HAProxy
_VERSIONS = frozenset({3, 4, MQTT_5})
_USERNAME, _PASSWORD, _WILL, _RESERVED = 0x80, 0x40, 0x04, 0x01  # flags of CONNECT

BOOL, U16, U32, TEXT, PAIR = "bool", "u16", "u32", "text", "pair"
USER_PROPERTY = 38  # may stand there several times, and is not kept
CONNECT_PROPERTIES = {
    17: U32, 21: TEXT, 22: TEXT, 23: BOOL, 25: BOOL, 33: U16, 34: U16, USER_PROPERTY: PAIR, 39: U32,
}  # fmt: skip
WILL_PROPERTIES = {1: BOOL, 2: U32, 3: TEXT, 8: TEXT, 9: TEXT, 24: U32, USER_PROPERTY: PAIR}
CONNACK_PROPERTIES = {
    17: U32, 18: TEXT, 19: U16, 21: TEXT, 22: TEXT, 26: TEXT, 28: TEXT, 31: TEXT, 33: U16, 34: U16, 36: BOOL, 37: BOOL,
    USER_PROPERTY: PAIR, 39: U32, 40: BOOL, 41: BOOL, 42: BOOL,
}  # fmt: skip
_CONNECT_FIELDS = frozenset(
    {
        "flags", "protocol_name", "protocol_version", "client_identifier", "will_topic", "will_payload", "username",
        "password", "keepalive",
    }
)  # fmt: skip
_CONNACK_FIELDS = frozenset({"flags", "protocol_version", "reason_code"})


class MqttError(ValueError):
    """A packet that is not valid."""


class _Cut(Exception):
    """A packet that is not all there."""


@dataclass(slots=True)
class Packet:
    """A packet that was read: its type, its fields and properties by their names and numbers."""

    kind: int
    values: dict[str, int | bytes] = field(default_factory=dict)


class _Reader:
    """Reads a body from its beginning to its end. Raises MqttError when there is too little."""

    __slots__ = ("_at", "_block")

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._block) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise MqttError("too short")
        self._at += size
        return self._block[self._at - size : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def text(self) -> bytes:
        return self.take(self.number(2))

    def varint(self) -> int:
        value = 0
        for place in range(4):
            byte = self.number(1)
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value
        raise MqttError("a length of five bytes")


def _flag(reader: _Reader) -> int:
    value = reader.number(1)
    if value > 1:
        raise MqttError("neither 0 nor 1")
    return value


def _pair(reader: _Reader) -> int:
    reader.text()
    reader.text()
    return 0


_READERS: dict[str, Callable[[_Reader], int | bytes]] = {
    BOOL: _flag,
    U16: lambda reader: reader.number(2),
    U32: lambda reader: reader.number(4),
    TEXT: _Reader.text,
    PAIR: _pair,
}


def read(block: bytes) -> Packet | None:
    """The packet that bytes begin with, None as long as it is not all there. Raises MqttError if it is not valid, or of
    another type than CONNECT and CONNACK."""
    try:
        kind, body = _head(block)
    except _Cut:
        return None
    packet = Packet(kind)
    (_connect if kind == CONNECT else _connack)(_Reader(body), packet.values)
    return packet


def _head(block: bytes) -> tuple[int, bytes]:
    if len(block) < 2:
        raise _Cut
    kind, flags = block[0] >> 4, block[0] & 0x0F
    if kind not in (CONNECT, CONNACK) or flags:
        raise MqttError("neither CONNECT nor CONNACK")
    size = 0
    for place, byte in enumerate(block[1:HEAD_MAX]):
        size |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            start = place + 2
            break
    else:
        if len(block) >= HEAD_MAX:
            raise MqttError("a length of five bytes")
        raise _Cut
    if len(block) < start + size:
        raise _Cut
    return kind, block[start : start + size]


def _connect(reader: _Reader, values: dict[str, int | bytes]) -> None:
    name, version = reader.text(), reader.number(1)
    if version not in _VERSIONS or name.upper() not in _PROTOCOLS:
        raise MqttError("no known protocol")
    flags = reader.number(1)
    if flags & _RESERVED:
        raise MqttError("a reserved flag")
    values.update(protocol_name=name, protocol_version=version, flags=flags, keepalive=reader.number(2))
    if version == MQTT_5:
        _properties(reader, CONNECT_PROPERTIES, values)
    values["client_identifier"] = reader.text()
    if flags & _WILL:
        if version == MQTT_5:
            _properties(reader, WILL_PROPERTIES, values)
        values.update(will_topic=reader.text(), will_payload=reader.text())
    if flags & _USERNAME:
        values["username"] = reader.text()
    if flags & _PASSWORD:
        values["password"] = reader.text()
    if reader.left:
        raise MqttError("too long")


def _connack(reader: _Reader, values: dict[str, int | bytes]) -> None:
    values.update(flags=_flag(reader), reason_code=reader.number(1), protocol_version=4)
    if reader.left:  # only since 5.0 there is something behind
        values["protocol_version"] = MQTT_5
        _properties(reader, CONNACK_PROPERTIES, values)
    if reader.left:
        raise MqttError("too long")


def _properties(reader: _Reader, known: dict[int, str], values: dict[str, int | bytes]) -> None:
    inner = _Reader(reader.take(reader.varint()))
    while inner.left:
        number = inner.varint()
        name = str(number)
        if number not in known or name in values:
            raise MqttError(f"property {number}")
        value = _READERS[known[number]](inner)
        if number != USER_PROPERTY:
            values[name] = value


def is_valid(block: bytes) -> bool | None:
    """Whether bytes begin with a valid packet; None as long as it is not all there."""
    try:
        return None if read(block) is None else True
    except MqttError:
        return False


def _kind(text: str) -> int:
    """The number of a packet type, by its name in any case or by that number. Raises ArgumentError."""
    name = text.upper()
    if name in TYPES:
        return TYPES.index(name) + 1
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= len(TYPES):
        raise ArgumentError(f"Unknown MQTT type '{text}'")
    return number


def _name(text: str, kind: int) -> str | None:
    """A field's name as it is in a packet, None if packets of that type have none such."""
    name = text.lower()
    numbers = {CONNECT: {**CONNECT_PROPERTIES, **WILL_PROPERTIES}, CONNACK: CONNACK_PROPERTIES}.get(kind, {})
    names = {CONNECT: _CONNECT_FIELDS, CONNACK: _CONNACK_FIELDS}.get(kind, frozenset())
    if name in names:
        return name
    return str(int(name)) if name.isascii() and name.isdigit() and int(name) in numbers else None


def _check_field(args: Sequence[Arg]) -> None:
    if _name(args[1], _kind(args[0])) is None:
        raise ArgumentError(f"Unknown MQTT field name '{args[1]}' for packet type '{args[0]}'")


def _make_field_value(args: Sequence[Arg], build: Build) -> Convert:
    """A field of a packet of that type, numbers in decimal; no sample if the packet has none."""
    kind = _kind(args[0])
    name = _name(args[1], kind)

    def field_value(block: bytes) -> str | None:
        try:
            packet = read(block)
        except MqttError:
            return None
        if packet is None or packet.kind != kind or name is None:
            return None
        value = packet.values.get(name)
        return value.decode("latin-1") if isinstance(value, bytes) else None if value is None else str(value)

    return field_value


_FIELD = "(string,string)"

add_converters(
    Converter(
        "mqtt_field_value", _FIELD, Type.BIN, Type.STR, _make_field_value, "A field of an MQTT packet.", _check_field
    ),
    Converter("mqtt_is_valid", "", Type.BIN, Type.BOOL, lambda args, build: is_valid, "Whether it is an MQTT packet."),
)
