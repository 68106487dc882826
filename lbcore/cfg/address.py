"""Addresses of `bind`, `server`, `source`, `log` and `stats socket` lines (manual 2.x "bind", "server", "log").

    [<family>@]<host>[:<port>]    families: ipv4 ipv6 tcp tcp4 tcp6 udp udp4 udp6 unix uxst uxdg abns fd
    :80  *:80  [::]:80  ::1:80    the last colon is the port's, brackets are optional
    :8000-8005  :+5  :-5          a range where several may be, an offset where the client's port is the base
    /path  stdout  stderr         a path begins with a slash

Outside quotes the tokenizer leaves `$` alone, so `$NAME` and `${NAME}` are expanded here once more; unset is empty.
Messages are HAProxy's. Names are looked up here only where the address is needed at once (`bind`, `log`, `source`);
a server keeps its name for `resolve()`.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass, replace

from lbcore.base.address import Address
from lbcore.cfg.environment import Environment

_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z0-9_]+))")
_PATH_ROOM = 107  # sun_path without its NUL
_PORT_DIGITS = 9  # leading zeros are fine, a number of a thousand digits is not even read
_DESCRIPTOR_DIGITS = 9
_RENAME_ROOM = 10  # a listener's path is bound as "<path>.<pid>.tmp" and renamed, so that it is never missing

# Prefix -> address family and whether it is for datagrams.
_FAMILIES: dict[str, tuple[int, bool]] = {
    "abns": (socket.AF_UNIX, False),
    "ip": (socket.AF_UNSPEC, False),
    "ipv4": (socket.AF_INET, False),
    "ipv6": (socket.AF_INET6, False),
    "tcp": (socket.AF_UNSPEC, False),
    "tcp4": (socket.AF_INET, False),
    "tcp6": (socket.AF_INET6, False),
    "udp": (socket.AF_UNSPEC, True),
    "udp4": (socket.AF_INET, True),
    "udp6": (socket.AF_INET6, True),
    "unix": (socket.AF_UNIX, False),
    "uxdg": (socket.AF_UNIX, True),
    "uxst": (socket.AF_UNIX, False),
}
# These say nothing about the socket's type, so they serve streams and datagrams alike.
_NEUTRAL = frozenset({"abns", "ip", "ipv4", "ipv6", "unix"})
_NOT_YET = frozenset(
    {"abnsz", "mptcp", "mptcp4", "mptcp6", "quic", "quic4", "quic6", "rhttp", "ring", "sockpair", "backend"}
)


class AddressError(ValueError):
    """The text is no address that may stand there; the message says why in HAProxy's words."""


@dataclass(frozen=True, slots=True)
class Place:
    """What an address may be where it stands."""

    port_needed: bool = False
    port_allowed: bool = True
    ranges: bool = False
    offsets: bool = False
    names_later: bool = False  # a name that is not resolved yet may stand (servers)
    streams: bool = True
    datagrams: bool = False
    descriptors: bool = True
    check_descriptor: bool = True  # it must be an open socket now
    bound_path: bool = False  # unix paths are bound, not connected to


BIND = Place(port_needed=True, ranges=True, bound_path=True)
SERVER = Place(offsets=True, names_later=True, descriptors=False)
SOURCE = Place(descriptors=False)
LOG = Place(datagrams=True, streams=False, check_descriptor=False)


def expand(text: str, environment: Environment) -> str:
    """The text with `$NAME` and `${NAME}` replaced by their values; an unset variable is empty."""
    if "$" not in text:
        return text
    return _VARIABLE.sub(lambda found: environment.get(found[1] if found[1] is not None else found[2]) or "", text)


def split_list(text: str) -> list[str]:
    """The addresses of a comma-separated list; one comma at the end is forgiven, as HAProxy does."""
    parts = text.split(",")
    return parts[:-1] if len(parts) > 1 and not parts[-1] else parts


