"""Keywords of `global` that fit the process to the machine: `tune.*` and `cpu-map` (manual 3.1, 3.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.cfg.arguments import MAX_THREADS, Args, KeywordError, integer, number_set, switch
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, Keyword
from lbcore.cfg.kw_global import once, settings
from lbcore.cfg.units import UnitError, parse_size
from lbcore.table.settings import COUNTERS_MAX, set_counters

MAX_CPUS = 1024
MAX_FIELDS = 256  # header lines that the shim's index has room for
BUFSIZES = (1024, 131072)  # bytes of a buffer that the shim can work with


def size(field: str, low: int = 0) -> Callable[[Args], None]:
    """The function of a keyword that takes a size with an optional k, m or g."""

    def parse(args: Args) -> None:
        setattr(settings(args), field, _size(args, low))

    return parse


def _size(args: Args, low: int) -> int:
    text = args.take()
    if not text:
        raise KeywordError(f"'{args.name}' expects an integer argument.")
    try:
        value = parse_size(text, name=args.name)
    except UnitError as error:
        if error.kind == "overflow":
            raise KeywordError(f"{error}.") from None
        raise KeywordError(f"'{args.name}' expects {_kind(low)}.") from None
    if value < low:
        raise KeywordError(f"'{args.name}' expects {_kind(low)}.")
    return value


def _kind(low: int) -> str:
    return "a positive integer argument" if low else "an integer argument"


def peers_updates(args: Args) -> None:
    value = integer(args.take())
    if value is None or value <= 0:
        raise KeywordError(f"'{args.name}' expects an integer argument greater than 0.")
    settings(args).peers_updates_at_once = value


def maxhdr(args: Args) -> None:
    text = args.take()
    value = integer(text) if text else None
    if not text:
        raise KeywordError("'tune.http.maxhdr' expects an integer argument.")
    if value is None or not 1 <= value <= 32767:
        raise KeywordError("'tune.http.maxhdr' expects a numeric value between 1 and 32767")
    if value > MAX_FIELDS:
        raise KeywordError(f"'tune.http.maxhdr' : lbcore handles messages of at most {MAX_FIELDS} header lines")
    settings(args).maxhdr = value


def bufsize(args: Args) -> None:
    value = _size(args, 1)
    if not BUFSIZES[0] <= value <= BUFSIZES[1]:
        raise KeywordError(f"'tune.bufsize' : lbcore's buffers have {BUFSIZES[0]} to {BUFSIZES[1]} bytes")
    settings(args).bufsize = value


def profiling_locks(args: Args) -> None:
    """`profiling.locks {on|off}`: whether `show locks` has figures. A word of ours."""
    settings(args).profiling_locks = switch(args)


def profiling_tasks(args: Args) -> None:
    """`profiling.tasks {on|off}`: whether what streams cost is measured, for `cpu_ns_tot` and its like."""
    if args.peek() == "auto":
        raise KeywordError("'profiling.tasks' : 'auto' is HAProxy's but is not supported by lbcore: say 'on' or 'off'")
    settings(args).profiling_tasks = switch(args)


def idle_pool_shared(args: Args) -> None:
    settings(args).idle_pool_shared = switch(args)


def stick_counters(args: Args) -> None:
    """`tune.stick-counters <number>`; lines that name a slot must come after it."""
    text = args.take()
    value = integer(text) if text else 0  # HAProxy takes nothing for 0
    if value is None:
        raise KeywordError(f"tune.stick-counters: '{text}' is an invalid number")
    if value < 0:
        raise KeywordError(f"tune.stick-counters: the number of stick-counters may not be negative (was {value})")
    if value > COUNTERS_MAX:
        raise KeywordError(f"tune.stick-counters: lbcore has at most {COUNTERS_MAX} (got {value})")
    settings(args).stick_counters = value
    set_counters(args.context.notes, value)


def cpu_map(args: Args) -> None:
    """`cpu-map [auto:]<group>[/<threads>] <cpu-set>...`; there is one group, number 1."""
    where = args.take()
    if not where or not args.more:
        raise KeywordError(
            "cpu-map expects a thread group number  ('all', 'odd', 'even', a number from 1 to 64 or a range),  "
            f"followed by a list of CPU ranges with numbers from 0 to {MAX_CPUS - 1}."
        )
    auto = where.startswith("auto:")
    groups, slash, threads = where.removeprefix("auto:").partition("/")
    try:
        chosen_groups = number_set(groups, MAX_THREADS)
        chosen = number_set(threads, MAX_THREADS) if slash else number_set("all", MAX_THREADS)
    except KeywordError as error:
        raise KeywordError(f"cpu-map : {error.text}") from None
    if 1 not in chosen_groups:
        raise KeywordError(f"cpu-map : there is one thread group, number 1, so '{groups}' has no threads")
    cpus = _cpus(args)
    if auto and len(cpus) != len(chosen):
        raise KeywordError(
            "cpu-map : TGROUP/THREAD range and CPU sets must have the same size to be automatically bound"
        )
    _bind_threads(settings(args).cpu_map, chosen, cpus, auto)


def _bind_threads(cpu_map: dict[int, frozenset[int]], threads: list[int], cpus: list[int], auto: bool) -> None:
    for index, thread in enumerate(threads):
        cpu_map[thread] = frozenset({cpus[index]} if auto else cpus)


def _cpus(args: Args) -> list[int]:
    """The CPUs of all words that are left, in ascending order."""
    found: set[int] = set()
    while args.more:
        for part in args.take().split(","):
            found.update(_cpu_range(part))
    return sorted(found)


def _cpu_range(text: str) -> range:
    first, dash, last = text.partition("-")
    if not (first + last).isdecimal() or not first:
        raise KeywordError(f"cpu-map : '{text}' is not a CPU range.")
    start = integer(first)
    end = (integer(last) if last else MAX_CPUS - 1) if dash else start
    if start is None or end is None or max(start, end) >= MAX_CPUS:
        raise KeywordError(f"cpu-map : supports CPU numbers from 0 to {MAX_CPUS - 1}.")
    return range(min(start, end), max(start, end) + 1)


KEYWORDS.register(
    Keyword(("cpu-map",), GLOBAL, cpu_map, "[auto:]<group>[/<threads>] <cpus> ...", "The CPUs that threads may use."),
    Keyword(("profiling.locks",), GLOBAL, profiling_locks, "{on|off}", "Keeps figures about locks for `show locks`."),
    Keyword(("profiling.tasks",), GLOBAL, profiling_tasks, "{on|off}", "Measures what streams cost.", "0.2"),
    Keyword(("tune.bufsize",), GLOBAL, bufsize, "<size>", "The size of a buffer."),
    Keyword(("tune.http.cookielen",), GLOBAL, once("cookie_len", 1), "<number>",
            "The most characters that `capture cookie` keeps.", "0.3"),
    Keyword(("tune.http.logurilen",), GLOBAL, once("log_line_len", 1), "<number>",
            "The most characters of a request line in logs.", "0.3"),
    Keyword(("tune.http.maxhdr",), GLOBAL, maxhdr, "<number>", "The most header lines of a message."),
    Keyword(("tune.idle-pool.shared",), GLOBAL, idle_pool_shared, "{on|off}",
            "Whether threads may use each other's idle server connections."),
    Keyword(("tune.maxaccept",), GLOBAL, once("maxaccept", -1), "<number>", "The most connections accepted in a row."),
    Keyword(("tune.maxpollevents",), GLOBAL, once("maxpollevents", 1), "<number>", "The most events of one poll."),
    Keyword(("tune.maxrewrite",), GLOBAL, size("maxrewrite"), "<size>", "The room a buffer keeps for rewriting."),
    Keyword(("tune.notsent-lowat.client",), GLOBAL, size("notsent_lowat_client"), "<size>",
            "What sockets of clients take before the rest was sent.", "0.3"),
    Keyword(("tune.notsent-lowat.server",), GLOBAL, size("notsent_lowat_server"), "<size>",
            "What sockets of servers take before the rest was sent.", "0.3"),
    Keyword(("tune.peers.max-updates-at-once",), GLOBAL, peers_updates, "<number>",
            "The most updates that a peer is sent at a time.", "0.3"),
    Keyword(("tune.pipesize",), GLOBAL, size("pipesize"), "<size>", "The size of pipes used by splicing."),
    Keyword(("tune.rcvbuf.client",), GLOBAL, once("rcvbuf_client"), "<bytes>", "Receive buffers towards clients."),
    Keyword(("tune.rcvbuf.server",), GLOBAL, once("rcvbuf_server"), "<bytes>", "Receive buffers towards servers."),
    Keyword(("tune.sndbuf.backend",), GLOBAL, size("sndbuf_backend"), "<size>",
            "Send buffers of the sockets that logs leave by.", "0.3"),
    Keyword(("tune.sndbuf.client",), GLOBAL, once("sndbuf_client"), "<bytes>", "Send buffers towards clients."),
    Keyword(("tune.sndbuf.server",), GLOBAL, once("sndbuf_server"), "<bytes>", "Send buffers towards servers."),
    Keyword(("tune.stick-counters",), GLOBAL, stick_counters, "<number>",
            "How many entries a connection, and a stream, can track.", "0.3"),
)  # fmt: skip
