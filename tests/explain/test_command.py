"""The sub-command: its texts, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.explain.explaining import config
from tests.program.command import lbcore, messages
from tests.program.conftest import write

TEXT = """\
GET /a HTTP/1.1
  from 192.0.2.1:54321 to 127.0.0.1:8080 (frontend web, bind {cfg}:7)

frontend web
  {cfg}:8: http-request deny if {{ path /b }}
      {{ path /b }}: "/a", does not match
      not applied
  {cfg}:9: http-request set-path /x%[path]
      target: /a -> /x/a
      applied

backend app
  {cfg}:12: http-request set-header x-b 1
      request header x-b: "1" (new)
      applied

backend app (default_backend, {cfg}:10), balance roundrobin
  server s1 127.0.0.1:9001, UP, weight 1: eligible
request that is sent
  GET /x/a HTTP/1.1
  host: a:8080
  x-b: 1

"""
FRONT = "http-request deny if { path /b }\nhttp-request set-path /x%[path]"
REQUEST = "GET http://a:8080/a"


def test_an_explanation_reads_as_the_request_goes(tmp_path: Path) -> None:
    path = write(tmp_path, "lb.cfg", config(FRONT, "http-request set-header x-b 1"))
    done = lbcore("explain", "-f", path, REQUEST)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == TEXT.format(cfg=path)


def test_an_answer_is_shown_with_its_head_and_body(tmp_path: Path) -> None:
    front = 'http-request return status 200 content-type text/plain string "so it is"'
    lines = lbcore("explain", "-f", write(tmp_path, "lb.cfg", config(front)), REQUEST).stdout.splitlines()
    outcome = lines.index("outcome: answered with 200 (termination state LR)")
    assert lines[outcome + 1] == "  HTTP/1.1 200 OK"
    assert lines[-2:] == ["", "  so it is"]


def test_json_has_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, "lb.cfg", config(FRONT))
    found = json.loads(lbcore("explain", "-f", path, REQUEST, "--json").stdout)
    assert found["outcome"] == "forward"
    assert found["steps"][0]["acls"] == [{"acl": "{ path /b }", "value": "/a", "matched": False}]
    assert found["steps"][1]["changes"] == [{"what": "target", "before": "/a", "after": "/x/a"}]
    assert found["servers"][0]["name"] == "s1"


def test_bytes_and_addresses_are_texts_in_json(tmp_path: Path) -> None:
    front = "http-request wait-for-body time 1s\nhttp-request deny if { src 10.0.0.1 } or { req.body -m bin ff }"
    path = write(tmp_path, "lb.cfg", config(front))
    found = json.loads(lbcore("explain", "-f", path, "POST http://a/", "--data", "ab", "--json").stdout)
    assert [acl["value"] for acl in found["steps"][-1]["acls"]] == ["192.0.2.1", "6162"]


def test_data_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"\xff\0")
    path = write(
        tmp_path, "lb.cfg", config("http-request wait-for-body time 1s\nhttp-request deny if { req.body -m bin ff00 }")
    )
    done = lbcore("explain", "-f", path, "POST http://a/", "--data", f"@{tmp_path / 'body'}")
    assert "0xff00, matches" in done.stdout


def test_a_broken_configuration_is_told_as_in_check_mode(tmp_path: Path) -> None:
    path = write(tmp_path, "lb.cfg", "backend b\n    nonsense\n")
    done = lbcore("explain", "-f", path, REQUEST)
    assert (done.returncode, done.stdout) == (1, "")
    assert messages(done.stderr) == messages(lbcore("-c", "-f", path).stderr)


def test_what_makes_no_request_is_told_in_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, "lb.cfg", config())
    done = lbcore("explain", "-f", path, "GET ftp://a/")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "lbcore explain: 'ftp://a/' is no URL of http or https\n"


def test_bytes_that_are_no_text_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "lb.cfg"
    path.write_bytes(config("http-request deny if { path /XX }").encode().replace(b"XX", b"\xff\xc3\xa4"))
    done = lbcore("explain", "-f", str(path), REQUEST)
    assert done.returncode == 0, done.stderr
    assert r"if { path /\xff" in done.stdout


def test_a_backend_that_does_not_balance_shows_where_its_requests_go(tmp_path: Path) -> None:
    path = write(tmp_path, "lb.cfg", config("", "dispatch 127.0.0.1:9009\ncookie SRV insert indirect nocache"))
    text = Path(path).read_text().replace("127.0.0.1:9001", "127.0.0.1:9001 cookie one").replace("balance", "# balance")
    Path(path).write_text(text)
    for cookie, aside, server in (("SRV=", "chosen", "not eligible (only"), ("SRV=one", "not chosen", "chosen")):
        lines = lbcore("explain", "-f", path, REQUEST, "-H", f"Cookie: {cookie}").stdout.splitlines()
        assert f"  dispatch 127.0.0.1:9009: {aside}" in lines
        [line] = [line for line in lines if "server s1" in line]
        assert f"cookie one: {server}" in line
