"""Development certificates: made by the script, marked, and refused outside development."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pki import names, profiles
from pki.algorithms import KeyAlgorithm
from pki.anchor import self_signed
from pki.keys import HybridPrivateKey
from pki.profiles import SubjectFacts
from pki.tbs import Certificate
from service import clock
from service.authority import unlock
from service.development import DEVELOPMENT_ORGANIZATION, ENVIRONMENT, DevelopmentOnly, refuse_development
from service.home import Home
from service.pem import from_pem_or_der, read_certificate
from service.settings import read_settings
from tests.tools import require_tool

SCRIPT = Path(__file__).parents[3] / "certs-dev" / "make_certs_dev.py"


def _run(out: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != ENVIRONMENT}
    return subprocess.run(
        [sys.executable, str(SCRIPT), "--out", str(out)],
        capture_output=True, text=True, timeout=60, env=environment, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script's folder, made by the script."""
    out = tmp_path_factory.mktemp("certs") / "out"
    run = _run(out)
    assert run.returncode == 0, run.stderr
    return out


def _unlock(made: Path) -> object:
    home = Home(made / "home")
    return unlock(home, read_settings(home), (made / "passphrase").read_bytes().strip())


def test_the_registry_refuses_it_outside_development(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    with pytest.raises(DevelopmentOnly) as refused:
        _unlock(made)
    assert (refused.value.kind, refused.value.field) == ("refused", "ca.organization")
    monkeypatch.setenv(ENVIRONMENT, "production")
    with pytest.raises(DevelopmentOnly):
        _unlock(made)


def test_in_development_it_opens(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "development")
    assert _unlock(made) is not None


def test_every_certificate_is_marked_and_every_key_is_closed(made: Path) -> None:
    for name in ("server.pem", "device.pem", "home/public/root.pem", "home/certs/registry.pem"):
        for der in from_pem_or_der((made / name).read_bytes()):
            assert DEVELOPMENT_ORGANIZATION.encode() in der, name
    root = read_certificate(made / "home/public/root.pem")
    assert names.show(root.subject).startswith(f"O={DEVELOPMENT_ORGANIZATION}")
    for name in ("server.key", "device.key", "passphrase"):
        assert (made / name).stat().st_mode & 0o777 == 0o600


def test_a_hospitals_own_root_is_taken_anywhere() -> None:
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P384, KeyAlgorithm.ML_DSA_87)
    for organization in ("General Hospital", f"not {DEVELOPMENT_ORGANIZATION}", ""):
        facts = SubjectFacts(common_name="medtrust Root CA", organization=organization)
        issued = self_signed(profiles.ROOT, facts, key, now=clock.now(), entropy=clock.entropy)
        root = Certificate.parse(issued.der)
        refuse_development(root, {})
        assert DEVELOPMENT_ORGANIZATION not in [a.value for a in names.parse(root.subject)]


def test_openssl_believes_the_chain(made: Path) -> None:
    openssl = require_tool("openssl", "verifies the development chain")
    chain = str(made / "server.pem")
    run = subprocess.run(
        [openssl, "verify", "-CAfile", str(made / "home/public/root.pem"), "-untrusted", chain, chain],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_a_folder_that_holds_something_is_left_alone(made: Path) -> None:
    before = (made / "passphrase").read_bytes()
    run = _run(made)
    assert (run.returncode, run.stderr.count("\n")) == (1, 1)
    assert "is not empty" in run.stderr
    assert (made / "passphrase").read_bytes() == before
