"""Each lint finds what it is for, where it is, and nothing else; and leaves the nearest good configuration alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbcore.lint.finding import LINTS
from tests.lint.cases import CASES, TIMES, Case, config, front
from tests.lint.loading import lint


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_it_finds_what_it_is_for_where_it_stands(case: Case, tmp_path: Path) -> None:
    found = lint(tmp_path, case.fails)
    assert {one.id for one in found} == {case.id}
    line, word = case.at
    text = case.fails.splitlines()[found[-1].line - 1]
    assert text.strip() == line
    assert text[found[-1].column - 1 :].startswith(word)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_nothing_is_found_in_its_twin(case: Case, tmp_path: Path) -> None:
    assert lint(tmp_path, case.passes) == []


def test_every_lint_has_a_case() -> None:
    assert [case.id for case in CASES] == list(LINTS)


@pytest.mark.parametrize(
    "line",
    [
        "http-request deny if {{ path -m reg -f {file} }}",
        "http-request deny if {{ path,map_reg({file}) -m str 1 }}",
        "http-request deny if {{ \"path,regsub('^(a+)+\\$',b)\" -m str 1 }}",
        "http-request set-path \"%[path,regsub('^(a+)+\\$',b)]\"",
        "http-request replace-header x ^(a+)+$ 1",
        "http-request replace-path ^(a+)+$ 1",
    ],
)
def test_regular_expressions_are_found_wherever_they_stand(line: str, tmp_path: Path) -> None:
    (tmp_path / "patterns").write_text("^(a+)+$ 1\n" if "map" in line else "^(a+)+$\n")
    found = lint(tmp_path, front(line.format(file=tmp_path / "patterns")))
    assert [one.id for one in found] == ["LB301"]


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("http-request redirect location https://%[req.hdr(host)]%[path]", []),
        ("http-request redirect prefix //%[hdr(host)]", []),
        ("http-request redirect location %[path]?x", []),
        ("http-request redirect location /login?to=%[url]", []),
        ("http-request redirect location //%[path]", ["LB604"]),
        ("http-request redirect location https://%[req.hdr(x-to)]/", ["LB604"]),
        ("http-request redirect prefix %[urlp(to)]", ["LB604"]),
        ("http-response set-header Location https://example.com/%[capture.req.uri]", []),
    ],
)
def test_a_target_is_open_where_a_client_chooses_its_host(line: str, ids: list[str], tmp_path: Path) -> None:
    assert [one.id for one in lint(tmp_path, front(f"{line} if {{ path /a }}"))] == ids


def test_an_origin_is_reflected_by_a_capture_too(tmp_path: Path) -> None:
    allow = "http-response set-header Access-Control-Allow-Origin %[capture.req.hdr(1)]"
    other = "capture request header Host len 10\ncapture request header {} len 10\n"
    assert [one.id for one in lint(tmp_path, front(other.format("Origin") + allow))] == ["LB605"]
    assert lint(tmp_path, front(other.format("Referer") + allow)) == []


def test_a_lint_is_disabled_by_id_or_name(tmp_path: Path) -> None:
    case = CASES[0]
    assert lint(tmp_path, case.fails, case.id) == []
    assert lint(tmp_path, case.fails, LINTS[case.id].name) == []


def test_lines_that_a_condition_leaves_out_are_not_looked_at(tmp_path: Path) -> None:
    text = config(more=".if 0\nbackend other\n    server o1 127.0.0.1:9101\n.endif\n")
    assert lint(tmp_path, text) == []


def test_findings_are_sorted_by_place(tmp_path: Path) -> None:
    found = lint(tmp_path, front("acl b path /b\nhttp-request set-tos 8\noption httplog"))
    assert [one.id for one in found] == ["LB201", "LB801", "LB706"]
    assert [one.line for one in found] == sorted(one.line for one in found)


def test_columns_count_characters_not_bytes(tmp_path: Path) -> None:
    [one] = lint(tmp_path, front("http-request deny if { path /ä } { path_beg /é -i }"))
    line = (tmp_path / "lb.cfg").read_text().splitlines()[one.line - 1]
    assert line[one.column - 1 :] == "-i }"


RULES = "defaults rules\n    mode http\n" + "".join(f"    {line}\n" for line in TIMES.splitlines()) + "{}"
HEIRS = """frontend one from rules
    bind 127.0.0.1:8080
    default_backend app
frontend two from rules
    bind 127.0.0.1:8081
    {}
    default_backend app
defaults
    mode http
    timeout connect 5s
    timeout server 30s
backend app
    server s1 127.0.0.1:9001
"""


@pytest.mark.parametrize(
    ("lines", "own", "found"),
    [
        ("http-request return status 204\nhttp-request set-header x-a 1", "", [("LB102", 8)]),
        ("http-request return status 204", "http-request set-header x-a 1", [("LB102", 13)]),
        ("http-request deny if { path -m reg ^(a+)+$ }", "", [("LB301", 7)]),
        ("acl a path -m reg ^(a+)+$\nhttp-request deny if a", "", [("LB301", 7)]),
        ("http-request set-header x-a 1\ntcp-request content accept", "", [("LB101", 8)]),
        ("http-request redirect scheme https", "", [("LB107", 7)]),
        ("http-request deny if { path /a }", "http-request deny if { path /a }", [("LB103", 13)]),
        ("http-request deny if { path /a }", "http-request deny if { path /b }", []),
    ],
)
def test_rules_of_defaults_are_judged_once_with_those_of_their_heirs(
    lines: str, own: str, found: list[tuple[str, int]], tmp_path: Path
) -> None:
    text = RULES.format("".join(f"    {line}\n" for line in lines.splitlines())) + HEIRS.format(own)
    assert [(one.id, one.line) for one in lint(tmp_path, text)] == found


@pytest.mark.parametrize(
    ("line", "any_will_do"),
    [
        ("http-check expect status 100-599", True),
        ("http-check expect status 100-399,400-599", True),
        ("http-check expect ! status 600", True),
        ("http-check expect status 200-399", False),
        ("http-check expect ! status 500-599", False),
        ("http-check expect rstring .*", True),
        ("http-check expect rstring ok", False),
        ("http-check expect ! rstatus ^5", False),
        ("http-check expect hdr name server", False),
    ],
)
def test_expectations_that_any_answer_meets_are_found(line: str, any_will_do: bool, tmp_path: Path) -> None:
    text = config(back=f"option httpchk\n{line}", servers="server s1 127.0.0.1:9001 check")
    assert [one.id for one in lint(tmp_path, text)] == (["LB903"] if any_will_do else [])
