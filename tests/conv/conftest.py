"""What the tests of converters share."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

ZONE = "EST5"


@pytest.fixture
def zone() -> Iterator[str]:
    """Another time zone than Greenwich's, for the time of a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", ZONE)
        time.tzset()
        yield ZONE
    time.tzset()
