"""A stream as it went: its timers, its end, its numbers (manual 8.4, 8.5, 8.2.6).

While a stream goes on its question tells how far it came, once it has ended its record. Times are ms, -1 for what was
not reached; what only a record tells has no sample before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lbcore.fetch.rows import inlined, plain
from lbcore.sample.build import Build
from lbcore.sample.points import (
    CLIENT,
    EVERYWHERE,
    INTERNAL,
    LOG,
    REQUEST,
    RESPONSE,
    SERVER_SIDE,
    SESSION,
    Point,
)
from lbcore.sample.rows import Arg, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type
from lbcore.shim import lib
from lbcore.stream.txn import AT, REC, Txn
from lbcore.stream.unique_id import unique_id

_TERM = REC["term"]


def figure(recorded: str, asked: str) -> Callable[[Txn], int]:
    """What gives a number of the record, or before there is one of the question."""
    in_record, in_ask = REC[recorded], AT[asked]

    def fetch(t: Txn) -> int:
        found: int = t.ask[in_ask] if t.record is None else t.record[in_record]
        return found

    return fetch


def at_end(recorded: str) -> Callable[[Txn], int | None]:
    """What gives a number that only the record has."""
    place = REC[recorded]
    return lambda t: None if t.record is None else t.record[place]


_handshake, _idle, _head = figure("th", "th"), figure("ti", "ti"), figure("tr", "tr")


def fetch_request_time(t: Txn) -> int:
    """From accepting, or the end of the request before, to the end of the request's head (%Tq)."""
    times = (_handshake(t), _idle(t), _head(t))
    return -1 if min(times) < 0 else sum(times)


def fetch_user_time(t: Txn) -> int | None:
    """All of the time but the idle one (%Tu)."""
    total = at_end("tt")(t)
    return None if total is None else total - max(0, _idle(t))


def term_of(t: Txn) -> str:
    """The termination state, of which nothing is known while the stream goes on."""
    return "--" if t.record is None else t.record[_TERM][:2].decode("latin-1")


def fetch_client_aborted(t: Txn) -> int:
    """1 if the client ended the stream before its time."""
    return int(term_of(t)[0] == "C")


def fetch_server_aborted(t: Txn) -> int:
    """1 if the server ended the stream before its time."""
    return int(term_of(t)[0] == "S")


def fetch_status(t: Txn) -> int:
    return t.status


def fetch_redispatched(t: Txn) -> bool:
    if t.record is not None:
        return bool(t.record[REC["redispatched"]])
    return bool(t.ask[AT["flags"]] & lib.ASK_F_REDISP)


def fetch_last_file(t: Txn) -> str | None:
    return None if t.last_rule is None else t.last_rule[0]


def fetch_last_line(t: Txn) -> int | None:
    return None if t.last_rule is None else t.last_rule[1]


def fetch_last_entity(t: Txn) -> str | None:
    return None if t.last_rule is None else f"{t.last_rule[0]}:{t.last_rule[1]}"


def make_wait_end(args: Sequence[Arg], build: Build) -> Fetcher:
    """True once nothing more is to be waited for: at once but for content rules with an inspect-delay."""

    def fetch(t: Txn) -> bool | None:
        if t.data is None or t.data_end:
            return True
        t.missing = True
        return None

    return fetch


def fetch_id(t: Txn) -> int:
    return t.uniq & 0xFFFFFFFF


def _timer(name: str, points: Point, fetch: Callable[[Txn], int | None], what: str, log: str) -> Fetch:
    return plain(name, Type.SINT, points, fetch, f"Ms {what} (%{log}).")


add_fetches(
    _timer("bc.timer.connect", SERVER_SIDE, figure("tc", "tc"), "until the server's connection stood", "Tc"),
    plain("bc_be_queue", Type.SINT, SERVER_SIDE, at_end("backend_queue"), "Requests before it in the backend's queue."),
    plain("bc_srv_queue", Type.SINT, SERVER_SIDE, at_end("srv_queue"), "Requests before it in the server's queue."),
    plain("bs.aborted", Type.SINT, SERVER_SIDE, fetch_server_aborted, "1 if the server gave up, else 0."),
    plain("bytes_in", Type.SINT, INTERNAL, at_end("bytes_uploaded"), "Bytes from the client to the server (%U)."),
    plain("bytes_out", Type.SINT, INTERNAL, at_end("bytes_read"), "Bytes from the server to the client (%B)."),
    _timer("fc.timer.handshake", CLIENT, _handshake, "of handshakes", "Th"),
    _timer("fc.timer.total", LOG, at_end("tt"), "from accepting to the end", "Tt"),
    plain("fs.aborted", Type.SINT, SESSION, fetch_client_aborted, "1 if the client gave up, else 0."),
    inlined("fs.id", Type.STR, SESSION, f"str(t.ask[{AT['req_count']}])", "The stream in its connection, from 1."),
    plain("last_entity", Type.STR, INTERNAL, fetch_last_entity, "Where the last final rule stands: file and line."),
    plain("last_rule_file", Type.STR, INTERNAL, fetch_last_file, "The file of the last final rule."),
    plain("last_rule_line", Type.SINT, INTERNAL, fetch_last_line, "The line of the last final rule."),
    inlined("prio_class", Type.SINT, INTERNAL, "t.priority_class", "The class in queues (set-priority-class)."),
    inlined("prio_offset", Type.SINT, INTERNAL, "t.priority_offset", "The offset in queues (set-priority-offset), ms."),
    _timer("req.timer.hdr", REQUEST, _head, "from the request's first byte to the end of its head", "TR"),
    _timer("req.timer.idle", REQUEST, _idle, "of idleness before the request", "Ti"),
    _timer("req.timer.queue", SERVER_SIDE, figure("tw", "tw"), "in queues", "Tw"),
    _timer("req.timer.tq", REQUEST, fetch_request_time, "until the end of the request's head", "Tq"),
    _timer("res.timer.data", LOG, at_end("td"), "from the response's first byte to its last", "Td"),
    _timer("res.timer.hdr", RESPONSE, figure("tresp", "tresp"), "until the server's response head came", "Tr"),
    plain("txn.conn_retries", Type.SINT, SERVER_SIDE, figure("retries", "retries"), "Connections tried again (%rc)."),
    plain("txn.id32", Type.SINT, INTERNAL, fetch_id, "The number of the stream in the process, its last 32 bits."),
    plain("txn.redispatched", Type.BOOL, SERVER_SIDE, fetch_redispatched, "Whether another server was tried."),
    plain("txn.sess_term_state", Type.STR, INTERNAL, term_of, "The termination state (%ts)."),
    plain("txn.status", Type.SINT, SERVER_SIDE, fetch_status, "The status sent to the client, -1: none yet (%ST)."),
    _timer("txn.timer.total", LOG, at_end("ta"), "from the request's first byte to the end", "Ta"),
    _timer("txn.timer.user", LOG, fetch_user_time, "from accepting to the end, without idleness", "Tu"),
    plain("unique-id", Type.STR, EVERYWHERE, unique_id, "What `unique-id-format` makes for the stream."),
    Fetch("wait_end", "", Type.BOOL, INTERNAL, make_wait_end, "True once the time of an inspect-delay is over."),
    inlined("waiting_entity", Type.STR, INTERNAL, "(t.waiting or None)", "The rule that the stream waits for."),
)  # fmt: skip
