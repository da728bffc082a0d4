"""The status service's settings: a nonsense value is refused with a sentence that names its key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pki import oids
from service.errors import BadSetting
from service.home import Home
from service.settings import decode, validate, with_status
from service.status.access import AccessLogging


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("workers = 0", "status.workers"),
        ("workers = 65", "status.workers"),
        ("ocsp_hours = 0", "status.ocsp_hours"),
        ("ocsp_hours = 169", "status.ocsp_hours"),
        ("rate_limit = -1", "status.rate_limit"),
        ('rate_exempt = ["hospital.example"]', "status.rate_exempt"),
        ('rate_exempt = ["192.0.2.1/24"]', "status.rate_exempt"),
        ('presign = ["md5"]', "settings"),
        ('access_log = "everything"', "settings"),
    ],
)
def test_nonsense_is_refused_by_its_key(tmp_path: Path, line: str, field: str) -> None:
    with pytest.raises(BadSetting) as refused:
        validate(decode(f"[status]\n{line}\n".encode(), "medtrust.toml"), Home(tmp_path))
    assert refused.value.field == field
    assert refused.value.next_step


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    text = """[status]
workers = 4
ocsp_hours = 12
presign = ["sha256", "sha1", "sha256"]
access_log = "full"
rate_limit = 0
rate_exempt = ["192.0.2.17/32"]
"""
    rules = validate(decode(text.encode(), "medtrust.toml"), Home(tmp_path)).status
    assert (rules.workers, rules.ocsp_lifetime) == (4, timedelta(hours=12))
    assert rules.presign == (oids.SHA256, oids.SHA1)
    assert (rules.access_log, rules.rate_limit) == (AccessLogging.FULL, 0)


def test_the_command_line_is_stronger_and_checked_too(tmp_path: Path) -> None:
    settings = validate(decode(b"", "medtrust.toml"), Home(tmp_path))
    changed = with_status(settings, listen="127.0.0.1:9", workers=3)
    assert (changed.status_listen.port, changed.status.workers) == (9, 3)
    for listen, workers in (("nowhere", None), (None, 0)):
        with pytest.raises(BadSetting):
            with_status(settings, listen=listen, workers=workers)
