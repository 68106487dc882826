"""The command line, by HAProxy's syntax (management guide 3 Starting HAProxy), as typed `Options`.

An option is a whole word: `-dK<class>` and friends carry their value in the same word, `-f <file>` in the next, and
nothing combines (`-dc` is not `-d -c`). This is not what argparse reads, and argparse would take a third of `-v`'s
time; for the same reason `Options` is a plain class. HAProxy takes any ending of an option that it reads by its first
letters (`-Vx`, `-d4`); here that is an unknown option, so that a slip of the fingers does not start something else.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

USAGE = """\
Usage : {program} [<options>] {{-f <file|directory>}}... [-- <file|directory>...]
        {program} demo [--seconds <n>]     two sample servers with a balancer in front
        {program} explain -f <file> '<method> <URL>'   what it would do with a request, rule by rule
        {program} lint -f <file>           what is valid in a configuration and still dangerous

  What to do (one of them; without, it starts and stays in the foreground)
    -c                 reads the configuration, says what is wrong with it, and exits
    -cc <condition>    exits with 0 if the condition of an '.if' line holds, with 1 if not
    -v, -vv            shows the version, with -vv also the features
  Start
    -f <path>          a configuration file, or a directory whose *.cfg files are taken
    -C <directory>     goes there first
    -D                 goes to the background once it accepts connections
    -db, -d            stays in the foreground whatever else is asked for; -d tells more
    -p <file>          writes its process number there
    -L <name>          names this instance for its peers instead of by the host's name
  Limits
    -n <number>        connections of the whole process
    -N <number>        connections of each frontend that sets no maxconn
    -m <megabytes>     memory
  Messages
    -q, -V             holds them back; shows them whatever else says to be quiet
    -dD, -dW           adds advice about suspicious lines; takes warnings for errors
  What to do without
    -de, -dk, -dp      epoll, kqueue, poll
    -dS, -dR, -dG      splice, SO_REUSEPORT, getaddrinfo
    -dr, -4            the addresses of servers whose names don't resolve; IPv6 addresses of names
  What to show while starting
    -dC[[<key>],line]  the configuration, with a key without names and secrets, with line numbers
    -dK<class>[,...]   registered words ('-dKhelp' lists the classes)
    -dL, -dc           loaded object files; the CPUs of each thread
  Taken without effect, as there is nothing here that they would change
    -dF, -dI, -dM[<byte>[,...]], -dV, -dZ

"""


class UsageError(Exception):
    """A command line that can't be understood. The message is "" where showing the usage says it all."""


class NotSupportedError(Exception):
    """A part of HAProxy's command line that is not there yet; the message names it."""


class Options:
    """What the command line asks for. The defaults are those of a start without that option."""

    __slots__ = (
        "anonymise_key", "check", "condition", "daemon", "debug", "diag", "directory", "disabled", "dump_config",
        "dump_cpus", "dump_keywords", "dump_libraries", "foreground", "ignore_resolution_failures", "ipv4_only",
        "line_numbers", "local_peer", "maxconn", "megabytes", "pidfile", "proxy_maxconn", "quiet", "sources", "verbose",
        "version", "zero_warning",
    )  # fmt: skip

    def __init__(self) -> None:
        self.sources: list[str] = []  # -f, --: configuration files and directories, in order
        self.version = 0  # 1: -v, 2: -vv
        self.condition: str | None = None  # -cc
        self.check = False  # -c
        self.foreground = False  # -db
        self.debug = False  # -d
        self.daemon = False  # -D
        self.verbose = False  # -V
        self.quiet = False  # -q, which -V overrides wherever it stands
        self.directory: str | None = None  # -C
        self.local_peer: str | None = None  # -L
        self.pidfile: str | None = None  # -p
        self.maxconn: int | None = None  # -n
        self.proxy_maxconn: int | None = None  # -N
        self.megabytes: int | None = None  # -m
        self.zero_warning = False  # -dW
        self.diag = False  # -dD
        self.disabled: set[str] = set()  # -de -dp -dS -dG -dR -dF: run-time switches by the names that enabled() knows
        self.ignore_resolution_failures = False  # -dr
        self.ipv4_only = False  # -4
        self.dump_keywords: tuple[str, ...] = ()  # -dK
        self.dump_libraries = False  # -dL
        self.dump_cpus = False  # -dc
        self.dump_config = False  # -dC
        self.anonymise_key = 0  # -dC<key>; 0: as it is
        self.line_numbers = False  # -dC,line

    @property
    def silent(self) -> bool:
        """Whether messages are held back."""
        return self.quiet and not self.verbose

    @property
    def background(self) -> bool:
        """Whether `-D` holds: foreground and debug mode win, wherever they stand."""
        return self.daemon and not (self.foreground or self.debug)


