"""Addresses as lines write them: families, ports, ranges, offsets, paths, descriptors, variables."""

from __future__ import annotations

import contextlib
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.base.address import Address
from lbcore.cfg.address import (
    BIND,
    LOG,
    SERVER,
    SOURCE,
    AddressError,
    Place,
    expand,
    numeric_family,
    parse_address,
    parse_addresses,
    resolve,
    split_list,
)
from lbcore.cfg.environment import Environment

V4, V6, UNIX, NONE = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_UNSPEC
ENV = Environment({"HOST": "10.0.0.1", "PORT": "8080", "EMPTY": ""})


def one(text: str, place: Place = BIND) -> Address:
    return parse_address(text, place, ENV)


@pytest.mark.parametrize(
    ("text", "family", "host", "port"),
    [
        (":80", V4, "", 80),
        ("*:80", V4, "", 80),
        ("*:0", V4, "", 0),
        ("1.2.3.4:80", V4, "1.2.3.4", 80),
        ("ipv4@:80", V4, "", 80),
        ("ipv6@:80", V6, "", 80),
        ("ipv6@*:80", V6, "", 80),
        ("tcp4@1.2.3.4:80", V4, "1.2.3.4", 80),
        ("tcp6@[::1]:80", V6, "::1", 80),
        ("tcp@1.2.3.4:80", V4, "1.2.3.4", 80),
        ("ip@::1:80", V6, "::1", 80),
        ("[::1]:80", V6, "::1", 80),
        ("::1:80", V6, "::1", 80),
        (":::80", V6, "::", 80),
        ("[1.2.3.4]:80", V4, "1.2.3.4", 80),
        ("1.2.3.4:65535", V4, "1.2.3.4", 65535),
        ("$HOST:$PORT", V4, "10.0.0.1", 8080),
        ("${HOST}:${PORT}", V4, "10.0.0.1", 8080),
        ("${HOST}${EMPTY}:80", V4, "10.0.0.1", 80),
        ("localhost:80", None, None, 80),
    ],
)
def test_reads_internet_addresses(text: str, family: int | None, host: str | None, port: int) -> None:
    address = one(text)
    assert address.port == port
    if family is not None:
        assert (address.family, address.host) == (family, host)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("/run/lb.sock", "/run/lb.sock"),
        ("unix@/run/lb.sock", "/run/lb.sock"),
        ("uxst@lb.sock", "lb.sock"),
        ("abns@lb", "\0lb"),
    ],
)
def test_reads_unix_addresses(text: str, host: str) -> None:
    assert one(text) == Address(UNIX, host)


def test_puts_the_prefix_before_paths_but_not_before_abstract_names() -> None:
    assert parse_addresses("/a", BIND, ENV, "/run")[0].host == "/run/a"
    assert parse_addresses("abns@a", BIND, ENV, "/run")[0].host == "\0a"
    assert parse_addresses(":80", BIND, ENV, "/run")[0].host == ""


def test_makes_an_address_of_every_port_of_a_range() -> None:
    assert [a.port for a in parse_addresses("1.2.3.4:8000-8003", BIND, ENV)] == [8000, 8001, 8002, 8003]
    assert [a.port for a in parse_addresses(":80-80", BIND, ENV)] == [80]


@pytest.mark.parametrize(("text", "offset"), [("1.2.3.4:+5", 5), ("1.2.3.4:-5", -5), ("1.2.3.4", 0)])
def test_takes_the_clients_port_as_base_of_a_servers(text: str, offset: int) -> None:
    assert one(text, SERVER) == Address(V4, "1.2.3.4", 0, offset)


def test_keeps_the_name_of_a_server_for_later() -> None:
    assert one("web.example:80", SERVER) == Address(NONE, "web.example", 80)
    assert one("ipv6@web.example:80", SERVER) == Address(V6, "web.example", 80)


def test_a_log_target_is_a_datagram_socket_or_an_open_file() -> None:
    assert one("10.0.0.1:514", LOG) == Address(V4, "10.0.0.1", 514, datagram=True)
    assert one("udp@10.0.0.1", LOG) == Address(V4, "10.0.0.1", 0, datagram=True)
    assert one("/dev/log", LOG) == Address(UNIX, "/dev/log", datagram=True)
    assert one("stdout", LOG) == Address(NONE, fd=1)
    assert one("stderr", LOG) == Address(NONE, fd=2)
    assert one("fd@77", LOG) == Address(NONE, fd=77)


