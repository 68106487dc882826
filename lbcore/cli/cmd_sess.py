"""`show sess`, `shutdown session`: the sessions of clients (management manual 9.3).

Lines are HAProxy's as far as they tell of what there is here: a session has no task of its own, so that there are no
figures of one. Sessions have numbers that are never used twice, where HAProxy has addresses of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from lbcore.cli.registry import NOTHING, Call, Command, Level, Refusal, Reply
from lbcore.cli.spans import human, parse_span
from lbcore.cli.texts import local_time
from lbcore.cli.views import Sess, SessEnd, SessProxy, SessWay

HELP = """Usage: show sess [<id>|all|help] [<option>]*
  <id>                : only this session, with everything that is known of it
  all                 : everything that is known of each
  help                : this text
options:
  older <age>         : streams that are at least so old (in seconds, or with a unit)
  frontend <name>     : those of a frontend,
  backend <name>      : of a backend,
  server <be>/<srv>   : of a server
  susp                : suspicious ones: their timer has run out and nothing came of it, or it was never set and one
                        of their ends has closed
  show-uri            : with their request lines, where these are kept to be logged
"""
_NO_PROXY = SessProxy("<NONE>", -1, "-")


class Wanted(NamedTuple):
    """What a command asks for."""

    tests: tuple[Callable[[Sess], bool], ...] = ()
    uri: bool = False

    def has(self, session: Sess) -> bool:
        """Whether the session is one of them."""
        return all(test(session) for test in self.tests)


def show_sess(call: Call) -> Reply:
    """A line for each session, or all that is known of one, or of all."""
    first = call.arg(0)
    if first == "help":
        return Reply(HELP)
    number = _id(first)
    wanted = _options(call, 1 if first == "all" or number is not None else 0)
    if number is None:
        return Reply("", rest=_walk(call, wanted, _all_lines if first == "all" else _line))
    session = call.process.sessions().find(number)
    if session is None:
        return Reply("Session not found.\n")
    return Reply(_all_lines(session, wanted) if wanted.has(session) else "")


def shutdown_session(call: Call) -> Reply:
    """Ends a session: its client is answered 502 or 503, if it waits for a response, and disconnected."""
    number = _id(call.arg(0))
    if number is None:
        raise Refusal("Session pointer expected (use 'show sess').")
    if not call.process.sessions().end(number):
        raise Refusal("No such session (use 'show sess').")
    return NOTHING


def _walk(call: Call, wanted: Wanted, told: Callable[[Sess, Wanted], str]) -> Generator[str | Reply, None, None]:
    walk = call.process.sessions().walk()
    try:
        for share in walk:
            for session in share:
                if wanted.has(session):
                    yield told(session, wanted)
            yield ""  # others may go on between two meetings
    finally:
        walk.close()


# --- what is asked for ---


def _id(text: str) -> int | None:
    """The number of a session, None if `text` is none."""
    try:
        number = int(text, 0)
    except ValueError:
        return None
    return number if number > 0 else None


def _options(call: Call, index: int) -> Wanted:
    """The options from argument `index` on. Raises Refusal."""
    tests: list[Callable[[Sess], bool]] = []
    uri = False
    while word := call.arg(index):
        index += 1
        if word == "show-uri":
            uri = True
        elif word == "susp":
            tests.append(lambda session: session.suspicious)
        elif word in _TESTS:
            tests.append(_TESTS[word](call, call.arg(index)))
            index += 1
        else:
            raise Refusal(f"Unsupported option '{word}', try 'help'.")
    return Wanted(tuple(tests), uri)


def _older(call: Call, text: str) -> Callable[[Sess], bool]:
    age = parse_span(text)
    if age is None:
        raise Refusal(f"Invalid age: '{text}'.")
    return lambda session: session.age_ms >= age


def _of_frontend(call: Call, name: str) -> Callable[[Sess], bool]:
    known = any(proxy.name == name and proxy.frontend is not None for proxy in call.process.proxies())
    if not known:
        raise Refusal(f"No such frontend '{name}'.")
    return lambda session: session.frontend.name == name


def _of_backend(call: Call, name: str) -> Callable[[Sess], bool]:
    if name not in call.process.backends():
        raise Refusal(f"No such backend '{name}'.")
    return lambda session: session.backend is not None and session.backend.name == name


def _of_server(call: Call, text: str) -> Callable[[Sess], bool]:
    backend, _, name = text.partition("/")
    found = call.process.backends().get(backend)
    if found is None or name not in found.by_name:
        raise Refusal(f"No such server '{text}'.")
    of_backend = _of_backend(call, backend)
    return lambda session: session.server is not None and session.server.name == name and of_backend(session)


_TESTS = {"older": _older, "frontend": _of_frontend, "backend": _of_backend, "server": _of_server}


# --- how it is told ---


def _line(session: Sess, wanted: Wanted) -> str:
    backend, server = _name(session.backend, "<NONE>"), _name(session.server, "<none>")
    queued = "" if session.queue_pos is None else f" pos={session.queue_pos}"
    return (
        f"{session.id:#x}: proto={session.proto} src={session.source} fe={session.frontend.name} be={backend} "
        f"srv={server} th={session.thread} age={human(session.age_ms // 1000)} "
        f"rq[{_way(session.request)}] rp[{_way(session.response)}] "
        f"scf=[{_end(session.front)}] scb=[{_end(session.back)}] "
        f"exp={_span(session.expire)} rc={session.retries}{queued}{_uri(session, wanted)}\n"
    )


def _way(way: SessWay) -> str:
    return f"st={way.state},i={way.waiting_in},o={way.waiting_out + way.in_pipe},t={way.total}"


def _end(end: SessEnd) -> str:
    return f"{end.number},{end.flags:x}h,fd={end.fd},rex={_span(end.expire)}"


def _all_lines(session: Sess, wanted: Wanted) -> str:
    return "".join(_paragraph(session, wanted))


def _paragraph(session: Sess, wanted: Wanted) -> Iterator[str]:
    yield f"{session.id:#x}: [{local_time(session.accepted_us, 6)}] id={session.stream} proto={session.proto} "
    yield f"source={session.source}{_uri(session, wanted)}\n"
    waiting = "0" if session.queue_pos is None else f"1 pend_pos={session.queue_pos}"
    yield f"  flags={session.flags:#x}, conn_retries={session.retries}, waiting={waiting} held={int(session.held)} "
    yield f"susp={int(session.suspicious)} reqs={session.requests}\n"
    yield f"  frontend={_proxy(session.frontend)}, listener={session.listener} port={session.listener_port}\n"
    yield f"  backend={_proxy(session.backend or _NO_PROXY)}\n"
    server = session.server
    yield f"  server={_name(server, '<NONE>')} (id={-1 if server is None else server.number})\n"
    yield f"  age={human(session.age_ms // 1000)} exp={_never(session.expire)} th={session.thread}\n"
    if session.http:
        yield f"  txn status={session.status} req.st={session.request.state} rsp.st={session.response.state}\n"
    for name, side, end in (("scf", 0, session.front), ("scb", 1, session.back)):
        yield f"  {name} state={end.state} rex={_never(end.expire)}{_endpoint(session, side)}\n"
        if end.fd >= 0:
            yield f"      co{side} flags={end.flags:#010x} fd={end.fd} fd.state={end.fd_state:x} "
            yield f"streams={end.streams}\n"
    for name, way in (("req", session.request), ("res", session.response)):
        yield f"  {name} i={way.waiting_in} o={way.waiting_out} pipe={way.in_pipe} tofwd={way.left} "
        yield f"total={way.total} eof={int(way.ended)}\n"


def _endpoint(session: Sess, side: int) -> str:
    return " applet=<CLI>" if side and session.applet else ""


def _name(place: SessProxy | None, otherwise: str) -> str:
    return otherwise if place is None else place.name


def _proxy(place: SessProxy) -> str:
    return f"{place.name} (id={place.number} mode={place.mode})"


def _span(ms: int | None) -> str:
    """As HAProxy's short form has what lies ahead: nothing if it is not set."""
    return "" if ms is None else human(max(0, ms) // 1000)


def _never(ms: int | None) -> str:
    if ms is None:
        return "<NEVER>"
    return "<PAST>" if ms < 0 else human(ms // 1000)


def _uri(session: Sess, wanted: Wanted) -> str:
    if not wanted.uri or not session.uri:
        return ""
    return ' uri="' + "".join(_shown(byte) for byte in session.uri) + '"'


def _shown(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02x}"


COMMANDS = (
    Command(("show", "sess"), "show sess [<id>|all|help] [<option>]*",
            "report the list of current sessions or dump this exact session", show_sess, Level.OPERATOR),
    Command(("shutdown", "session"), "shutdown session [id]", "kill a specific session", shutdown_session,
            Level.ADMIN),
)  # fmt: skip
