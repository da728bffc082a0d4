"""What tests of fetching share: a fetch that must fail, and how it must say so."""

from __future__ import annotations

import pytest

from service.http_fetch import FetchFailed, fetch
from tests.odd_server import Deed, odd_server

SMALL = 4096


def failure(deed: Deed, *, seconds: float = 5, at_most: int = SMALL) -> FetchFailed:
    """What a fetch from that server fails with."""
    with odd_server(deed) as url, pytest.raises(FetchFailed) as failed:
        fetch(url, at_most=at_most, seconds=seconds)
    assert url.rsplit("/", 1)[0] in failed.value.problem
    assert failed.value.next_step
    assert (failed.value.field, failed.value.kind) == ("url", "dependency")
    return failed.value
