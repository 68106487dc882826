"""Whatever a line of rules says, reading it ends with messages, never with an exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from lbcore.cfg.loader import load
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.stream.rules import ACTIONS, Ruleset

load_vocabulary()

OTHERS = (
    "use_backend", "use-server", "redirect", "monitor", "declare", "acl", "acl a", "tcp-request", "tcp-response",
    "tcp-request inspect-delay", "tcp-response inspect-delay",
)  # fmt: skip
VALUES = (
    "if", "unless", "{", "}", "!", "or", "||", "path", "src", "req.hdr(x)", "res.hdr(x)", "%[path]", "%[", "%ci", "a",
    "(", "\\1", "0", "1", "-1", "0x1", "9" * 5000, "5s", "1x", "-m", "-f", "/nonexistent", "-i", "reg", "len", "id",
    "time", "at-least", "on", "off", "server", "client", "profile", "reason", "200", "TRUE", "HTTP", "lt", "int(1)",
    "path,lower", "string", "hdr", "status", "location", "code", "realm", "http", "é", "a b", "", "capture", "fail",
)  # fmt: skip
words = st.sampled_from(VALUES) | st.text(max_size=4)
quoted = words.map(lambda word: "'" + word.replace("'", "").replace("\n", "").replace("\0", "") + "'")
tails = st.lists(quoted, max_size=6).map(" ".join)
sections = st.sampled_from(("frontend f", "backend f", "listen f", "defaults f", "defaults"))
modes = st.sampled_from(("tcp", "http"))


@st.composite
def rule_lines(draw: st.DrawFn) -> str:
    """A line that begins as a rule does."""
    ruleset = draw(st.sampled_from(list(Ruleset)))
    action = draw(st.sampled_from(ACTIONS.names(ruleset)))
    return f"{ruleset.value} '{action}{draw(st.sampled_from(('', '(txn.x)', '(f)', '(', '()')))}'"


@given(sections, modes, rule_lines() | st.sampled_from(OTHERS), tails)
@settings(max_examples=1500, deadline=None)
def test_reading_never_fails(section: str, mode: str, start: str, tail: str) -> None:
    text = f"defaults d\n    mode http\n{section}\n    mode {mode}\n    {start} {tail}\n"
    _, diagnostics = load([("lb.cfg", text)], env={})
    assert all(message.text.startswith("config : ") for message in diagnostics.messages)
