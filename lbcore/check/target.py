"""Where the checks of one server connect to, and what they say before anything else."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lbcore.base.address import Address
from lbcore.check.tcpcheck_connect import Connect
from lbcore.conn import address as addresses
from lbcore.conn.applet import Outgoing
from lbcore.conn.pooled import Pool
from lbcore.proxy.settings import ServerSettings
from lbcore.shim import ffi, lib

Preface = Callable[[Outgoing], bytes]
_PROXY_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_LOCAL = b"\x20\x00\x00\x00"  # nobody is behind us (PROXY protocol 2.2)
_INET = (socket.AF_INET, socket.AF_INET6)


class Target:
    """One kind of check of one server. Belongs to the worker that makes these checks."""

    def __init__(
        self,
        server: Any,
        proxy: Any,
        *,
        addr: Address | None,
        port: int,
        send_proxy: int,
        via_socks4: bool = False,
        pool: Pool | None = None,
    ) -> None:
        """`addr`, `port`: instead of the server's; `send_proxy`: the version of the PROXY line that the connection with
        the server's options begins with, 0: none; `via_socks4`: whether that goes through the server's SOCKS proxy;
        `pool`: idle connections of streams that will do for one to the server itself."""
        self._server = server
        self._proxy = proxy
        self._addr = addr
        self._port = port
        self._send_proxy = send_proxy
        self._via_socks4 = via_socks4
        self._pool = pool
        self._known: dict[tuple[int, int | None], tuple[Address, Any]] = {}

    def move(self, addr: Address | None, port: int) -> None:
        """Connects there from now on. At the sync point."""
        self._addr, self._port = addr, port
        self._known.clear()

    def conf(self, step: Connect, port: int | None, flags: int = 0) -> Any:
        """The `out_conf *` of a step; `port` is the one that it names."""
        where = self._server.settings.address
        key = (id(step), port)
        known = self._known.get(key)
        if known is not None and known[0] is where:
            return known[1]
        conf = self._made(step, port, where, flags)
        self._known[key] = where, conf
        return conf

    def _made(self, step: Connect, port: int | None, where: Address, flags: int) -> Any:
        conf: Any = ffi.new("out_conf *")
        to = step.addr or self._addr or where
        if to.family in _INET:
            to = replace(to, port=self.port(step, port, where))
        addresses.fill(ffi.addressof(conf, "to"), to)
        settings, proxy = self._server.settings, self._proxy
        self._fill_source(conf, to)
        if settings.socks4 is not None and (step.via_socks4 or (step.default and self._via_socks4)):
            addresses.fill(ffi.addressof(conf, "socks"), settings.socks4)
        if settings.namespace is not None:
            conf.ns = self._server.namespace
        conf.ifname = (settings.interface or proxy.source_interface or "").encode()
        conf.tcp_ut = settings.tcp_ut
        conf.flags = flags | (lib.OUT_LINGER if step.linger else 0)
        return conf

    def _fill_source(self, conf: Any, to: Address) -> None:
        """The address that a check comes from: there is no client whose own it could be."""
        usesrc = self._server.usesrc
        fixed = usesrc.address if usesrc is not None else None
        source = fixed or self._server.settings.source or self._proxy.source
        if source is not None and source.family == to.family:
            ranged = self._server.settings.source_last_port and not fixed
            conf.ports = self._server.index + 1 if ranged else 0
            addresses.fill(ffi.addressof(conf, "from"), source)
            conf.spoof = fixed is not None

    def port(self, step: Connect, port: int | None, where: Address) -> int:
        """The port of a step: the first that anybody names."""
        named = step.addr.port if step.addr is not None else 0
        ours = self._addr.port if self._addr is not None else 0
        return port or named or self._port or ours or where.port or 0

    def pool(self, step: Connect) -> Pool | None:
        """Where an idle connection may be taken from, and put back to; None: the step goes another way than streams."""
        own = not step.default or step.addr is not None or step.port is not None or step.send_proxy or step.via_socks4
        elsewhere = self._addr is not None or self._port or self._send_proxy
        return None if own or elsewhere else self._pool

    def preface(self, step: Connect) -> Preface | None:
        """What gives the PROXY line that a connection begins with; None: there is none."""
        version = self._send_proxy if step.default else 0
        if step.send_proxy:
            version = version or proxy_version(self._server.settings) or 1
        if not version:
            return None
        return _local_line if version == 2 else _line


def proxy_version(settings: ServerSettings) -> int:
    """The version of the PROXY protocol that a server is spoken to in, 0: in none."""
    return 2 if settings.send_proxy_v2 else int(settings.send_proxy)


def _local_line(wire: Outgoing) -> bytes:
    return _PROXY_V2 + _LOCAL


def _line(wire: Outgoing) -> bytes:
    """The text form: from us to the server."""
    ours, theirs = wire.ends()
    if ours.family not in _INET or theirs.family not in _INET:
        return b"PROXY UNKNOWN\r\n"
    family = "TCP4" if ipaddress.ip_address(ours.host).version == 4 else "TCP6"
    return f"PROXY {family} {ours.host} {theirs.host} {ours.port} {theirs.port}\r\n".encode()
