"""`lbcore demo`: its sample servers, its configuration, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from http.client import HTTPConnection

import pytest

from lbcore import demo
from lbcore.cfg.loader import load
from tests.program.command import SECONDS, TREE, environment, lbcore

# The demo with a balancer that does nothing, whose calls are printed.
RUN = """
import sys
from lbcore.demo import demo
class Fake:
    def __init__(self, text): print("made", text.count("server "))
    def start(self): print("start")
    def close(self): print("close")
    def url(self, frontend): return f"http://{frontend}/"
sys.exit(demo(sys.argv[1:], Fake))
"""


def run(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *words], cwd=TREE, env=environment(), stdout=subprocess.PIPE, text=True
    )


def test_sample_servers_say_their_name_and_keep_the_connection() -> None:
    with demo.sample_server("blue") as port:
        client = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        client.connect()
        first = client.sock
        for path in ("/one", "/two"):
            client.request("GET", path)
            reply = client.getresponse().read().decode()
            assert reply.startswith(f"Hello from blue!\nGET {path}\n")
        assert client.sock is first
        client.request("HEAD", "/")
        assert client.getresponse().read() == b""
        client.close()


def test_its_configuration_is_without_fault_and_has_two_threads() -> None:
    settings, diagnostics = load([("demo", demo.configuration([8001, 8002]))])
    assert diagnostics.messages == []
    assert settings.globals.nbthread == 2
    [backend] = [proxy for proxy in settings.proxies if proxy.servers]
    assert [(server.name, server.address.port) for server in backend.servers] == [("blue", 8001), ("green", 8002)]


def test_it_ends_by_itself_after_the_seconds_it_was_given() -> None:
    running = run("--seconds", "0.05")
    out, _ = running.communicate(timeout=SECONDS)
    assert running.returncode == 0
    assert [line for line in out.splitlines() if " " not in line] == ["start", "close", "Stopped."]
    assert "http://web/" in out


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_code_0_when_it_is_interrupted(signum: signal.Signals) -> None:
    running = run()
    assert running.stdout
    while "Ask it twice" not in (line := running.stdout.readline()):
        assert line, "it ended"
    running.send_signal(signum)
    out, _ = running.communicate(timeout=SECONDS)
    assert (running.returncode, out) == (0, "close\nStopped.\n")


@pytest.mark.parametrize("words", ["--seconds", "--seconds x", "--seconds -1", "--forever", "--seconds 1 2"])
def test_words_that_make_no_sense_are_answered_by_the_usage(words: str) -> None:
    done = lbcore("demo", *words.split())
    assert (done.returncode, done.stdout, done.stderr) == (1, "", demo.USAGE + "\n")
