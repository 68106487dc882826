"""The `peers` section (manual 3.5): who is taught what stick tables have, by whom we are taught, tables of its own."""

from __future__ import annotations

import re
import socket
from dataclasses import MISSING, dataclass, fields, replace

from lbcore.base.address import Address
from lbcore.base.diag import Diagnostic, Severity
from lbcore.cfg.address import BIND as BIND_PLACE
from lbcore.cfg.address import AddressError, Place, parse_address
from lbcore.cfg.arguments import CAPITAL, Args, KeywordError
from lbcore.cfg.arguments import SERVER as SERVER_LEAD
from lbcore.cfg.context import Context
from lbcore.cfg.dispatch import dispatch, section_line
from lbcore.cfg.keywords import KEYWORDS, PEERS, Keyword
from lbcore.cfg.known import not_yet, unknown_option
from lbcore.cfg.kw_bind import Phrases, bind_options
from lbcore.cfg.kw_log import read_target
from lbcore.cfg.kw_stick_table import read_table
from lbcore.cfg.words import Line
from lbcore.conn.settings import BindSettings
from lbcore.proxy.settings import ServerSettings
from lbcore.table.peering import PeerSettings, PeersSettings
from lbcore.table.settings import TableSettings

_NAME = re.compile(r"[A-Za-z0-9_:.-]*")
_PEER = Place(port_needed=True, descriptors=False)
_OPTIONS = ("interface", "source", "tcp-ut")  # of `server` lines, that mean something for a peer
_WITHOUT_EFFECT = ("agent-check", "check", "init-addr")
_NOWHERE = Address(socket.AF_UNSPEC)
_MIXED = 'mixing "peer" and "bind" line is forbidden'


@dataclass(slots=True)
class _Open:
    """The section being read."""

    current: PeersSettings
    local_line: str = ""  # file:line of our own name
    by_peer: bool = False  # our address stands, or is to stand, on a `peer` line
    default_bind: BindSettings | None = None
    default_server: PeerSettings | None = None


class PeersSection:
    """Reads `peers` sections."""

    def open(self, ctx: Context, line: Line) -> None:
        """Creates the section; one that can't be used is still read, to show its errors."""
        local = ctx.environment.get("HAPROXY_LOCALPEER") or ""
        ctx.notes[__name__] = _Open(PeersSettings(line.text(1), local, where=line.where))
        section_line(ctx, line, _open)

    def line(self, ctx: Context, line: Line) -> None:
        dispatch(ctx, line, "peers")

    def close(self, ctx: Context) -> None:
        """Nothing is left to do: what is incomplete is found by the check of the configuration."""


def _open(args: Args) -> None:
    name = args.take()
    if not name:
        raise KeywordError("missing name for peers section.")
    matched = _NAME.match(name)
    assert matched is not None, "the pattern matches an empty text, too"
    if matched.end() < len(name):
        raise KeywordError(f"character '{name[matched.end()]}' is not permitted in 'peers' name '{name}'.")
    sections = args.context.settings.peers
    other = next((one for one in sections if one.name == name), None)
    if other is not None:
        raise KeywordError(
            f"peers section '{name}' has the same name as another peers section declared at {other.where}.",
            lead=CAPITAL,
        )
    sections.append(_state(args.context).current)


def _state(ctx: Context) -> _Open:
    state = ctx.notes[__name__]
    assert isinstance(state, _Open)
    return state


# --- who ---


def peer(args: Args) -> None:
    """`peer|server <name> [<address>] [<option> ...]`."""
    state = _state(args.context)
    name = args.take()
    if not name:
        raise KeywordError(f"'{args.name}' expects <name> and <addr>[:<port>] as arguments.")
    if name == state.current.local:
        _local(args, state, name)
    else:
        _remote(args, state, name)


def _local(args: Args, state: _Open, name: str) -> None:
    """Our own line: on one of `peer` stands where we listen, beside one of `server` a `bind` line says it."""
    label = f"'{args.name} {name}'"
    if state.local_line:
        raise KeywordError(f"{label} : local peer name already referenced at {state.local_line}. {name}")
    state.local_line = args.line.where
    state.current.named = True
    if args.name == "peer":
        if state.current.binds:
            raise KeywordError(_MIXED)
        state.by_peer = True
        if args.more:
            text = args.take()
            listener = BindSettings(_address(args, text, label), where=args.line.where, text=text)
            state.current.binds.append(_by_default(listener, state))
    if args.more:
        hint = " Hint: no address was expected for this server." if args.name == "server" else ""
        raise KeywordError(f"'server {name}/{name}' : unknown keyword '{args.take()}'.{hint}", lead=SERVER_LEAD)


