"""Replies: what `deny`, `tarpit`, `return` and `http-error` answer with (manual 4.2, "http-request return").

    [status <code>] [content-type <type>]
    [{default-errorfiles | errorfile <file> | errorfiles <name> | file <file> | lf-file <file> | string <str>
      | lf-string <fmt>}]
    [hdr <name> <fmt>]*

Files are read while the configuration is; a format is evaluated for each answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from lbcore.action.spec import Spec, spec
from lbcore.http.reply import PAGE_STATUSES, Message, build_message, encode_value, is_token
from lbcore.sample.build import Build
from lbcore.sample.files import files_of, read_page, read_payload
from lbcore.sample.format import Format, parse_format
from lbcore.sample.style import HEADER
from lbcore.sample.words import ParseError, Words, wire
from lbcore.stream.pages import error_page, outcome_of
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn

STATUS_MIN, STATUS_MAX = 200, 599
_NO_BODY = (204, 304)
_NEVER = ("content-length", "transfer-encoding")  # framing is not for rules to say

Answer = Callable[[Txn], Message]


class Payload(Enum):
    """What a reply is made of, by the word that says so."""

    EMPTY = ""
    DEFAULT = "default-errorfiles"
    GROUP = "errorfiles"
    PAGE = "errorfile"
    RAW = "string"
    FORMAT = "lf-string"


@dataclass(slots=True)
class ReplySpec:
    """A reply with its arguments. `answer` is the compiled one of a page of a proxy (`prepare_pages`)."""

    status: int
    payload: Payload = Payload.EMPTY
    word: str = ""  # as written: "file" where the payload is that of "string"
    content_type: str = ""
    raw: bytes = b""
    format: Format | None = None
    page: Message | None = None  # the file's; that of the group, once the check has looked there
    group: str = ""
    fields: list[tuple[str, Format]] = field(default_factory=list)
    proxy: str = ""
    answer: Answer | None = None

    def fixed(self) -> Message | None:
        """The answer, if it is the same for every request, whatever proxies say."""
        if self.page is not None:
            return self.page
        if self.payload in (Payload.DEFAULT, Payload.FORMAT):
            return None
        if self.payload is Payload.GROUP:  # which lacks this page
            return build_message(self.status, [])
        constants = [(name, value.constant) for name, value in self.fields]
        if any(value is None for _, value in constants):
            return None
        fields = [(name, encode_value(value)) for name, value in constants if value]
        return build_message(self.status, fields, self.raw, self.content_type)

    def make(self, build: Build) -> Answer:
        """The function that gives the answer. Raises BuildError."""
        fixed = self.fixed()
        if fixed is not None:
            return lambda t: fixed
        if self.payload is Payload.DEFAULT:
            status = self.status
            return lambda t: error_page(t, status)
        return self._formatted(build)

    def _formatted(self, build: Build) -> Answer:
        status, content_type, raw = self.status, self.content_type, self.raw
        fields = [(name, value.make(build)) for name, value in self.fields]
        text = self.format.make(build) if self.format is not None else None

        def answer(t: Txn) -> Message:
            payload = raw if text is None else text(t).encode("latin-1")
            values = ((name, encode_value(value(t))) for name, value in fields)
            return build_message(status, [pair for pair in values if pair[1]], payload, content_type)

        return answer


# --- reading ---


class _Reader:
    """One reply being read."""

    def __init__(self, words: Words, status: int) -> None:
        self.words = words
        self.spec = ReplySpec(status, proxy=words.proxy)

    def read(self) -> ReplySpec:
        while self.words.more:
            reader = _ARGUMENTS.get(self.words.peek())
            if reader is None:
                break
            reader(self, self.words.take())
        self._check()
        return self.spec

    def argument(self, word: str, what: str) -> str:
        if not self.words.peek():
            raise ParseError(f"'{word}' expects {what} as argument", self.words.at)
        return self.words.take()

    def status(self, word: str) -> None:
        text = self.argument("status", "<status_code>")
        self.spec.status = int(text) if text.isdecimal() and text.isascii() and len(text) < 5 else 0
        if not STATUS_MIN <= self.spec.status <= STATUS_MAX:
            raise ParseError(f"Unexpected status code '{text}'", self.words.at - 1)

    def content_type(self, word: str) -> None:
        self.spec.content_type = encode_value(wire(self.argument(word, "<ctype>")))

    def _claim(self, word: str, payload: Payload) -> None:
        if self.spec.word:
            raise ParseError(f"unexpected '{word}' argument, '{self.spec.word}' already defined", self.words.at - 1)
        self.spec.word, self.spec.payload = word, payload

    def default(self, word: str) -> None:
        self._claim(word, Payload.DEFAULT)

    def group(self, word: str) -> None:
        self._claim(word, Payload.GROUP)
        self.spec.group = self.argument(word, "<name>")
        files_of(self.words.notes).replies.append(self.spec)

    def error_file(self, word: str) -> None:
        self._claim(word, Payload.PAGE)
        self.spec.page = read_page(self.words, self.argument(word, "<fmt>"))

    def string(self, word: str) -> None:
        self._claim(word, Payload.RAW)
        self.spec.raw = os.fsencode(self.argument(word, "<str>"))

    def file(self, word: str) -> None:
        self._claim(word, Payload.RAW)
        self.spec.raw = read_payload(self.words, self.argument(word, "<file>"))

    def lf_string(self, word: str) -> None:
        self._claim(word, Payload.FORMAT)
        self.spec.format = parse_format(self.argument(word, "<fmt>"), self.words, HEADER)

    def lf_file(self, word: str) -> None:
        self._claim(word, Payload.FORMAT)
        text = os.fsdecode(read_payload(self.words, self.argument(word, "<file>")))
        self.spec.format = parse_format(text, self.words, HEADER)

    def field(self, word: str) -> None:
        name, value = self.words.peek(), self.words.peek(1)
        if not name or not value:
            raise ParseError("'hdr' expects <name> and <value> as arguments", self.words.at)
        if not is_token(name):
            raise ParseError(f"'hdr' : '{name}' can't be the name of a header", self.words.at)
        self.words.at += 2
        if name.lower() in _NEVER:
            self.words.warn(f"header '{name}' always ignored by the http reply.", at=self.words.at - 2)
            return
        self.spec.fields.append((name.lower(), parse_format(value, self.words, HEADER)))

    def _check(self) -> None:
        found = self.spec
        if found.payload in (Payload.DEFAULT, Payload.GROUP, Payload.PAGE):
            self._check_page()
        elif found.payload is Payload.EMPTY:
            self._ignored_type("because neither errorfile nor payload defined")
        elif not found.raw and found.payload is Payload.RAW:
            self._ignored_type("when used with an empty payload")
        elif found.status in _NO_BODY:
            raise ParseError(f"No body expected for {found.status} responses")
        elif not found.content_type:
            formatted = found.payload is Payload.FORMAT
            what = "with a log-format payload" if formatted else "when non-empty payload is configured"
            raise ParseError(f"a content type must be defined {what}")

    def _check_page(self) -> None:
        found = self.spec
        if found.payload is not Payload.PAGE and found.status not in PAGE_STATUSES:
            raise ParseError(f"status code '{found.status}' not handled by default with '{found.word}' argument.")
        if found.fields:
            self.words.warn("hdr parameters ignored by the http reply when used with an erorrfile.")
        self._ignored_type("when used with an erorrfile")

    def _ignored_type(self, why: str) -> None:
        if self.spec.content_type:
            self.words.warn(f"content-type '{self.spec.content_type}' ignored by the http reply {why}.")


_ARGUMENTS: dict[str, Callable[[_Reader, str], None]] = {
    "content-type": _Reader.content_type,
    "default-errorfiles": _Reader.default,
    "errorfile": _Reader.error_file,
    "errorfiles": _Reader.group,
    "file": _Reader.file,
    "hdr": _Reader.field,
    "lf-file": _Reader.lf_file,
    "lf-string": _Reader.lf_string,
    "status": _Reader.status,
    "string": _Reader.string,
}


def parse_reply(words: Words, status: int) -> ReplySpec:
    """The reply whose arguments stand next; the first word that is none of them is left. `status` is the default.

    Raises ParseError.
    """
    return _Reader(words, status).read()


def default_reply(words: Words, status: int) -> ReplySpec:
    """The page of the proxy for a status. Raises ParseError if there is none by default."""
    if status not in PAGE_STATUSES:
        raise ParseError(f"status code '{status}' not handled by default with 'default-errorfiles' argument.")
    return ReplySpec(status, Payload.DEFAULT, "default-errorfiles", proxy=words.proxy)


# --- the action ---


def answering(
    reply: ReplySpec, build: Build, *, term: str, counted: str = "", delay: Callable[[Txn], int] | None = None
) -> Run:
    """The function that ends a stream with a reply; `delay` gives the ms that it is kept waiting before.

    The formats of a reply see its status as that of the stream (`%ST`), and no response: a server's is gone by then.
    """
    status = reply.status
    fixed = reply.fixed()
    if fixed is not None and delay is None:
        always = outcome_of(status, fixed, term, counted)
        return lambda t: always
    answer = reply.make(build)

    def run(t: Txn) -> Outcome:
        t.status, t.res = status, None
        return outcome_of(status, answer(t), term, counted, delay(t) if delay is not None else 0)

    return run


def parse_return(words: Words, ruleset: Ruleset) -> Spec:
    """`return [<reply>]`."""
    start = words.at - 1
    reply = parse_reply(words, 200)
    term = "LR" if ruleset is Ruleset.HTTP_REQUEST else "LH"
    return spec(words, start, lambda build: answering(reply, build, term=term))


ACTIONS.register(
    Action("return", (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE), parse_return,
           "[status <code>] [<payload>] [hdr <name> <fmt>]*: answers, and asks no server."),
)  # fmt: skip
