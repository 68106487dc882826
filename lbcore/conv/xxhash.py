"""xxHash: XXH32, XXH64 and the 64-bit XXH3, of which the published specification is the source.

(doc/xxhash_spec.md of the project xxHash.) Meant for keys: what is hashed here is some dozens of bytes long. All are
pure functions; seeds and results have no sign.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

MASK32 = 2**32 - 1
MASK64 = 2**64 - 1

P32_1, P32_2, P32_3, P32_4, P32_5 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1
P64_1 = 0x9E3779B185EBCA87
P64_2 = 0xC2B2AE3D27D4EB4F
P64_3 = 0x165667B19E3779F9
P64_4 = 0x85EBCA77C2B2AE63
P64_5 = 0x27D4EB2F165667C5
PMX_1 = 0x165667919E3779F9
PMX_2 = 0x9FB21C651E98DF25

SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
_STRIPE, _STEP = 64, 8  # bytes of a stripe, bytes of the secret from stripe to stripe
_STRIPES = (len(SECRET) - _STRIPE) // _STEP  # of a block

_u32 = struct.Struct("<I").unpack_from
_u64 = struct.Struct("<Q").unpack_from
_four32 = struct.Struct("<4I").unpack_from
_four64 = struct.Struct("<4Q").unpack_from
_eight64 = struct.Struct("<8Q").unpack_from


def _read32(block: bytes, at: int) -> int:
    value: int = _u32(block, at)[0]
    return value


def _read64(block: bytes, at: int) -> int:
    value: int = _u64(block, at)[0]
    return value


def _rotl32(value: int, by: int) -> int:
    return (value << by | value >> 32 - by) & MASK32


def _rotl64(value: int, by: int) -> int:
    return (value << by | value >> 64 - by) & MASK64


# ---- XXH32 ----


def _round32(lane: int, word: int) -> int:
    return _rotl32((lane + word * P32_2) & MASK32, 13) * P32_1 & MASK32


def xxh32(block: bytes, seed: int) -> int:
    """The XXH32 of a block of bytes."""
    size, at = len(block), 0
    if size >= 16:
        lanes = [(seed + P32_1 + P32_2) & MASK32, (seed + P32_2) & MASK32, seed, (seed - P32_1) & MASK32]
        while at <= size - 16:
            words = _four32(block, at)
            lanes = [_round32(lane, word) for lane, word in zip(lanes, words, strict=True)]
            at += 16
        value = sum(_rotl32(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True))
    else:
        value = seed + P32_5
    value = (value + size) & MASK32
    while at <= size - 4:
        value = _rotl32((value + _read32(block, at) * P32_3) & MASK32, 17) * P32_4 & MASK32
        at += 4
    for byte in block[at:]:
        value = _rotl32((value + byte * P32_5) & MASK32, 11) * P32_1 & MASK32
    value = (value ^ value >> 15) * P32_2 & MASK32
    value = (value ^ value >> 13) * P32_3 & MASK32
    return value ^ value >> 16


# ---- XXH64 ----


def _round64(lane: int, word: int) -> int:
    return _rotl64((lane + word * P64_2) & MASK64, 31) * P64_1 & MASK64


def _avalanche64(value: int) -> int:
    value = (value ^ value >> 33) * P64_2 & MASK64
    value = (value ^ value >> 29) * P64_3 & MASK64
    return value ^ value >> 32


def xxh64(block: bytes, seed: int) -> int:
    """The XXH64 of a block of bytes."""
    size, at = len(block), 0
    if size >= 32:
        lanes = [(seed + P64_1 + P64_2) & MASK64, (seed + P64_2) & MASK64, seed, (seed - P64_1) & MASK64]
        while at <= size - 32:
            lanes = [_round64(lane, word) for lane, word in zip(lanes, _four64(block, at), strict=True)]
            at += 32
        value = sum(_rotl64(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & MASK64
        for lane in lanes:
            value = ((value ^ _round64(0, lane)) * P64_1 + P64_4) & MASK64
    else:
        value = (seed + P64_5) & MASK64
    value = (value + size) & MASK64
    while at <= size - 8:
        value = (_rotl64(value ^ _round64(0, _read64(block, at)), 27) * P64_1 + P64_4) & MASK64
        at += 8
    if at <= size - 4:
        value = (_rotl64(value ^ _read32(block, at) * P64_1 & MASK64, 23) * P64_2 + P64_3) & MASK64
        at += 4
    for byte in block[at:]:
        value = _rotl64(value ^ byte * P64_5 & MASK64, 11) * P64_1 & MASK64
    return _avalanche64(value)


# ---- XXH3 ----


def _avalanche3(value: int) -> int:
    value = (value ^ value >> 37) * PMX_1 & MASK64
    return value ^ value >> 32


def _fold(left: int, right: int) -> int:
    """The two halves of the product of two 64-bit numbers, joined."""
    product = left * right
    return (product & MASK64) ^ (product >> 64)


def _mix16(block: bytes, at: int, secret: int, seed: int) -> int:
    """16 bytes of a block, with the secret from an offset on."""
    low = _read64(block, at) ^ (_read64(SECRET, secret) + seed & MASK64)
    high = _read64(block, at + 8) ^ (_read64(SECRET, secret + 8) - seed & MASK64)
    return _fold(low, high)


def xxh3(block: bytes, seed: int) -> int:
    """The 64-bit XXH3 of a block of bytes."""
    size = len(block)
    if size > 240:
        return _xxh3_long(block, seed)
    if size > 128:
        return _xxh3_129_to_240(block, seed)
    if size > 16:
        return _xxh3_17_to_128(block, seed)
    if size > 8:
        return _xxh3_9_to_16(block, seed)
    if size >= 4:
        return _xxh3_4_to_8(block, seed)
    if size:
        return _xxh3_1_to_3(block, seed)
    return _avalanche64(seed ^ _read64(SECRET, 56) ^ _read64(SECRET, 64))


def _xxh3_1_to_3(block: bytes, seed: int) -> int:
    size = len(block)
    joined = block[-1] | size << 8 | block[0] << 16 | block[size >> 1] << 24
    key = (_read32(SECRET, 0) ^ _read32(SECRET, 4)) + seed & MASK64
    return _avalanche64(joined ^ key)


def _xxh3_4_to_8(block: bytes, seed: int) -> int:
    size = len(block)
    seed ^= int.from_bytes((seed & MASK32).to_bytes(4, "little"), "big") << 32
    joined = _read32(block, size - 4) + (_read32(block, 0) << 32)
    key = (_read64(SECRET, 8) ^ _read64(SECRET, 16)) - seed & MASK64
    value = joined ^ key
    value ^= _rotl64(value, 49) ^ _rotl64(value, 24)
    value = value * PMX_2 & MASK64
    value ^= (value >> 35) + size
    value = value * PMX_2 & MASK64
    return value ^ value >> 28


def _xxh3_9_to_16(block: bytes, seed: int) -> int:
    size = len(block)
    low = ((_read64(SECRET, 24) ^ _read64(SECRET, 32)) + seed & MASK64) ^ _read64(block, 0)
    high = ((_read64(SECRET, 40) ^ _read64(SECRET, 48)) - seed & MASK64) ^ _read64(block, size - 8)
    swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
    return _avalanche3(size + swapped + high + _fold(low, high) & MASK64)


def _xxh3_17_to_128(block: bytes, seed: int) -> int:
    size = len(block)
    value = size * P64_1
    for pair in range((size - 1) // 32, -1, -1):
        value += _mix16(block, 16 * pair, 32 * pair, seed)
        value += _mix16(block, size - 16 * (pair + 1), 32 * pair + 16, seed)
    return _avalanche3(value & MASK64)


def _xxh3_129_to_240(block: bytes, seed: int) -> int:
    size = len(block)
    first = sum(_mix16(block, 16 * at, 16 * at, seed) for at in range(8))
    value = _avalanche3(size * P64_1 + first & MASK64)
    value += sum(_mix16(block, 16 * at, 16 * (at - 8) + 3, seed) for at in range(8, size // 16))
    value += _mix16(block, size - 16, 136 - 17, seed)
    return _avalanche3(value & MASK64)


def _seeded_secret(seed: int) -> bytes:
    if not seed:
        return SECRET
    words = struct.unpack("<24Q", SECRET)
    return struct.pack("<24Q", *(word + (-seed if at & 1 else seed) & MASK64 for at, word in enumerate(words)))


def _stripes(size: int) -> Iterator[tuple[int, int, bool]]:
    """(offset of the stripe, of the secret, whether a block ends with it) of all stripes but the last."""
    for number in range((size - 1) // _STRIPE):
        place = number % _STRIPES
        yield number * _STRIPE, place * _STEP, place == _STRIPES - 1


def _accumulate(lanes: list[int], block: bytes, at: int, secret: bytes, key: int) -> None:
    words = _eight64(block, at)
    keys = _eight64(secret, key)
    for lane in range(8):
        mixed = words[lane] ^ keys[lane]
        lanes[lane ^ 1] = lanes[lane ^ 1] + words[lane] & MASK64
        lanes[lane] = lanes[lane] + (mixed & MASK32) * (mixed >> 32) & MASK64


def _xxh3_long(block: bytes, seed: int) -> int:
    size, secret = len(block), _seeded_secret(seed)
    lanes = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]
    scramble = _eight64(secret, len(secret) - _STRIPE)
    for at, key, ends in _stripes(size):
        _accumulate(lanes, block, at, secret, key)
        if ends:
            lanes = [((lane ^ lane >> 47) ^ word) * P32_1 & MASK64 for lane, word in zip(lanes, scramble, strict=True)]
    _accumulate(lanes, block, size - _STRIPE, secret, len(secret) - _STRIPE - 7)
    keys = _eight64(secret, 11)
    value = size * P64_1 + sum(_fold(lanes[at] ^ keys[at], lanes[at + 1] ^ keys[at + 1]) for at in range(0, 8, 2))
    return _avalanche3(value & MASK64)
