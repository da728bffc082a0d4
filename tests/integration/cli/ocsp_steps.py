"""What tests of OCSP queries share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Answer
from tests.integration.status_consumed import pem_file
from tests.integration.status_served import Served

HOUR = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def rules(said: Answer) -> list[str]:
    return [finding["rule"] for finding in said.json["findings"] if finding["severity"] == "error"]


@pytest.fixture
def pump(consumed: Served, tmp_path: Path) -> Path:
    """A good certificate in a file."""
    return pem_file(consumed.certify(), tmp_path)
