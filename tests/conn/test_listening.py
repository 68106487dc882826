"""What a `bind` line makes of a socket."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lbcore.base.address import Address
from lbcore.conn.listening import open_listening
from lbcore.conn.settings import BindSettings
from tests.peers.ports import HOST

ANY_PORT = Address(socket.AF_INET, HOST, 0)


@contextmanager
def listening(bind: BindSettings, *, backlog: int = 0, reuseport: bool = True) -> Iterator[socket.socket]:
    """The socket that is opened for `bind`."""
    opened = open_listening(bind, backlog=backlog, reuseport=reuseport)
    assert not opened.inherited
    with socket.socket(fileno=opened.fd) as sock:
        yield sock


def test_listens_without_blocking_and_not_for_children() -> None:
    with listening(BindSettings(ANY_PORT)) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        assert not os.get_blocking(sock.fileno())
        assert not os.get_inheritable(sock.fileno())


@pytest.mark.parametrize("reuseport", [True, False])
def test_port_is_shared_only_where_that_is_wanted(reuseport: bool) -> None:
    with listening(BindSettings(ANY_PORT), reuseport=reuseport) as first:
        second = BindSettings(Address(socket.AF_INET, HOST, first.getsockname()[1]))
        if reuseport:
            with listening(second):
                pass
        else:
            with pytest.raises(OSError, match="in use") as caught, listening(second, reuseport=False):
                pass
            assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    ("settings", "level", "option", "expected"),
    [
        ({"defer_accept": True}, socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1),
        ({"tcp_ut": 12345}, socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 12345),
        ({"tfo": True}, socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 256),
        ({"mss": 1200}, socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1200),
    ],
)
def test_words_set_their_option(settings: dict[str, int], level: int, option: int, expected: int) -> None:
    with listening(BindSettings(ANY_PORT)) as plain:
        assert plain.getsockopt(level, option) != expected
    with listening(BindSettings(ANY_PORT, **settings)) as sock:  # type: ignore[arg-type]
        assert sock.getsockopt(level, option) == expected


def test_interface_is_bound_to() -> None:
    with listening(BindSettings(ANY_PORT, interface="lo")) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"
    with pytest.raises(OSError, match="No such device"), listening(BindSettings(ANY_PORT, interface="nosuch0")):
        pass


@pytest.mark.parametrize(("word", "expected"), [("v6only", 1), ("v4v6", 0)])
def test_ipv6_words(word: str, expected: int) -> None:
    with listening(BindSettings(Address(socket.AF_INET6, "::", 0), **{word: True})) as sock:  # type: ignore[arg-type]
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == expected


def backlog_of(sock: socket.socket) -> int:
    """The length of the accept queue, from tcpi_sacked of struct tcp_info, which has it for listening sockets."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return int.from_bytes(info[28:32], "little")


def test_backlog_of_the_line_goes_before_that_of_the_proxy() -> None:
    most = int(Path("/proc/sys/net/core/somaxconn").read_text())
    for own, proxy, expected in ((5, 7, 5), (0, 7, 7), (0, 0, min(1024, most))):
        with listening(BindSettings(ANY_PORT, backlog=own), backlog=proxy) as sock:
            assert backlog_of(sock) == expected


def test_unix_socket_has_its_mode_and_owner(tmp_path: Path) -> None:
    path = tmp_path / "s"
    uid, gid = os.getuid(), os.getgid()
    with listening(BindSettings(Address(socket.AF_UNIX, str(path)), mode=0o620, uid=uid, gid=gid)):
        found = path.stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o620, uid, gid)
    assert list(tmp_path.iterdir()) == [path]


def test_unix_socket_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("left by somebody")
    with listening(BindSettings(Address(socket.AF_UNIX, str(path)))), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_failure_leaves_no_descriptor_and_no_file(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for address in (Address(socket.AF_UNIX, str(tmp_path / "no" / "s")), Address(socket.AF_INET, "192.0.2.1", 0)):
        with pytest.raises(OSError, match=r"No such file|Cannot assign"), listening(BindSettings(address)):
            pass
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(OSError, match="directory"),
        listening(BindSettings(Address(socket.AF_UNIX, f"{tmp_path}/folder"))),
    ):
        pass
    assert len(os.listdir("/proc/self/fd")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_inherited_one_is_taken_as_it_is_and_made_not_to_block() -> None:
    with socket.create_server((HOST, 0)) as given:
        given.setblocking(True)
        os.set_inheritable(given.fileno(), True)
        opened = open_listening(BindSettings(Address(socket.AF_UNSPEC, fd=given.fileno())))
        assert (opened.fd, opened.inherited) == (given.fileno(), True)
        assert not os.get_blocking(given.fileno())
        assert os.get_inheritable(given.fileno())


def test_inherited_one_that_does_not_listen_is_refused() -> None:
    with socket.socket() as idle, pytest.raises(OSError, match=r"argument|listen"):
        open_listening(BindSettings(Address(socket.AF_UNSPEC, fd=idle.fileno())))
