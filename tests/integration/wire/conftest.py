"""Running hospitals, one a module and kind of broker."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.integration.wire.hospital_running import RunningHospital, running_hospital
from tests.tools import require_tool


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningHospital]:
    """Over each kind of broker."""
    if request.param == "mosquitto":
        require_tool("mosquitto", "the MQTT broker of the product")
    before = os.umask(0o077)
    with running_hospital(tmp_path_factory.mktemp(f"wire-{request.param}"), request.param) as hospital:
        yield hospital
    os.umask(before)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHospital]:
    """Over mosquitto only, where the kind of broker makes no difference."""
    require_tool("mosquitto", "the MQTT broker of the product")
    before = os.umask(0o077)
    with running_hospital(tmp_path_factory.mktemp("wire"), "mosquitto") as made:
        yield made
    os.umask(before)
