"""Digests and comparisons that are safe against an attacker (manual 7.3.1). All by Python's hashlib, so by OpenSSL."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

from lbcore.conv.arguments import as_type, check_variable, named_variable, variable_or_none
from lbcore.conv.encodings import decode
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type

_NO_ALGORITHM = "algorithm must be a valid OpenSSL message digest name."
_NO_KEY = "failed to parse key : argument needs to be base64 encoded, and can either be a string or a variable"
_SHA2 = {224: hashlib.sha224, 256: hashlib.sha256, 384: hashlib.sha384, 512: hashlib.sha512}
_XOF_SIZES = {"shake_128": 16, "shake_256": 32}  # bytes that OpenSSL gives of digests of any length

Digest = Callable[[bytes], bytes]


def _check_algorithm(args: Sequence[Arg]) -> None:
    _digest(args[0])


def _digest(algorithm: str) -> Digest:
    """The digest of that name in OpenSSL. Raises ArgumentError."""
    name = _hashlib_name(algorithm)
    try:
        known = hashlib.new(name, usedforsecurity=False)
    except ValueError:
        raise ArgumentError(_NO_ALGORITHM) from None
    if known.digest_size:
        return lambda block: hashlib.new(name, block, usedforsecurity=False).digest()
    size = _XOF_SIZES.get(known.name)
    if size is None:
        raise ArgumentError(_NO_ALGORITHM)
    return lambda block: hashlib.new(name, block, usedforsecurity=False).digest(size)  # type: ignore[call-arg]


def _hashlib_name(algorithm: str) -> str:
    """OpenSSL's name of a digest as hashlib takes it. It takes those with an underscore besides, which OpenSSL does
    not, and none of a signature. Raises ArgumentError."""
    if "_" in algorithm:
        raise ArgumentError(_NO_ALGORITHM)
    return algorithm[4:] if algorithm[:4].upper() == "RSA-" else algorithm


def _make_digest(args: Sequence[Arg], build: Build) -> Convert:
    return _digest(args[0])


def _check_sha2(args: Sequence[Arg]) -> None:
    if args and args[0] not in _SHA2:
        raise ArgumentError(f"Unsupported number of bits: '{args[0]}'")


def _make_sha2(args: Sequence[Arg], build: Build) -> Convert:
    function = _SHA2[args[0] if args else 256]
    return lambda block: function(block).digest()


def _check_hmac(args: Sequence[Arg]) -> None:
    _digest(args[0])
    if variable_or_none(args[1]) is None and decode(args[1]) is None:
        raise ArgumentError(_NO_KEY)


def _make_hmac(args: Sequence[Arg], build: Build) -> TxnConvert:
    name = _hashlib_name(args[0])
    variable = variable_or_none(args[1])
    if variable is None:
        key = decode(args[1]) or b""
        return lambda t, block: _mac(name, key, block)
    get = as_type(variable, Type.STR)

    def with_variable(t: Txn, block: bytes) -> bytes | None:
        text = get(t)
        key = None if text is None else decode(text)
        return None if key is None else _mac(name, key, block)

    return with_variable


def _mac(name: str, key: bytes, block: bytes) -> bytes | None:
    """The message authentication code; None of digests that have none."""
    try:
        return hmac.digest(key, block, name)
    except ValueError:
        return None


def _make_secure_memcmp(args: Sequence[Arg], build: Build) -> TxnConvert:
    get = as_type(named_variable(args[0]), Type.BIN)

    def compare(t: Txn, block: bytes) -> bool | None:
        other = get(t)
        return None if other is None else hmac.compare_digest(block, other)

    return compare


def _sha1(block: bytes) -> bytes:
    return hashlib.sha1(block, usedforsecurity=False).digest()


_HMAC = "(string,string)"

add_converters(
    Converter("digest", "(string)", Type.BIN, Type.BIN, _make_digest, "OpenSSL's digest of a name.", _check_algorithm),
    Converter("hmac", _HMAC, Type.BIN, Type.BIN, _make_hmac, "HMAC by a digest and a key.", _check_hmac, txn=True),
    Converter(
        "secure_memcmp",
        "(string)",
        Type.BIN,
        Type.BOOL,
        _make_secure_memcmp,
        "Whether it equals a variable, in constant time.",
        check_variable,
        txn=True,
    ),
    Converter("sha1", "", Type.BIN, Type.BIN, lambda args, build: _sha1, "SHA-1."),
    Converter("sha2", "([integer])", Type.BIN, Type.BIN, _make_sha2, "SHA-2 of so many bits.", _check_sha2),
)
