"""From a good configuration to a balancer that accepts: limits, background, pid file, privileges, failures."""

from __future__ import annotations

import os
import pwd
import resource
import signal
import sys
from pathlib import Path

import pytest

from tests.program.command import Fake, execute, fake, lbcore, messages
from tests.program.conftest import VALID, write

ROOT = os.geteuid() == 0


def with_globals(folder: Path, *lines: str) -> str:
    return write(folder, "with.cfg", "global\n" + "".join(f"    {line}\n" for line in lines) + VALID)


def failed(running: Fake) -> str:
    """The one message of a start that failed."""
    code, out, err = running.end()
    assert (code, out) == (1, "")
    [message] = messages(err)
    return message


def test_the_balancer_is_made_bound_and_started_in_the_process_that_was_launched(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-db", "-f", valid) as running:
        assert running.call().startswith("made ")
        assert running.call().startswith("bind ")
        assert running.call().startswith(f"start {running.process.pid} ")


@pytest.mark.parametrize("mode", ["", "-d", "-db", "-D -d", "-D -db", "-q", "-V"])
def test_only_daemon_mode_leaves_the_foreground(mode: str, tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, *mode.split(), "-f", valid) as running:
        assert running.until("start").startswith(f"{running.process.pid} ")


def test_a_daemon_is_told_by_the_pid_file_and_holds_nobodys_output(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-D", "-p", "pidfile", "-f", valid) as running:
        running.daemon = int(running.until("start").split()[0])
        assert running.end() == (0, "", "")  # which also takes the end of both streams
        assert running.daemon != running.process.pid
        assert os.getsid(running.daemon) == running.daemon
        assert (tmp_path / "pidfile").read_text() == f"{running.daemon}\n"
        running.signal(signal.SIGUSR1)
        assert running.call() == "soft_stop"


def test_the_global_section_makes_a_daemon_and_names_its_pid_file(tmp_path: Path) -> None:
    path = with_globals(tmp_path, "daemon", "pidfile pidfile")
    with fake(tmp_path, "-f", path) as running:
        running.daemon = int(running.until("start").split()[0])
        assert running.end() == (0, "", "")
        assert (tmp_path / "pidfile").read_text() == f"{running.daemon}\n"


@pytest.mark.parametrize("mode", ["-db", "-D"])
def test_an_address_in_use_fails_the_start_in_the_foreground_and_in_the_background(
    mode: str, tmp_path: Path, valid: str
) -> None:
    with fake(tmp_path, mode, "-p", "pidfile", "-f", valid, behaviour="bind-fails") as running:
        assert failed(running).endswith("Address already in use")
    assert not (tmp_path / "pidfile").exists()


def test_what_the_balancer_refuses_is_told_in_its_words(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-f", valid, behaviour="refuses") as running:
        code, _, err = running.end()
        first, second = messages(err)
        assert (code, first) == (1, "[ALERT] Binding [x.cfg:1] for frontend f: no")
        assert second.endswith(".main()] Some protocols failed to start their listeners! Exiting.")


def test_the_pid_file_is_written_in_the_foreground_too_after_binding(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-db", "-p", "pidfile", "-f", valid) as running:
        assert running.until("bind").split()[1] == "False"
        running.until("start")
        assert (tmp_path / "pidfile").read_text() == f"{running.process.pid}\n"


def test_a_pid_file_that_cannot_be_written_stops_what_was_bound(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-p", "no/pidfile", "-f", valid) as running:
        running.until("bind")
        assert running.call() == "stop"
        assert "Cannot create pidfile no/pidfile" in failed(running)


def test_a_relative_path_is_meant_from_the_directory_of_the_option(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    write(tmp_path / "there", "lb.cfg", VALID)
    with fake(tmp_path, "-p", "pid", "-f", "lb.cfg", "-C", "there") as running:
        running.until("start")
        assert (tmp_path / "there" / "pid").exists()


def test_the_log_tag_is_the_programs_name_unless_the_configuration_has_one(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-f", valid) as running:
        assert running.until("made").split()[1] == "fake.py"
    os.unlink(tmp_path / "calls")
    with fake(tmp_path, "-f", with_globals(tmp_path, "log-tag mine")) as running:
        assert running.until("made").split()[1] == "mine"


@pytest.mark.parametrize("option", ["-n 123", "-n 123 -V"])
def test_the_command_line_wins_over_the_global_section(option: str, tmp_path: Path) -> None:
    path = with_globals(tmp_path, "maxconn 50")
    with fake(tmp_path, *option.split(), "-f", path) as running:
        assert running.until("made").split()[0] == "123"
        running.until("start")
        running.signal(signal.SIGUSR1)
        assert running.end() == (0, "", "")


def test_maxconn_is_worked_out_from_the_limit_of_descriptors_and_told_in_verbose_mode(tmp_path: Path) -> None:
    path = with_globals(tmp_path, "ulimit-n 1000")
    with fake(tmp_path, "-V", "-f", path) as running:
        maxconn = running.until("made").split()[0]
        assert 400 < int(maxconn) < 500
        running.until("start")
        assert resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)[0] == 1000
        running.signal(signal.SIGUSR1)
        assert running.end() == (0, "", f"Note: setting global.maxconn to {maxconn}.\n")


def test_the_limit_of_descriptors_is_raised_to_what_maxconn_needs(tmp_path: Path) -> None:
    with fake(tmp_path, "-n", "300", "-f", write(tmp_path, "lb.cfg", VALID), descriptors=256) as running:
        running.until("start")
        assert 600 < resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)[0] < 700


def test_a_limit_below_what_maxconn_needs_fails_the_start_unless_limits_are_not_strict(tmp_path: Path) -> None:
    with fake(tmp_path, "-f", with_globals(tmp_path, "ulimit-n 200", "maxconn 1000")) as running:
        assert "FD limit (200) too low for maxconn=1000/maxsock=" in failed(running)
    os.unlink(tmp_path / "calls")
    lax = with_globals(tmp_path, "ulimit-n 200", "maxconn 1000", "no strict-limits")
    with fake(tmp_path, "-f", lax) as running:
        running.until("start")


def test_memory_is_bounded(tmp_path: Path, valid: str) -> None:
    with fake(tmp_path, "-m", "500", "-f", valid) as running:
        running.until("start")
        soft, hard = resource.prlimit(running.process.pid, resource.RLIMIT_DATA)
        # a free-threaded interpreter reserves an arena of a gigabyte, which does not count
        arena = 0 if getattr(sys, "_is_gil_enabled", lambda: True)() else 1 << 30
        assert 500 << 20 <= soft == hard <= (500 << 20) + arena


def test_privileges_are_dropped_after_binding_and_before_accepting(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    path = with_globals(tmp_path, f"uid {nobody.pw_uid}", f"gid {nobody.pw_gid}")
    with fake(tmp_path, "-f", path) as running:
        assert running.until("bind").split()[0] == str(os.getuid())
        if not ROOT:
            assert "Cannot set gid" in failed(running)
            return
        assert running.until("start").split()[1] == str(nobody.pw_uid)


def test_the_root_directory_changes_after_the_pid_file_and_signals_still_work(tmp_path: Path) -> None:
    (tmp_path / "jail").mkdir()
    path = with_globals(tmp_path, f"chroot {tmp_path / 'jail'}", "pidfile pidfile")
    with fake(tmp_path, "-f", path) as running:
        if not ROOT:
            assert "Cannot chroot(" in failed(running)
            return
        assert running.until("start").split()[2] == "False"
        assert (tmp_path / "pidfile").exists()
        running.signal(signal.SIGHUP)
        assert running.call() == "dump_servers"
        running.signal(signal.SIGTERM)
        running.until("stop")
        code, _, err = running.end()
        assert code == -signal.SIGTERM
        assert len(messages(err)) == 2


def test_a_root_directory_that_is_not_there_fails_the_start(tmp_path: Path) -> None:
    with fake(tmp_path, "-f", with_globals(tmp_path, "chroot /nowhere/at/all")) as running:
        assert "Cannot chroot(/nowhere/at/all)" in failed(running)


def test_without_a_listener_nothing_is_started(tmp_path: Path) -> None:
    path = write(tmp_path, "silent.cfg", VALID.replace("    bind 127.0.0.1:8080\n", ""))
    done = lbcore("-f", path)
    assert done.returncode == 1
    assert messages(done.stderr)[-1].endswith("No enabled listener found (check for 'bind' directives) ! Exiting.")


COLLECTOR = """
import gc, os, sys
from lbcore.main import run
from lbcore.options import parse
from tests.program.fake import FakeBalancer

os.environ |= {"FAKE_CALLS": os.devnull, "FAKE_BEHAVIOUR": "leaves"}

class Told(FakeBalancer):
    def bind(self):
        print("binds", gc.isenabled())

    def wait(self, timeout=None):
        if timeout == 0:
            print("serves", gc.isenabled(), gc.get_freeze_count() > 1000)
        return super().wait(timeout)

run(parse(sys.argv[1:]), Told)
print("ended", gc.isenabled(), gc.get_freeze_count())
"""


def test_the_garbage_collector_leaves_a_start_alone_and_runs_while_it_serves(valid: str) -> None:
    done = execute([sys.executable, "-c", COLLECTOR, "-f", valid])
    lines = done.stdout.splitlines()
    assert lines[0] == "binds False", done.stderr
    assert set(lines[1:-1]) == {"serves True True"}
    assert lines[-1] == "ended True 0"
