"""Keywords of `global`: what the process is and may do (manual 3.1 Process management and security)."""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Callable

from lbcore.cfg.arguments import MAX_THREADS, TIGHT, Args, Form, KeywordError, integer, number, time
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, Keyword
from lbcore.proxy.settings import EVER, GlobalSettings

_NODE = re.compile(r"[A-Za-z0-9_.-]+")


def settings(args: Args) -> GlobalSettings:
    """The settings that a line of `global` fills."""
    return args.context.settings.globals


def already(args: Args, given: bool, what: str | None = None) -> bool:
    """Warns, and is true, if a value was given before: several `global` sections add up and the first value stays."""
    if not given:
        return False
    args.rest()
    args.warn(f"{what or repr(args.name)} already specified. Continuing.", at=0)
    return True


def flag(field: str, value: bool = True) -> Callable[[Args], None]:
    """The function of a keyword without arguments that sets a field of the global settings."""

    def parse(args: Args) -> None:
        setattr(settings(args), field, value)

    return parse


def switchable(field: str) -> Callable[[Args], None]:
    """The function of a keyword without arguments that `no` may stand before."""

    def parse(args: Args) -> None:
        setattr(settings(args), field, args.form is not Form.NO)

    return parse


def once(field: str, low: int = 0, high: int | None = None) -> Callable[[Args], None]:
    """The function of a keyword that takes one number and whose first value stays."""

    def parse(args: Args) -> None:
        given = args.context.notes.setdefault(__name__, set())
        assert isinstance(given, set)
        if already(args, field in given):
            return
        setattr(settings(args), field, number(args, low, high))
        given.add(field)

    return parse


def nbthread(args: Args) -> None:
    text = args.take()
    value = integer(text)
    if value is None:
        raise KeywordError(f"'nbthread' passed a missing or unparsable integer value in '{text}'")
    if not 1 <= value <= MAX_THREADS:
        raise KeywordError(f"'nbthread' value must be between 1 and {MAX_THREADS} (was {value})")
    settings(args).nbthread = value


def pidfile(args: Args) -> None:
    if already(args, settings(args).pidfile is not None):
        return
    settings(args).pidfile = _needed(args, "a file name as an argument.")


def chroot(args: Args) -> None:
    if already(args, settings(args).chroot is not None):
        return
    settings(args).chroot = _needed(args, "a directory as an argument.")


def _needed(args: Args, what: str) -> str:
    text = args.take()
    if not text:
        raise KeywordError(f"'{args.name}' expects {what}")
    return text


def user(args: Args) -> None:
    if already(args, _has_user(args), "user/uid"):
        return
    name = args.take()
    settings(args).uid = user_id(name)
    settings(args).user = name


def uid(args: Args) -> None:
    if already(args, _has_user(args), "user/uid"):
        return
    settings(args).uid = _numeric_id(args, "user")


def group(args: Args) -> None:
    if already(args, _has_group(args), "group/gid"):
        return
    name = args.take()
    settings(args).gid = group_id(name)
    settings(args).group = name


def gid(args: Args) -> None:
    if already(args, _has_group(args), "gid/group"):
        return
    settings(args).gid = _numeric_id(args, "group")


def _has_user(args: Args) -> bool:
    return settings(args).uid is not None


def _has_group(args: Args) -> bool:
    return settings(args).gid is not None


def _numeric_id(args: Args, word: str) -> int:
    text = args.take()
    if not text:
        raise KeywordError(f"'{args.name}' expects an integer argument.")
    value = integer(text)
    if value is None or value < 0:
        advice = f"You might want to use the '{word}' parameter to use a system {word} name."
        raise KeywordError(f"'{args.name}' expects an integer argument, found '{text}'. {advice}")
    return value


def user_id(name: str) -> int:
    """The number of a system user. Raises KeywordError with HAProxy's text for `global`."""
    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, UnicodeError):
        raise KeywordError(f"cannot find user id for '{name}' (0:Success)") from None


