"""Bytes as text and back: hexadecimal, base64, numbers in network order (manual 7.3.1)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence

from lbcore.conv.arguments import UNSIGNED, Number, number_of, text_at, variable_or_none
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type, sint

_HEX = re.compile(r"[0-9A-Fa-f]*\Z")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]===)*\Z")
_LITERAL = re.compile(r"[+-]?[0-9]+\Z")
_URL = bytes.maketrans(b"-_=", b"+//")  # HAProxy takes padding, which base64url has none of, for a digit of all ones
_URL_ALPHABET = re.compile(rb"[A-Za-z0-9_=-]*\Z")


def hexadecimal(block: bytes) -> str:
    """Two digits a byte, in upper case."""
    return block.hex().upper()


def hex2i(text: str) -> int | None:
    """The number that hexadecimal digits are, its lowest 64 bits with a sign; None if they are none."""
    if not _HEX.match(text):
        return None
    return sint(int(text or "0", 16) & UNSIGNED)


def encode(block: bytes) -> str:
    """In base64 (RFC 4648 section 4)."""
    return binascii.b2a_base64(block, newline=False).decode()


def decode(text: str) -> bytes | None:
    """What base64 means, None if it is none. As in HAProxy, padding may stand between texts that follow each other, and
    may stand in for all that one digit leaves open."""
    if not _BASE64.match(text):
        return None
    quantums = [text[at : at + 4] for at in range(0, len(text), 4)] if "=" in text[:-2] else [text]
    return b"".join([binascii.a2b_base64(quantum) for quantum in quantums if quantum[1:2] != "="])


def encode_url(block: bytes) -> str:
    """In base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(block).rstrip(b"=").decode()


def decode_url(text: str) -> bytes | None:
    """What base64url without padding means, None if it is none."""
    block = text.encode("latin-1")
    if len(block) % 4 == 1 or not _URL_ALPHABET.match(block):
        return None
    return binascii.a2b_base64(block.translate(_URL) + b"=" * (-len(block) % 4))


def htonl(number: int) -> bytes:
    """The lowest 32 bits in network order."""
    return (number & 0xFFFFFFFF).to_bytes(4, "big")


# ---- in chunks ----


def _chunking(args: Sequence[Arg]) -> tuple[str, int, bool]:
    """Separator, chunk size, whether what is left over is dropped."""
    size: int = args[1] if len(args) > 1 else 0
    truncate: int = args[2] if len(args) > 2 else 0
    return text_at(args, 0), size, bool(truncate)


def _check_truncate(args: Sequence[Arg]) -> None:
    if len(args) > 2 and args[2] not in (0, 1):
        raise ArgumentError(f"Unsupported truncate value ({args[2]})")


def _check_be2dec(args: Sequence[Arg]) -> None:
    size = _chunking(args)[1]
    if not 1 <= size <= 8:
        raise ArgumentError(f"chunk_size out of [1..8] range ({size})")
    _check_truncate(args)


def _check_be2hex(args: Sequence[Arg]) -> None:
    separator, size, truncate = _chunking(args)
    if size <= 0 and (separator or truncate):
        raise ArgumentError(f"chunk_size needs to be positive ({size})")
    _check_truncate(args)


def _in_chunks(args: Sequence[Arg], spell: Callable[[bytes], str]) -> Convert:
    separator, size, truncate = _chunking(args)

    def convert(block: bytes) -> str:
        end = len(block) - len(block) % size if truncate else len(block)
        return separator.join([spell(block[at : min(at + size, end)]) for at in range(0, end, size)])

    return convert


def _make_be2dec(args: Sequence[Arg], build: Build) -> Convert:
    return _in_chunks(args, lambda chunk: str(int.from_bytes(chunk, "big")))


def _make_be2hex(args: Sequence[Arg], build: Build) -> Convert:
    return hexadecimal if _chunking(args)[1] <= 0 else _in_chunks(args, hexadecimal)


# ---- parts of bytes ----


def _place(text: str, at: int) -> int | Number:
    """A literal number, or the variable that holds one. Raises ArgumentError."""
    if _LITERAL.match(text):
        return int(text)
    variable = variable_or_none(text)
    if variable is None:
        raise ArgumentError(f"failed to parse '{text}' as type 'integer' at position {at + 1}", at)
    return number_of(variable)


def _check_bytes(args: Sequence[Arg]) -> None:
    if not text_at(args, 0):
        raise ArgumentError("expected type 'integer' at position 1, but got nothing", 0)
    for at, text in enumerate(args):
        if text:
            _place(text, at)


def _make_bytes(args: Sequence[Arg], build: Build) -> TxnConvert:
    """From an offset on, up to a length; nothing if one of them is negative or the offset is behind the end.

    Without a sample if a variable holds no number.
    """
    offset = _place(args[0], 0)
    length = _place(args[1], 1) if text_at(args, 1) else None
    if isinstance(offset, int) and (length is None or isinstance(length, int)):
        if offset < 0 or (length is not None and length < 0):
            return lambda t, block: b""
        end = None if length is None else offset + length
        return lambda t, block: block[offset:end]

    def cut(t: Txn, block: bytes) -> bytes | None:
        start = offset if isinstance(offset, int) else offset(t)
        size = len(block) if length is None else length if isinstance(length, int) else length(t)
        if start is None or size is None:
            return None
        return block[start : start + size] if start >= 0 and size >= 0 else b""

    return cut


def _plain(name: str, takes: Type, gives: Type, function: Convert, doc: str) -> Converter:
    return Converter(name, "", takes, gives, lambda args, build: function, doc)


_CHUNKS = "(string[,integer,integer])"

add_converters(
    _plain("b64dec", Type.STR, Type.BIN, decode, "Decodes base64."),
    _plain("base64", Type.BIN, Type.STR, encode, "Encodes in base64."),
    Converter(
        "be2dec", _CHUNKS, Type.BIN, Type.STR, _make_be2dec, "Decimal numbers of so many bytes each.", _check_be2dec
    ),
    Converter(
        "be2hex", _CHUNKS, Type.BIN, Type.STR, _make_be2hex, "Hexadecimal numbers of so many bytes each.", _check_be2hex
    ),
    Converter(
        "bytes",
        "(string[,string])",
        Type.BIN,
        Type.BIN,
        _make_bytes,
        "From an offset, a length.",
        _check_bytes,
        txn=True,
    ),
    _plain("hex", Type.BIN, Type.STR, hexadecimal, "Two hexadecimal digits a byte."),
    _plain("hex2i", Type.STR, Type.SINT, hex2i, "The number that hexadecimal digits are."),
    _plain("htonl", Type.SINT, Type.BIN, htonl, "The 32 bits of a number in network order."),
    _plain("ub64dec", Type.STR, Type.BIN, decode_url, "Decodes base64url."),
    _plain("ub64enc", Type.BIN, Type.STR, encode_url, "Encodes in base64url."),
)
