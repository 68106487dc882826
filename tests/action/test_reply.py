"""`return`, and the arguments of all that answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbcore.action.reply import ReplySpec, parse_reply
from lbcore.http.reply import Message, default_page
from lbcore.sample.words import ParseError
from lbcore.stream.rules import Close, Reply, Ruleset
from tests.action.replies import parse, run, sent, words
from tests.fetch.transactions import FakeBuild, FakeWorld, request, respond


def warnings(text: str) -> list[str]:
    """What reading a `return` warns of."""
    found: list[str] = []
    parse(text, warn=lambda text, at=None: found.append(text))
    return found


def test_return_answers_with_200_and_nothing_else() -> None:
    outcome = run("return", request())
    assert sent(outcome) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.term, outcome.counted) == (200, "LR", "")


def test_return_of_a_response_ends_in_its_head() -> None:
    outcome = run("return", respond(request()), Ruleset.HTTP_RESPONSE)
    assert isinstance(outcome, Reply)
    assert outcome.term == "LH"


def test_formats_are_evaluated_for_each_request() -> None:
    run_it = parse("return content-type text/plain lf-string %[path]! hdr x-m %[method]").make(FakeBuild())
    assert [sent(run_it(request(f"GET {path} HTTP/1.1"))) for path in ("/a", "/bc")] == [
        b"HTTP/1.1 200 OK\r\nx-m: GET\r\ncontent-length: 3\r\ncontent-type: text/plain\r\n\r\n/a!",
        b"HTTP/1.1 200 OK\r\nx-m: GET\r\ncontent-length: 4\r\ncontent-type: text/plain\r\n\r\n/bc!",
    ]


def test_a_reply_without_formats_is_made_once() -> None:
    run_it = parse("return content-type text/plain string abc hdr a b").make(FakeBuild())
    assert run_it(request()) is run_it(request())


def test_a_string_is_no_format() -> None:
    assert sent(run("return content-type text/plain string %[path]", request())).endswith(b"\r\n\r\n%[path]")


def test_bytes_of_strings_go_out_as_they_stand_in_the_line() -> None:
    assert sent(run("return content-type text/plain string \u00e9", request())).endswith("\u00e9".encode())


def test_a_field_without_value_is_left_out() -> None:
    assert b"x-a" not in sent(run("return hdr x-a %[req.hdr(none)]", request()))


@pytest.mark.parametrize("char", ["\r", "\n", "\0", "\x1b"])
def test_no_value_can_add_a_line(char: str) -> None:
    t = request()
    t.vars["x"] = f"a{char}Set-Cookie: b"
    answer = sent(run("return hdr x-a %[var(txn.x)]", t))
    assert answer.count(b"\r\n") == 4
    assert b"\0" not in answer


def test_a_connection_field_is_not_sent_but_closes() -> None:
    outcome = run("return hdr Connection close", request())
    assert isinstance(outcome, Reply)
    assert outcome.close
    assert "connection" not in outcome.head


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_framing_is_not_for_lines_to_say(name: str) -> None:
    assert warnings(f"return hdr {name} 5") == [f"header '{name}' always ignored by the http reply."]
    assert sent(run(f"return hdr {name} 5", request())) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def test_files_are_read_once(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"\xff%[path]")
    raw = parse(f"return content-type a/b file {file}").make(FakeBuild())
    formatted = parse(f"return content-type a/b lf-file {file}").make(FakeBuild())
    file.unlink()
    assert sent(raw(request())).endswith(b"\r\n\r\n\xff%[path]")
    assert sent(formatted(request("GET /p HTTP/1.1"))).endswith(b"\r\n\r\n\xff/p")


def test_files_of_messages_are_sent_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "page"
    file.write_bytes(b"HTTP/1.1 404 Not\nX-A: b\nContent-Length: 2\n\nhi")
    outcome = run(f"return status 200 errorfile {file}", request())
    assert sent(outcome) == b"HTTP/1.1 404 Not\r\nx-a: b\r\ncontent-length: 2\r\n\r\nhi"
    assert isinstance(outcome, Reply)
    assert outcome.status == 200  # what the log says


def test_an_empty_file_closes_without_a_word() -> None:
    assert run("return errorfile /dev/null", request()) == Close("close", "LR", "", 200)


def test_the_proxies_page_is_the_backends_before_the_frontends() -> None:
    world = FakeWorld()
    mine, theirs = Message("HTTP/1.1 500 A\r\n\r\n", b""), Message("HTTP/1.1 500 B\r\n\r\n", b"")
    text = "return status 500 default-errorfiles"
    assert sent(run(text, request(world=world))) == b"".join((default_page(500).head.encode(), default_page(500).body))
    world.frontends[0].settings.error_pages[500] = mine
    assert sent(run(text, request(world=world))) == b"HTTP/1.1 500 A\r\n\r\n"
    world.backends[0].settings.error_pages[500] = theirs
    t = request(world=world)
    t.backend = world.backends[0]
    assert sent(run(text, t)) == b"HTTP/1.1 500 B\r\n\r\n"


def test_a_group_that_lacks_the_page_leaves_the_status_alone() -> None:
    answer = sent(run("return status 404 errorfiles nowhere", request()))
    assert answer == b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


WRONG = {
    "return status": "'status' expects <status_code> as argument",
    "return status abc": "Unexpected status code 'abc'",
    "return status 199": "Unexpected status code '199'",
    "return status 600": "Unexpected status code '600'",
    "return content-type": "'content-type' expects <ctype> as argument",
    "return string": "'string' expects <str> as argument",
    "return file": "'file' expects <file> as argument",
    "return lf-file": "'lf-file' expects <file> as argument",
    "return lf-string": "'lf-string' expects <fmt> as argument",
    "return errorfile": "'errorfile' expects <fmt> as argument",
    "return errorfiles": "'errorfiles' expects <name> as argument",
    "return hdr a": "'hdr' expects <name> and <value> as arguments",
    "return hdr 'a b' c": "'hdr' : 'a b' can't be the name of a header",
    "return string a": "a content type must be defined when non-empty payload is configured",
    "return lf-file /dev/null": "a content type must be defined with a log-format payload",
    "return status 204 content-type a string b": "No body expected for 204 responses",
    "return status 304 content-type a lf-string b": "No body expected for 304 responses",
    "return errorfile /no/such": "error opening file '/no/such'",
    "return errorfile /": "error reading file '/'",
    "return content-type a file /no/such": "error opening file '/no/such'",
    "return string a string b": "unexpected 'string' argument, 'string' already defined",
    "return string a file /dev/null": "unexpected 'file' argument, 'string' already defined",
    "return default-errorfiles errorfiles x": "unexpected 'errorfiles' argument, 'default-errorfiles' already defined",
    "return status 418 default-errorfiles": (
        "status code '418' not handled by default with 'default-errorfiles' argument."
    ),
    "return status 418 errorfiles x": "status code '418' not handled by default with 'errorfiles' argument.",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_arguments_are_named(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value) == WRONG[text]


_TYPE = "content-type 'a' ignored by the http reply"
IGNORED = {
    "return content-type a": f"{_TYPE} because neither errorfile nor payload defined.",
    "return content-type a file /dev/null": f"{_TYPE} when used with an empty payload.",
    "return content-type a errorfile /dev/null": f"{_TYPE} when used with an erorrfile.",
    "return hdr a b errorfile /dev/null": "hdr parameters ignored by the http reply when used with an erorrfile.",
}


@pytest.mark.parametrize("text", IGNORED)
def test_what_counts_for_nothing_is_told(text: str) -> None:
    assert warnings(text) == [IGNORED[text]]


def test_a_body_larger_than_a_buffer_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"a" * 16385)
    with pytest.raises(ParseError, match=r"exceeds the buffer size \(16385 > 16384\)"):
        parse(f"return content-type a file {file}")


def test_arguments_end_where_the_condition_begins() -> None:
    taken = words("return status 201 if TRUE")
    spec = parse_reply(taken, 200)
    assert isinstance(spec, ReplySpec)
    assert (spec.status, taken.peek()) == (201, "if")
