"""A backend with both, persistence by cookies and by stick tables."""

from __future__ import annotations

from tests.embedded import Client, balancer, config, get, named
from tests.peers.chaos import Chaos

BACK = ["cookie SRV insert indirect", "stick-table type ip size 10", "stick on src"]


def test_a_server_that_a_table_has_is_not_told_in_a_cookie() -> None:
    # HAProxy inserts one only for who was balanced: the table has sent this client there already.
    with Chaos(named("a")) as server:
        text = config(server.port, back=BACK, server="cookie a")
        with balancer(text) as lb:
            answers = []
            for _ in range(2):
                with Client(lb) as client:
                    client.send(get("/").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                    answers.append(client.rest().lower())
    assert [b"set-cookie: srv=a" in answer for answer in answers] == [True, False]