def parse_addresses(text: str, place: Place, environment: Environment, prefix: str = "") -> list[Address]:
    """The addresses that a text names: one, or one for each port of a range. `prefix` comes before unix paths.

    Raises AddressError.
    """
    first, last_port = parse_range(text, place, environment, prefix)
    return [first, *(replace(first, port=port) for port in range(first.port + 1, last_port + 1))]


def parse_range(text: str, place: Place, environment: Environment, prefix: str = "") -> tuple[Address, int]:
    """The address that a text names, and the last port of its range, which is that of the address if it has none.

    Raises AddressError.
    """
    expanded = expand(text, environment)
    if not expanded:
        raise AddressError(f"'{text}' resolves to an empty address (environment variable missing?)")
    family, word, rest, datagram = _split_family(expanded, text)
    if word in ("fd", "stdout", "stderr"):
        return _descriptor(word, rest, text, place), 0
    if datagram and not place.datagrams:
        raise AddressError(f"dgram-type address not acceptable in '{text}'")
    if not datagram and word not in _NEUTRAL and word and not place.streams:
        raise AddressError(f"'{word}@' log targets are HAProxy's but are not supported by lbcore yet in '{text}'")
    use_datagrams = datagram or not place.streams
    if family == socket.AF_UNIX:
        return _unix(word, rest, text, place, prefix, use_datagrams), 0
    return _internet(family, rest, text, place, use_datagrams)


def parse_address(text: str, place: Place, environment: Environment) -> Address:
    """The one address that a text names. Raises AddressError."""
    return parse_range(text, place, environment)[0]


def _split_family(expanded: str, text: str) -> tuple[int, str, str, bool]:
    """(family, the word before the @ or "", the rest, whether it is for datagrams)."""
    if expanded in ("stdout", "stderr"):
        return socket.AF_UNSPEC, expanded, "", False
    if expanded.startswith("/"):
        return socket.AF_UNIX, "", expanded, False
    word, at, rest = expanded.partition("@")
    if not at:
        return socket.AF_UNSPEC, "", expanded, False
    if word in _NOT_YET:
        raise AddressError(f"'{word}@' addresses are HAProxy's but are not supported by lbcore yet in '{text}'")
    if word == "fd":
        return socket.AF_UNSPEC, word, rest, False
    if word not in _FAMILIES:
        return socket.AF_UNSPEC, "", expanded, False  # the @ is part of a name, which then proves to be none
    family, datagram = _FAMILIES[word]
    return family, word, rest, datagram


def _descriptor(word: str, rest: str, text: str, place: Place) -> Address:
    """`fd@N`, `stdout`, `stderr`."""
    if word != "fd":
        if place.check_descriptor:  # only logs may go there
            raise AddressError(f"missing port specification in '{text}'")
        return Address(socket.AF_UNSPEC, fd=1 if word == "stdout" else 2)
    if not place.descriptors:
        raise AddressError(f"a file descriptor is not acceptable here in '{text}'")
    if not rest.isascii() or not rest.isdigit() or len(rest) > _DESCRIPTOR_DIGITS:
        raise AddressError(f"file descriptor '{rest}' is not a valid integer in '{text}'")
    if place.check_descriptor:
        _check_descriptor(int(rest))
    return Address(socket.AF_UNSPEC, fd=int(rest))


def _check_descriptor(fd: int) -> None:
    """Raises AddressError unless the descriptor is an open socket. It is neither closed nor changed."""
    try:
        probe = socket.socket(fileno=fd)
    except OSError as error:
        raise AddressError(f"cannot use file descriptor '{fd}' : {os.strerror(error.errno or 0)}.") from None
    probe.detach()


def _unix(word: str, path: str, text: str, place: Place, prefix: str, datagram: bool) -> Address:
    if not path:
        raise AddressError(f"missing socket path in '{text}'")
    if word == "abns":
        room, whole = _PATH_ROOM, "\0" + path
    else:
        room, whole = _PATH_ROOM - (_RENAME_ROOM if place.bound_path else 0) - len(prefix), prefix + path
    if len(os.fsencode(path)) > room:
        raise AddressError(f"socket path '{text}' too long (max {room})")
    return Address(socket.AF_UNIX, whole, datagram=datagram)


