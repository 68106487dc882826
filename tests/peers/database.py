"""What databases have in common as peers: a program that serves a data directory of its own, as a user of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from tests.peers.ports import HOST, free_port, release_port
from tests.peers.process import Child, PeerError, accepts

_USER = "nobody"
_SETUP_SECONDS = 60


def program_path(name: str) -> str | None:
    """Where a server's program is, None if it is not installed. Of several versions the last."""
    versions = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return shutil.which(name, path=":".join((os.environ.get("PATH", ""), "/usr/sbin", *versions)))


class Database(Child):
    """A server on a loopback port; `data` is its directory. Kinds say in `prepare` how that is filled.

    A root that tests run as becomes another user on the way into the program: databases refuse to run as root.
    """

    def __init__(self, program: str, *, name: str) -> None:
        """Raises PeerError if `program` is not installed."""
        binary = program_path(program)
        if binary is None:
            raise PeerError(f"{name} is not installed")
        self.binary = binary
        self._becoming = _as_nobody() if os.geteuid() == 0 else []
        super().__init__([*self._becoming, binary], name=name)
        self.port = free_port()
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        if self._becoming:
            user = pwd.getpwnam(_USER)
            for path in (self.folder, self.data):
                os.chown(path, user.pw_uid, user.pw_gid)

    def prepare(self) -> None:
        """Fills the data directory."""

    def start(self) -> None:
        self.prepare()
        super().start()

    def ready(self) -> bool:
        """True once it accepts."""
        return accepts((HOST, self.port))

    def close(self) -> None:
        """Stops the server and gives its port back."""
        super().close()
        release_port(self.port)

    def run(self, *argv: str, said: bytes = b"") -> None:
        """Runs a program as the server's user, which is told `said`. Raises PeerError if it fails."""
        done = subprocess.run(
            [*self._becoming, *argv],
            check=False,
            input=said,
            cwd=self.folder,
            capture_output=True,
            timeout=_SETUP_SECONDS,
        )
        if done.returncode:
            raise PeerError(f"{argv[0]} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")


def _as_nobody() -> list[str]:
    user = pwd.getpwnam(_USER)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
