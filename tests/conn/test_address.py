"""Addresses on their way to the shim and back."""

from __future__ import annotations

import socket

import pytest

from lbcore.base.address import Address
from lbcore.conn import address
from tests.peers.ports import HOST


@pytest.mark.parametrize(
    "known",
    [
        Address(socket.AF_INET, "192.0.2.1", 80),
        Address(socket.AF_INET, "255.255.255.255", 65535),
        Address(socket.AF_INET6, "2001:db8::1", 443),
        Address(socket.AF_INET6, "::", 0),
        Address(socket.AF_UNIX, "/run/some.sock"),
        Address(socket.AF_UNIX, "/run/\udcff.sock"),
        Address(socket.AF_UNIX, "\0abstract name"),
        Address(socket.AF_UNIX, "\0with\0inside\0"),
    ],
)
def test_address_comes_back_as_it_went(known: Address) -> None:
    assert address.read(address.new(known)) == known


@pytest.mark.parametrize(("family", "any_host"), [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
def test_no_host_means_any(family: int, any_host: str) -> None:
    assert address.read(address.new(Address(family, "", 8080))) == Address(family, any_host, 8080)


@pytest.mark.parametrize("known", [Address(socket.AF_UNSPEC, "www.example.com"), Address(socket.AF_UNSPEC, fd=3)])
def test_names_and_descriptors_are_no_socket_addresses(known: Address) -> None:
    with pytest.raises(ValueError, match="no socket address"):
        address.new(known)


@pytest.mark.parametrize("host", ["/" + "x" * 108, "", "\0" + "x" * 108])
def test_path_that_does_not_fit_is_refused(host: str) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        address.new(Address(socket.AF_UNIX, host))


def test_longest_paths_fit() -> None:
    for host in ("/" + "x" * 106, "\0" + "x" * 106):
        assert address.read(address.new(Address(socket.AF_UNIX, host))).host == host


def test_malformed_host_is_refused() -> None:
    with pytest.raises(OSError, match="illegal IP address"):
        address.new(Address(socket.AF_INET, "256.0.0.1", 1))


def test_local_of_a_socket() -> None:
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        assert address.local_of(listening.fileno()) == Address(socket.AF_INET, HOST, port)


def test_local_of_what_is_no_socket_is_refused() -> None:
    with open("/dev/null") as nothing, pytest.raises(OSError, match="non-socket"):
        address.local_of(nothing.fileno())
