"""What takes privileges that the program does not have, or is about to give away."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

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
    assert said == "Some configuration options require full privileges, so global.uid cannot be changed."
