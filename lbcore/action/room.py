"""Whether what a rule writes still fits into the message.

A head may take the whole buffer (`tune.bufsize`), what is kept for rewriting included. As in HAProxy, where it lies
there in pieces, each field counts for some bytes more than it has.
"""

from __future__ import annotations

from lbcore.stream.message import END, Fields
from lbcore.stream.txn import Txn

NEAR = 4096  # bytes of fields up to which nobody looks closer; less fits, or the shim refuses it
FIELD_COST = 4  # of each field beside its text, its ": " and CRLF
FIRST_COST = 128  # of the buffer, and of the first line beside its target


def fits(t: Txn, message: Fields, more: int) -> bool:
    """Whether `more` bytes of fields, or of a target, fit behind those that are there."""
    size = len(message.text) + more
    if size <= NEAR:
        return True
    target = len(t.req.target) if t.req is not None and message is t.req else 0
    room: int = t.world.facts.bufsize - FIRST_COST
    return size + target + FIELD_COST * message.text.count(END) <= room