def _remote(args: Args, state: _Open, name: str) -> None:
    if any(one.name == name for one in state.current.peers):
        raise KeywordError(f"'{args.name} {name}' : this peer has a line already.")
    label = f"'server {state.current.local}/{name}' : "  # HAProxy's servers of peers belong to our own name
    address = None
    if args.more:
        address = _remote_address(args, args.take(), label)
    start = state.default_server or PeerSettings(name, None)
    found = replace(start, name=name, address=address, where=args.line.where)
    state.current.peers.append(_options(args, found, label, "."))


def _address(args: Args, text: str, label: str) -> Address:
    """Where we listen."""
    try:
        return parse_address(text, BIND_PLACE, args.context.environment)
    except AddressError as error:
        raise KeywordError(f"{label} : {error}") from None


def _remote_address(args: Args, text: str, label: str) -> Address:
    try:
        return parse_address(text, _PEER, args.context.environment)
    except AddressError as error:
        raise KeywordError(f"{label}{error}", lead=SERVER_LEAD) from None


def default_server(args: Args) -> None:
    """`default-server [<option> ...]`: what the lines of peers below start from."""
    state = _state(args.context)
    start = state.default_server or PeerSettings("", None)
    state.default_server = _options(args, start, "", ". Hint: no address was expected for this server.")


def _options(args: Args, found: PeerSettings, label: str, end: str) -> PeerSettings:
    """What is left of a line, as options of a server. Those that mean nothing for a peer are told of, or refused."""
    args.server = said = ServerSettings(found.name, _NOWHERE)
    ignored = False
    while args.more:
        word = args.take()
        row = KEYWORDS.find("server", word) if word in _OPTIONS or word in _WITHOUT_EFFECT else None
        if row is None:
            known, hint = unknown_option("server", word)
            text = not_yet(f"{word} (of peers)") if known else f"unknown keyword '{word}'"
            raise KeywordError(f"{label}{text}{'' if hint else end}", hint=hint, lead=SERVER_LEAD)
        row.parse(args)
        ignored |= word in _WITHOUT_EFFECT
    if ignored:
        what = f"'{args.name} {found.name}'".replace(" '", "'")
        args.warn(f"{what} : init_addr, resolvers, check and agent are ignored for peers.", at=0)
    return replace(
        found,
        source=said.source or found.source,
        interface=said.interface or found.interface,
        tcp_ut=said.tcp_ut or found.tcp_ut,
    )


# --- where ---


def bind(args: Args) -> None:
    """`bind <address> [<option> ...]`: the one address of the section."""
    state = _state(args.context)
    text = args.take()
    if not text:
        raise KeywordError("'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.")
    if state.by_peer:
        raise KeywordError(_MIXED)
    if state.current.binds:
        raise KeywordError(
            'One listener per "peers" section is authorized but another is already configured at '
            f"[{state.current.binds[0].where}]."
        )
    address = _address(args, text, "'bind'")
    label = f"'bind {text}' in section 'peers'"
    found = bind_options(args, text, Phrases(f"{label} : ", "", f"{label}: unknown keyword ", "."))
    state.current.binds.append(_by_default(replace(found, address=address), state))


def default_bind(args: Args) -> None:
    """`default-bind [<option> ...]`: what the address of the section starts from, if its line comes later."""
    state = _state(args.context)
    text = args.peek()
    label = f"'default-bind {text}' in section 'peers'"
    state.default_bind = bind_options(args, "", Phrases(f"{label} : ", "", f"{label}: unknown keyword ", "."))


def _by_default(found: BindSettings, state: _Open) -> BindSettings:
    """The listener with what `default-bind` says where its own line says nothing else."""
    start = state.default_bind
    if start is None:
        return found
    own = {"address", "where", "text"}
    for field in fields(BindSettings):
        blank = field.default if field.default is not MISSING else None
        if field.name not in own and getattr(found, field.name) == blank:
            setattr(found, field.name, getattr(start, field.name))
    return found


