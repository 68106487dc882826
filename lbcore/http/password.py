"""Passwords as they are kept: plain, or as crypt(3) has hashed them.

A hash is made to take long: some milliseconds for those in use today, during which the worker that asks does nothing
else (others go on: the GIL is released). A password that was found right is therefore remembered, as a digest under a
key that only this process has; a wrong one is worked out each time.

Any thread: the memory is a dict whose entries never change, and each thread has a scratch area of its own.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import hmac
import os
import threading
from collections.abc import Callable

REMEMBERED = 1024  # right passwords
_SCRATCH = 1 << 18  # bytes for crypt_r(): libxcrypt writes 32 KiB, the GNU C library of old 128 KiB
_NAMES = ("libcrypt.so.1", "libcrypt.so.2", "libcrypt.so")

_KEY = os.urandom(32)
_right: dict[bytes, bool] = {}
_thread = threading.local()


@functools.cache
def library() -> Callable[[bytes, bytes], bytes | None]:
    """crypt(3) as a function of password and setting. Raises OSError if this system has none."""
    for name in _NAMES:
        try:
            crypt_r = ctypes.CDLL(name).crypt_r
        except (OSError, AttributeError):
            continue
        break
    else:
        raise OSError("passwords are hashed, but this system has no libcrypt")
    crypt_r.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
    crypt_r.restype = ctypes.c_char_p

    def crypt(password: bytes, setting: bytes) -> bytes | None:
        scratch = getattr(_thread, "scratch", None)
        if scratch is None:
            scratch = _thread.scratch = ctypes.create_string_buffer(_SCRATCH)
        found: bytes | None = crypt_r(password, setting, scratch)
        return found

    return crypt


def hashed(password: bytes, setting: bytes) -> bytes | None:
    """The hash of a password; `setting` names the method, the cost and the salt (a whole hash will do). None if there
    is no such method. Raises OSError without libcrypt."""
    if b"\0" in password or b"\0" in setting:
        return None
    found = library()(password, setting)
    return None if found is None or found[:1] == b"*" else found


def matches(password: str, kept: str, *, plain: bool) -> bool:
    """Whether a password (latin-1 text, one character a byte) is the one that is kept, as it is (`plain`) or hashed.

    Takes time only for hashes. Raises OSError without libcrypt.
    """
    given, wanted = password.encode("latin-1"), kept.encode("utf-8", "surrogateescape")
    if plain:
        return hmac.compare_digest(given, wanted)
    mark = hashlib.blake2b(len(wanted).to_bytes(4, "big") + wanted + given, key=_KEY).digest()
    if mark in _right:
        return True
    found = hashed(given, wanted)
    if found is None or not hmac.compare_digest(found, wanted):
        return False
    if len(_right) >= REMEMBERED:
        _right.clear()
    _right[mark] = True
    return True
