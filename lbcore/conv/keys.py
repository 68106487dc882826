"""Public keys that verify signatures of tokens (RFC 7518 3.3 to 3.5). By cryptography, loaded with the first key.

A file that a configuration names is read once, while a balancer is built; what a variable names must be one of those,
so that no request reads from a disk. Any thread may look: a key is put in place whole, and never replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.conv.encodings import decode_url

HASHES = {"256": "SHA256", "384": "SHA384", "512": "SHA512"}  # by the last digits of an algorithm
FAMILIES = ("RS", "ES", "PS")
ALGORITHMS = frozenset(family + size for family in FAMILIES for size in HASHES)

Key = Any  # a public key of cryptography's
_KEYS: dict[str, Key] = {}  # by the path of its file


def known_key(path: str) -> Key | None:
    """The key in a file that was loaded, None if none was."""
    return _KEYS.get(path)


def load_key(path: str) -> Key | None:
    """The public key, or that of the certificate, in a PEM file; None if there is none."""
    if path in _KEYS:
        return _KEYS[path]
    try:
        with open(path, "rb") as file:
            key = _read(file.read())
    except OSError:
        return None
    if key is not None:
        _KEYS[path] = key
    return key


def _read(pem: bytes) -> Key | None:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    try:
        if b"BEGIN CERTIFICATE" in pem:
            return load_pem_x509_certificate(pem).public_key()
        return load_pem_public_key(pem)
    except ValueError:
        return None


def is_signed(token: bytes, signature: str, algorithm: str, key: Key) -> bool | None:
    """Whether `signature`, in base64url, is one of `token` by the owner of a key; None if it can be none."""
    from cryptography.exceptions import InvalidSignature

    raw = decode_url(signature)
    if raw is None or (algorithm.startswith("ES") and len(raw) % 2):
        return None
    try:
        _VERIFIERS[algorithm[:2]](key, raw, token, HASHES[algorithm[2:]])
    except (InvalidSignature, _WrongKeyError):
        return False
    return True


class _WrongKeyError(Exception):
    """The key is of another kind than the algorithm wants."""


def _digest(name: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return getattr(hashes, name)()


def _rsa(key: Key) -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if not isinstance(key, RSAPublicKey):
        raise _WrongKeyError
    return key


def _verify_rs(key: Key, raw: bytes, token: bytes, name: str) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    _rsa(key).verify(raw, token, PKCS1v15(), _digest(name))


def _verify_ps(key: Key, raw: bytes, token: bytes, name: str) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS

    digest = _digest(name)
    _rsa(key).verify(raw, token, PSS(MGF1(digest), digest.digest_size), digest)


def _verify_es(key: Key, raw: bytes, token: bytes, name: str) -> None:
    """The signature is two numbers of the same length, one after the other."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if not isinstance(key, EllipticCurvePublicKey):
        raise _WrongKeyError
    half = len(raw) // 2
    numbers = int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
    key.verify(encode_dss_signature(*numbers), token, ECDSA(_digest(name)))


_VERIFIERS: dict[str, Callable[[Key, bytes, bytes, str], None]] = {
    "ES": _verify_es,
    "PS": _verify_ps,
    "RS": _verify_rs,
}
