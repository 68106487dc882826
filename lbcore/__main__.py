"""The program: `lbcore` as a command, `python -m lbcore`, or a link named `haproxy` to it.

A first word that begins with `-`, or none, means HAProxy's command line; any other is a sub-command of ours. What is
not needed to answer is not imported: `-v`, `-cc` and `-c` of a small file have a tenth of a second.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lbcore.options import Options

SUBCOMMANDS = ("demo", "explain", "lint", "top")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit code. `argv`: the words after the program's name (None: the process's)."""
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] and not words[0].startswith("-"):
        return _subcommand(words[0], words[1:])
    from lbcore.options import NotSupportedError, UsageError, parse

    try:
        options = parse(words)
    except NotSupportedError as error:
        return _refuse(f"{error} is HAProxy's but is not supported by lbcore {_version()} yet.")
    except UsageError as error:
        return _usage(str(error))
    return _haproxy(options)


def _haproxy(options: Options) -> int:
    if options.version:
        return _show_version(options.version)
    if options.condition is not None:
        return _evaluate(options, options.condition)
    from lbcore.main import run

    return run(options)


def _subcommand(name: str, words: Sequence[str]) -> int:
    if name == "demo":
        from lbcore.demo import demo

        return _told(demo, words)
    if name == "explain":
        from lbcore.explain.command import explain

        return _told(explain, words)
    if name == "lint":
        from lbcore.lint.command import lint

        return _told(lint, words)
    if name == "top":
        from lbcore.top.command import top

        return _told(top, words)
    known = ", ".join(SUBCOMMANDS)
    print(f"lbcore: unknown sub-command '{name}' (known: {known}; HAProxy's options begin with '-').", file=sys.stderr)
    return 1


def _told(command: Callable[[Sequence[str]], int], words: Sequence[str]) -> int:
    """Runs a command that prints; one whose reader wants no more (`| head`) ends as by SIGPIPE, without a word."""
    try:
        code = command(words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        import signal

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the interpreter's own flush at the end
        return 128 + signal.SIGPIPE


def _show_version(level: int) -> int:
    from lbcore.version import banner, details

    sys.stdout.write(banner() if level == 1 else details())
    return 0


def _usage(problem: str) -> int:
    """HAProxy's answer to a command line it does not understand: the banner on stdout, the usage on stderr."""
    from lbcore.console import program_name
    from lbcore.options import USAGE
    from lbcore.version import banner

    sys.stdout.write(banner())
    sys.stdout.flush()
    if problem:
        _refuse(problem)
    sys.stderr.write(USAGE.format(program=program_name()))
    return 1


def _refuse(problem: str) -> int:
    from lbcore.console import Console

    Console().alert(problem)
    return 1


def _evaluate(options: Options, condition: str) -> int:
    """The exit code of `-cc`: 0 true, 1 false, 2 for a condition that can't be understood."""
    from lbcore.cfg.conditions import ConditionContext, ConditionError, evaluate_argument
    from lbcore.cfg.environment import Environment
    from lbcore.switches import enabled
    from lbcore.version import FEATURES, LANGUAGE_VERSION

    context = ConditionContext(Environment(), LANGUAGE_VERSION, features=FEATURES, enabled=enabled(options))
    try:
        return 0 if evaluate_argument(condition, context) else 1
    except ConditionError as error:
        from lbcore.console import Console

        Console(options.silent).alert(f"config : {error}")
        return 2


def _version() -> str:
    from lbcore.version import __version__

    return __version__


if __name__ == "__main__":
    sys.exit(main())