def test_takes_an_open_socket_and_leaves_it_open() -> None:
    with socket.socket() as listener:
        assert one(f"fd@{listener.fileno()}").fd == listener.fileno()
        os.fstat(listener.fileno())


def test_refuses_a_descriptor_that_is_no_socket() -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(
            AddressError, match=f"cannot use file descriptor '{reader}' : Socket operation on non-socket"
        ):
            one(f"fd@{reader}")
        os.fstat(reader)
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("$NONE", BIND, "'$NONE' resolves to an empty address (environment variable missing?)"),
        ("127.0.0.1", BIND, "missing port specification in '127.0.0.1'"),
        (":99999", BIND, "invalid port '99999'"),
        (":80-70", BIND, "invalid port range '80-70'"),
        (":80x", BIND, "invalid character 'x' in port number '80x' in ':80x'"),
        (":x", BIND, "invalid character 'x' in port number 'x' in ':x'"),
        (":+1", BIND, "port offset not permitted here in ':+1'"),
        ("1.2.3.4:80-90", SERVER, "port range not permitted here in '1.2.3.4:80-90'"),
        ("fd@3", SERVER, "a file descriptor is not acceptable here in 'fd@3'"),
        ("fd@x", BIND, "file descriptor 'x' is not a valid integer in 'fd@x'"),
        ("udp@:80", BIND, "dgram-type address not acceptable in 'udp@:80'"),
        ("ipv4@::1:80", BIND, "invalid address: '::1' in 'ipv4@::1:80'"),
        ("256.1.1.1:80", BIND, "invalid address: '256.1.1.1' in '256.1.1.1:80'"),
        ("999.1.1.1:80", SERVER, "invalid address: '999.1.1.1' in '999.1.1.1:80'"),
        ("unix@", BIND, "missing socket path in 'unix@'"),
        ("1.2.3.4:+99999", SERVER, "invalid port offset '+99999' in '1.2.3.4:+99999'"),
        ("quic4@:443", BIND, "'quic4@' addresses are HAProxy's but are not supported by lbcore yet in 'quic4@:443'"),
        (
            "tcp@1.2.3.4:514",
            LOG,
            "'tcp@' log targets are HAProxy's but are not supported by lbcore yet in 'tcp@1.2.3.4:514'",
        ),
        ("1.2.3.4:80-81", SOURCE, "port range not permitted here in '1.2.3.4:80-81'"),
        (f"/{'x' * 97}", BIND, f"socket path '/{'x' * 97}' too long (max 97)"),
        (f"/{'x' * 107}", SERVER, f"socket path '/{'x' * 107}' too long (max 107)"),
    ],
)
def test_says_what_is_wrong(text: str, place: Place, message: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_addresses(text, place, ENV)
    assert str(caught.value) == message


def test_takes_paths_up_to_the_limit() -> None:
    assert one(f"/{'x' * 96}").host == f"/{'x' * 96}"
    assert one(f"/{'x' * 106}", SERVER).host == f"/{'x' * 106}"


def test_splits_lists_and_forgives_one_comma_at_the_end() -> None:
    assert split_list(":80,:81") == [":80", ":81"]
    assert split_list(":80,") == [":80"]
    assert split_list("") == [""]
    assert split_list(",:80") == ["", ":80"]


def test_expands_variables_and_takes_unset_ones_for_empty() -> None:
    assert expand("a$HOST-${PORT}b$NONE${NONE}", ENV) == "a10.0.0.1-8080b"
    assert expand("no variable", ENV) == "no variable"


def test_tells_numeric_addresses_from_names() -> None:
    assert (numeric_family("1.2.3.4"), numeric_family("::1")) == (V4, V6)
    assert numeric_family("localhost") is None
    assert numeric_family("a\0b") is None


def test_resolves_names_within_the_family_asked_for() -> None:
    assert resolve("localhost", V4) == (V4, "127.0.0.1")
    assert resolve("no-such-name.invalid") is None
    assert resolve("1.2.3.999") is None


@given(st.text(max_size=40), st.sampled_from([BIND, SERVER, SOURCE, LOG]))
def test_gives_addresses_or_an_error_for_any_text(text: str, place: Place) -> None:
    if any(character.isalpha() for character in text):
        text = f"[{text}"  # no name: nothing is looked up
    ports = []
    with contextlib.suppress(AddressError):
        ports = [address.port for address in parse_addresses(text, place, ENV)]
    assert all(0 <= port <= 65535 for port in ports)
