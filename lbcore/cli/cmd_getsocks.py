"""`_getsocks`: hands the listening sockets over to another process (`haproxy -x`), where `expose-fd listeners` says so.

What is said is HAProxy's: the number of sockets, as an int of the machine; then messages that have 252 of them at most
as SCM_RIGHTS, with a record of each: a length of one byte and the name of its network namespace, the same of its
network interface, an int of options, which is 0. Before each message but the first the other side has said something.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Sequence

from lbcore.cli.registry import NOTHING, Call, Command, Pause, Reply
from lbcore.cli.views import Listening
from lbcore.conn.applet import FDS_AT_ONCE

_INT = struct.Struct("=i")
_PATIENCE = 5_000  # ms that the other side may take for a message


def get_sockets(call: Call) -> Reply:
    """Where sockets are not exposed the connection ends without a word, as in HAProxy."""
    session = call.session
    if session.give is None:
        session.closing = True
        return NOTHING
    session.silent = True
    return Reply("", rest=_hand_over(call, call.process.listening()))


def _hand_over(call: Call, sockets: Sequence[Listening]) -> Generator[str | Reply | Pause, None, None]:
    session = call.session
    assert session.give is not None, "as above"
    session.closing = True
    try:
        session.give(_INT.pack(len(sockets)), ())
        for first in range(0, len(sockets), FDS_AT_ONCE):
            if first:
                session.interrupted = False
                yield Pause(_PATIENCE)
                if not session.interrupted:
                    return
            batch = sockets[first : first + FDS_AT_ONCE]
            session.give(b"".join(map(_record, batch)), [one.fd for one in batch])
            yield ""
    except OSError:
        return  # it has gone, or takes nothing


def _record(one: Listening) -> bytes:
    namespace, interface = one.namespace.encode(), one.interface.encode()
    return b"%c%b%c%b" % (len(namespace), namespace, len(interface), interface) + _INT.pack(0)


COMMANDS = (
    Command(("_getsocks",), "_getsocks", "hand the listening sockets over", get_sockets, hidden=True),
)  # fmt: skip
