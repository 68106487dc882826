"""The stick tables that cases look into, each with one entry: for our own engine, and as lines for HAProxy.

strings  string, 16 characters   known          every figure; gpc0, gpc1, gpt0
arrays   string, 16 characters   known          gpc, gpc_rate, gpt of three elements each
plain    string, 16 characters   known          stores nothing
numbers  integer                 5              gpc0, conn_cnt
v4       ip                      192.0.2.1      gpc0, conn_cnt
v6       ipv6                    2001:db8::1    gpc0, conn_cnt
blocks   binary, 4 bytes         abcd           gpc, gpc_rate of one element
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lbcore.table.settings import Stored, TableSettings
from lbcore.table.table import Table

HOUR = 3_600_000  # ms: no rate falls, and nothing expires, while it is asked
LENGTH = 16
FIGURES = (
    "server_id", "gpt0", "gpc0", "gpc0_rate", "conn_cnt", "conn_rate", "conn_cur", "sess_cnt", "sess_rate",
    "http_req_cnt", "http_req_rate", "http_err_cnt", "http_err_rate", "bytes_in_rate", "bytes_out_rate", "gpc1",
    "gpc1_rate", "http_fail_cnt", "http_fail_rate",
)  # fmt: skip
BYTES = {"bytes_in_cnt": 5000, "bytes_out_cnt": 3_000_000_000}
FEW = {"gpc0": 4, "conn_cnt": 2}


@dataclass(frozen=True, slots=True)
class Filled:
    """A table with its entry. `key` is as the stats socket has it, `sample` what gives it in an expression."""

    name: str
    type: str
    key: str
    sample: str
    raw: bytes
    figures: dict[str, int] = field(default_factory=dict)
    counters: tuple[int, ...] = ()  # gpc, and gpc_rate
    tags: tuple[int, ...] = ()  # gpt
    length: int = LENGTH

    @property
    def store(self) -> dict[str, Stored]:
        found = {name: Stored(1, HOUR if name.endswith("rate") else 0) for name in self.figures}
        if self.counters:
            found |= {"gpc": Stored(len(self.counters)), "gpc_rate": Stored(len(self.counters), HOUR)}
        return found | ({"gpt": Stored(len(self.tags))} if self.tags else {})

    def table(self) -> Table:
        """A table of our own."""
        settings = TableSettings(self.name, self.type, 10, length=self.length, expire=HOUR, store=self.store)
        table = Table(settings)
        entry = table.set(self.raw)
        values = {(name, 0): value for name, value in self.figures.items()}
        values |= {(name, at): n for name in ("gpc", "gpc_rate") for at, n in enumerate(self.counters)}
        values |= {("gpt", at): n for at, n in enumerate(self.tags)}
        for (name, at), value in values.items():
            place = table.field(name, at)
            assert place is not None, (self.name, name)
            table.add(entry, place, value)
        table.release(entry)
        return table

    def lines(self) -> str:
        """A backend with this table."""
        store = [_stored(name, stored) for name, stored in self.store.items()]
        length = f" len {self.length}" if self.type in ("string", "binary") else ""
        kept = f" store {','.join(store)}" if store else ""
        return f"backend {self.name}\n  stick-table type {self.type}{length} size 10 expire 1h{kept}\n"

    def rules(self) -> list[str]:
        """What fills elements of arrays, which the stats socket does not set."""
        if not self.counters:
            return []
        counted = [f"sc-inc-gpc({at},0)" for at, n in enumerate(self.counters) for _ in range(n)]
        tagged = [f"sc-set-gpt({at},0) {n}" for at, n in enumerate(self.tags)]
        return [f"track-sc0 {self.sample} table {self.name}", *counted, *tagged]

    def command(self) -> str | None:
        """What fills the rest on the stats socket."""
        if self.counters:
            return None
        return " ".join([f"set table {self.name} key {self.key}", *(f"data.{n} {v}" for n, v in self.figures.items())])


def _stored(name: str, stored: Stored) -> str:
    array = name in ("gpc", "gpc_rate", "gpt")
    numbers = [str(stored.elements)] * array + ["1h"] * bool(stored.period)
    return f"{name}({','.join(numbers)})" if numbers else name


TABLES = {
    one.name: one
    for one in (
        Filled("strings", "string", "known", "str(known)", b"known",
               {**{name: at for at, name in enumerate(FIGURES, 1)}, **BYTES}),
        Filled("arrays", "string", "known", "str(known)", b"known", counters=(0, 2, 1), tags=(0, 9, 4294967295)),
        Filled("plain", "string", "known", "str(known)", b"known"),
        Filled("numbers", "integer", "5", "int(5)", (5).to_bytes(4, "big"), FEW, length=4),
        Filled("v4", "ip", "192.0.2.1", "ipv4(192.0.2.1)", bytes((192, 0, 2, 1)), FEW, length=4),
        Filled("v6", "ipv6", "2001:db8::1", "ipv6(2001:db8::1)", bytes.fromhex("20010db8") + bytes(11) + b"\1", FEW,
               length=16),
        Filled("blocks", "binary", "abcd", "bin(61626364)", b"abcd", counters=(3,), length=4),
    )
}  # fmt: skip
