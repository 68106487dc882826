"""What a running balancer does, from its stats socket: `python examples/watch.py /tmp/lbcore.sock`.

Prints sessions, bytes and errors of each line of `show stat`. Any HAProxy answers the same question.
"""

from __future__ import annotations

import csv
import socket
import sys

COLUMNS = ("pxname", "svname", "status", "scur", "stot", "bin", "bout", "eresp", "wretr")


def ask(path: str, command: str) -> str:
    """The answer of the stats socket at `path`. Raises OSError if nobody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(path)
        client.sendall(command.encode() + b"\n")
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b"")).decode()


def rows(answer: str) -> list[dict[str, str]]:
    """The lines of `show stat` by column."""
    return list(csv.DictReader(answer.strip().removeprefix("# ").splitlines()))


def main(arguments: list[str]) -> int:
    """The exit code."""
    if len(arguments) != 1:
        print("usage: watch.py <path of a stats socket>", file=sys.stderr)
        return 1
    print("".join(f"{name:>10}" for name in COLUMNS))
    for row in rows(ask(arguments[0], "show stat")):
        print("".join(f"{row[name] or '-':>10}" for name in COLUMNS))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
