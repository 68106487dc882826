"""The stats socket as its clients see it."""

from __future__ import annotations

import socket

PATIENCE = 5.0  # seconds that an answer may take
_FAMILIES = {"unix": socket.AF_UNIX, "abns": socket.AF_UNIX, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


class AddressError(ValueError):
    """What was given is no address of a stats socket."""


class StatsSocket:
    """Where a stats socket listens: a path, `host:port`, or either behind `unix@`, `abns@`, `ipv4@`, `ipv6@`."""

    def __init__(self, address: str) -> None:
        """Raises AddressError."""
        prefix, at, rest = address.partition("@")
        if at and prefix not in _FAMILIES:
            raise AddressError(f"'{prefix}@' is no kind of address that a stats socket has")
        text = rest if at else address
        family = _FAMILIES[prefix] if at else socket.AF_UNIX if "/" in text or ":" not in text else socket.AF_UNSPEC
        self._family = family
        self._where: str | tuple[str, int]
        if family == socket.AF_UNIX:
            self._where = f"\0{text}" if prefix == "abns" else text
        else:
            self._where = _host_port(text)

    def ask(self, *commands: str) -> list[str]:
        """The answer to each command. Raises OSError."""
        with self._connect() as connection:
            connection.settimeout(PATIENCE)
            connection.sendall(";".join(commands).encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(1 << 16):
                parts.append(part)
        # each answer ends with an empty line
        answers = b"".join(parts).decode("utf-8", "replace").split("\n\n")
        return [*answers, *[""] * len(commands)][: len(commands)]

    def _connect(self) -> socket.socket:
        if isinstance(self._where, tuple):
            return self._connect_to(*self._where)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(PATIENCE)
            connection.connect(self._where)
        except OSError:
            connection.close()
            raise
        return connection

    def _connect_to(self, host: str, port: int) -> socket.socket:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, self._family, socket.SOCK_STREAM)[0]
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(PATIENCE)
            connection.connect(where)
        except OSError:
            connection.close()
            raise
        return connection


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise AddressError(f"'{text}' has no port: <host>:<port>, or the path of a unix socket")
    return host.strip("[]") or "127.0.0.1", int(port)
