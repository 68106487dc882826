"""Passwords: plain, hashed, remembered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lbcore.http import password
from lbcore.http.password import hashed, matches

HASHES = [  # of "secret", as crypt(3) and `openssl passwd` make them
    "saHW9GdxihkGQ",
    "$1$salt$ez2vlPGdaLYkJam5pWs/Y1",
    "$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6",
    "$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00",
]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, bool]:
    """A memory of the test's own."""
    memory: dict[bytes, bool] = {}
    monkeypatch.setattr(password, "_right", memory)
    return memory


@pytest.mark.parametrize("kept", HASHES)
def test_the_password_of_a_hash_matches(kept: str) -> None:
    assert matches("secret", kept, plain=False)
    assert not matches("Secret", kept, plain=False)
    assert not matches("", kept, plain=False)


@pytest.mark.parametrize("kept", ["", "*", "!", "$9$salt$x", "$5$", "secret", "x\0y"])
def test_what_is_no_hash_matches_nothing(kept: str) -> None:
    for given in ("secret", "", kept):
        assert not matches(given, kept, plain=False)


def test_plain_passwords_are_compared_as_they_are() -> None:
    assert matches("a:b", "a:b", plain=True)
    assert matches("", "", plain=True)
    assert not matches("a", "a:b", plain=True)
    assert not matches(HASHES[0], "secret", plain=True)


def test_plain_passwords_are_utf_8_on_the_wire() -> None:
    assert matches("\xc3\xa9", "\xe9", plain=True)
    assert not matches("\xe9", "\xe9", plain=True)


def test_a_zero_byte_ends_no_password() -> None:
    assert not matches("secret\0more", HASHES[2], plain=False)
    assert hashed(b"a\0b", b"sa") is None


def test_right_passwords_are_remembered_and_wrong_ones_are_not(
    forgotten: dict[bytes, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    matches("wrong", HASHES[1], plain=False)
    assert forgotten == {}
    assert matches("secret", HASHES[1], plain=False)
    monkeypatch.setattr(password, "hashed", lambda given, setting: None)
    assert matches("secret", HASHES[1], plain=False)
    assert not matches("secret", HASHES[2], plain=False)  # not for another hash
    assert not any(b"secret" in mark for mark in forgotten)


def test_memory_is_bounded(forgotten: dict[bytes, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "hashed", lambda given, setting: setting)
    for number in range(password.REMEMBERED * 2):
        matches(str(number), HASHES[1], plain=False)
    assert 0 < len(forgotten) <= password.REMEMBERED


def test_threads_hash_side_by_side() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda kept: hashed(b"secret", kept.encode()), HASHES * 8))
    assert found == [kept.encode() for kept in HASHES * 8]
