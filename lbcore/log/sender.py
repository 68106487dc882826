"""How finished lines leave: UDP, unix datagrams, descriptors. Nothing here ever waits for a reader.

What this file rests on:
- A connected UDP socket reports the ICMP error of the datagram before on the next send and does not send that one:
  one more try is needed, or every second line would be lost while nobody listens, and the first after somebody does.
- A unix socket is addressed by path on every send, so that a syslog daemon may be restarted.
- O_NONBLOCK belongs to the open file description, which standard output shares with other processes: setting it there
  would break them. Pipes and terminals are opened anew through /proc for a description of our own; a regular file
  never blocks (and a description of our own would lose the shared offset); a socket has MSG_DONTWAIT.
- A pipe takes up to PIPE_BUF bytes whole or not at all, so threads may write to one without mixing their lines.
"""

from __future__ import annotations

import io
import os
import select
import socket
import stat
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from lbcore.base.address import Address
from lbcore.shim import ffi, lib

Write = Callable[[bytes], int]


class Sender(Protocol):
    """A way out. `send_batch` is the seam for a call that sends many datagrams at once."""

    dropped: int

    def send_batch(self, lines: Sequence[bytes]) -> None:
        """Sends each line in order; what can't leave at once is dropped and counted in `dropped`."""

    def close(self) -> None:
        """Gives the descriptor back, if it is ours."""


class DatagramSender:
    """One datagram a line to a UDP or unix socket. Belongs to one thread; opens its socket with the first line.

    The host of a UDP address is numeric: names are resolved while the configuration is read.
    """

    def __init__(self, address: Address, sndbuf: int = 0) -> None:
        self.dropped = 0
        self._address = address
        self._sndbuf = sndbuf
        self._socket: socket.socket | None = None

    def send_batch(self, lines: Sequence[bytes]) -> None:
        if len(lines) > 1 and self._address.family != socket.AF_UNIX:
            lines = lines[self._send_together(lines) :]
        for line in lines:
            try:
                self._send(line)
            except ConnectionRefusedError:
                self._send_again(line)
            except OSError:
                self.dropped += 1

    def _send_together(self, lines: Sequence[bytes]) -> int:
        """How many of `lines`, from the first on, left in one call. The one after them is in trouble."""
        try:
            if self._socket is None:
                self._socket = self._open()
        except OSError:
            return 0
        lengths = array("I", map(len, lines))
        sent = lib.sock_send_many(
            self._socket.fileno(), b"".join(lines), ffi.from_buffer("uint32_t[]", lengths), len(lines)
        )
        return max(0, int(sent))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send_again(self, line: bytes) -> None:
        try:
            self._send(line)
        except OSError:
            self.dropped += 1

    def _send(self, line: bytes) -> None:
        address = self._address
        if self._socket is None:
            self._socket = self._open()
        if address.family == socket.AF_UNIX:
            self._socket.sendto(line, address.host)
        else:
            self._socket.send(line)

    def _open(self) -> socket.socket:
        return open_datagrams(self._address, self._sndbuf)


class DescriptorSender:
    """Lines to an open descriptor (`stdout`, `stderr`, `fd@N`), which is neither closed nor changed.

    Lines are gathered into writes of at most PIPE_BUF bytes. When a write is cut short, the rest of its line goes out
    before anything else does, so that no half lines are seen.
    """

    def __init__(self, fd: int) -> None:
        self.dropped = 0
        self._rest = b""
        self._write, self._close = _open_writer(fd)

    def send_batch(self, lines: Sequence[bytes]) -> None:
        start = 0
        while start < len(lines):
            end = _fitting(lines, start)
            self._send_together(lines[start:end])
            start = end

    def close(self) -> None:
        self._close()

    def _send_together(self, lines: Sequence[bytes]) -> None:
        self._rest = self._put(self._rest)
        if self._rest:
            self.dropped += len(lines)
            return
        chunk = b"".join(lines)
        left = self._put(chunk)
        if not left:
            return
        # Keep the end of the line that was cut, drop the lines of which nothing went out.
        sent = len(chunk) - len(left)
        for line in lines:
            if sent <= 0:
                self.dropped += 1
            elif sent < len(line):
                self._rest = line[sent:]
            sent -= len(line)

    def _put(self, chunk: bytes) -> bytes:
        """Writes what can be written now and returns the rest."""
        while chunk:
            try:
                chunk = chunk[self._write(chunk) :]
            except OSError:
                break
        return chunk


