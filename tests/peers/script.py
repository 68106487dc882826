"""One party of a scripted conversation: a socket and what it is told to do with it, step by step.

A step is bytes (send them) or one of the objects below. Whatever goes wrong on the wire is an outcome, not an error:
the party notes how the conversation ended and skips the rest, because a balancer may rightly close at any moment.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from dataclasses import dataclass
from enum import Enum

from tests.peers.framing import UNTIL_CLOSE, message_length, read_head

# After the other side has read what was sent (which the kernel tells), the time it is given to act upon it (which
# nobody can tell): long enough in practice, short enough for hundreds of conversations.
CUT_SECONDS = 0.005
PARTY_SECONDS = 4.0

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_NO_COOKIE = 0xFFFFFFFF
_ALL_STATES = 0xFFFFFFFF
_RQUEUE_OFFSET = 16 + 4 + 48 + 4  # nlmsghdr, four bytes, inet_diag_sockid, idiag_expires


class Do(Enum):
    """Steps without parameters."""

    CUT = "let what was sent arrive by itself"
    REPLY = "read one final response, and the interim ones before it"
    HEAD_REPLY = "the same for a response to HEAD"
    INTERIM = "read one interim response"
    REQUEST = "read the rest of the request whose head has come"
    SHUT = "send FIN, go on reading"
    END = "read until the other side closes"
    CLOSE = "close"
    RESET = "close with a reset"


@dataclass(frozen=True, slots=True)
class Receive:
    """Step: read until `count` more bytes have come."""

    count: int


Step = bytes | Do | Receive


class End(Enum):
    """How a conversation ended for a party."""

    OPEN = "nobody closed"
    CLOSED = "the other side closed"
    RESET = "the other side reset the connection"
    TIMEOUT = "what was waited for did not come"
    LEFT = "this side closed first"


class Party:
    """Owns a connected socket. `received` is everything that came, `end` how it ended."""

    def __init__(self, sock: socket.socket, seconds: float = PARTY_SECONDS) -> None:
        self.sock = sock
        self.sock.settimeout(seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.end = End.OPEN
        self._read = 0  # what lies before belongs to messages that a step has read

    def run(self, steps: tuple[Step, ...]) -> None:
        """Does the steps in order, up to the one after which nothing can follow."""
        for step in steps:
            if self.end in (End.TIMEOUT, End.LEFT):
                return
            self._do(step)

    def next_request(self) -> bytes | None:
        """The head of the next request (what of its body came with it stays to be read), None at the end."""
        while (head := read_head(self.received[self._read :])) is None:
            if not self._more():
                return None
        return self.received[self._read : self._read + head.length]

    def finish_request(self) -> bool:
        """Reads the rest of the request that `next_request()` has seen; False if the end comes first."""
        return self._message(response=False)

    @property
    def mid_message(self) -> bool:
        """True if bytes have come that no step has read."""
        return self._read < len(self.received)

    def close(self) -> None:
        """Closes the socket; harmless if done before."""
        if self.end is End.OPEN:
            self.end = End.LEFT
        self.sock.close()

    def _do(self, step: Step) -> None:
        try:
            if isinstance(step, bytes):
                self.sock.sendall(step)
            elif isinstance(step, Receive):
                self._receive(step.count)
            else:
                self._do_named(step)
        except TimeoutError:
            self.end = End.TIMEOUT
        except OSError:
            pass  # sending to a connection that was closed: what came before that can still be read, then the end shows

    def _do_named(self, step: Do) -> None:
        match step:
            case Do.CUT:
                self._cut()
            case Do.REPLY | Do.HEAD_REPLY:
                self._final_response(to_head=step is Do.HEAD_REPLY)
            case Do.INTERIM:
                self._message(response=True)
            case Do.REQUEST:
                self._message(response=False)
            case Do.SHUT:
                self.sock.shutdown(socket.SHUT_WR)
            case Do.END:
                self._to_end()
            case Do.CLOSE:
                self.close()
            case Do.RESET:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close()

    def _cut(self) -> None:
        deadline = time.monotonic() + (self.sock.gettimeout() or PARTY_SECONDS)
        while unread_by_peer(self.sock) and time.monotonic() < deadline:
            time.sleep(CUT_SECONDS / 5)
        time.sleep(CUT_SECONDS)

    def _final_response(self, *, to_head: bool) -> None:
        while True:
            start = self._read
            if not self._message(response=True, to_head=to_head):
                return
            head = read_head(self.received[start:])
            if head is None or head.status >= 200 or head.status == 101:
                return

    def _message(self, *, response: bool, to_head: bool = False) -> bool:
        while True:
            length = message_length(self.received[self._read :], response=response, to_head=to_head)
            if length == UNTIL_CLOSE:
                self._to_end()
                return True
            if length is not None:
                self._read += length
                return True
            if not self._more():
                return False

    def _receive(self, count: int) -> None:
        self._read += count
        while len(self.received) < self._read and self._more():
            pass

    def _to_end(self) -> None:
        while self._more():
            pass
        self._read = len(self.received)

    def _more(self) -> bool:
        """Reads once; False when nothing more can come, and then `end` tells why."""
        if self.end is not End.OPEN:
            return False
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            self.end = End.TIMEOUT
            return False
        except OSError:
            self.end = End.RESET
            return False
        if not data:
            self.end = End.CLOSED
            return False
        self.received += data
        return True


def unread_by_peer(sock: socket.socket) -> int:
    """How many bytes that were sent the other side, a socket of this machine, has not read yet; 0 if it is gone.

    Asks the kernel for the other socket by its addresses (netlink, sock_diag(7)): unlike /proc/net/tcp that costs the
    same however many sockets there are.
    """
    try:
        ours, theirs = sock.getsockname(), sock.getpeername()
    except OSError:
        return 0
    addresses = struct.pack(
        "!HH16s16s", theirs[1], ours[1], socket.inet_aton(theirs[0]), socket.inet_aton(ours[0])
    )  # the other socket's own address comes first
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ALL_STATES) + addresses
    request += struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    header = struct.pack("=IHHII", 16 + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        netlink.send(header + request)
        answer = netlink.recv(4096)
    (kind,) = struct.unpack_from("=H", answer, 4)
    if kind == _SOCK_DIAG_BY_FAMILY:
        (unread,) = struct.unpack_from("=I", answer, _RQUEUE_OFFSET)
        return int(unread)
    (error,) = struct.unpack_from("=i", answer, 16)
    if error != -errno.ENOENT:
        raise OSError(-error, "sock_diag: " + os.strerror(-error))
    return 0
