"""A home made once by the real `medtrust init`, copied for each test, and the command run in this process."""

import contextlib
import io
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from pki import csr
from pki.algorithms import KeyAlgorithm
from pki.keys import HybridPrivateKey

PUMP = "(01)09521000000018(21)SN-{}"
UNKNOWN = "mtd-aaaaaaaaaaaaaaaa"
PASSPHRASE = b"correct horse battery staple\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the document is
        """The one document on stdout."""
        return json.loads(self.out)


def assert_refused(answer: Answer, code: int, *words: str) -> None:
    """One sentence on stderr with these words, this exit code, nothing on stdout."""
    assert answer.code == code, answer.err
    assert answer.out == ""
    assert answer.err.count("error: ") == 1
    assert "Traceback" not in answer.err
    assert "internal error" not in answer.err
    for word in words:
        assert word in answer.err


@dataclass(frozen=True, slots=True)
class Cli:
    """`medtrust` on one home."""

    home: Path
    folder: Path

    @property
    def passphrase(self) -> Path:
        return self.folder / "passphrase"

    def __call__(self, *arguments: object) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        before = os.umask(0o022)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run(["--home", str(self.home), *map(str, arguments)])
        finally:
            os.umask(before)
        return Answer(code, out.getvalue(), err.getvalue())

    def done(self, *arguments: object) -> Any:  # noqa: ANN401 - as above
        """A command that must succeed, with --json."""
        answer = self(*arguments, "--json")
        assert answer.code == 0, answer.err
        return answer.json

    def registered(self, serial: str = "1", *options: str) -> str:
        """A pump's device id."""
        device: str = self.done("device", "register", "--udi", PUMP.format(serial), *options)["device_id"]
        return device

    def approved(self, serial: str = "1") -> str:
        """An approved pump's device id."""
        device = self.registered(serial)
        self.done("device", "approve", device)
        return device

    def request(self, name: str, *, alternative: bool = True) -> Path:
        """A request file with fresh keys."""
        second = KeyAlgorithm.ML_DSA_65 if alternative else None
        key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, second)
        path = self.folder / f"{name}.csr"
        path.write_bytes(csr.to_pem(csr.build(key, common_name=name)))
        return path

    def issued(self, device: str) -> str:
        """The serial number of a new certificate of an approved device."""
        order = ("cert", "issue", "--csr", self.request(device), "--device", device)
        made = self.done(*order, "--passphrase-file", self.passphrase, "--out", self.folder / "chain.pem")
        serial: str = made["certificate_serial"]
        return serial


def _secret(folder: Path) -> Path:
    path = folder / "passphrase"
    path.write_bytes(PASSPHRASE)
    path.chmod(0o600)
    return path


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MEDTRUST_HOME", "MEDTRUST_PASSPHRASE_FILE", "MEDTRUST_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    cli = Cli(folder / "home", folder)
    _secret(folder)
    made = cli("init", "--organization", "General Hospital", "--passphrase-file", cli.passphrase)
    assert made.code == 0, made.err
    return cli.home


@pytest.fixture
def cli(template: Path, tmp_path: Path) -> Cli:
    home = tmp_path / "home"
    shutil.copytree(template, home)
    _secret(tmp_path)
    return Cli(home, tmp_path)


@pytest.fixture
def empty(tmp_path: Path) -> Cli:
    """A place where no home is yet."""
    _secret(tmp_path)
    return Cli(tmp_path / "none", tmp_path)
