"""JSON Web Tokens in their compact form: three parts in base64url, separated by dots (RFC 7515; manual 7.3.1).

Signatures by a secret (HS256, HS384, HS512) can be verified; those by a key pair need more than Python's own library.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from lbcore.conv.arguments import as_type, text_at, variable_or_none
from lbcore.conv.encodings import decode_url
from lbcore.conv.json_ import check_query_type, make_query
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type, Value

VALID, BROKEN, UNKNOWN_ALGORITHM, UNMANAGED_ALGORITHM, INVALID_TOKEN = 1, 0, -1, -2, -3

_DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_KEY_PAIRS = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"})
_HEADER, _PAYLOAD = 0, 1


def verify(token: str, algorithm: str, secret: bytes) -> int:
    """Whether a token is signed by a secret: VALID, BROKEN, or why that can't be told."""
    parts = token.split(".")
    if len(parts) != 3 or (algorithm != "none" and not parts[2]):
        return INVALID_TOKEN
    if algorithm == "none":
        return BROKEN if parts[2] else VALID
    digest = _DIGESTS.get(algorithm)
    if digest is None:
        return UNMANAGED_ALGORITHM if algorithm in _KEY_PAIRS else UNKNOWN_ALGORITHM
    signature = decode_url(parts[2])
    if signature is None:
        return INVALID_TOKEN
    expected = hmac.digest(secret, f"{parts[0]}.{parts[1]}".encode("latin-1"), digest)
    return VALID if hmac.compare_digest(signature, expected) else BROKEN


def _check_verify(args: Sequence[Arg]) -> None:
    algorithm = args[0]
    if variable_or_none(algorithm) is not None or algorithm in _DIGESTS or algorithm == "none":
        return
    if algorithm in _KEY_PAIRS:
        raise ArgumentError(f"JWT algorithm '{algorithm}' is not done in this release, only HS256, HS384 and HS512 are")
    raise ArgumentError(f"unknown JWT algorithm: {algorithm}")


def _make_verify(args: Sequence[Arg], build: Build) -> TxnConvert:
    name, key = variable_or_none(args[0]), variable_or_none(args[1])
    if name is None and key is None:
        algorithm, secret = args[0], args[1].encode("latin-1")
        return lambda t, token: verify(token.decode("latin-1"), algorithm, secret)
    get_algorithm = as_type(name, Type.STR) if name is not None else lambda t: args[0]
    get_secret = as_type(key, Type.BIN) if key is not None else lambda t: args[1].encode("latin-1")

    def with_variables(t: Txn, token: bytes) -> int | None:
        algorithm, secret = get_algorithm(t), get_secret(t)
        return None if algorithm is None or secret is None else verify(token.decode("latin-1"), algorithm, secret)

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
        "Whether a token is signed by a secret.",
        _check_verify,
        txn=True,
    ),
)
