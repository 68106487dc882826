"""The same commands about stick tables give the same answers on HAProxy's stats socket and in a session of ours.

The commands change what later ones see, so all are put to each side in one go; each answer is compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lbcore.cli import registry
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from lbcore.table.settings import Stored, TableSettings
from lbcore.table.tables import Tables
from tests.cli.fakes import ShownProcess
from tests.peers.haproxy import Balancer, newer_haproxy
from tests.peers.stats_socket import exchange

EVERYTHING = (
    "conn_cnt,conn_rate(10s),conn_cur,sess_cnt,sess_rate(3h),http_req_cnt,http_req_rate(10s),http_err_cnt,"
    "http_err_rate(10s),http_fail_cnt,http_fail_rate(10s),bytes_in_cnt,bytes_in_rate(1s),"
    "bytes_out_cnt,bytes_out_rate(1s),gpc(2),gpc_rate(2,5h),gpt(3),server_id,server_key"
)
CONFIG = """
global
  stats socket "${STATS}" level admin
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend f
  bind "${STATS}.fe"
  stick-table type ip size 100k expire 1h store EVERYTHING
backend t2
  stick-table type string len 8 size 5 nopurge store gpc0,gpc1,gpt0,gpc0_rate(10h),gpc1_rate(1s)
backend t3
  stick-table type integer size 1m srvkey addr store server_id
backend t4
  stick-table type binary len 5 size 7 store conn_cnt
backend t5
  stick-table type ipv6 size 7 expire 1h store conn_cnt
