"""The slots that `capture request header` and `capture response header` fill (manual 4.2), and what fills them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lbcore.proxy.settings import CaptureSlot, ProxySettings
from lbcore.stream.message import END, Request
from lbcore.stream.rules import RuleLists, Ruleset


def make_late_captures(settings: ProxySettings) -> Callable[[Request], list[str | None]] | None:
    """What finds the fields that a frontend captures in a request as it was received; None: it captures none, or this
    can't be left for later."""
    rules: RuleLists | None = settings.rules
    fields = fields_of(settings.captures_request)
    if not fields or settings.monitor_uri is not None or (rules is not None and rules.of(Ruleset.TCP_CONTENT)):
        return None
    size = len(settings.captures_request)

    def find(request: Request) -> list[str | None]:
        slots: list[str | None] = [None] * size
        capture(request.received_head, fields, slots)
        return slots

    return find


def fields_of(slots: Sequence[CaptureSlot]) -> list[tuple[int, str, int, int]]:
    """(number, what stands before the value in a head, length of that, length that is captured) of the slots that
    fields go into."""
    found = []
    for number, slot in enumerate(slots):
        if slot.header is not None:
            mark = f"\r\n{slot.header.lower()}: "
            found.append((number, mark, len(mark), slot.length))
    return found


def capture(text: str, fields: Sequence[tuple[int, str, int, int]], slots: list[str | None]) -> None:
    """Puts the last field of each name into its slot. `text` has the fields of a message."""
    for number, mark, skip, length in fields:
        at = text.rfind(mark)
        if at >= 0:
            at += skip
            slots[number] = text[at : text.find(END, at)][:length]
