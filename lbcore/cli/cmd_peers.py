"""`show peers`: the sections of peers, how each peer is doing, what is shared with it (management manual 9.3)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from lbcore.cli.registry import Call, Command, Refusal, Reply

if TYPE_CHECKING:
    from lbcore.peers.peer import Peer
    from lbcore.peers.section import Section
    from lbcore.peers.share import Share

_STATUS = {200: "ESTA", 300: "RETR", 501: "PROT", 502: "VERS", 503: "NAME", 504: "UNKN"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_NEVER = "<NEVER>"
# Bits of a section's flags that HAProxy has, too: nothing is learned from an old process any more, nor from a peer; one
# was asked.
_LOCAL_DONE, _REMOTE_DONE, _ASSIGNED = 0x1, 0x2, 0x4
_IN_LESSON = 0x1  # of a peer: it is being told everything
_COLUMNS = 4
_DICTIONARY = 128
_ESTABLISHED = 7  # HAProxy's number for an applet that exchanges messages


def show_peers(call: Call) -> Reply:
    """All sections, or the one that is named; with `dict` the texts that were sent and heard, too."""
    args, texts = list(call.args), False
    if args and args[0] in ("dict", "-"):
        texts = args.pop(0) == "dict"
    sections = list(call.process.peers())
    if args and args[0]:
        sections = [section for section in sections if section.name == args[0]]
        if not sections:
            raise Refusal("No such peers")
    return Reply("".join(line for section in sections for line in _section_lines(section, texts=texts)))


def _section_lines(section: Section, *, texts: bool) -> Iterator[str]:
    now = section.clock()
    began = time.strftime("%d/%b/%Y:%H:%M:%S", time.localtime(section.begun))
    flags = _LOCAL_DONE | _REMOTE_DONE * section.is_whole | _ASSIGNED * (section.teacher is not None)
    wait = "<PAST>" if section.is_whole else _span(max(section.deadline - now, 0))
    yield (
        f"0x{id(section):x}: [{began}] id={section.name} disabled=0 flags=0x{flags:x} resync_timeout={wait} "
        f"task_calls={section.runs}\n"
    )
    for peer in section.peers:
        yield from _peer_lines(peer, now, texts=texts)
    yield from _local_lines(section)


def _peer_lines(peer: Peer, now: int, *, texts: bool) -> Iterator[str]:
    session = peer.session
    state = "active" if peer.link is not None else "inactive"
    status = "CONN" if peer.link is not None and session is None else _STATUS.get(peer.status or 0, "NONE")
    spoken = _NEVER if peer.spoken_at is None else _span(now - peer.spoken_at)
    calls_at = session.silent_at if session is not None else peer.calls_at
    heartbeat = _NEVER if session is None else _span(max(session.heartbeat_at - now, 0))
    reconnect = _NEVER if calls_at is None else _span(max(calls_at - now, 0))
    yield (
        f"  0x{id(peer):x}: id={peer.name}(remote,{state}) addr={peer.settings.address or '-'} last_status={status} "
        f"last_hdshk={spoken}\n"
        f"        reconnect={reconnect} heartbeat={heartbeat} confirm={peer.confirms} tx_hbt={peer.heartbeats_sent} "
        f"rx_hbt={peer.heartbeats_received} no_hbt={peer.silences} new_conn={peer.connections} "
        f"proto_err={peer.faults} coll={peer.collisions}\n"
    )
    flags = _IN_LESSON if session is not None and session.in_lesson else 0
    if session is None:
        yield f"        flags=0x{flags:x}\n"
    else:
        yield f"        flags=0x{flags:x} appctx:0x{id(session):x} st0={_ESTABLISHED} st1=0 state=EST\n"
        for name, share in (("remote_table", session.remote), ("last_local_table", session.current)):
            if share is not None:
                yield f"        {name}:0x{id(share):x} {_ids(share)}\n"
    yield "        shared tables:\n"
    for share in reversed(peer.shares):
        yield from _share_lines(share)
        if not texts:
            yield '        Dictionary cache not dumped (use "show peers dict")\n'
        elif session is not None:
            yield from _text_lines("TX", session.sent.items(), all_of_them=False)
            yield from _text_lines("RX", session.heard.items(), all_of_them=True)


def _ids(share: Share) -> str:
    return f"id={share.table.name} local_id={share.id} remote_id={share.remote_id}"


def _share_lines(share: Share) -> Iterator[str]:
    last = share.last_change
    yield (
        f"          0x{id(share):x} local_id={share.id} remote_id={share.remote_id} "
        f"flags=0x0 remote_data=0x{share.remote_types:x}\n"
        f"              last_acked={share.confirmed} last_pushed={share.pushed} last_get={share.got} "
        f"teaching_origin={share.origin} update={share.acked}\n"
        f"              table:0x{id(share.table):x} id={share.table.name} update={last} localupdate={last} "
        f"commitupdate={share.pushed} refcnt=1\n"
    )


def _text_lines(side: str, items: Iterable[tuple[int, str]], *, all_of_them: bool) -> Iterator[str]:
    """The texts by their numbers, which begin with 0 here, four a line."""
    known = {which - 1: text for which, text in items}
    shown = range(_DICTIONARY) if all_of_them else sorted(known)
    cells = [f"{which:>5} -> {known.get(which, '-')}" for which in shown]
    yield f"        {side} dictionary cache:\n"
    for start in range(0, len(cells), _COLUMNS):
        yield "        " + "".join(cells[start : start + _COLUMNS]) + "\n"


def _local_lines(section: Section) -> Iterator[str]:
    """Ourselves, with whom nothing is shared."""
    where = section.settings.binds[0].address if section.settings.binds else "-"
    yield (
        f"  0x{id(section.settings):x}: id={section.settings.local}(local,inactive) addr={where} last_status=NONE "
        f"last_hdshk={_NEVER}\n"
        f"        reconnect={_NEVER} heartbeat={_NEVER} confirm=0 tx_hbt=0 rx_hbt=0 no_hbt=0 new_conn=0 "
        f"proto_err={section.refused} coll=0\n"
        "        flags=0x0\n"
    )


def _span(ms: int) -> str:
    """A time as HAProxy shows it: the two largest units that it has, whole seconds."""
    seconds = ms // 1000
    for place, (size, unit) in enumerate(_UNITS):
        if seconds >= size and place + 1 < len(_UNITS):
            lesser, name = _UNITS[place + 1]
            return f"{seconds // size}{unit}{seconds % size // lesser:02}{name}"
    return f"{seconds}s"


COMMANDS = (
    Command(("show", "peers"), "show peers [dict|-] [section]",
            "dump some information about all the peers or this peers section", show_peers),
)  # fmt: skip