backend none
""".replace("EVERYTHING", EVERYTHING)

SECONDS = {"1s": 1000, "10s": 10_000, "3h": 10_800_000, "5h": 18_000_000, "10h": 36_000_000}


def stored(text: str) -> dict[str, Stored]:
    """A `store` argument."""
    found = {}
    for name, first, second in re.findall(r"(\w+)(?:\((\w+)(?:,(\w+))?\))?", text):
        period = next((SECONDS[word] for word in (first, second) if word in SECONDS), 0)
        found[name] = Stored(int(first) if first.isdigit() else 1, period)
    return found


def tables() -> Tables:
    """Those of CONFIG."""
    stores = [stored(text) for text in re.findall(r" store (\S+)", CONFIG)]
    return Tables(
        [
            TableSettings("f", "ip", 102_400, expire=3_600_000, store=stores[0]),
            TableSettings("t2", "string", 5, length=8, nopurge=True, store=stores[1]),
            TableSettings("t3", "integer", 1 << 20, srvkey="addr", store=stores[2]),
            TableSettings("t4", "binary", 7, length=5, store=stores[3]),
            TableSettings("t5", "ipv6", 7, expire=3_600_000, store=stores[4]),
        ]
    )


SAME = [
    "show table", "show table f", "show table nope", "show table none", "show table f key", "show table f key 1.2.3.4",
    "show table f key foo", "show table f key 1.2.3.4 extra", "show table f key ::1", "show table f foo",
    "show table f keyx 1", "show table f data", "show table f data.", "show table f data.foo",
    "show table f data.foo eq 1", "show table f data.gpc0", "show table f data.gpc0 eq 1", "show table f data.conn_cnt",
    "show table f data.conn_cnt eq", "show table f data.conn_cnt xx 1", "show table f data.conn_cnt eq x",
    "show table f data.conn_cnt eq 1x", "show table f data.conn_cnt eq +1", "show table f data.conn_cnt eq 0x10",
    "show table f data.conn_cnt EQ 1", "show table f data.CONN_CNT eq 1",
    "show table f data.conn_cnt eq 18446744073709551616", "show table f data.conn_cnt eq 9223372036854775808",
    "show table f data.conn_cnt eq -9223372036854775808", "show table f data.gpt0 eq 0",
    "show table t4", "show table t4 key", "show table t4 key abc", "show table t4 foo",
    "show table f data.conn_cnt eq 1 data.sess_cnt eq 1 data.conn_cnt eq 1 data.conn_cnt eq 1",
    "show table f data.conn_cnt eq 1 data.sess_cnt eq 1 data.conn_cnt eq 1 data.conn_cnt eq 5 data.conn_cnt eq 1",
    "show table f data.conn_cnt eq 1 data.sess_cnt eq 1 data.conn_cnt eq x data.conn_cnt eq 5 data.conn_cnt eq 1",
    "show table f data.conn_cnt eq 1 data.sess_cnt", "show table f data.conn_cnt eq 1 data.nope eq 1",
    "set table", "set table nope", "set table nope key", "set table none key 1", "set table f key",
    "set table f foo", "set table f data.conn_cnt eq 1", "set table f data.nope", "set table f key 1.2.3.4",
    "show table f", "set table f key 1.2.3.5 data.conn_cnt 5", "set table f key 1.2.3.5 data.conn_cnt",
    "set table f key 1.2.3.5 data.conn_cnt x", "set table f key 1.2.3.5 data.foo 1",
    "set table f key 1.2.3.5 data. 1", "set table f key 1.2.3.5 data 1",
    "set table f key 1.2.3.5 data.gpc0 1", "set table f key 1.2.3.5 foo 1",
    "set table f key 1.2.3.5 data.conn_cnt 1 data.sess_cnt 7 data.sess_rate 9", "show table f",
    "set table f key 1.2.3.5 data.server_key abc", "set table f key 1.2.3.5 data.server_id 3",
    "show table f key 1.2.3.5", "set table f key 1.2.3.5 data.server_id -3", "set table f key 1.2.3.5 data.gpc 3",
    "set table f key 1.2.3.5 data.gpt 3", "set table f key 1.2.3.5 data.gpt0 3",
    "set table f key 1.2.3.5 data.gpc_rate 30", "set table f key 1.2.3.5 data.bytes_in_cnt 18446744073709551615",
    "set table f key 1.2.3.5 data.bytes_in_cnt 9223372036854775807", "show table f data.gpt gt 0",
    "show table f data.bytes_in_cnt gt 9223372036854775806", "show table f data.server_id lt 0",
    "set table f key 1.2.3.5 data.bytes_out_cnt -5", "show table f data.bytes_out_cnt lt 0",
    "set table f key 1.2.3.5 data.conn_cnt 4294967297", "show table f key 1.2.3.5",
    "set table f key 1.2.3.5 data.conn_cnt -1 data.server_id 4294967299 data.sess_rate 4294967396",
    "set table f key 1.2.3.5 data.conn_cnt 99999999999999999999", "set table f key 1.2.3.5 data.conn_cnt +5",
    "show table f", "show table f data.conn_cnt gt 1 data.sess_cnt lt 100", "show table f data.sess_rate ge 100",
    "show table f data.sess_rate gt 100", "show table f data.conn_cnt ne 0", "show table f data.conn_cnt le 0",
    "show table f data.gpc_rate eq 30", "show table f data.conn_cnt gt -1",
    "set table f key foo data.conn_cnt 1", "set table f key 1.2.3 data.conn_cnt 1",
    "set table f key 01.2.3.4 data.conn_cnt 1", "set table f key ::1 data.conn_cnt 1",
    "set table f key ::ffff:1.2.3.4 data.conn_cnt 1",
    "set table t5 key 1.2.3.4 data.conn_cnt 1", "set table t5 key localhost data.conn_cnt 2", "show table t5",
    "set table t5 key ::1 data.conn_cnt 1", "set table t5 key ::ffff:1.2.3.4 data.conn_cnt 00012", "show table t5",
    "show table t5 key 0:0::1", "clear table t5 key ::0001", "show table t5",
    "set table t3 key 5 data.server_id 3", "set table t3 key -5 data.server_id 4",
    "set table t3 key x5 data.server_id 4", "set table t3 key 4294967297 data.server_id 4",
    "set table t3 key 4294967295 data.server_id 4", "show table t3",
    "set table t4 key", "set table t4 key abc data.conn_cnt 1", "set table t4 key abc",
    "set table t2 key abcdefghijkl data.gpc0 1", "set table t2 key b data.gpc0 2 data.gpc0_rate 10",
    "set table t2 key \\ a\\ b=\\\\c data.gpc0 3",
    "set table t2 key d data.gpt0 4", "set table t2 key é", "set table t2 key g data.gpc0 4", "show table t2",
    "show table t2 key abcdefg", "show table t2 key abcdefghijkl", "show table t2 key \\ a\\ b=\\\\c",
    "show table t2 data.gpc0 ne 1 data.gpt0 eq 0", "show table t2 data.gpc0 ne 1 data.gpt0 eq 4",
    "show table t2 data.gpc0_rate gt 1",
    "clear table", "clear table nope", "clear table none", "clear table f key", "clear table f key x",
    "clear table f key 9.9.9.9", "clear table f key 1.2.3.4", "clear table f key 1.2.3.4 extra", "show table f",
    "clear table f foo", "clear table f data.conn_cnt", "clear table f data.conn_cnt eq",
    "clear table f data.nope eq 1", "clear table nope key", "clear table t4", "clear table t4 key",
    "clear table t4 key abc", "clear table t2 data.gpc0 gt 2 data.gpc1 eq 1", "show table t2",
    "clear table t2 data.gpc0 gt 2 data.gpc1 eq 0", "show table t2", "clear table t2", "show table t2",
    "clear table f", "show table",
    "set severity-output string;show table;show table f",
    "set severity-output string;show table nope;set table f key;clear table;show table f key;show table f data.x eq 1",
    "user;show table", "user;set table", "user;set table nope", "user;set table f", "user;set table f key 1.2.3.4",
    "user;set table f foo", "user;set table f data.conn_cnt eq 1", "user;clear table", "user;clear table nope",
    "user;clear table f", "user;clear table f foo", "operator;set table f key 1.2.3.4;show table f;clear table f",
    "prompt;show table t3;show table t5",
]  # fmt: skip

# HAProxy 2.8 takes the beginning of these for a number, or what is no number for 0, does nothing without saying so, or
# looks at memory behind a word. Ours refuses.
STRICTER = {
    "set table f": 'Required arguments: <table> key <key> [data.<store_data_type> <value>]*\n',
    "set table t3 key 5x data.server_id 4": "Invalid key\n",
    "set table t3 key 0x10 data.server_id 4": "Invalid key\n",
    "set table t3 key +7 data.server_id 4": "Invalid key\n",
    "show table f data.conn_cnt eq -": "Filter entry #1: Require a valid integer value to compare against\n",
    "set table f key 1.2.3.4 data.conn_cnt -": "Require a valid integer value to store\n",
    "show table f data.conn_cnt eq 1 foo": "Filter entry #2: Unknown data type\n",
    "show table f data.server_key eq 0": "Filter entry #1: 'server_key' holds a text, which can't be compared\n",
    "set table f key 1.2.3.4 data.server_key 5": "'server_key' holds a text, which can't be set\n",
}  # fmt: skip


def plain(text: str) -> str:
    """Without numbers of entries and what time changes; entries in one order (ours is not that of keys)."""
    text = re.sub(r"^0x[0-9a-f]+: ", "0xN: ", text, flags=re.MULTILINE)
    text = re.sub(r" exp=[1-9]\d*", " exp=N", text)
    text = re.sub(r" or (<table> )?ptr <ptr>( \[data[^]]*\]\*)?", "", text)  # 2.8 has no `ptr`
    lines = text.splitlines(keepends=True)
    places = [at for at, line in enumerate(lines) if line.startswith("0xN: ")]
    for at, line in zip(places, sorted(lines[at] for at in places), strict=True):
        lines[at] = line
    return "".join(lines)


def ours(process: ShownProcess, sent: str) -> str:
    session = Session(registry(), process, Level.ADMIN)
    return plain((session.feed(sent.encode() + b"\n") + session.end_of_input()).decode("latin-1"))


@pytest.fixture(scope="module")
def balancer() -> Iterator[Balancer]:
    program = newer_haproxy()
    if program is None:
        pytest.skip("haproxy 2.8 is not installed")
    with Balancer(program, CONFIG) as running:
        yield running


def test_answers_are_haproxys(balancer: Balancer) -> None:
    process = ShownProcess(all_tables=tables())
    different = {}
    for index, sent in enumerate(SAME):
        answer = exchange(balancer.stats_path, sent.encode() + b"\n").decode("latin-1")
        theirs, mine = plain(answer), ours(process, sent)
        if theirs != mine:
            different[index, sent] = theirs, mine
    assert different == {}


@pytest.mark.parametrize("sent", STRICTER)
def test_what_haproxy_misreads_is_refused(sent: str) -> None:
    process = ShownProcess(all_tables=tables())
    assert ours(process, sent) == STRICTER[sent] + "\n"
    assert all(table.used == 0 for table in process.all_tables)
