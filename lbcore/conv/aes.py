"""AES in Galois/Counter Mode (manual 7.3.1, aes_gcm_dec; NIST SP 800-38D). By cryptography, loaded late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lbcore.conv.arguments import as_type, named_variable, variable_or_none
from lbcore.conv.encodings import decode, encode
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type

BITS = (128, 192, 256)
NONCES = range(8, 129)  # bytes that OpenSSL is given; 12 are usual
TAG = 16  # bytes
TAG_LEAST = 12  # a shorter one, which a sender may choose, can be guessed (SP 800-38D 5.2.1.2)

_BITS, _NONCE, _KEY, _TAG = range(4)
_NAMES = {_NONCE: "nonce", _KEY: "key", _TAG: "aead_tag"}

Secret = Callable[[Txn], bytes | None]


def _check(args: Sequence[Arg], encoded: Sequence[int]) -> None:
    """Raises ArgumentError unless the arguments at these places are base64, or variables."""
    if args[_BITS] not in BITS:
        raise ArgumentError("key size must be 128, 192 or 256 (bits).")
    for at in encoded:
        if variable_or_none(args[at]) is None and decode(args[at]) is None:
            raise ArgumentError(
                f"failed to parse {_NAMES[at]} : argument needs to be base64 encoded, and can either be a string or a "
                "variable"
            )


def _check_dec(args: Sequence[Arg]) -> None:
    _check(args, (_NONCE, _KEY, _TAG))


def _check_enc(args: Sequence[Arg]) -> None:
    _check(args, (_NONCE, _KEY))
    named_variable(args[_TAG])


def _secret(text: str) -> Secret:
    """What gives the bytes that an argument, or the variable that it names, has in base64; None if it has none."""
    variable = variable_or_none(text)
    if variable is None:
        known = decode(text)
        return lambda t: known
    get = as_type(variable, Type.STR)

    def read(t: Txn) -> bytes | None:
        found = get(t)
        return None if found is None else decode(found)

    return read


def _cipher(args: Sequence[Arg]) -> Callable[[Txn, bytes | None], Any]:
    """What makes the cipher of a transaction, with a tag to verify, if any; None if there is no key or nonce for it."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    size = args[_BITS] // 8
    nonce_of, key_of = _secret(args[_NONCE]), _secret(args[_KEY])

    def make(t: Txn, tag: bytes | None) -> Any:
        nonce, key = nonce_of(t), key_of(t)
        if nonce is None or key is None or len(nonce) not in NONCES or len(key) < size:
            return None
        return Cipher(algorithms.AES(key[:size]), modes.GCM(nonce, tag, TAG_LEAST))

    return make


def _make_dec(args: Sequence[Arg], build: Build) -> TxnConvert:
    from cryptography.exceptions import InvalidTag

    cipher_of, tag_of = _cipher(args), _secret(args[_TAG])

    def decrypt(t: Txn, block: bytes) -> bytes | None:
        tag = tag_of(t)
        if tag is None or not TAG_LEAST <= len(tag) <= TAG:
            return None
        cipher = cipher_of(t, tag)
        if cipher is None:
            return None
        decryptor = cipher.decryptor()
        try:
            plain: bytes = decryptor.update(block) + decryptor.finalize()
        except InvalidTag:
            return None
        return plain

    return decrypt


def _make_enc(args: Sequence[Arg], build: Build) -> TxnConvert:
    cipher_of = _cipher(args)
    put = named_variable(args[_TAG]).setter()

    def encrypt(t: Txn, block: bytes) -> bytes | None:
        cipher = cipher_of(t, None)
        if cipher is None:
            return None
        encryptor = cipher.encryptor()
        found: bytes = encryptor.update(block) + encryptor.finalize()
        put(t, encode(encryptor.tag))
        return found

    return encrypt


_SIGNATURE = "(integer,string,string,string)"

add_converters(
    Converter("aes_gcm_dec", _SIGNATURE, Type.BIN, Type.BIN, _make_dec, "Deciphers, if the tag is right.", _check_dec,
              txn=True),
    Converter("aes_gcm_enc", _SIGNATURE, Type.BIN, Type.BIN, _make_enc, "Enciphers, and keeps the tag in a variable.",
              _check_enc, txn=True),
)  # fmt: skip
