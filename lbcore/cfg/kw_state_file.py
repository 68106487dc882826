"""Where the states of servers are taken from at a start (manual 3.1, 4.2): `server-state-file`, `server-state-base`,
`load-server-state-from-file`, `server-state-file-name`."""

from __future__ import annotations

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, PROXIES, Keyword
from lbcore.cfg.kw_global import already, settings

BACKENDS_NAME = "use-backend-name"


def server_state_file(args: Args) -> None:
    if already(args, settings(args).server_state_file is not None):
        return
    text = args.take()
    if not text:
        raise KeywordError("'server-state-file' expect one argument: a file path.")
    settings(args).server_state_file = text


def server_state_base(args: Args) -> None:
    if already(args, settings(args).server_state_base is not None):
        return
    text = args.take()
    if not text:
        raise KeywordError("'server-state-base' expects one argument: a directory path.")
    settings(args).server_state_base = text


def load_server_state(args: Args) -> None:
    """`load-server-state-from-file global|local|none`."""
    if args.ignored("backend"):
        args.rest()
        return
    text = args.take()
    if text not in ("global", "local", "none"):
        raise KeywordError(f"'load-server-state-from-file' expects 'global', 'local' or 'none'. Got '{text}'")
    args.proxy.load_server_state = text


def state_file_name(args: Args) -> None:
    """`server-state-file-name [<file>|use-backend-name]`: a backend's own file."""
    if args.ignored("backend"):
        args.rest()
        return
    name = args.take()
    if args.more:
        raise KeywordError(f"'server-state-file-name' cannot handle unexpected argument '{args.take()}'.")
    args.proxy.server_state_file_name = None if name in ("", BACKENDS_NAME) else name


KEYWORDS.register(
    Keyword(("load-server-state-from-file",), PROXIES, load_server_state, "{global|local|none}",
            "Where the states of servers before a restart are taken from."),
    Keyword(("server-state-base",), GLOBAL, server_state_base, "<directory>", "Where server state files are."),
    Keyword(("server-state-file",), GLOBAL, server_state_file, "<file>", "The states of servers of all backends."),
    Keyword(("server-state-file-name",), PROXIES, state_file_name, "[<file>|use-backend-name]",
            "The states of servers of this backend."),
)  # fmt: skip
