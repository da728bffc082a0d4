"""Fixtures of the use cases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.registry.hospital import Hospital, open_hospital


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """A hospital on real SQLite."""
    opened = open_hospital(tmp_path)
    yield opened
    opened.store.close()
