"""`write-to`: another table that gets what peers tell of the entries of one (manual of 3.0, "stick-table").

Only what is no sum: servers and tags. Sums of a cluster, added to those that are made here, would grow without end.
"""

from __future__ import annotations

from lbcore.peers.entries import NO_SUMS, Layout
from lbcore.shim import lib


class Written:
    """A table that is shared, and the one that is written to as well."""

    def __init__(self, source: Layout, target: Layout) -> None:
        self._source = source
        self._target = target

    def write(self, key: bytes, types: int, now: int) -> None:
        """Takes over the `types` (bits) that the source's array has of an entry. There its life begins anew, as with
        any change that is made here."""
        target = self._target
        entry = target.table.set(key)
        if not entry:
            return
        mask = types & sum(1 << which for which in target.stored if which in NO_SUMS)
        handle = target.table.handle
        lib.stk_read_all(handle, entry, now, target.array)
        for which in target.stored:
            if mask >> which & 1:
                self._copy(which)
        lib.stk_write_all(handle, entry, now, mask, target.array)
        lib.stk_touch_local(handle, entry, now, 1)

    def _copy(self, which: int) -> None:
        source, target = self._source, self._target
        start, place = source.places[which], target.places[which]
        if which == lib.STK_SERVER_KEY:
            text = source.table.text_of(source.array[start])
            target.array[place] = target.table.number_of(text)
            return
        for i in range(min(source.stored[which].elements, target.stored[which].elements)):
            target.array[place + i] = source.array[start + i]
