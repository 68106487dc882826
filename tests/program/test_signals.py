"""A start, signals and the end, as real processes whose balancer is a fake."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from lbcore.signals import STOP_SECONDS
from tests.program.command import Fake, fake, messages
from tests.program.conftest import VALID, write


def with_globals(folder: Path, words: str) -> str:
    return write(folder, "with.cfg", f"global\n    {words}\n{VALID}")


def started(running: Fake) -> Fake:
    running.until("start")
    return running


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_stop_signals_stop_the_balancer_and_are_what_the_process_dies_from(
    signum: signal.Signals, tmp_path: Path, valid: str
) -> None:
    with fake(tmp_path, "-f", valid) as running:
        started(running).signal(signum)
        assert running.call() == "stop"
        assert running.end() == (-signum, "", "")


def test_a_stop_that_hangs_is_cut_short(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-f", valid, behaviour="hangs") as running:
        started(running).signal(signal.SIGTERM)
        running.until("stop")
        assert running.end() == (-signal.SIGTERM, "", "")


def test_whoever_asks_for_a_stop_waits_for_a_second_at_most() -> None:
    assert 0 < STOP_SECONDS < 1


def test_soft_stop_ends_with_the_balancer_and_code_0(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-f", valid) as running:
        started(running).signal(signal.SIGUSR1)
        assert running.call() == "soft_stop"
        assert running.end() == (0, "", "")


def test_a_second_soft_stop_changes_nothing_and_a_stop_still_works(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-f", valid, behaviour="lingers") as running:
        started(running).signal(signal.SIGUSR1)
        assert running.call() == "soft_stop"
        running.signal(signal.SIGUSR1)
        running.signal(signal.SIGTTOU)  # told after the one before was taken
        assert running.call() == "pause"
        running.signal(signal.SIGTERM)
        assert running.call() == "stop"
        assert running.end()[0] == -signal.SIGTERM


def test_hard_stop_after_bounds_a_soft_stop(tmp_path: Path) -> None:
    path = with_globals(tmp_path, "hard-stop-after 30ms")
    with fake(tmp_path, "-f", path, behaviour="lingers") as running:
        started(running).signal(signal.SIGUSR1)
        assert [running.call(), running.call()] == ["soft_stop", "stop"]
        code, _, err = running.end()
        assert code == 0
        assert messages(err) == ["[WARNING] soft-stop running for too long, performing a hard-stop."]


def test_a_hard_stop_that_hangs_is_cut_short_too(tmp_path: Path) -> None:
    path = with_globals(tmp_path, "hard-stop-after 1ms")
    with fake(tmp_path, "-f", path, behaviour="lingers hangs") as running:
        started(running).signal(signal.SIGUSR1)
        running.until("stop")
        assert running.end()[0] == 0


def test_grace_delays_a_soft_stop_and_hard_stop_after_counts_from_its_end(tmp_path: Path) -> None:
    path = with_globals(tmp_path, "grace 60ms\n    hard-stop-after 30ms")
    with fake(tmp_path, "-f", path, behaviour="lingers") as running:
        started(running)
        begin = time.monotonic()
        running.signal(signal.SIGUSR1)
        assert running.call() == "soft_stop"
        assert time.monotonic() - begin >= 0.06
        assert running.call() == "stop"
        assert time.monotonic() - begin >= 0.09
        assert running.end()[0] == 0


def test_an_alarm_from_outside_is_no_deadline(tmp_path: Path) -> None:
    path = with_globals(tmp_path, "grace 1h")
    with fake(tmp_path, "-f", path) as running:
        started(running).signal(signal.SIGUSR1)
        running.signal(signal.SIGALRM)
        running.signal(signal.SIGTTOU)
        assert running.call() == "pause"


def test_pause_and_resume(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-f", valid) as running:
        started(running).signal(signal.SIGTTOU)
        assert running.call() == "pause"
        running.signal(signal.SIGTTIN)
        assert running.call() == "resume"


def test_dumps_go_to_standard_error(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-f", valid) as running:
        started(running).signal(signal.SIGHUP)
        assert running.call() == "dump_servers"
        running.signal(signal.SIGQUIT)
        assert running.call() == "dump_memory_and_threads"
        running.signal(signal.SIGUSR1)
        code, _, err = running.end()
        assert code == 0
        assert messages(err) == [
            "[WARNING] SIGHUP received, dumping servers states.",
            "[WARNING] SIGHUP: Server be/s is UP. Conn: 0 act, 0 pend, 0 tot.",
        ]
        assert err.endswith("\nThread 1: idle\n")


def test_quiet_mode_dumps_nothing(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-q", "-f", valid) as running:
        started(running).signal(signal.SIGHUP)
        running.until("dump_servers")
        running.signal(signal.SIGUSR1)
        assert running.end() == (0, "", "")


def test_a_reader_of_messages_that_is_gone_does_not_end_the_service(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-f", valid) as running:
        started(running)
        assert running.process.stderr
        running.process.stderr.close()
        running.signal(signal.SIGHUP)
        assert running.call() == "dump_servers"
        running.signal(signal.SIGPIPE)
        running.signal(signal.SIGTTOU)
        assert running.call() == "pause"
        running.signal(signal.SIGUSR1)
        assert running.process.wait(10) == 0


def test_a_balancer_that_ends_by_itself_ends_the_program(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-f", valid, behaviour="leaves") as running:
        assert running.end() == (0, "", "")


def test_a_stop_signal_that_was_ignored_by_whoever_started_it_is_obeyed(tmp_path: Path, valid: str) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as shells do for what they put in the background
    try:
        with fake(tmp_path, "-f", valid) as running:
            started(running).signal(signal.SIGINT)
            assert running.call() == "stop"
            assert running.end()[0] == -signal.SIGINT
    finally:
        signal.signal(signal.SIGINT, before)
