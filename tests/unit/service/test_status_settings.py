"""[status] in medtrust.toml: what is refused is named, what is accepted can be used as it is."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path

import pytest

from pki import oids
from service.errors import BadSetting
from service.home import Home
from service.settings import Settings, decode, validate, with_status
from service.status.access import AccessLogging


def read(text: str) -> Settings:
    return validate(decode(f"[status]\n{text}".encode(), "medtrust.toml"), Home(Path("/srv/home")))


def test_the_defaults_tell_nobody_who_asked_and_answer_this_machine_only() -> None:
    rules = read("").status
    assert (rules.workers, rules.ocsp_lifetime, rules.rate_limit) == (1, timedelta(hours=1), 100)
    assert rules.access_log is AccessLogging.ANONYMOUS
    assert read("").status_listen.host == "127.0.0.1"
    assert any(ipaddress.ip_address("127.0.0.1") in network for network in rules.rate_exempt)


def test_what_is_accepted_can_be_used_as_it_is() -> None:
    text = 'workers = 64\nocsp_hours = 168\nrate_limit = 0\naccess_log = "full"\n'
    text += 'presign = ["sha256", "sha1", "sha256"]\nrate_exempt = ["192.0.2.17", "2001:db8::/32"]'
    rules = read(text).status
    assert (rules.workers, rules.ocsp_lifetime, rules.rate_limit) == (64, timedelta(days=7), 0)
    assert rules.access_log is AccessLogging.FULL
    assert rules.presign == (oids.SHA256, oids.SHA1)
    assert rules.rate_exempt == tuple(map(ipaddress.ip_network, ("192.0.2.17/32", "2001:db8::/32")))
    assert read("presign = []").status.presign == ()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("workers = 0", "status.workers"),
        ("workers = 65", "status.workers"),
        ("workers = -1", "status.workers"),
        ("ocsp_hours = 0", "status.ocsp_hours"),
        ("ocsp_hours = 169", "status.ocsp_hours"),
        ("rate_limit = -1", "status.rate_limit"),
        ('rate_exempt = ["192.0.2.1/24"]', "status.rate_exempt"),
        ('rate_exempt = ["proxy.ward"]', "status.rate_exempt"),
        ('rate_exempt = [""]', "status.rate_exempt"),
        ('listen = "127.0.0.1"', "status.listen"),
        ('listen = "127.0.0.1:²"', "status.listen"),
        ('url = "http://[::1"', "status.url"),
        ('url = "http://status.ward:99999"', "status.url"),
        ('listen = "127.0.0.1:65536"', "status.listen"),
        ('url = "https://status.ward"', "status.url"),
        ('url = "status.ward"', "status.url"),
    ],
)
def test_each_refusal_names_its_field_and_what_to_do(text: str, field: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read(text)
    assert refused.value.field == field
    assert field in refused.value.problem
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('presign = ["md5"]', "status.presign"),
        ('access_log = "everything"', "status.access_log"),
        ('workers = "two"', "status.workers"),
        ("wokers = 2", "wokers"),
    ],
)
def test_what_is_not_of_its_kind_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read(text)
    assert named in refused.value.problem


def test_the_command_lines_words_are_checked_like_the_files() -> None:
    settings = read("workers = 3")
    assert with_status(settings, listen=None, workers=None) == settings
    assert with_status(settings, listen="127.0.0.1:0", workers=2).status.workers == 2
    with pytest.raises(BadSetting) as refused:
        with_status(settings, listen=None, workers=0)
    assert refused.value.field == "status.workers"
    with pytest.raises(BadSetting) as refused:
        with_status(settings, listen="nowhere", workers=None)
    assert refused.value.field == "--listen"