def _internet(family: int, rest: str, text: str, place: Place, datagram: bool) -> tuple[Address, int]:
    host, port = _split_port(rest)
    low, high, offset = _ports(port, text, place)
    family, host = _host(family, host, text, place)
    return Address(family, host, low, offset, None, datagram), high


def _split_port(rest: str) -> tuple[str, str]:
    """The last colon begins the port, unless a closing bracket comes after it."""
    colon = rest.rfind(":")
    if colon < 0 or rest.rfind("]") > colon:
        host, port = rest, ""
    else:
        host, port = rest[:colon], rest[colon + 1 :]
    if len(host) >= 2 and host[0] == "[" and host[-1] == "]":
        host = host[1:-1]
    return host, port


def _ports(port: str, text: str, place: Place) -> tuple[int, int, int | None]:
    """(lowest, highest, offset): an offset excludes the others. A server without a port gets the client's, +0."""
    if not port:
        if place.port_needed:
            raise AddressError(f"missing port specification in '{text}'")
        return 0, 0, 0 if place.offsets else None
    if not place.port_allowed:
        raise AddressError(f"port specification not permitted here in '{text}'")
    if port[0] in "+-":
        return 0, 0, _offset(port, text, place)
    if not port[0].isdigit():
        raise AddressError(f"invalid character '{port[0]}' in port number '{port}' in '{text}'")
    first, dash, last = port.partition("-")
    if dash and not place.ranges:
        raise AddressError(f"port range not permitted here in '{text}'")
    low = _port(first, port, text)
    high = _port(last, port, text) if dash else low
    if dash and low == 0:
        raise AddressError(f"invalid port '{low}'")
    if low > high:
        raise AddressError(f"invalid port range '{low}-{high}'")
    return low, high, None


def _port(digits: str, port: str, text: str) -> int:
    for character in digits:
        if character not in "0123456789":
            raise AddressError(f"invalid character '{character}' in port number '{port}' in '{text}'")
    if not digits or len(digits) > _PORT_DIGITS or int(digits) > 65535:
        raise AddressError(f"invalid port '{digits}'")
    return int(digits)


def _offset(port: str, text: str, place: Place) -> int:
    if not place.offsets:
        raise AddressError(f"port offset not permitted here in '{text}'")
    digits = port[1:]
    if not digits.isascii() or not digits.isdigit() or len(digits) > _PORT_DIGITS or int(digits) > 65535:
        raise AddressError(f"invalid port offset '{port}' in '{text}'")
    return int(port)


def _host(family: int, host: str, text: str, place: Place) -> tuple[int, str]:
    """The family and the numeric address of a host, "" for any address; or (AF_UNSPEC, the name) for later."""
    if host in ("", "*"):
        return (socket.AF_INET6 if family == socket.AF_INET6 else socket.AF_INET), ""
    numeric = numeric_family(host)
    if numeric is not None and family in (numeric, socket.AF_UNSPEC):
        return numeric, host
    if numeric is None and place.names_later and _may_be_name(host):
        return family, host
    found = None if numeric is not None else resolve(host, family)
    if found is None:
        raise AddressError(f"invalid address: '{host}' in '{text}'")
    return found


def numeric_family(host: str) -> int | None:
    """AF_INET or AF_INET6 for a numeric address, None for anything else."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return family
    return None


def _may_be_name(host: str) -> bool:
    """Whether it makes sense to ask a resolver: no address characters, no label of digits only at the end."""
    return ":" not in host and "[" not in host and "@" not in host and not host.rpartition(".")[2].isdigit()


def resolve(host: str, family: int = socket.AF_UNSPEC) -> tuple[int, str] | None:
    """The first address that the system knows for a name, as (family, numeric address), or None. Blocks."""
    if not _may_be_name(host):
        return None
    try:
        answers = socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    for found, _type, _protocol, _name, address in answers:
        if found in (socket.AF_INET, socket.AF_INET6):
            return int(found), str(address[0])
    return None
