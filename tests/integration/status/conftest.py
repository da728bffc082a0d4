"""A home with a CA, made once, and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from service.authority import Authority
from service.home import Home
from tests.quick_seals import FLOOR, seals_at
from tests.unit.service.status_fixtures import make_home


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Authority]:
    with seals_at(FLOOR):
        return make_home(tmp_path_factory.mktemp("made"))


@pytest.fixture
def authority(made: tuple[Home, Authority]) -> Authority:
    return made[1]


@pytest.fixture
def home(made: tuple[Home, Authority], tmp_path: Path) -> Home:
    """A copy that the test may spoil."""
    copy = tmp_path / "home"
    shutil.copytree(made[0].root, copy, symlinks=True)
    copy.chmod(0o700)
    return Home(copy)