class Senders:
    """The senders of one thread, one for each address however many proxies log there."""

    def __init__(self, sndbuf: int = 0) -> None:
        """`sndbuf`: bytes that the send buffers of their sockets shall have, 0: as many as the system gives."""
        self._sndbuf = sndbuf
        self._by_address: dict[Address, Sender] = {}

    def get(self, address: Address) -> Sender:
        """The sender to `address`, made if it is the first time that it is asked for."""
        sender = self._by_address.get(address)
        if sender is None:
            sender = DatagramSender(address, self._sndbuf) if address.fd is None else DescriptorSender(address.fd)
            self._by_address[address] = sender
        return sender

    @property
    def dropped(self) -> int:
        """Lines lost so far by all of them. Any thread, while their own one may make more."""
        return sum(sender.dropped for sender in list(self._by_address.values()))

    def by_address(self) -> dict[Address, int]:
        """Lines lost so far at each address that was asked for. Any thread."""
        return {address: sender.dropped for address, sender in list(self._by_address.items())}

    def close(self) -> None:
        """Closes all of them; a later `get` opens anew."""
        for sender in self._by_address.values():
            sender.close()
        self._by_address.clear()


def open_datagrams(address: Address, sndbuf: int = 0) -> socket.socket:
    """A socket that sends to a UDP address, or to any unix one, and never waits. Raises OSError.

    `sndbuf`: bytes of its send buffer, 0: the system's.
    """
    opened = socket.socket(address.family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        opened.setblocking(False)
        if sndbuf:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
        if address.family != socket.AF_UNIX:
            opened.connect(_socket_address(address))
    except OSError:
        opened.close()
        raise
    return opened


def _socket_address(address: Address) -> tuple[Any, ...]:
    """What connect() takes. Numeric only, or OSError: looking a name up would make traffic wait."""
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    found = socket.getaddrinfo(address.host, address.port, address.family, socket.SOCK_DGRAM, flags=flags)
    return found[0][4]


def _fitting(lines: Sequence[bytes], start: int) -> int:
    """Index after the last line that fits into one PIPE_BUF with those from `start`, at least start + 1."""
    size = 0
    for index in range(start, len(lines)):
        size += len(lines[index])
        if size > select.PIPE_BUF and index > start:
            return index
    return len(lines)


def _open_writer(fd: int) -> tuple[Write, Callable[[], None]]:
    """A function that writes to `fd` without ever waiting, and one that closes what it needed for that."""
    kind = os.fstat(fd).st_mode
    if stat.S_ISREG(kind):
        return lambda chunk: os.write(fd, chunk), _nothing
    if stat.S_ISSOCK(kind):
        peer = socket.socket(fileno=os.dup(fd))
        return lambda chunk: peer.send(chunk, socket.MSG_DONTWAIT), peer.close
    try:
        own = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return lambda chunk: _write_if_ready(fd, chunk), _nothing
    stream = io.FileIO(own, "w")
    return lambda chunk: os.write(stream.fileno(), chunk), stream.close


def _nothing() -> None:
    """Closes nothing: the descriptor is the caller's."""


def _write_if_ready(fd: int, chunk: bytes) -> int:
    """Writes at most PIPE_BUF bytes, which a pipe that is ready for writing takes without waiting."""
    poller = select.poll()
    poller.register(fd, select.POLLOUT)
    if not poller.poll(0):
        raise BlockingIOError
    return os.write(fd, chunk[: select.PIPE_BUF])