def group_id(name: str) -> int:
    """The number of a system group. Raises KeywordError with HAProxy's text for `global`."""
    try:
        return grp.getgrnam(name).gr_gid
    except (KeyError, UnicodeError):
        raise KeywordError(f"cannot find group id for '{name}' (0:Success)") from None


def node(args: Args) -> None:
    name = args.take()
    if not _NODE.fullmatch(name):
        raise KeywordError(
            "'node' requires valid node name - non-empty string with digits(0-9), letters(A-Z, a-z), dot(.), "
            "hyphen(-) or underscode(_).",
            lead=TIGHT,
        )
    settings(args).node = name


def description(args: Args) -> None:
    words = args.rest()
    if not words or not words[0]:
        raise KeywordError("'description' expects a string argument.", lead=TIGHT)
    settings(args).description = " ".join(words)


def localpeer(args: Args) -> None:
    """`localpeer <name>`: who we are in the `peers` sections that follow."""
    name = args.take()
    if not name:
        raise KeywordError("'localpeer' expects a name as an argument.")
    if args.context.options.named_peer:
        args.warn("'localpeer' ignored since it is already set by using the '-L' command line argument.", at=0)
    elif args.context.settings.peers:
        args.warn("'localpeer' ignored since it is used after 'peers' section.", at=0)
    else:
        args.context.environment.setenv("HAPROXY_LOCALPEER", name)


def hard_stop_after(args: Args) -> None:
    settings(args).hard_stop_after = _delay(args)


def grace(args: Args) -> None:
    settings(args).grace = _delay(args)


def close_spread_time(args: Args) -> None:
    """`close-spread-time {<time>|infinite}`."""
    if args.peek() == "infinite":
        args.take()
        settings(args).close_spread_time = EVER
        return
    settings(args).close_spread_time = _delay(args)


def _delay(args: Args) -> int:
    text = args.take()
    if not text:
        raise KeywordError(f"'{args.name}' expects <time> as argument.")
    return time(text, args.name, f"unexpected character '{{}}' in argument to <{args.name}>.")


def unix_bind(args: Args) -> None:
    """Reads words in pairs; the prefix holds for the `bind` lines that follow, as in HAProxy."""
    if not args.more:
        raise _unix_bind_words()
    while args.more:
        name = args.take()
        reader = _UNIX_BIND.get(name)
        if reader is None:
            raise _unix_bind_words()
        reader(args)


def _unix_bind_words() -> KeywordError:
    return KeywordError("'unix-bind' only supports the 'prefix', 'mode', 'uid', 'gid', 'user' and 'group' options.")


def _unix_prefix(args: Args) -> None:
    text = args.take()
    if not text:
        raise KeywordError("unix_bind 'prefix' expects a path as an argument.")
    if settings(args).unix_bind.prefix:
        args.warn("unix-bind 'prefix' already specified. Continuing.", at=args.position - 2)
        return
    settings(args).unix_bind.prefix = text


def _unix_mode(args: Args) -> None:
    text = args.take()
    settings(args).unix_bind.mode = octal_mode(text, "'unix-bind' : 'mode'")


def octal_mode(text: str, name: str) -> int:
    """Permission bits written in octal. Raises KeywordError."""
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise KeywordError(f"{name} : missing or invalid mode '{text}' (octal integer expected)")
    return mode


def _unix_uid(args: Args) -> None:
    settings(args).unix_bind.uid = _unix_id(args, "uid")


def _unix_gid(args: Args) -> None:
    settings(args).unix_bind.gid = _unix_id(args, "gid")


def _unix_id(args: Args, name: str) -> int:
    text = args.take()
    value = integer(text)
    if value is None or value < 0:
        raise KeywordError(f"'unix-bind' : '{name}' expects an integer argument, found '{text}'.")
    return value


def _unix_user(args: Args) -> None:
    name = args.take()
    try:
        settings(args).unix_bind.uid = user_id(name)
    except KeywordError:
        raise KeywordError(f"'unix-bind' : '{name}' unknown user.") from None


def _unix_group(args: Args) -> None:
    name = args.take()
    try:
        settings(args).unix_bind.gid = group_id(name)
    except KeywordError:
        raise KeywordError(f"'unix-bind' : '{name}' unknown group.") from None


