"""What is said of a connection that fails before it is on its way: who failed, and in whose words.

A connection that was begun and is refused, reset or late is another matter: that is news of the server, and is told by
its errno alone.
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from lbcore.proxy.health import CheckStatus
from lbcore.shim import ffi, lib

# What keeps a socket from being had, or a port of ours.
_OURS = frozenset({errno.EAGAIN, errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS,
                   errno.ENOMEM, errno.EPERM})  # fmt: skip
_OF_SOURCE = frozenset({errno.EACCES, errno.EADDRINUSE, errno.EADDRNOTAVAIL})


def not_begun(error: int, conf: Any) -> tuple[CheckStatus, str]:
    """The status and the text of a check whose connection failed at once: an errno, and the `out_conf *` of it.

    One to a unix socket has no state in which it could have been refused by the server: it is an error of sockets.
    """
    text = os.strerror(error)
    if error in _OF_SOURCE and getattr(conf, "from").len:
        return CheckStatus.L4CON, f"Can't bind to source address ({text})"
    if error in _OURS:
        return CheckStatus.SOCKERR, text
    unix = lib.sock_addr_family(ffi.addressof(conf, "to")) == socket.AF_UNIX
    return CheckStatus.SOCKERR if unix else CheckStatus.L4CON, f"General socket error ({text})"
