"""The door to liboqs: absent and broken libraries are told, never imported, built or crashed on."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from pathlib import Path

import pytest

from pki.algorithms import KeyAlgorithm, PrivateKey, SignatureAlgorithm, require
from pki.errors import AlgorithmUnavailable
from pki.providers.oqs import mechanism, status
from pki.providers.oqs_keys import OqsPublic
from pki.providers.routing import OQS


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation path without a library, on a machine without one."""
    if ctypes.util.find_library("oqs") or "oqs" in sys.modules:
        pytest.skip("liboqs is installed on this machine: its absence cannot be tested here")
    monkeypatch.setenv("OQS_INSTALL_PATH", str(tmp_path))
    (tmp_path / "lib").mkdir()
    return tmp_path


def test_an_absent_library_is_told_without_importing_the_wrapper(
    nowhere: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = status()
    assert (found.native, found.mechanisms) == (None, ())
    assert found.sentence == "wrapper present, native library absent"
    assert "medtrust oqs install" in found.remedy
    assert "oqs" not in sys.modules
    assert capfd.readouterr() == ("", "")


def test_asking_an_absent_library_names_algorithm_provider_and_remedy(nowhere: Path) -> None:
    with pytest.raises(AlgorithmUnavailable, match="liboqs cannot do ml-dsa-65") as refused:
        mechanism(KeyAlgorithm.ML_DSA_65)
    assert refused.value.field == "ml-dsa-65"
    assert refused.value.next_step == status().remedy


def test_a_broken_library_counts_as_absent(nowhere: Path) -> None:
    """The wrapper would skip it and start to build its own."""
    (nowhere / "lib" / "liboqs.so").write_bytes(b"not a library")
    assert status().native is None
    assert "oqs" not in sys.modules


def test_a_versioned_name_alone_counts_as_absent(nowhere: Path) -> None:
    """The wrapper looks for liboqs.so only: with liboqs.so.9 alone it would start to build."""
    (nowhere / "lib" / "liboqs.so.9").symlink_to(_some_library())
    assert status().native is None


def test_a_library_that_is_not_liboqs_is_told(nowhere: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (nowhere / "lib" / "liboqs.so").symlink_to(_some_library())
    found = status()
    assert found.native == str(nowhere / "lib" / "liboqs.so")
    assert found.sentence == "wrapper and native library present, but they do not work together"
    assert found.remedy
    assert capfd.readouterr() == ("", "")
    with pytest.raises(AlgorithmUnavailable):
        mechanism(KeyAlgorithm.ML_DSA_44)


def _some_library() -> Path:
    """A real shared library of the process, by the path it was loaded from."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("the loaded libraries are read from /proc, which is Linux's")
    ctypes.CDLL(ctypes.util.find_library("z") or "libz.so.1")
    paths = (line.split()[-1] for line in maps.read_text().splitlines())
    return next(Path(path) for path in paths if "/libz" in path)


@pytest.mark.parametrize(
    "kind", [KeyAlgorithm.ML_DSA_44, KeyAlgorithm.ML_DSA_65, KeyAlgorithm.ML_DSA_87], ids=str
)
def test_both_libraries_agree_on_ml_dsa(kind: KeyAlgorithm) -> None:
    if not status().mechanisms:
        pytest.skip(f"liboqs is not here: {status().sentence}")
    key = PrivateKey.generate(kind)
    good, public = key.sign(b"data"), OqsPublic(kind, key.public.key_bits)
    assert OQS.verify(public, key.signs_with, good, b"data")
    assert not OQS.verify(public, key.signs_with, good, b"other data")
    assert not OQS.verify(OqsPublic(kind, public.raw[:-1]), key.signs_with, good, b"data")
    assert not OQS.verify(public, key.signs_with, good + b"\x00", b"data")
    assert not OQS.verify(public, SignatureAlgorithm.ED25519, good, b"data")


def test_an_algorithm_that_only_liboqs_has_is_refused_when_it_is_configured(nowhere: Path) -> None:
    require(KeyAlgorithm.ML_DSA_65)
    with pytest.raises(AlgorithmUnavailable, match="slh-dsa-sha2-128s needs the provider liboqs") as refused:
        require(KeyAlgorithm.SLH_DSA_SHA2_128S)
    assert "medtrust oqs install" in refused.value.next_step
