"""Which descriptors can be read, without the bound of select(2): a run of all tests has thousands open."""

from __future__ import annotations

import select
from typing import Protocol, TypeVar


class HasFd(Protocol):
    """A socket, say."""

    def fileno(self) -> int: ...


Readable = TypeVar("Readable", bound="int | HasFd")


def readable(*sources: Readable, seconds: float) -> list[Readable]:
    """Those of `sources` that have something, or have ended; waits `seconds` at most for the first."""
    poller = select.poll()
    for source in sources:
        poller.register(source, select.POLLIN)
    found = {fd for fd, _ in poller.poll(seconds * 1000)}
    return [source for source in sources if (source if isinstance(source, int) else source.fileno()) in found]
