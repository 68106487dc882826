"""Debian's prometheus-haproxy-exporter: its scrapes of our page and of our stats socket are those of HAProxy's."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.consoles.rig import watched
from tests.peers.haproxy import Balancer, Program
from tests.peers.installed import Peers
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.process import Child, accepts

# What a moment, or the length of our own heads, makes of it.
PASSING = re.compile(
    r"haproxy_(exporter_build|up_time|process_)|_(bytes_(in|out)_total|rate(_max)?|current_session_rate|max_session_rate|seconds|"
    r"check_duration_seconds|http_(connect|queue|response|total)_time_average_seconds)$"
)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Exporter(Child):
    """A running exporter of what it finds at `source`."""

    def __init__(self, source: str) -> None:
        program = shutil.which("prometheus-haproxy-exporter")
        assert program is not None, "the exporter is installed"
        super().__init__([program], name="prometheus-haproxy-exporter")
        self.port = free_port()
        self.argv += [f"--web.listen-address={HOST}:{self.port}", f"--haproxy.scrape-uri={source}"]

    def ready(self) -> bool:
        """True once it accepts."""
        return accepts((HOST, self.port))

    def close(self) -> None:
        """Stops it and gives its port back."""
        super().close()
        release_port(self.port)

    def scrape(self) -> Samples:
        """All of its samples about HAProxy."""
        with urlopen(f"http://{HOST}:{self.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {
            (s.name, tuple(sorted(s.labels.items()))): s.value
            for s in found
            if re.match("haproxy_(?!version_info)", s.name)
        }


@contextmanager
def scraped(balancer: Balancer, mode: str) -> Iterator[Samples]:
    page = balancer.environment["PAGE"]
    with Exporter(f"unix:{balancer.stats_path}" if mode == "socket" else f"http://{HOST}:{page}/;csv") as exporter:
        yield exporter.scrape()


@pytest.mark.parametrize("mode", ["socket", "page"])
def test_a_scrape_has_what_it_has_of_haproxy(
    mode: str, program: Program, peers: Peers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ExitStack() as stack:
        balancers = [
            stack.enter_context(watched(one, peers, tmp_path_factory.mktemp("files")))
            for one in (peers.haproxy, program)
        ]
        theirs, ours = (stack.enter_context(scraped(balancer, mode)) for balancer in balancers)
    assert ours["haproxy_up", ()] == theirs["haproxy_up", ()] == 1
    assert ours["haproxy_exporter_csv_parse_failures_total", ()] == 0
    assert len(ours) > 100
    assert ours.keys() == theirs.keys()
    compared = [key for key in theirs if not PASSING.search(key[0])]
    assert len(compared) > 60
    assert {key: ours[key] for key in compared} == {key: theirs[key] for key in compared}
