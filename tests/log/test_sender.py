"""Senders: lines arrive in order, nothing waits for a reader, what is lost is counted."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lbcore.base.address import Address
from lbcore.log.sender import DatagramSender, DescriptorSender, Senders
from tests.peers.ports import free_port, release_port
from tests.thread.crew import crew

LINES = [b"one\n", b"two\n", b"three\n"]


@pytest.fixture
def udp_sink() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(5)
        yield sink


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Read end (non-blocking) and write end (blocking, as standard output is)."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    for fd in (reader, writer):
        with suppress(OSError):
            os.close(fd)


def udp_address(sink: socket.socket) -> Address:
    host, port = sink.getsockname()
    return Address(socket.AF_INET, host, port, datagram=True)


def read_all(fd: int) -> bytes:
    found = b""
    while True:
        try:
            data = os.read(fd, 1 << 20)
        except BlockingIOError:
            return found
        if not data:
            return found
        found += data


def test_each_line_is_one_udp_datagram_in_order(udp_sink: socket.socket) -> None:
    sender = DatagramSender(udp_address(udp_sink))
    sender.send_batch(LINES)
    assert [udp_sink.recv(100) for _ in LINES] == LINES
    assert sender.dropped == 0
    sender.close()


def test_each_line_is_one_unix_datagram_in_order(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sink:
        sink.bind(path)
        sender = DatagramSender(Address(socket.AF_UNIX, path))
        sender.send_batch(LINES)
        assert [sink.recv(100) for _ in LINES] == LINES
        sender.close()


def test_ipv6_datagrams() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sink:
        sink.bind(("::1", 0))
        sink.settimeout(5)
        sender = DatagramSender(Address(socket.AF_INET6, "::1", sink.getsockname()[1]))
        sender.send_batch([b"six\n"])
        assert sink.recv(100) == b"six\n"
        sender.close()


def test_a_full_unix_socket_drops_and_counts_without_waiting(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sink:
        sink.bind(path)
        sender = DatagramSender(Address(socket.AF_UNIX, path))
        sender.send_batch([b"%d\n" % number for number in range(5000)])
        sink.setblocking(False)
        received = []
        while True:
            try:
                received.append(sink.recv(100))
            except BlockingIOError:
                break
        assert received == [b"%d\n" % number for number in range(len(received))]
        assert sender.dropped == 5000 - len(received) > 0
        sender.close()


def test_a_restarted_unix_daemon_gets_lines_again(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    sender = DatagramSender(Address(socket.AF_UNIX, path))
    sender.send_batch([b"nobody\n"])
    assert sender.dropped == 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sink:
        sink.bind(path)
        sender.send_batch([b"first\n"])
        assert sink.recv(100) == b"first\n"
    os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sink:
        sink.bind(path)
        sender.send_batch([b"second\n"])
        assert sink.recv(100) == b"second\n"
    sender.close()


def test_the_line_after_a_refused_datagram_is_not_lost() -> None:
    port = free_port()
    sender = DatagramSender(Address(socket.AF_INET, "127.0.0.1", port))
    sender.send_batch([b"nobody\n"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", port))
        sink.settimeout(5)
        sender.send_batch([b"now\n"])
        assert sink.recv(100) == b"now\n"
    sender.close()
    release_port(port)


def test_names_are_never_looked_up_lines_only_counted() -> None:
    sender = DatagramSender(Address(socket.AF_INET, "localhost", 514))
    sender.send_batch(LINES)
    assert sender.dropped == 3


def test_lines_reach_a_pipe_in_order(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    sender = DescriptorSender(writer)
    sender.send_batch(LINES)
    assert read_all(reader) == b"".join(LINES)
    sender.close()


def test_a_stalled_pipe_drops_and_counts_whole_lines(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    sender = DescriptorSender(writer)
    lines = [b"%06d %s\n" % (number, b"x" * 100) for number in range(2000)]
    sender.send_batch(lines)
    received = read_all(reader).splitlines(keepends=True)
    assert received == lines[: len(received)]
    assert sender.dropped == 2000 - len(received) > 0
    sender.close()


def test_a_line_cut_by_a_full_pipe_is_finished_before_the_next(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    sender = DescriptorSender(writer)
    long_line = b"x" * 100_000 + b"\n"  # more than a pipe holds
    sender.send_batch([long_line])
    start = read_all(reader)
    sender.send_batch([b"next\n"])
    assert start + read_all(reader) == long_line + b"next\n"
    assert sender.dropped == 0
    sender.close()


def test_the_given_descriptor_stays_blocking_and_open(pipe: tuple[int, int]) -> None:
    _, writer = pipe
    sender = DescriptorSender(writer)
    sender.send_batch(LINES)
    sender.close()
    assert os.get_blocking(writer)
    assert os.write(writer, b"x") == 1


def test_a_reader_that_went_away_only_counts(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    sender = DescriptorSender(writer)
    os.close(reader)
    sender.send_batch(LINES)
    assert sender.dropped == 3
    sender.close()


def test_a_regular_file_shares_its_offset_with_other_writers(tmp_path: Path) -> None:
    path = tmp_path / "out"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    sender = DescriptorSender(fd)
    os.write(fd, b"before\n")
    sender.send_batch(LINES)
    os.write(fd, b"after\n")
    os.close(fd)
    assert path.read_bytes() == b"before\none\ntwo\nthree\nafter\n"


def test_a_stalled_stream_socket_drops_and_stays_blocking() -> None:
    ours, peer = socket.socketpair()
    with ours, peer:
        sender = DescriptorSender(ours.fileno())
        sender.send_batch([b"x" * 1000 + b"\n"] * 5000)
        assert sender.dropped > 0
        assert os.get_blocking(ours.fileno())
        sender.close()


def test_one_sender_serves_all_who_log_to_an_address(udp_sink: socket.socket) -> None:
    senders = Senders()
    assert senders.get(udp_address(udp_sink)) is senders.get(udp_address(udp_sink))
    senders.close()


def test_lost_lines_add_up_over_senders(tmp_path: Path) -> None:
    senders = Senders()
    for name in ("a", "b"):
        senders.get(Address(socket.AF_UNIX, str(tmp_path / name))).send_batch(LINES)
    assert senders.dropped == 6
    senders.close()


def test_closing_gives_every_descriptor_back(udp_sink: socket.socket, pipe: tuple[int, int]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    senders = Senders()
    senders.get(udp_address(udp_sink)).send_batch(LINES)
    senders.get(Address(socket.AF_UNSPEC, fd=pipe[1])).send_batch(LINES)
    assert len(os.listdir("/proc/self/fd")) == before + 2
    senders.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_lost_lines_are_counted_while_new_senders_are_made() -> None:
    senders = Senders()

    def work(number: int) -> None:
        for turn in range(2000):
            if number:
                assert senders.dropped == 0
            else:
                senders.get(Address(socket.AF_INET, "127.0.0.1", 1 + turn, datagram=True))

    crew(4, work)
    senders.close()
