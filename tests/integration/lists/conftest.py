"""Fixtures of the rooms where lists are judged by others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.lists.outside_eyes import Cut
from tests.unit.registry.hospital import open_hospital


@pytest.fixture
def cut(tmp_path: Path) -> Iterator[Cut]:
    """A CA with parts and deltas."""
    hospital = open_hospital(tmp_path)
    yield Cut(hospital, tmp_path)
    hospital.store.close()
