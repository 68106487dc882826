"""The error pages of proxies: `errorfile`, `errorfiles`, `errorloc` and its kin, `http-error` (manual 4.2).

A line is kept as written; what a proxy answers is settled at the end, because the `http-errors` sections that lines
name may stand below them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.context import Context
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.vocabulary import words_of
from lbcore.http.reply import PAGE_STATUSES, Message, encode_value, location_page
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.files import Files, files_of, install, read_page
from lbcore.sample.points import Point
from lbcore.sample.words import ParseError, Words, wire

if TYPE_CHECKING:
    from lbcore.action.reply import ReplySpec


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """What one line says: `pages` by status (None: what a proxy without the line answers with), and of the group
    `group` ("": none) the pages of `statuses`, all if there are none. `where` is file:line."""

    where: str
    pages: dict[int, Any] = field(default_factory=dict)
    group: str = ""
    statuses: tuple[int, ...] = ()


def install_files(ctx: Context) -> None:
    """Tells rules how the files that their lines name are found in this load."""
    install(ctx.notes, Files(ctx.default_path.resolve, lambda: ctx.settings.globals.bufsize))


def page_of(args: Args, path: str) -> Message:
    """The message that a file holds. Raises KeywordError."""
    install_files(args.context)
    line = args.line
    words = Words(line.texts(), args.position, line.file, line.number, warn=args.warn, notes=args.context.notes)
    try:
        return read_page(words, path)
    except ParseError as error:
        raise KeywordError(f"{args.name} : {error}.") from None


def errorfile(args: Args) -> None:
    """`errorfile <code> <file>`."""
    status, path = _two(args, "<file>")
    _add(args, ErrorLine(args.line.where, {status: page_of(args, path)}))


def errorloc(redirect: int) -> Callable[[Args], None]:
    """The function of `errorloc303` and its like: `<code> <url>`, answered by a redirect with the code `redirect`."""

    def parse(args: Args) -> None:
        status, url = _two(args, "<url>")
        _add(args, ErrorLine(args.line.where, {status: location_page(redirect, encode_value(wire(url)))}))

    return parse


def errorfiles(args: Args) -> None:
    """`errorfiles <name> [<code>...]`."""
    name = args.take()
    if not name:
        raise KeywordError("errorfiles : expects <name> as argument.")
    statuses = tuple(status_of(args, text) for text in args.rest())
    _add(args, ErrorLine(args.line.where, {}, name, statuses))


def http_error(args: Args) -> None:
    """`http-error status <code> [<reply>]`."""
    if args.peek() != "status":
        raise KeywordError("http-error : expects at least a <status> as arguments.")
    words = words_of(args, Point(0))
    from lbcore.action.reply import parse_reply  # with the vocabulary

    try:
        reply = parse_reply(words, 0)
    except ParseError as error:
        raise KeywordError(f"http-error : {error}", error.at, error.hint) from None
    args.position = words.at
    if args.more:
        raise KeywordError(f"http-error : unknown keyword '{args.peek()}'.", args.position)
    if reply.status not in PAGE_STATUSES:
        raise KeywordError(f"http-error: status code '{reply.status}' not handled.")
    _add(args, _line_of(args, reply))


def _line_of(args: Args, reply: ReplySpec) -> ErrorLine:
    if reply.group:
        files_of(args.context.notes).replies.remove(reply)  # the check of the proxy looks the group up
        return ErrorLine(args.line.where, {}, reply.group, (reply.status,))
    if reply.word == "default-errorfiles":
        return ErrorLine(args.line.where, {reply.status: None})
    fixed = reply.fixed()
    return ErrorLine(args.line.where, {reply.status: reply if fixed is None else fixed})


def _two(args: Args, what: str) -> tuple[int, str]:
    """The status and the other argument of a line."""
    code, text = args.take(), args.take()
    if not code or not text:
        raise KeywordError(f"{args.name} : expects <status_code> and {what} as arguments.")
    if args.more:
        raise KeywordError(f"{args.name} : expects exactly two arguments.", args.position)
    return status_of(args, code), text


def status_of(args: Args, text: str) -> int:
    """A status whose page may be replaced. Raises KeywordError."""
    status = int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else 0
    if status not in PAGE_STATUSES:
        raise KeywordError(f"{args.name} : status code '{text}' not handled.", args.line.texts().index(text, 1))
    return status


def _add(args: Args, line: ErrorLine) -> None:
    args.proxy.error_lines = (*args.proxy.error_lines, line)


# --- the check of the whole ---


def check_errors(ctx: Context) -> None:
    """Works out the error pages of all proxies, and finds the groups that rules name. Reports what is not there."""
    for reply in files_of(ctx.notes).replies:
        _find_group(ctx, reply)
    for proxy in ctx.settings.proxies:
        if proxy.error_lines:
            proxy.error_pages = _pages(ctx, proxy)


def _find_group(ctx: Context, reply: ReplySpec) -> None:
    group = ctx.settings.http_errors.get(reply.group)
    where = f"Proxy '{reply.proxy}': "
    if group is None:
        ctx.reporter.alert(
            None, None, f"{where}unknown http-errors section '{reply.group}' referenced by an http reply ."
        )
        return
    reply.page = group.pages.get(reply.status)
    if reply.page is None:
        ctx.reporter.warning(
            None,
            None,
            f"{where}status '{reply.status}' referenced by an http reply not declared in http-errors section "
            f"'{reply.group}'.",
        )


def _pages(ctx: Context, proxy: ProxySettings) -> dict[int, Any]:
    """The pages of a proxy: later lines replace what earlier ones said."""
    pages: dict[int, Any] = {}
    for line in proxy.error_lines:
        for status, page in {**line.pages, **_imported(ctx, proxy, line)}.items():
            if page is None:
                pages.pop(status, None)
            else:  # compiled for each proxy: lines of a `defaults` section are those of many
                pages[status] = page if isinstance(page, Message) else replace(page)
    return pages


def _imported(ctx: Context, proxy: ProxySettings, line: ErrorLine) -> dict[int, Any]:
    """The pages that a line takes from a group."""
    if not line.group:
        return {}
    group = ctx.settings.http_errors.get(line.group)
    if group is None:
        ctx.reporter.alert(
            None, None, f"proxy '{proxy.name}': unknown http-errors section '{line.group}' (at {line.where})."
        )
        return {}
    for status in line.statuses:
        if status not in group.pages:
            ctx.reporter.warning(
                None,
                None,
                f"config: proxy '{proxy.name}' : status '{status}' not declared in http-errors section '{line.group}' "
                f"(at {line.where}).",
            )
    return {status: page for status, page in group.pages.items() if not line.statuses or status in line.statuses}


KEYWORDS.register(
    Keyword(
        ("errorfile",), PROXIES, errorfile, "<code> <file>", "Answers with a file instead of an error page.", "0.2"
    ),
    Keyword(("errorfiles",), PROXIES, errorfiles, "<name> [<code> ...]", "Answers with pages of a group.", "0.2"),
    Keyword(("errorloc",), PROXIES, errorloc(302), "<code> <url>", "Redirects instead of an error page.", "0.2"),
    Keyword(("errorloc302",), PROXIES, errorloc(302), "<code> <url>", "Redirects instead of an error page.", "0.2"),
    Keyword(("errorloc303",), PROXIES, errorloc(303), "<code> <url>", "Redirects to a GET instead of an error.", "0.2"),
    Keyword(("http-error",), PROXIES, http_error, "status <code> [<reply>]", "Defines an error page.", "0.2"),
)
