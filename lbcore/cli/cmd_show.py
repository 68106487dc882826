"""The `show` commands: version, info, stat, locks, threads, fd, cli level, cli sockets."""

from __future__ import annotations

from collections.abc import Iterable

from lbcore.cli.registry import Call, Command, Level, Refusal, Reply, error, info, steps
from lbcore.cli.views import Direction, FdFacts, LockFigures, ThreadFacts
from lbcore.stats import csv, typed
from lbcore.stats.fields import Selection, select
from lbcore.stats.info import lines
from lbcore.stats.views import ProxyView

_FD_OWNERS = frozenset({"listener", "connection", "server", "outgoing", "other"})
_BACK = frozenset({"server", "outgoing"})
# Pipes do not stand in the table here; there is no "dispatch", nor a way to where clients wanted to go.
_FD_LETTERS = {
    "p": frozenset[str](),
    "l": frozenset({"listener"}),
    "c": frozenset({"connection"}) | _BACK,
    "f": frozenset({"connection"}),
    "b": _BACK,
    "s": _BACK,
    "d": frozenset[str](),
}


def show_version(call: Call) -> Reply:
    """The version alone."""
    return info(f"{call.process.version}\n")


def show_info(call: Call) -> Reply:
    """The facts about the process, plain, typed or as JSON; `desc` adds what each means, `float` rounds nothing."""
    docs, exact = "desc" in call.args, "float" in call.args
    form = _form(call)
    if form == "json":
        return Reply(typed.info_json(call.process, exact=exact))
    told = typed.info_lines if form == "typed" else lines
    return Reply("".join(told(call.process, with_docs=docs, exact=exact)))


def show_stat(call: Call) -> Reply:
    """All proxies, or those that `<iid>|<proxy> <type> <sid>` select, as CSV, typed or as JSON. Words not known are
    ignored."""
    if call.arg(0) == "domain":
        refused = _other_domain(call)
        if refused is not None:
            return refused
        call = call._replace(args=call.args[2:])
    legends = call.session.level >= Level.OPERATOR
    hide_maint, hide_down = "no-maint" in call.args, "up" in call.args
    proxies = list(call.process.proxies())
    wanted = Selection(hide_maint=hide_maint, hide_down=hide_down, legends=legends)
    if len(call.args) >= 3:
        iid = _find_proxy(proxies, call.args[0])
        if iid is None:
            return error("No such proxy.\n")
        wanted = wanted._replace(iid=iid, types=_integer(call.args[1]), sid=_integer(call.args[2]))
    rows, docs, form = select(proxies, wanted), "desc" in call.args, _form(call)
    if form == "json":
        return Reply("", rest=steps(typed.stat_json(rows)))
    if form == "typed":
        return Reply("", rest=steps(typed.stat_lines(rows, with_docs=docs)))
    return Reply(csv.HEADER, rest=steps(map(csv.line, rows)))


def _form(call: Call) -> str:
    """`json`, `typed` or "", whichever is named last."""
    return next((word for word in reversed(call.args) if word in ("json", "typed")), "")


def _other_domain(call: Call) -> Reply | None:
    """The refusal of statistics that are not of proxies."""
    if call.arg(1) == "proxy":
        return None
    if call.arg(1) == "resolvers":
        return error("'show stat domain resolvers' is not done in this release.\n")
    return error("Invalid statistics domain.\n")


def show_locks(call: Call) -> Reply:
    """How often each kind of lock was taken, and how long threads waited for it."""
    figures = call.process.locks()
    if figures is None:
        return error("Lock figures are not kept: set 'profiling.locks on' in the global section.\n")
    header = "# label acquired(read) acquired(write) waits waited_us longest_us\n"
    return Reply(header + "".join(_lock_line(row) for row in figures))


def show_threads(call: Call) -> Reply:
    """What each thread is about."""
    threads = list(call.process.threads())
    return Reply("".join(_thread_lines(thread, len(threads)) for thread in threads))


