"""What takes privileges that the program does not have, or is about to give away."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.embedded import until
from tests.peers import netns

HEAD = "defaults\n mode http\n timeout client 1s\n timeout connect 1s\n timeout server 1s\n"
FRONT = "frontend f\n bind 127.0.0.1:0\n default_backend b\n"
SPOOFING = f"{HEAD}{FRONT}backend b\n server s 127.0.0.1:1 source 127.0.0.1 usesrc clientip\n"
NET_ADMIN, NET_RAW, SYS_ADMIN = 12, 13, 21
_PR_CAPBSET_DROP = 24
_libc = ctypes.CDLL(None)


def _drop() -> None:
    """What is executed next has these no more, even as root; who is not has none anyway."""
    for capability in (NET_ADMIN, NET_RAW, SYS_ADMIN):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def refusal(tmp_path: Path, text: str, *, unprivileged: bool = True) -> str:
    """The alert with which a start is refused."""
    path = tmp_path / "lb.cfg"
    path.write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "lbcore", "-db", "-f", str(path)],
        preexec_fn=_drop if unprivileged else None, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 1, ended
    [alert] = [line for line in ended.stderr.splitlines() if line.startswith("[ALERT]")]
    return alert.partition(".main()] ")[2]


def test_foreign_addresses_are_refused_without_the_privilege(tmp_path: Path) -> None:
    said = refusal(tmp_path, SPOOFING)
    assert said == "'server b/s' : 'source ... usesrc' is not permitted here: Operation not permitted"


@pytest.mark.xfail(not netns.may_have_one(), reason="namespaces take CAP_SYS_ADMIN", run=False)
def test_a_servers_namespace_is_refused_without_the_privilege(tmp_path: Path) -> None:
    with netns.namespace() as name:
        said = refusal(tmp_path, f"{HEAD}{FRONT}backend b\n server s 127.0.0.1:1 namespace {name}\n")
    assert said == "'server b/s' : 'namespace' is not permitted here: Operation not permitted"


def test_a_privilege_that_is_needed_later_cannot_be_given_away(tmp_path: Path) -> None:
    said = refusal(tmp_path, f"global\n uid 65534\n{SPOOFING}", unprivileged=False)
    assert said == (
        "Some configuration options require full privileges, so global.uid cannot be changed "
        "(unless 'setcap cap_net_raw' is set)."
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="changes its user")
@pytest.mark.parametrize(
    ("names", "kept"), [("cap_net_raw", 1 << NET_RAW), ("cap_net_admin,cap_net_bind_service", 1 << NET_ADMIN | 1 << 10)]
)
def test_what_setcap_names_is_kept_and_nothing_else(tmp_path: Path, names: str, kept: int) -> None:
    with running(tmp_path, f"global\n uid 65534\n setcap {names}\n{SPOOFING}") as pid:
        assert until(lambda: of_status(pid, "Uid").split()[0] == "65534")
        assert until(lambda: int(of_status(pid, "CapEff"), 16) == kept)
        assert int(of_status(pid, "CapPrm"), 16) == kept


@pytest.mark.skipif(os.geteuid() != 0, reason="gives capabilities up")
def test_what_the_process_never_had_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lb.cfg"
    path.write_text(f"global\n uid 65534\n setcap cap_net_raw,cap_net_bind_service\n{HEAD}{FRONT}backend b\n")
    started = subprocess.Popen(
        [sys.executable, "-m", "lbcore", "-db", "-f", str(path)],
        preexec_fn=_drop,  # noqa: PLW1509 - nothing else takes capabilities away
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stderr is not None
        assert any("started without 'cap_net_raw'" in line for line in started.stderr)
        assert until(lambda: int(of_status(started.pid, "CapEff"), 16) == 1 << 10)
    finally:
        started.kill()
        started.communicate()


def of_status(pid: int, name: str) -> str:
    """A line of /proc/<pid>/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    raise KeyError(name)


@contextmanager
def running(tmp_path: Path, text: str) -> Iterator[int]:
    """A started balancer, by its number."""
    path = tmp_path / "lb.cfg"
    path.write_text(text)
    started = subprocess.Popen([sys.executable, "-m", "lbcore", "-db", "-f", str(path)])
    try:
        yield started.pid
    finally:
        started.kill()
        started.wait()
