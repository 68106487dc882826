"""Server state files: what `show servers state` wrote before a restart, and what is taken over of it (manual 3.1,
"server-state-file"; management guide 9.3, "show servers state").

A file begins with the version of its format; each line below is a server. `Row` has what counts for us; what belongs to
DNS is read over.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from lbcore.proxy.health import CheckStatus, Outcome
from lbcore.proxy.machine import DRAIN, MAINT, Admin, Op
from lbcore.proxy.settings import GlobalSettings, ProxySettings

VERSION: Final = "1"
FIELDS_MIN: Final = 20  # the version's first release had so many
AGENT_PORT: Final = 24  # the place of the last column
WEIGHT_MAX: Final = 256
PORT_MAX: Final = 65535
_NUMBER = re.compile(r"-?\d+")


class StateFileError(Exception):
    """A file, or a row, can't be used; what people are told of it."""


class Row(NamedTuple):
    """A server as it was."""

    backend: str
    server: str
    address: str
    op: Op
    admin: Admin
    uweight: int
    iweight: int
    seconds: int  # since its state changed
    status: CheckStatus
    outcome: Outcome
    health: int
    hostname: str | None
    port: int  # 0: unknown
    check: tuple[str, int]  # where health checks went, "" and 0: as the configuration says
    agent: tuple[str, int]  # where the agent was asked


def source(chosen: GlobalSettings, proxy: ProxySettings) -> str | None:
    """The path of the file that a backend's states are in, None if it wants none (or the global one is not named)."""
    if proxy.load_server_state == "global":
        name = chosen.server_state_file
    elif proxy.load_server_state == "local":
        name = proxy.server_state_file_name or proxy.name
    else:
        return None
    if name is None or name.startswith("/") or chosen.server_state_base is None:
        return name
    return f"{chosen.server_state_base.rstrip('/')}/{name}"


def read(path: str, proxy: ProxySettings) -> list[list[str]]:
    """The rows of a file as their fields. Raises StateFileError in the words of HAProxy."""
    local = proxy.load_server_state == "local"
    start, kind = (f"Proxy '{proxy.name}': ", "") if local else ("config: ", "global ")
    try:
        lines = Path(path).read_text(errors="surrogateescape").splitlines()
    except OSError as error:
        end = "." if local else ""
        raise StateFileError(f"{start}Can't open {kind}server state file '{path}': {error.strerror}{end}") from None
    if not lines or lines[0] != VERSION:
        the = "the " if local else "the global "
        raise StateFileError(f"{start}Can't get version of {the}server state file '{path}'.")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) < FIELDS_MIN:
            raise StateFileError(f"{start}corrupted {kind}server state file '{path}' at line {number}.")
        rows.append(fields)
    return rows


def parse(fields: list[str]) -> Row:
    """What the fields of a row say. Raises StateFileError in the words of HAProxy."""
    name = f"{fields[1]}/{fields[3]}"

    def number(at: int, column: str, low: int, high: int) -> int:
        text = fields[at]
        if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
            raise StateFileError(
                f"server-state application failed for server '{name}', invalid {column} value '{text}'"
            )
        return int(text)

    admin = Admin(number(6, "srv_admin_state", 0, 0x7F))
    if admin & MAINT and admin & DRAIN:
        raise StateFileError(
            f"server-state application failed for server '{name}', invalid srv_admin_state value '{fields[6]}'"
        )
    status = number(10, "srv_check_status", 0, max(CheckStatus))
    hostname = fields[17] if len(fields) > 17 and fields[17] != "-" else None
    known = len(fields) > 18 and fields[18].isdecimal()  # not so in files of the first releases
    return Row(
        backend=fields[1],
        server=fields[3],
        address=fields[4],
        op=Op(number(5, "srv_op_state", 0, max(Op))),
        admin=admin,
        uweight=number(7, "srv_uweight", 0, WEIGHT_MAX),
        iweight=number(8, "srv_iweight", 0, WEIGHT_MAX),
        seconds=number(9, "srv_last_time_change", -1, 1 << 31),
        status=CheckStatus(status) if status in CheckStatus.__members__.values() else CheckStatus.UNKNOWN,
        outcome=Outcome(number(11, "srv_check_result", 0, max(Outcome))),
        health=number(12, "srv_check_health", 0, 1 << 31),
        hostname=hostname,
        port=number(18, "srv_port", 0, PORT_MAX) if known else 0,
        check=_place(fields, 22, 21),
        agent=_place(fields, 23, 24),
    )


def _place(fields: list[str], host: int, port: int) -> tuple[str, int]:
    """The address and the port in two columns of a row."""
    if len(fields) <= AGENT_PORT:
        return "", 0
    number = int(fields[port]) if fields[port].isdecimal() else 0
    return "" if fields[host] == "-" else fields[host], number if number <= PORT_MAX else 0
