"""What `http-request use-service` may name: parts of the balancer that answer requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from lbcore.stats.prometheus import CONTENT_TYPE, BadQueryError, exposition, parse_query
from lbcore.stats.views import ProcessView, ProxyView


class Answer(NamedTuple):
    """A response. Its length is added to the fields."""

    status: int
    reason: str
    fields: Mapping[str, str]
    body: bytes


Service = Callable[[str], Answer]  # called with the query string


def prometheus_exporter(process: ProcessView, proxies: Callable[[], Iterable[ProxyView]]) -> Service:
    """All figures as text; what a scrape may ask for is told by `prometheus.parse_query`."""

    def answer(query: str) -> Answer:
        try:
            wanted = parse_query(query)
        except BadQueryError as error:
            return Answer(400, "Bad request", {"cache-control": "no-cache", "content-type": "text/plain"}, _line(error))
        body = "".join(exposition(process, proxies(), wanted)).encode("utf-8", "surrogateescape")
        return Answer(200, "OK", {"cache-control": "no-cache", "content-type": CONTENT_TYPE}, body)

    return answer


def _line(error: BadQueryError) -> bytes:
    return f"{error}\n".encode()


MAKERS = {"prometheus-exporter": prometheus_exporter}
