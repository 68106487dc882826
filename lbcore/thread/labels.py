"""The labels of all locks, in the order in which they may be nested.

The list itself stands in `native/include/lockset.h`, since C takes most of these locks; here it gets its Python names.
A thread that holds a label may wait only for higher ones. `QUEUE` is the exception that may be held twice: a server's
queue, then its backend's.
"""

from __future__ import annotations

from enum import IntEnum

from lbcore.shim import ffi, lib, text


class Label(IntEnum):
    """What kind of structure a lock guards; the value is its rank, outermost first."""

    GLOBAL = lib.LBL_GLOBAL
    RESOLVERS = lib.LBL_RESOLVERS
    PROXY = lib.LBL_PROXY
    LBPRM = lib.LBL_LBPRM
    QUEUE = lib.LBL_QUEUE
    SERVER = lib.LBL_SERVER
    IDLE = lib.LBL_IDLE
    LQUEUE = lib.LBL_LQUEUE
    LISTENER = lib.LBL_LISTENER
    MAILERS = lib.LBL_MAILERS
    PEERS = lib.LBL_PEERS
    TABLE = lib.LBL_TABLE
    TENTRY = lib.LBL_TENTRY
    PATTERNS = lib.LBL_PATTERNS
    CERTS = lib.LBL_CERTS
    SHCTX = lib.LBL_SHCTX
    APPLETS = lib.LBL_APPLETS
    WQ = lib.LBL_WQ
    RQ = lib.LBL_RQ
    INBOX = lib.LBL_INBOX
    FDTAB = lib.LBL_FDTAB
    FD = lib.LBL_FD
    FDCACHE = lib.LBL_FDCACHE
    POLL = lib.LBL_POLL
    BUF = lib.LBL_BUF
    SLAB = lib.LBL_SLAB
    LOGRING = lib.LBL_LOGRING


def label_names() -> dict[Label, str]:
    """The name of each label as the shim's own lock sets have it, in the order of nesting."""
    lockset = ffi.gc(lib.lockset_new(0), lib.lockset_free)
    return {label: text(lib.lockset_label(lockset, label)) for label in Label}


# A label that was added to lockset.h alone, or in another order, must not go unnoticed.
if [label.value for label in Label] != list(range(1, lib.LBL_COUNT)):
    raise ImportError("lbcore.thread.labels and native/include/lockset.h disagree")
