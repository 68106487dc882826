"""`lbcore explain`: from words to an explanation on standard output."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lbcore.api import LoadBalancer
from lbcore.base.diag import Diagnostics
from lbcore.cfg.source import SourceError
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.configuration import read
from lbcore.console import Console
from lbcore.explain.choice import choose, destination
from lbcore.explain.explanation import Explanation, Visit
from lbcore.explain.output import as_json, as_text
from lbcore.explain.request import Asked, RequestError, parse_endpoint, parse_reply, parse_request
from lbcore.explain.trace import Recorder
from lbcore.explain.walk import Walk
from lbcore.main import acceptable
from lbcore.options import Options
from lbcore.proxy.settings import Settings
from lbcore.sample.build import BuildError

DONE, FAILED = 0, 1
CLIENT, CLIENT_PORT = "192.0.2.1", 54321  # of TEST-NET-1 (RFC 5737): nobody's


def parser() -> argparse.ArgumentParser:
    """The words that it takes."""
    words = argparse.ArgumentParser(
        prog="lbcore explain", description="Tells what a configuration would do with a request. Nothing is sent."
    )
    words.add_argument("request", nargs="?", help="'[<method>] <URL or path> [<version>]', as 'GET http://host/path'")
    words.add_argument("-f", dest="files", action="append", required=True, metavar="PATH", help="configuration")
    words.add_argument("-H", dest="headers", action="append", default=[], metavar="'NAME: VALUE'", help="a header")
    words.add_argument("--src", default=CLIENT, metavar="IP[:PORT]", help=f"the client's address ({CLIENT})")
    words.add_argument("--dst", metavar="IP:PORT", help="the address it connects to (where the frontend listens)")
    words.add_argument("--data", metavar="TEXT", help="the body, in mode tcp what the client sends; @FILE: from there")
    words.add_argument("--reply", metavar="STATUS", help="what the server answers: rules of responses are told, too")
    words.add_argument("-R", dest="replied", action="append", default=[], metavar="'NAME: VALUE'",
                       help="a header of that reply")  # fmt: skip
    words.add_argument("--reply-data", metavar="TEXT", help="its body; @FILE: from there")
    words.add_argument("--frontend", metavar="NAME", help="the frontend, where the address fits none or several")
    words.add_argument("--json", action="store_true", help="for programs")
    return words


def explain(words: Sequence[str]) -> int:
    """Prints the explanation that the words ask for; the exit code: 1 for a configuration that can't be used, or a
    request that makes no sense."""
    chosen = parser().parse_args(words)
    console = Console()
    options = Options()
    options.sources = chosen.files
    try:
        settings, diagnostics, _ = read(options)
    except SourceError as error:
        console.alert(f"config : {error}")
        return FAILED
    if not acceptable(settings, diagnostics, console):
        return FAILED
    try:
        found = explained(settings, diagnostics, visit(settings, chosen))
    except (BuildError, OSError, RequestError) as error:
        print(f"lbcore explain: {error}", file=sys.stderr)
        return FAILED
    lines = [as_json(found)] if chosen.json else as_text(found)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return DONE


def visit(settings: Settings, chosen: argparse.Namespace) -> Visit:
    """Who comes, by the command line. Raises RequestError, OSError for a file that can't be read."""
    data = _data(chosen.data)
    if chosen.request is not None:
        asked = parse_request(chosen.request, chosen.headers, data)
    elif chosen.data is not None:
        asked = Asked(data)
    else:
        raise RequestError("there is nothing to explain: expects a request, or --data")
    dst = parse_endpoint(chosen.dst, 80) if chosen.dst is not None else None
    frontend, bind = choose(settings, asked, dst, chosen.frontend)
    if frontend.mode == "http" and chosen.request is None:
        raise RequestError(f"frontend '{frontend.name}' is of mode http: expects a request")
    src = parse_endpoint(chosen.src, CLIENT_PORT)
    if dst is None:
        dst = destination(bind, asked, src)
    elif len(dst.address) != len(src.address):
        raise RequestError(f"no client comes from {src.address} to {dst.address}")
    reply = parse_reply(chosen.reply, chosen.replied, _data(chosen.reply_data)) if chosen.reply is not None else None
    return Visit(frontend, bind, src, dst, asked, reply)


def _data(text: str | None) -> bytes:
    if text is None:
        return b""
    if text.startswith("@"):
        with open(text[1:], "rb") as file:
            return file.read()
    return text.encode("utf-8", "surrogateescape")


def explained(settings: Settings, diagnostics: Diagnostics, visit: Visit) -> Explanation:
    """What becomes of a visit. The settings are used up: their rules tell, and nothing of them logs any more.

    Raises RequestError.
    """
    load_vocabulary()
    recorder = Recorder()
    recorder.instrument(settings)
    for proxy in settings.proxies:
        proxy.log_targets = []
    balancer = LoadBalancer.from_settings(settings, diagnostics)
    balancer.rehearse()
    try:
        worker = balancer.crew.workers[0]
        with balancer.crew.hooks.running(worker):
            return Walk(worker, balancer.world, recorder, visit, settings.globals).explain()
    finally:
        balancer.close()
