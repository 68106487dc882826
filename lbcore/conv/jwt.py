"""JSON Web Tokens in their compact form: three parts in base64url, separated by dots (RFC 7515; manual 7.3.1).

Signatures by a secret (HS256, HS384, HS512) are verified here, those by a key pair in keys.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from lbcore.conv.arguments import as_type, text_at, variable_or_none
from lbcore.conv.encodings import decode_url
from lbcore.conv.json_ import check_query_type, make_query
from lbcore.conv.keys import ALGORITHMS, is_signed, known_key, load_key
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type, Value

VALID, BROKEN, UNKNOWN_ALGORITHM, INVALID_TOKEN, UNKNOWN_KEY = 1, 0, -1, -3, -5

_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_HEADER, _PAYLOAD = 0, 1


def verify(token: str, algorithm: str, secret: str) -> int:
    """Whether a token is signed by a secret, or by the owner of the key in the file called so: VALID, BROKEN, or
    why that can't be told."""
    parts = token.split(".")
    if len(parts) != 3 or (algorithm != "none" and not parts[2]):
        return INVALID_TOKEN
    if algorithm == "none":
        return BROKEN if parts[2] else VALID
    signed = f"{parts[0]}.{parts[1]}".encode("latin-1")
    if algorithm in ALGORITHMS:
        key = known_key(secret)
        if key is None:
            return UNKNOWN_KEY
        found = is_signed(signed, parts[2], algorithm, key)
        return INVALID_TOKEN if found is None else VALID if found else BROKEN
    digest = _DIGESTS.get(algorithm)
    if digest is None:
        return UNKNOWN_ALGORITHM
    signature = decode_url(parts[2])
    if signature is None:
        return INVALID_TOKEN
    expected = hmac.digest(secret.encode("latin-1"), signed, digest)
    return VALID if hmac.compare_digest(signature, expected) else BROKEN


def _check_verify(args: Sequence[Arg]) -> None:
    algorithm = args[0]
    if variable_or_none(algorithm) is None and algorithm not in _DIGESTS and algorithm not in {"none", *ALGORITHMS}:
        raise ArgumentError(f"unknown JWT algorithm: {algorithm}")


def _make_verify(args: Sequence[Arg], build: Build) -> TxnConvert:
    name, key = variable_or_none(args[0]), variable_or_none(args[1])
    if key is None and (name is not None or args[0] in ALGORITHMS):
        load_key(args[1])
    if name is None and key is None:
        algorithm, secret = args
        return lambda t, token: verify(token.decode("latin-1"), algorithm, secret)
    get_algorithm = as_type(name, Type.STR) if name is not None else lambda t: args[0]
    get_secret = as_type(key, Type.BIN) if key is not None else lambda t: args[1].encode("latin-1")

    def with_variables(t: Txn, token: bytes) -> int | None:
        algorithm, secret = get_algorithm(t), get_secret(t)
        if algorithm is None or secret is None:
            return None
        return verify(token.decode("latin-1"), algorithm, secret.decode("latin-1"))

    return with_variables


def _make_part(part: int, args: Sequence[Arg]) -> Convert:
    """The decoded header or payload of a token, or a value of it. A token without a signature is none."""
    query = make_query(args) if text_at(args, 0) else None

    def convert(token: bytes) -> Value | None:
        parts = token.decode("latin-1").split(".")
        if len(parts) != 3:
            return None
        decoded = decode_url(parts[part])
        if decoded is None or query is None:
            return decoded
        return query(decoded.decode("latin-1"))

    return convert


def _make_header(args: Sequence[Arg], build: Build) -> Convert:
    return _make_part(_HEADER, args)


def _make_payload(args: Sequence[Arg], build: Build) -> Convert:
    return _make_part(_PAYLOAD, args)


_QUERY = "([string,string])"

add_converters(
    Converter(
        "jwt_header_query", _QUERY, Type.BIN, Type.ANY, _make_header, "A token's header, or of it.", check_query_type
    ),
    Converter(
        "jwt_payload_query", _QUERY, Type.BIN, Type.ANY, _make_payload, "A token's payload, or of it.", check_query_type
    ),
    Converter(
        "jwt_verify",
        "(string,string)",
        Type.BIN,
        Type.SINT,
        _make_verify,
        "Whether a token is signed by a secret, or by the owner of a key.",
        _check_verify,
        txn=True,
    ),
)