def show_fd(call: Call) -> Reply:
    """The fd table, some kinds of entries, or one of them: `show fd [-!plcfbsd]* [<num>]`."""
    kinds, number = _FD_OWNERS, None
    for word in call.args:
        if word.isdecimal():
            number = int(word)
        else:
            kinds = _chosen_fds(word, None if kinds is _FD_OWNERS else kinds)
    wanted = (facts for facts in call.process.fds() if facts.owner in kinds and number in (None, facts.fd))
    return Reply("", rest=steps(map(_fd_line, wanted)))


def _chosen_fds(word: str, kinds: frozenset[str] | None) -> frozenset[str]:
    """The owners that a word of letters adds to `kinds` (None: nothing was chosen yet), or, behind `-` or `!`, takes
    away. Raises Refusal."""
    away = False
    for letter in word:
        if letter in "-!":
            away = True
            continue
        if letter not in _FD_LETTERS:
            raise Refusal("Invalid FD type")
        if kinds is None:
            kinds = _FD_OWNERS if away else frozenset()
        kinds = kinds - _FD_LETTERS[letter] if away else kinds | _FD_LETTERS[letter]
    return _FD_OWNERS if kinds is None else kinds


def show_cli_level(call: Call) -> Reply:
    """The level of this session."""
    return info(f"{call.session.level.name.lower()}\n")


def show_cli_sockets(call: Call) -> Reply:
    """The stats sockets with their levels."""
    rows = (f"{row.address} {row.level} {row.processes}\n" for row in call.process.cli_sockets())
    return Reply("# socket lvl processes\n" + "".join(rows))


def _find_proxy(proxies: Iterable[ProxyView], text: str) -> int | None:
    """The number of the proxy that `text` names, or `text` as a number; None if there is no such name."""
    if text.lstrip("-").isdecimal():
        return _integer(text)
    return next((proxy.iid for proxy in proxies if proxy.name == text), None)


def _integer(text: str) -> int:
    """`text` as a number, 0 if it is none, which selects nothing."""
    return int(text) if text.removeprefix("-").isdecimal() else 0


def _lock_line(row: LockFigures) -> str:
    return f"{row.label} {row.reads} {row.writes} {row.waits} {row.waited_ns // 1000} {row.longest_ns // 1000}\n"


def _thread_lines(thread: ThreadFacts, count: int) -> str:
    star = "*" if thread.current else " "
    return (
        f"{star} Thread {thread.number:<2}: id=0x{thread.ident:x} act={int(not thread.polling)} "
        f"wq={thread.timers} rq={thread.runnable}\n"
        f"      {thread.number}/{count}    harmless={int(thread.polling)}\n"
        f"             cpu_ns: now={thread.cpu_ns}\n"
        f"             conns={thread.connections} idle={thread.idle} polls={thread.polls} events={thread.events}\n"
    )


def _fd_line(facts: FdFacts) -> str:
    told = "".join(f" {name}={value}" for name, value in facts.facts.items())
    return (
        f"{facts.fd:7} : st=0x{facts.state:06x}(W:{_letters(facts.write)} R:{_letters(facts.read)}) "
        f"gen={facts.generation} tmask=0x{facts.thread_mask:x} owner={facts.owner}{told}\n"
    )


def _letters(direction: Direction) -> str:
    """`sRa`: capital where it is so (shut, ready, active)."""
    return "".join(letter.upper() if is_so else letter for letter, is_so in zip("sra", direction, strict=True))


COMMANDS = (
    Command(("show", "cli", "level"), "show cli level", "display the level of the current CLI session",
            show_cli_level),
    Command(("show", "cli", "sockets"), "show cli sockets", "dump list of cli sockets", show_cli_sockets),
    Command(("show", "fd"), "show fd [-!plcfbsd]* [num]", "dump list of file descriptors in use or a specific one",
            show_fd, Level.OPERATOR),
    Command(("show", "info"), "show info [desc|json|typed|float]*", "report information about the running process",
            show_info),
    Command(("show", "locks"), "show locks", "report how locks were taken and waited for", show_locks),
    Command(("show", "stat"), "show stat [desc|json|no-maint|typed|up]*", "report counters for each proxy and server",
            show_stat),
    Command(("show", "threads"), "show threads", "show some threads debugging information", show_threads),
    Command(("show", "version"), "show version", "show version of the current process", show_version),
)  # fmt: skip
