"""Bad servers beside good ones, under load."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack

import pytest

from tests.chaos.rig import NOTHING, rig
from tests.peers import chaos
from tests.peers.chaos import Behaviour, Chaos, Refusing
from tests.peers.haproxy import Program
from tests.peers.load import Crowd, ask

THREADS = (2, 4)
CROWD = Crowd(clients=24, requests=100)

# What fails before a byte of the answer can be asked again of another server.
SAVED = [chaos.reset_at_once, chaos.reset_after_request, chaos.close_after_request]
# What spoils an answer, and what its client may see: a status, or BROKEN if the answer had already begun.
BROKEN = 0
SPOILED: list[tuple[Behaviour, set[int]]] = [
    (chaos.bad_chunk, {502, BROKEN}),  # 502 if head and chunks came together, so that nothing was sent yet
    (chaos.close_mid_body, {BROKEN}),
    (chaos.garbage, {502}),
    (chaos.hang, {504}),
    (chaos.long_head, {502}),
    (chaos.reset_mid_head, {502}),
]
UNUSUAL = [chaos.answer_early, chaos.drip, chaos.interim_first]


def _name(behaviour: object) -> str:
    return getattr(behaviour, "__name__", str(behaviour))


@pytest.mark.parametrize("threads", THREADS)
def test_no_request_is_lost_to_a_server_that_refuses(program: Program, threads: int) -> None:
    with (
        Refusing() as bad,
        Chaos(chaos.good) as one,
        Chaos(chaos.good) as two,
        rig(program, [bad.port, one.port, two.port], threads=threads) as lb,
    ):
        tally = ask(lb.port, CROWD)
        assert int(lb.balancer.stat("be", "s0")["wredis"]) > 0
    assert (tally.statuses, tally.broken, tally.wrong) == ({200: CROWD.clients * CROWD.requests}, 0, [])


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("behaviour", SAVED, ids=_name)
def test_no_idempotent_request_is_lost_before_its_answer(program: Program, behaviour: Behaviour, threads: int) -> None:
    options = ["retry-on conn-failure empty-response"]
    with (
        Chaos(behaviour) as bad,
        Chaos(chaos.good) as one,
        Chaos(chaos.good) as two,
        rig(program, [bad.port, one.port, two.port], threads=threads, options=options) as lb,
    ):
        tally = ask(lb.port, CROWD)
    assert bad.accepted
    assert (tally.statuses, tally.broken, tally.wrong) == ({200: CROWD.clients * CROWD.requests}, 0, [])


@pytest.mark.parametrize(("behaviour", "outcomes"), SPOILED, ids=_name)
def test_a_bad_answer_spoils_only_its_own_request(program: Program, behaviour: Behaviour, outcomes: set[int]) -> None:
    # A connection for each request: every second one then meets the bad server, whatever the reuse of connections.
    crowd = Crowd(clients=8, requests=20, per_connection=1)
    with (
        Chaos(behaviour) as bad,
        Chaos(chaos.good) as fine,
        # short only where somebody is silent: a busy machine may keep the good server from answering that soon
        rig(program, [bad.port, fine.port], server_timeout="200ms" if 504 in outcomes else "10s") as lb,
    ):
        tally = ask(lb.port, crowd)
    seen = tally.statuses + Counter({BROKEN: tally.broken})
    assert (seen.pop(200), seen.total(), tally.wrong) == (bad.accepted, bad.accepted, [])
    assert set(seen) <= outcomes


@pytest.mark.parametrize("body", [0, 1000, 100_000])
@pytest.mark.parametrize("behaviour", UNUSUAL, ids=_name)
def test_unusual_answers_arrive(program: Program, behaviour: Behaviour, body: int) -> None:
    crowd = Crowd(clients=8, requests=10, body=body)
    with Chaos(behaviour) as server, rig(program, [server.port]) as lb:
        tally = ask(lb.port, crowd)
    assert (tally.statuses, tally.broken, tally.wrong) == ({200: crowd.clients * crowd.requests}, 0, [])


@pytest.mark.parametrize("threads", THREADS)
def test_nothing_leaks_among_all_kinds_of_servers(program: Program, threads: int) -> None:
    behaviours = [chaos.good, *SAVED, *UNUSUAL, *(behaviour for behaviour, _ in SPOILED)]
    crowd = Crowd(clients=24, requests=60, per_connection=3)
    with ExitStack() as stack:
        servers = [stack.enter_context(Chaos(behaviour)) for behaviour in behaviours]
        refusing = stack.enter_context(Refusing())
        ports = [server.port for server in servers] + [refusing.port]
        lb = stack.enter_context(rig(program, ports, threads=threads, server_timeout="200ms"))
        tally = ask(lb.port, crowd)
        for server in servers:
            server.close()
        assert lb.leaked() == NOTHING
    assert tally.total == crowd.clients * crowd.requests
    assert tally.wrong == []
    assert set(tally.statuses) <= {200, 502, 504}
