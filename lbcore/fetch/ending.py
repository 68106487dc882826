"""How the ends of a stream came about: its termination events, in the order in which they were noticed (manual of 3.2,
7.3.2, term_events).

    {F2,,E5,,,,}      seven lists: the client's connection, its requests, what the stream was told by that side, the
                      stream itself, what it was told by the server's side, the server's responses, its connection

An event is a letter for the place, upper case for the client and what concerns neither side, lower case for the server,
and a digit for what happened. A stream that ended as it should on connections that go on has none.

    F  the socket               1 we ended our direction       2 the peer ended its own         3 receiving failed
                                4 sending failed               b no connection came about
    H  PROXY headers, SOCKS     5 ended within                 6 broke within                   7 too late
                                9 not understood
    X  the transport over the socket: none but TLS would have events
    M  messages                 5 ended within a head          6 broke within a head            7 too late
                                9 not understood
    E  what the stream was told 2 all was said, and the end    4 it takes no more               5 ended before its time
                                6 broke
    S  the stream               7 too late                     8 answered or refused by us      a failed by our fault
                                b no server could be had       c shut down by an operator, or with its server

At most eight are kept, the first ones: what comes first is the cause of the rest. One that repeats is told once.
"""

from __future__ import annotations

from lbcore.fetch.rows import plain
from lbcore.sample.points import INTERNAL
from lbcore.sample.rows import add_fetches
from lbcore.sample.types import Type
from lbcore.shim import lib
from lbcore.stream.txn import REC, Txn

_EVENTS = REC["events"]
_LETTERS = {
    lib.TEVT_FD: "F",
    lib.TEVT_HS: "H",
    lib.TEVT_XPRT: "X",
    lib.TEVT_MUX: "M",
    lib.TEVT_SE: "E",
    lib.TEVT_STRM: "S",
}
_GROUPS = ("FHX", "M", "E", "Ss", "e", "m", "fhx")


def _event(code: int) -> str:
    letter = _LETTERS[code & lib.TEVT_PLACE]
    return f"{letter.lower() if code & lib.TEVT_BACK else letter}{code & lib.TEVT_WHAT:x}"


def told(events: int) -> str:
    """The text of the events of a record or a flow."""
    seen = [_event(code) for code in events.to_bytes(lib.TEVT_MAX, "big").lstrip(b"\0")]
    return f"{{{','.join(''.join(one for one in seen if one[0] in group) for group in _GROUPS)}}}"


def fetch_events(t: Txn) -> str:
    return told(lib.eng_flow_events(*t.flow()) if t.record is None else t.record[_EVENTS])


add_fetches(
    plain("term_events", Type.STR, INTERNAL, fetch_events, "How the ends of the stream came about, as events."),
)
