"""Credentials, and user lists with them."""

from __future__ import annotations

import base64

import pytest

from lbcore.http import password
from lbcore.proxy.settings import User, Userlist
from lbcore.sample.build import BuildError
from lbcore.stream.txn import Txn
from tests.fetch.evaluate import value, values
from tests.fetch.transactions import FakeBuild, request

HASH = "$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6"  # crypt(3) of "secret"


def build() -> FakeBuild:
    made = FakeBuild()
    users = {
        "plain": User("plain", "p:q", insecure=True, groups={"one", "two"}),
        "hashed": User("hashed", HASH, groups={"two"}),
        "nobody": User("nobody"),
    }
    made.userlists["list"] = Userlist("list", users, {"one", "two"})
    return made


def login(user: str, secret: str, *, field: str = "Authorization", target: str = "/") -> Txn:
    text = base64.b64encode(f"{user}:{secret}".encode()).decode()
    return request(f"GET {target} HTTP/1.1", f"{field}: Basic {text}")


@pytest.mark.parametrize(
    ("user", "secret", "groups"),
    [
        ("plain", "p:q", {"one", "two"}),
        ("plain", "p", None),
        ("hashed", "secret", {"two"}),
        ("hashed", "Secret", None),
        ("hashed", HASH, None),
        ("nobody", "", None),
        ("unknown", "p:q", None),
    ],
)
def test_users_prove_who_they_are(user: str, secret: str, groups: set[str] | None) -> None:
    t = login(user, secret)
    assert value(t, "http_auth(list)", build()) is (groups is not None)
    assert value(t, "http_auth_group(list)", build()) == (user if groups else None)
    assert set(values(t, "http_auth_group(list)", build())) == (groups or set())


def test_nobody_is_right_or_wrong_without_credentials() -> None:
    assert value(request(), "http_auth(list)", build()) is None
    assert values(request(), "http_auth_group(list)", build()) == []


def test_a_list_that_there_is_not_is_refused() -> None:
    with pytest.raises(BuildError, match="none"):
        value(request(), "http_auth(none)", build())


def test_hashes_without_libcrypt_are_refused_when_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise OSError("no libcrypt")

    monkeypatch.setattr(password, "library", missing)
    with pytest.raises(BuildError, match="userlist 'list': no libcrypt"):
        value(request(), "http_auth(list)", build())


def test_proxies_are_asked_by_their_own_field() -> None:
    t = login("u", "p", field="Proxy-Authorization", target="http://h/")
    assert value(t, "http_auth_user") is None
    t.frontend.settings.options.add("http-use-proxy-header")
    assert value(t, "http_auth_user") == "u"
    assert value(login("u", "p"), "http_auth_user") == "u"


def test_tokens_are_taken_from_any_field() -> None:
    t = request("GET / HTTP/1.1", "Authorization: Bearer a.b", "X-Tok: bearer c.d ", "Y: Basic dTpw", "Z: Bearer")
    texts = ("http_auth_bearer", "http_auth_bearer(x-tok)", "http_auth_bearer(y)", "http_auth_bearer(z)")
    assert [value(t, text) for text in texts] == ["a.b", "c.d", None, None]
    assert value(t, "http_auth_bearer(none)") is None
