"""The stages of a start by HAProxy's command line, from options to exit code.

    options -> configuration -> what is to be shown -> check mode ends here
            -> limits -> background -> bind -> pid file -> root directory, user -> accept -> signals, until the end

The listening sockets exist before the process gives its privileges away, and accept nothing before that.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lbcore.base.diag import ConfigError, Diagnostics
from lbcore.cfg.check import has_listener
from lbcore.cfg.diagnostics import closing_messages
from lbcore.cfg.source import Source, SourceError
from lbcore.configuration import read
from lbcore.console import Console, program_name, program_path

if TYPE_CHECKING:
    from lbcore.options import Options
    from lbcore.proxy.settings import Settings
    from lbcore.signals import Balancer

Factory = Callable[["Settings", Diagnostics], "Balancer"]

VALID, FAILED, NO_LISTENER = 0, 1, 2


def run(options: Options, factory: Factory | None = None) -> int:
    """Starts what the options ask for and returns the exit code when it has ended.

    A stop by SIGTERM or SIGINT does not return: the process dies from that signal once the balancer has stopped.
    `factory` makes the balancer (None: `api.LoadBalancer`).
    """
    with _nothing_is_garbage():
        return _run(options, factory)


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """Keeps the garbage collector from looking through what a start makes, all of which stays."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if enabled:
            gc.enable()


def _run(options: Options, factory: Factory | None) -> int:
    console = Console(options.silent)
    if not _change_directory(options, console):
        return FAILED
    try:
        settings, diagnostics, sources = read(options)
    except SourceError as error:
        console.alert(f"config : {error}")
        return FAILED
    console.quiet = settings.globals.quiet
    _show_sources(options, sources)
    if not acceptable(settings, diagnostics, console):
        return FAILED
    _show(options, settings)
    if options.check:
        return _conclude(options, settings, diagnostics, console)
    return _start(options, settings, diagnostics, console, factory)


def _change_directory(options: Options, console: Console) -> bool:
    if options.directory is None:
        return True
    try:
        os.chdir(options.directory)
    except OSError as error:
        console.alert(f"Could not change to directory {options.directory} : {error.strerror}")
        return False
    return True


def acceptable(settings: Settings, diagnostics: Diagnostics, console: Console) -> bool:
    """Whether the configuration can be used; tells what is wrong with it."""
    console.diagnostics(diagnostics.messages)
    console.diagnostics(closing_messages(diagnostics))
    if diagnostics.errors:
        return False
    if settings.globals.zero_warning and diagnostics.warnings:
        console.alert("config : Some warnings were found and 'zero-warning' is set. Aborting.")
        return False
    return True


def _show_sources(options: Options, sources: list[Source]) -> None:
    """Prints the configuration where asked to, whatever is wrong with it."""
    if options.dump_config:
        from lbcore import dump

        _print(dump.configuration(sources, options.anonymise_key, options.line_numbers))


def _show(options: Options, settings: Settings) -> None:
    """Prints what else was asked for, even in quiet mode: `-q` is how to get nothing but that."""
    if not (options.dump_keywords or options.dump_libraries or options.dump_cpus):
        return
    from lbcore import dump
    from lbcore.thread.masks import cpu_count

    chosen = settings.globals
    _print(dump.keywords(options.dump_keywords))
    if options.dump_libraries:
        _print([] if chosen.quiet else ["List of loaded object files:"])
        _print(dump.libraries())
    if options.dump_cpus:
        _print(dump.cpus(chosen.nbthread or cpu_count(chosen.thread_hard_limit), chosen.cpu_map))


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _conclude(options: Options, settings: Settings, diagnostics: Diagnostics, console: Console) -> int:
    """The exit code of `-c` for a configuration without errors."""
    if diagnostics.warnings:
        console.say("Warnings were found.")
    if not has_listener(settings):
        console.say("Configuration file has no error but will not start (no listener) => exit(2).")
        return NO_LISTENER
    if options.verbose:
        console.say("Configuration file is valid")
    return VALID


def _start(
    options: Options, settings: Settings, diagnostics: Diagnostics, console: Console, factory: Factory | None
) -> int:
    from lbcore import process, signals

    signals.forget_inherited()
    chosen = settings.globals
    if chosen.log_tag is None:
        chosen.log_tag = program_name()
    try:
        _prepare(options, settings, console)
        ready = process.background() if chosen.daemon else None
        signals.block()
        balancer = (factory or _load_balancer)(settings, diagnostics)
        balancer.notify, balancer.alarm = console.warning, console.alert
        watch = signals.Watch(balancer, console, grace=chosen.grace, hard_stop_after=chosen.hard_stop_after)
        _launch(balancer, settings)
    except ConfigError as error:
        console.diagnostics(error.diagnostics.messages)
        console.alert(f"[{program_path()}.main()] Some protocols failed to start their listeners! Exiting.")
        return FAILED
    except (OSError, process.StartError) as error:
        console.alert(f"[{program_path()}.main()] {error}")
        return FAILED
    gc.freeze()  # workers need not look through it either, whenever the collector runs
    gc.enable()
    if ready:
        ready()
        console.quiet = True
    if signum := watch.until_end():
        signals.die_from(signum)
    return VALID


def _prepare(options: Options, settings: Settings, console: Console) -> None:
    """Fits the process to the configuration. Raises StartError."""
    from lbcore import process

    if not has_listener(settings):
        raise process.StartError("No enabled listener found (check for 'bind' directives) ! Exiting.")
    process.check_privileges(settings)
    if options.megabytes is not None:
        process.limit_memory(options.megabytes)
    given = settings.globals.maxconn
    limits = process.fit_descriptors(settings)
    if not given and (options.verbose or options.debug):
        console.line(f"Note: setting global.maxconn to {limits.maxconn}.")


def _launch(balancer: Balancer, settings: Settings) -> None:
    """Makes the balancer accept. Raises OSError, StartError or ConfigError; it is stopped then."""
    from lbcore import process

    chosen = settings.globals
    try:
        balancer.bind()
        if chosen.pidfile is not None:
            process.write_pidfile(chosen.pidfile)
        if process.hides_files(chosen):
            balancer.load_rest()
        for name in sorted(process.drop_privileges(chosen)):
            balancer.notify(f"'setcap' : the process was started without '{name}', so it cannot keep it.")
        balancer.start()
    except BaseException:
        balancer.stop()
        raise


def _load_balancer(settings: Settings, diagnostics: Diagnostics) -> Balancer:
    # The engine, and with it the compiled module: not for those who only check.
    from lbcore.api import LoadBalancer

    return LoadBalancer.from_settings(settings, diagnostics)
