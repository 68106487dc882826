"""What `http-request use-service` may name: parts of the balancer that answer requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from lbcore.stats.prometheus import CONTENT_TYPE, BadQueryError, exposition, parse_query
from lbcore.stats.views import ProcessView, ProxyView


class Answer(NamedTuple):
    """A response: its fields as lines, but for the framing, and the parts of its body, made when they are taken."""

    status: int
    fields: str
    parts: Iterable[str]


Service = Callable[[str], Answer]  # called with the query string


def prometheus_exporter(process: ProcessView, proxies: Callable[[], Iterable[ProxyView]]) -> Service:
    """All figures as text; what a scrape may ask for is told by `prometheus.parse_query`."""

    def answer(query: str) -> Answer:
        try:
            wanted = parse_query(query)
        except BadQueryError as error:
            return Answer(400, _fields("text/plain"), [f"{error}\n"])
        return Answer(200, _fields(CONTENT_TYPE), exposition(process, proxies(), wanted))

    return answer


def _fields(kind: str) -> str:
    return f"cache-control: no-cache\r\ncontent-type: {kind}\r\n"


MAKERS = {"prometheus-exporter": prometheus_exporter}
