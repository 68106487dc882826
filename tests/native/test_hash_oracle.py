"""The hashes of the shim against HAProxy's converters, and against the servers that HAProxy picks with them."""

from __future__ import annotations

import http.client
import random
import socket
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from lbcore.shim import lib
from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy
from tests.peers.ports import free_port, release_port

SERVERS = 7  # a prime, so that no bit of a hash is without influence
FUNCTIONS = {"sdbm": lib.hash_sdbm, "djb2": lib.hash_djb2, "wt6": lib.hash_wt6, "crc32": lib.hash_crc32}
METHODS = [(name, spread) for name in FUNCTIONS for spread in (False, True)]

CONFIG = """
global
  stats socket "${{STATS}}" level admin
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend hashes
  bind "127.0.0.1:${{HASHES}}"
  http-request return status 200 content-type text/plain lf-string "{converters}"
frontend choice
  bind "127.0.0.1:${{CHOICE}}"
  bind "127.0.0.1:${{PROXIED}}" accept-proxy
  use_backend %[path,field(2,/)]
frontend servers
{binds}
  http-request return status 200 content-type text/plain lf-string "%[dst_port]"
"""
BACKEND = """
backend {name}
  balance {balance}
  hash-type map-based {function} {modifier}
"""


def config() -> str:
    """One page of hashes, and one backend for each way to pick a server; the path names the backend."""
    converters = " ".join(f"%[url_param(x),{name}({int(spread)})]" for name, spread in METHODS)
    binds = "\n".join(f'  bind "127.0.0.1:${{S{i}}}"' for i in range(SERVERS))
    servers = "".join(f'  server s{i} "127.0.0.1:${{S{i}}}"\n' for i in range(SERVERS))
    text = CONFIG.format(converters=converters, binds=binds)
    for function, spread in METHODS:
        modifier = "avalanche" if spread else ""
        for kind, balance in (("source", "source"), ("header", "hdr(X-Key)")):
            name = f"{kind}-{function}-{int(spread)}"
            text += BACKEND.format(name=name, balance=balance, function=function, modifier=modifier) + servers
    return text


def get(port: int, path: str, source: str = "127.0.0.1", key: str = "", announce: bytes = b"") -> str:
    """The body of the answer; `announce` goes before the request, where a PROXY line is expected."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0))
    try:
        connection.connect()
        connection.sock.sendall(announce)
        connection.request("GET", path, headers={"X-Key": key})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def keys(n: int) -> list[bytes]:
    """The same `n` keys in every run: words, numbers, bytes; no control or blank byte, which a URL cannot hold."""
    rng = random.Random(2)
    alphabet = [*range(0x21, 0x7F), *range(0x80, 0x100)]
    return [b"a", b"www.example.com", b"10", *(bytes(rng.choices(alphabet, k=rng.randint(1, 40))) for _ in range(n))]


def hash_of(function: str, spread: bool, key: bytes) -> int:
    value = int(FUNCTIONS[function](key, len(key)))
    return int(lib.hash_avalanche(value)) if spread else value


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    found = {name: free_port() for name in ("HASHES", "CHOICE", "PROXIED", *(f"S{i}" for i in range(SERVERS)))}
    yield found
    for port in found.values():
        release_port(port)


@pytest.fixture(scope="module", params=[debian_haproxy, newer_haproxy], ids=["2.6", "2.8"])
def oracle(request: pytest.FixtureRequest, ports: dict[str, int]) -> Iterator[Balancer]:
    program: Program | None = request.param()
    if program is None:
        pytest.skip("this HAProxy is not installed")
    with Balancer(program, config(), ports) as balancer:
        yield balancer


def test_functions_give_what_the_converters_give(oracle: Balancer, ports: dict[str, int]) -> None:
    for key in keys(40):
        told = [int(word) for word in get(ports["HASHES"], f"/?x={quote(key)}").split()]
        # Converters hash the parameter as it stands in the URL, that is encoded.
        encoded = quote(key).encode()
        assert told == [hash_of(name, spread, encoded) for name, spread in METHODS]


@pytest.mark.parametrize(("function", "spread"), METHODS)
def test_a_header_leads_to_the_same_server(
    oracle: Balancer, ports: dict[str, int], function: str, spread: bool
) -> None:
    for key in (f"user-{i}" for i in range(15)):
        port = int(get(ports["CHOICE"], f"/header-{function}-{int(spread)}", key=key))
        assert port == ports[f"S{hash_of(function, spread, key.encode()) % SERVERS}"]


@pytest.mark.parametrize(("function", "spread"), METHODS)
def test_an_address_leads_to_the_same_server_whatever_the_function(
    oracle: Balancer, ports: dict[str, int], function: str, spread: bool
) -> None:
    for source in (f"127.{i * 37 % 256}.{i * 91 % 256}.{i + 1}" for i in range(15)):
        value = lib.hash_address(bytes(map(int, source.split("."))), 4)
        expected = (lib.hash_avalanche(value) if spread else value) % SERVERS
        assert int(get(ports["CHOICE"], f"/source-{function}-{int(spread)}", source)) == ports[f"S{expected}"]


@pytest.mark.parametrize("spread", [False, True])
def test_an_ipv6_address_leads_to_the_same_server(oracle: Balancer, ports: dict[str, int], spread: bool) -> None:
    for source in (f"2001:db8:{i * 771:x}::{i * 7919:x}:1" for i in range(1, 9)):
        line = f"PROXY TCP6 {source} ::1 1024 80\r\n".encode()
        value = lib.hash_address(socket.inet_pton(socket.AF_INET6, source), 16)
        expected = (lib.hash_avalanche(value) if spread else value) % SERVERS
        port = int(get(ports["PROXIED"], f"/source-sdbm-{int(spread)}", announce=line))
        assert port == ports[f"S{expected}"]
