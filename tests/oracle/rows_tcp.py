"""TCP mode: bytes, half-closes, resets, connections that cannot be made."""

from __future__ import annotations

from tests.oracle.row import Row, at_accept, get
from tests.peers.script import Do, Receive

_BLOCK = bytes(range(256)) * 1024

ROWS = (
    Row(
        "question and answer, the client closes first",
        (b"ping", Receive(4), Do.SHUT, Do.END),
        (at_accept(Receive(4), b"pong", Do.END, Do.CLOSE),),
    ),
    Row("the server closes first", (b"ping", Do.END), (at_accept(Receive(4), b"pong", Do.CLOSE),)),
    Row(
        "the server speaks first",
        (Receive(6), b"quit\n", Do.END),
        (at_accept(b"220 hi", Receive(5), b"bye", Do.CLOSE),),
    ),
    Row(
        "several turns",
        (b"a", Receive(1), b"bb", Receive(2), b"ccc", Receive(3), Do.SHUT, Do.END),
        (at_accept(Receive(1), b"A", Receive(2), b"BB", Receive(3), b"CCC", Do.END, Do.CLOSE),),
    ),
    Row("half-closed client gets the answer", (b"all", Do.SHUT, Do.END), (at_accept(Do.END, b"after FIN", Do.CLOSE),)),
    Row(
        "half-closed server gets the rest",
        (Receive(5), Do.CUT, b"still here", Do.SHUT, Do.END),
        (at_accept(b"hello", Do.SHUT, Do.END, Do.CLOSE),),
    ),
    Row("FIN without a byte from the client", (Do.SHUT, Do.END), (at_accept(Do.END, Do.CLOSE),)),
    Row("FIN without a byte from the server", (Do.END,), (at_accept(Do.CLOSE),)),
    Row("answer after FIN in pieces", (b"x", Do.SHUT, Do.END), (at_accept(Do.END, b"one", Do.CUT, b"two", Do.CLOSE),)),
    Row(
        "large blocks both ways",
        (_BLOCK, Receive(len(_BLOCK)), Do.SHUT, Do.END),
        (at_accept(Receive(len(_BLOCK)), _BLOCK, Do.END, Do.CLOSE),),
    ),
    Row(
        "bytes in many segments",
        (b"1", Do.CUT, b"2", Do.CUT, b"3", Receive(3), Do.SHUT, Do.END),
        (at_accept(Receive(3), b"abc", Do.END, Do.CLOSE),),
    ),
    Row(
        "every byte value",
        (bytes(range(256)), Do.SHUT, Do.END),
        (at_accept(Do.END, bytes(range(255, -1, -1)), Do.CLOSE),),
    ),
    Row(
        "HTTP is not looked at",
        (b"GET / HTTP/1.1\r\n: bad\r\n\r\n", Do.SHUT, Do.END),
        (at_accept(Do.END, b"whatever", Do.CLOSE),),
    ),
    Row(
        "two pipelined questions",
        (b"q1q2", Receive(4), Do.SHUT, Do.END),
        (at_accept(Receive(2), b"a1", Receive(2), b"a2", Do.END, Do.CLOSE),),
    ),
    Row("the client resets", (b"bye", Do.CUT, Do.RESET), (at_accept(Do.END, Do.CLOSE),)),
    Row("the server resets", (b"bye", Do.END), (at_accept(Receive(3), Do.RESET),)),
    Row("the server resets after an answer", (b"bye", Do.END), (at_accept(Receive(3), b"ciao", Do.CUT, Do.RESET),)),
    Row("the server refuses", (b"x", Do.END), via="refused"),
    Row(
        "another server is tried", (b"ping", Do.SHUT, Do.END), (at_accept(Do.END, b"pong", Do.CLOSE),), via="redispatch"
    ),
    Row(
        "the other server again", (b"ping", Do.SHUT, Do.END), (at_accept(Do.END, b"pong", Do.CLOSE),), via="redispatch"
    ),
    Row("no server is defined", (b"x", Do.END), via="noserver"),
    Row("the server is silent too long", (b"x", Do.END), (at_accept(Do.END, Do.CLOSE),), via="slowserver"),
    Row("the client is silent too long", (Do.END,), (at_accept(Do.END, Do.CLOSE),), via="slowclient"),
    Row("silent after an answer", (b"x", Do.END), (at_accept(Receive(1), b"y", Do.END, Do.CLOSE),), via="slowclient"),
    Row(
        "HTTP through",
        (get("/"), Do.SHUT, Do.END),
        (at_accept(Do.END, b"HTTP/1.1 204 No Content\r\nX-Case: Kept\r\n\r\n", Do.CLOSE),),
    ),
)
