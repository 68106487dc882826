"""A real browser: Debian's chromium without a screen, driven through a pipe (Chrome DevTools Protocol)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.peers.readable import readable

PROGRAMS = ("chromium-headless-shell", "chromium")
PATIENCE = 30.0  # seconds for what takes one at most
LOOK = 0.05
_FLAGS = (
    "--headless",
    "--no-sandbox",  # containers run the tests as root, and without user namespaces
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
)


def program() -> str | None:
    """The browser's path, None if there is none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name)) is not None), None)


class PageError(AssertionError):
    """A page threw an exception, or what was waited for did not come."""


class Page:
    """One tab. `complaints` are what its console and its security policy said."""

    def __init__(self, pipe: _Pipe, session: str) -> None:
        self._pipe = pipe
        self._session = session
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """The result of a command of the protocol."""
        return self._pipe.call(method, params, self._session, self._note)

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(event["params"]))

    def open(self, url: str) -> None:
        """Goes to a page, and returns when it is loaded with all that it refers to."""
        error = self.call("Page.navigate", url=url).get("errorText")
        if error:
            raise PageError(f"{url}: {error}")
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script: str) -> Any:
        """The value of an expression. Raises PageError for an exception."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise PageError(json.dumps(found["exceptionDetails"]))
        return found["result"].get("value")

    def until(self, script: str) -> Any:
        """The value of an expression as soon as it is a true one. Raises PageError if it never is."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                found = self.run(script)
            except PageError:
                found = None  # the page is just being replaced
            if found:
                return found
            time.sleep(LOOK)
        raise PageError(f"never came: {script}; {self.complaints}")

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        """Gives the page another size."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)


class _Pipe:
    """Messages to and from the browser, each ended by a NUL."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads = reads
        self._writes = writes
        self._pending = b""
        self._number = 0

    def call(self, method: str, params: dict[str, Any], session: str, note: Any = lambda event: None) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._next(deadline)
            if answer.get("id") != self._number:
                note(answer)
            elif "error" in answer:
                raise PageError(f"{method}: {answer['error']}")
            else:
                return answer["result"]

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not readable(self._reads, seconds=left):
                raise PageError("the browser does not answer")
            data = os.read(self._reads, 1 << 16)
            if not data:
                raise PageError("the browser has ended")
            self._pending += data
        text, _, self._pending = self._pending.partition(b"\0")
        found: dict[str, Any] = json.loads(text)
        return found


@contextmanager
def browser() -> Iterator[Page]:
    """A browser with one empty tab. It is gone in the end, with all that it wrote."""
    path = program()
    assert path is not None, "no browser is installed: see .ci/run"
    ours_read, theirs_write = os.pipe()
    theirs_read, ours_write = os.pipe()

    def become() -> None:  # the protocol's pipes are descriptors 3 and 4
        spare = os.dup(theirs_write)
        os.dup2(theirs_read, 3)
        os.dup2(spare, 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [path, *_FLAGS, f"--user-data-dir={home}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=become,  # noqa: PLW1509 - nothing else places descriptors
            close_fds=False,
            env={**os.environ, "HOME": home},
        )
        os.close(theirs_read)
        os.close(theirs_write)
        pipe = _Pipe(ours_read, ours_write)
        try:
            target = pipe.call("Target.createTarget", {"url": "about:blank"}, "")["targetId"]
            session = pipe.call("Target.attachToTarget", {"targetId": target, "flatten": True}, "")["sessionId"]
            yield Page(pipe, session)
        finally:
            os.close(ours_write)  # which ends it
            os.close(ours_read)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
