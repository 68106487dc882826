"""Starting, measuring and stopping a program."""

from __future__ import annotations

import os
import sys
import time

import pytest

from tests.peers.process import Child, PeerError, descendants, wait_until

_SLEEP = "import time; time.sleep(60)"


def _python(code: str) -> Child:
    return Child([sys.executable, "-c", code], name="python")


class _NeverReady(Child):
    def ready(self) -> bool:
        return False


def test_a_program_that_ends_while_starting_is_told_with_its_stderr() -> None:
    child = _NeverReady([sys.executable, "-c", "import sys; sys.exit('so it goes')"], name="python")
    with pytest.raises(PeerError, match="ended with 1 while starting:\nso it goes"):
        child.__enter__()


def test_close_ends_the_program_and_removes_its_folder() -> None:
    with _python(_SLEEP) as child:
        assert child.exit_code() is None
    assert child.exit_code() == -15
    assert not child.folder.exists()


def test_a_program_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.peers.process.STOP_SECONDS", 0.1)
    with _python(f"import signal; signal.signal(15, signal.SIG_IGN); print('set', flush=True); {_SLEEP}") as child:
        assert wait_until(lambda: child.stdout() == "set\n", 10)
    assert child.exit_code() == -9


def test_cpu_time_counts_all_threads_and_children() -> None:
    spin = "import time\ndef spin():\n    while time.thread_time() < 0.15: pass\n"
    code = spin + "import os, threading\nt = threading.Thread(target=spin); t.start(); t.join()\n"
    code += "pid = os.fork()\nif not pid:\n    spin()\n    os._exit(0)\nos.waitpid(pid, 0)\n"
    code += f"print('done', flush=True)\n{_SLEEP}"
    with _python(code) as child:
        assert wait_until(lambda: child.stdout() == "done\n", 20)
        assert child.cpu().total > 0.25


def test_figures_of_a_running_program() -> None:
    with _python(f"import threading; threading.Thread(target=threading.Event().wait).start(); {_SLEEP}") as child:
        assert wait_until(lambda: child.thread_count() == 2, 10)
        assert child.rss() > 1_000_000
        assert child.fd_count() >= 3


def test_descendants_are_those_that_live() -> None:
    code = f"import os\nif not os.fork():\n    {_SLEEP}\nprint('forked', flush=True)\n{_SLEEP}"
    with _python(code) as child:
        assert wait_until(lambda: child.stdout() == "forked\n", 10)
        family = descendants(child.pid)
        assert family[0] == child.pid and len(family) == 2
        os.kill(family[1], 9)


def test_wait_tells_that_a_program_still_runs() -> None:
    with _python(_SLEEP) as child:
        start = time.monotonic()
        with pytest.raises(PeerError, match="still runs"):
            child.wait(0.05)
        assert time.monotonic() - start < 5