_UNIX_BIND: dict[str, Callable[[Args], None]] = {
    "gid": _unix_gid,
    "group": _unix_group,
    "mode": _unix_mode,
    "prefix": _unix_prefix,
    "uid": _unix_uid,
    "user": _unix_user,
}

KEYWORDS.register(
    Keyword(("chroot",), GLOBAL, chroot, "<directory>", "Changes the root directory after the start."),
    Keyword(("close-spread-time",), GLOBAL, close_spread_time, "{<time>|infinite}",
            "How long a soft stop takes to close connections, one after the other.", "0.3"),
    Keyword(("daemon",), GLOBAL, flag("daemon"), "", "Goes to the background."),
    Keyword(("description",), GLOBAL, description, "<text>", "A text about this instance, shown in statistics."),
    Keyword(("gid",), GLOBAL, gid, "<number>", "The group to run as, by its number."),
    Keyword(("grace",), GLOBAL, grace, "<time>", "How long a soft stop waits before it stops listening."),
    Keyword(("group",), GLOBAL, group, "<name>", "The group to run as, by its name."),
    Keyword(("h1-accept-payload-with-any-method",), GLOBAL, flag("any_payload"), "",
            "Accepts GET, HEAD and DELETE with a body in HTTP/1.0 too.", "0.3"),
    Keyword(("hard-stop-after",), GLOBAL, hard_stop_after, "<time>", "The longest that a soft stop may take."),
    Keyword(("localpeer",), GLOBAL, localpeer, "<name>", "Who we are among peers; else the host's name.", "0.3"),
    Keyword(("maxconn",), GLOBAL, once("maxconn"), "<number>", "The most client connections of the process."),
    Keyword(("maxconnrate",), GLOBAL, once("maxconnrate"), "<number>", "The most new connections a second."),
    Keyword(("maxpipes",), GLOBAL, once("maxpipes"), "<number>", "The most pipes used by splicing."),
    Keyword(("maxsessrate",), GLOBAL, once("maxsessrate"), "<number>", "The most new sessions a second."),
    Keyword(("nbthread",), GLOBAL, nbthread, "<number>", "How many threads work, 1 to 64; else one for each CPU."),
    Keyword(("node",), GLOBAL, node, "<name>", "The name of this instance, shown in statistics."),
    Keyword(("noepoll",), GLOBAL, flag("noepoll"), "", "Does without the epoll poller."),
    Keyword(("nokqueue",), GLOBAL, flag("nokqueue"), "", "Does without the kqueue poller."),
    Keyword(("nopoll",), GLOBAL, flag("nopoll"), "", "Does without the poll poller."),
    Keyword(("noreuseport",), GLOBAL, flag("noreuseport"), "", "Does not share ports between processes."),
    Keyword(("nosplice",), GLOBAL, flag("nosplice"), "", "Does not splice between sockets."),
    Keyword(("pidfile",), GLOBAL, pidfile, "<file>", "Where the process number is written."),
    Keyword(("quiet",), GLOBAL, flag("quiet"), "", "Prints nothing while starting."),
    Keyword(("set-dumpable",), GLOBAL, switchable("set_dumpable"), "", "Allows core dumps.", negatable=True),
    Keyword(("strict-limits",), GLOBAL, switchable("strict_limits"), "", "Refuses to start if a limit can't be had.",
            negatable=True),
    Keyword(("uid",), GLOBAL, uid, "<number>", "The user to run as, by number."),
    Keyword(("ulimit-n",), GLOBAL, once("ulimit_n"), "<number>", "The most file descriptors of the process."),
    Keyword(("unix-bind",), GLOBAL, unix_bind,
            "[prefix <path>] [mode <mode>] [user <name>|uid <number>] [group <name>|gid <number>]",
            "What unix sockets of `bind` lines start from."),
    Keyword(("user",), GLOBAL, user, "<name>", "The user to run as, by its name."),
    Keyword(("zero-warning",), GLOBAL, flag("zero_warning"), "", "Refuses to start if there is any warning."),
)  # fmt: skip