# --- what ---


def table(args: Args) -> None:
    """`table <name> type <type> ...`: a stick table of the section's own, called `<section>/<name>` elsewhere."""
    current = _state(args.context).current
    name = args.take()
    found = TableSettings(
        f"{current.name}/{name}", "", 0, section=current.name, peers=current.name, where=args.line.where
    )
    if any(other.name == found.name for other in current.tables):
        raise KeywordError(f"table: '{name}' is already defined in this section.")
    current.tables.append(read_table(args, found))


def log(args: Args) -> None:
    """`log global`, or a target with its options: who is told when peers come and go."""
    targets = _state(args.context).current.log_targets
    if args.peek() == "global" and args.position + 1 == len(args.line.words):
        args.take()
        targets.extend(args.context.settings.globals.log_targets)
        return
    targets.append(read_target(args, args.take(), " or global"))


def disabled(args: Args) -> None:
    """`disabled`: the section does nothing; its tables are there."""
    _state(args.context).current.disabled = True


def enabled(args: Args) -> None:
    """`enabled`: takes `disabled` back."""
    _state(args.context).current.disabled = False


# --- the check of the whole ---


def check_peers(ctx: Context) -> None:
    """Looks whether sections are complete, and whether what tables name is there; these then know who shares them."""
    settings = ctx.settings
    for section in list(settings.peers):
        if not section.named and not section.disabled:
            text = f"Removing incomplete section 'peers {section.name}' (no peer named '{section.local}')."
            ctx.reporter.warning(None, None, text)
            section.disabled = True
    sections = {section.name: section for section in settings.peers}
    tables = {one.name: one for one in settings.tables()}
    for proxy in settings.proxies:
        if proxy.table is not None and proxy.table.peers is not None and proxy.table.peers not in sections:
            _alert(ctx, f"Proxy '{proxy.name}': unable to find sync peers '{proxy.table.peers}'.", "")
    for one in tables.values():
        _check_target(ctx, one, tables)
        if one.peers is not None and one.peers in sections and sections[one.peers].disabled:
            one.peers = None


def _check_target(ctx: Context, one: TableSettings, tables: dict[str, TableSettings]) -> None:
    if one.write_to is None:
        return
    target = tables.get(one.write_to)
    wrong = ""
    if target is None:
        wrong = f"unable to find table '{one.write_to}'"
    elif target is one:
        wrong = "a table cannot be written to from itself"
    elif (target.type, target.length) != (one.type, one.length):
        wrong = f"table '{one.write_to}' has other keys"
    elif one.peers is None:
        wrong = "it takes what peers tell, and the table has no 'peers'"
    if wrong:
        _alert(ctx, f"stick-table '{one.name}': 'write-to': {wrong}.", one.where)


def _alert(ctx: Context, text: str, where: str) -> None:
    file, _, number = where.rpartition(":")
    lead = f"parsing [{where}] : " if where else ""
    ctx.reporter.diagnostics.add(Diagnostic(Severity.ALERT, f"config : {lead}{text}", file, int(number or 0)))


_SERVER = "<name> [<address>] [interface <name>] [source <address>] [tcp-ut <time>]"

KEYWORDS.register(
    Keyword(("bind",), PEERS, bind, "<address> [<option> ...]", "Where peers may call.", "0.3"),
    Keyword(("default-bind",), PEERS, default_bind, "[<option> ...]", "What 'bind' starts from.", "0.3"),
    Keyword(("default-server",), PEERS, default_server, "[<option> ...]", "What lines of peers start from.", "0.3"),
    Keyword(("disabled",), PEERS, disabled, "", "Shares nothing.", "0.3"),
    Keyword(("enabled",), PEERS, enabled, "", "Takes 'disabled' back.", "0.3"),
    Keyword(("log",), PEERS, log, "{global|<address> ...}", "Who is told when peers come and go.", "0.3"),
    Keyword(("peer",), PEERS, peer, _SERVER, "A peer; of the local one, where we listen.", "0.3"),
    Keyword(("server",), PEERS, peer, _SERVER, "A peer, beside a 'bind' line.", "0.3"),
    Keyword(("table",), PEERS, table, "<name> type <type> size <entries> ...", "A stick table of the section.", "0.3"),
)
