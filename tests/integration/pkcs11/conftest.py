"""SoftHSM with one token, in a folder of the test session; its module runs in this process."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.pkcs11 import token_at
from service.pkcs11_sessions import TokenPlace
from tests.tools import require_tool

LABEL = "medtrust test"
_MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/libsofthsm2.so", "/usr/lib/pkcs11/libsofthsm2.so")


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """Where its tokens lie, and how medtrust finds the one."""

    tokens: Path
    place: TokenPlace


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (extra hsm)")
    util = require_tool("softhsm2-util", "makes the token that the tests use")
    module = next((Path(path) for path in _MODULES if Path(path).exists()), None)
    if module is None:
        pytest.skip("libsofthsm2.so is not where distributions put it")
    room = tmp_path_factory.mktemp("softhsm")
    tokens, pin = room / "tokens", room / "pin"
    tokens.mkdir()
    (room / "conf").write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    pin.touch(mode=0o600)
    pin.write_text("4711-0815\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(room / "conf")
    subprocess.run(
        [util, "--init-token", "--free", "--label", LABEL, "--pin", "4711-0815", "--so-pin", "12345678"],
        capture_output=True, check=True,
    )  # fmt: skip
    place = TokenPlace(module, LABEL, pin)
    yield SoftHsm(tokens, place)
    token_at(place).close()
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before