def parse(words: Sequence[str]) -> Options:
    """What the words after the program's name ask for.

    Raises UsageError for what HAProxy does not know either, NotSupportedError for what is HAProxy's and not done. `-v`
    and `-vv` end the reading.
    """
    options = Options()
    rest = iter(words)
    for word in rest:
        _option(options, word, rest)
        if options.version:
            return options
    if not options.sources and options.condition is None:
        raise UsageError("no configuration file is named." if words else "")
    return options


def _option(options: Options, word: str, rest: Iterator[str]) -> None:
    if word in _FLAGS:
        _FLAGS[word](options)
    elif word in _WITH_ARGUMENT:
        argument = next(rest, None)
        if argument is None:
            raise UsageError(f"option '{word}' expects an argument.")
        _WITH_ARGUMENT[word](options, argument)
    elif word in _NOT_YET:
        raise NotSupportedError(f"option '{word}' ({_NOT_YET[word]})")
    elif word[:3] in _WITH_VALUE:
        _WITH_VALUE[word[:3]](options, word[3:])
    elif word == "--":
        options.sources += rest
    else:
        raise UsageError(f"unknown option '{word}'." if word else "")


def number(option: str, text: str) -> int:
    """The number from 0 that an option takes. Raises UsageError."""
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"option '{option}' expects a number, found '{text}'.")
    return int(text)


def flag(field: str, value: object = True) -> Callable[[Options], None]:
    """The function of an option that sets a field."""

    def take(options: Options) -> None:
        setattr(options, field, value)

    return take


def without(switch: str) -> Callable[[Options], None]:
    """The function of an option that switches something off."""

    def take(options: Options) -> None:
        options.disabled.add(switch)

    return take


def text(field: str) -> Callable[[Options, str], None]:
    """The function of an option that keeps its argument."""

    def take(options: Options, argument: str) -> None:
        setattr(options, field, argument)

    return take


def count(option: str, field: str) -> Callable[[Options, str], None]:
    """The function of an option that keeps its argument as a number. 0 means what no option means."""

    def take(options: Options, argument: str) -> None:
        setattr(options, field, number(option, argument) or None)

    return take


def _nothing(options: Options, value: str = "") -> None:
    """HAProxy tunes with this what has no counterpart here, so there is nothing to do."""


def _source(options: Options, argument: str) -> None:
    options.sources.append(argument)


def _dump_config(options: Options, value: str) -> None:
    """`-dC[<key>][,line]`. HAProxy takes a key that is no number for 0, which hides nothing; here it is refused."""
    key, comma, line = value.partition(",")
    if comma and line != "line":
        raise UsageError(f"option '-dC' knows nothing but 'line' after the comma, found '{line}'.")
    options.dump_config = True
    options.anonymise_key = number("-dC", key) if key else 0
    options.line_numbers = bool(comma)


def _dump_keywords(options: Options, value: str) -> None:
    if not value:
        raise UsageError("option '-dK' expects classes of keywords ('-dKhelp' lists them).")
    options.dump_keywords = tuple(value.split(","))


_FLAGS: dict[str, Callable[[Options], None]] = {
    "-4": flag("ipv4_only"),
    "-D": flag("daemon"),
    "-V": flag("verbose"),
    "-c": flag("check"),
    "-d": flag("debug"),
    "-dD": flag("diag"),
    "-dF": without("FAST-FORWARD"),
    "-dG": without("GETADDRINFO"),
    "-dI": _nothing,  # no external program is ever run
    "-dL": flag("dump_libraries"),
    "-dR": without("REUSEPORT"),
    "-dS": without("SPLICE"),
    "-dV": _nothing,  # no server is spoken to with TLS
    "-dW": flag("zero_warning"),
    "-dZ": _nothing,
    "-db": flag("foreground"),
    "-dc": flag("dump_cpus"),
    "-de": without("EPOLL"),
    "-dk": without("KQUEUE"),
    "-dp": without("POLL"),
    "-dr": flag("ignore_resolution_failures"),
    "-q": flag("quiet"),
    "-v": flag("version", 1),
    "-vv": flag("version", 2),
}

_WITH_ARGUMENT: dict[str, Callable[[Options, str], None]] = {
    "-C": text("directory"),
    "-L": text("local_peer"),
    "-N": count("-N", "proxy_maxconn"),
    "-cc": text("condition"),
    "-f": _source,
    "-m": count("-m", "megabytes"),
    "-n": count("-n", "maxconn"),
    "-p": text("pidfile"),
}

# The value stands in the same word.
_WITH_VALUE: dict[str, Callable[[Options, str], None]] = {
    "-dC": _dump_config,
    "-dK": _dump_keywords,
    "-dM": _nothing,  # memory poisoning
}

_NOT_YET = {
    "-S": "the master's socket",
    "-W": "master-worker mode",
    "-Ws": "master-worker mode for systemd",
    "-dt": "traces",
    "-sf": "taking over from old processes that finish",
    "-st": "taking over from old processes that terminate",
    "-x": "taking over listening sockets",
}
