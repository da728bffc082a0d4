"""Who looks: our verifier, with nothing but what the hospital publishes, and `openssl` where it is there.

Both fetch lists and answers over HTTP like any relying party; neither is told what to find.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.demo.hospital import Hospital, without_proxies
from cli.demo.report import Said
from pki import names
from pki.algorithms import SignatureAlgorithm
from pki.bundle import TrustBundle, open_bundle
from pki.crl import to_pem as crl_to_pem
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList
from pki.ocsp import CertId, Good, Revoked, build_request, parse_response, verify_response
from pki.path import Verdict, verify
from pki.tbs import Certificate
from service import clock
from service.pem import to_pem

_LISTS: Final = ("issuing", "root")
_MISSING: Final = "not checked: openssl is not installed"


@dataclass(frozen=True, slots=True)
class Expected:
    """A certificate's status as it should be."""

    revoked: bool = False
    reason: str = ""
    """The CRLReason's name in OpenSSL's words, such as keyCompromise."""


GOOD: Final = Expected()


class Verifier:
    """Our own relying party: it pins the root's fingerprint and fetches everything else."""

    def __init__(self, hospital: Hospital, pinned: bytes) -> None:
        self._hospital, self._pinned = hospital, pinned

    def bundle(self) -> TrustBundle:
        """The trust bundle as served, under the pinned fingerprint."""
        return open_bundle(self._hospital.get("/trust-bundle.json"), pinned_fingerprint=self._pinned)

    def judge(self, certificate: Certificate) -> Verdict:
        """The path with both signatures at each level, and the served lists."""
        bundle = self.bundle()
        lists = [self._hospital.get(f"/crl/{name}.crl") for name in _LISTS]
        return verify(certificate, bundle=bundle, now=clock.now(), crls=lists)

    def valid(self, certificate: Certificate) -> Said:
        """hybrid-valid, or why not."""
        verdict = self.judge(certificate)
        refusing = [f"{f.rule}: {f.message}" for f in verdict.findings if f.refuses]
        path = " <- ".join(", ".join(names.common_names(each.subject)) for each in verdict.chain)
        return Said(
            "medtrust verifier",
            verdict.status == "hybrid-valid",
            f"{verdict.status}: {'; '.join(refusing) or path}",
        )

    def ocsp(self, certificate: Certificate, expected: Expected) -> Said:
        """The answer to a fresh nonce, by the post-quantum delegate."""
        issuing = self.issuing()
        nonce = clock.entropy(32)
        request = build_request(certificate, issuing, nonce=nonce, preferred=[SignatureAlgorithm.ML_DSA_65])
        response = parse_response(self._hospital.ask_ocsp(request))
        cert_id = CertId.of(issuing, certificate.serial)
        found = verify_response(response, cert_id, issuing, clock.now(), nonce=nonce)
        refusing = [finding.message for finding in found if finding.refuses]
        answer = response.basic.answer_for(cert_id) if response.basic else None
        if refusing or answer is None or response.basic is None:
            return Said("medtrust OCSP client", False, " ".join(refusing) or "no answer")
        status = answer.status
        right = _is(status.reason.name, expected) if isinstance(status, Revoked) else not expected.revoked
        right = right and isinstance(status, Good | Revoked)
        said = f"revoked ({_plain(status.reason.name)})" if isinstance(status, Revoked) else "good"
        signed = f"signed with {response.basic.algorithm}, nonce repeated"
        return Said("medtrust OCSP client", right, f"{said}, {signed}")

    def crl(self, certificate: Certificate, expected: Expected) -> Said:
        """The served list: both signatures, and what it says of the certificate."""
        issuing = self.issuing()
        crl = CertificateList.parse(self._hospital.get("/crl/issuing.crl"))
        refusing = [f.message for f in verify_crl(crl, issuing) if f.refuses]
        entry = crl.revoked(certificate.serial)
        right = _is(entry.reason.name, expected) if entry else not expected.revoked
        said = f"listed ({_plain(entry.reason.name)})" if entry else "not listed"
        detail = " ".join(refusing) or f"{said} in list {crl.crl_number}, both signatures hold"
        return Said("medtrust CRL reader", right and not refusing, detail)

    def issuing(self) -> Certificate:
        """The issuing CA's certificate from the bundle."""
        return Certificate.parse(self.bundle().intermediates[0])


class OpenSsl:
    """The stock program, which sees the classical half only; every word is None where it is absent."""

    def __init__(self, hospital: Hospital, folder: Path) -> None:
        self._hospital, self._folder = hospital, folder
        self.program = shutil.which("openssl")

    def verify(self, certificate: Certificate, *, refused_as: str = "") -> Said:
        """`openssl verify` with the lists of both CAs; `refused_as` is its reason where it must say no."""
        subject = self._write("subject.pem", to_pem(certificate.der))
        lists = "".join(crl_to_pem(self._hospital.get(f"/crl/{name}.crl")) for name in _LISTS)
        crls = self._write("lists.pem", lists.encode())
        chain = ["-CAfile", str(self._ca("root")), "-untrusted", str(self._ca("issuing"))]
        code, said = self._run("verify", *chain, "-crl_check_all", "-CRLfile", str(crls), str(subject))
        told = said[-1] if code == 0 else next((line for line in said if line.startswith("error ")), said[-1])
        right = refused_as in told if code and refused_as else code == 0 and not refused_as
        return self._word("openssl verify -crl_check_all", right, told.replace(f"{subject}: ", ""))

    def ocsp(self, certificate: Certificate, expected: Expected) -> Said:
        """`openssl ocsp` against the URL in the certificate's own words."""
        subject = self._write("subject.pem", to_pem(certificate.der))
        host, port = self._hospital.status_address
        anchors = self._write("anchors.pem", self._hospital.get("/ca/chain.pem"))
        asked = ["-issuer", str(self._ca("issuing")), "-cert", str(subject), "-CAfile", str(anchors)]
        code, said = self._run("ocsp", *asked, "-url", f"http://{host}:{port}/ocsp")
        status = next((line for line in said if line.startswith(f"{subject}: ")), "no status")
        reason = next((line.split(":")[1].strip() for line in said if line.startswith("Reason:")), "")
        verified = "Response verify OK" in said
        word = status.replace(f"{subject}: ", "")
        right = word == ("revoked" if expected.revoked else "good") and _is(reason, expected)
        detail = f"{word} {f'({reason})' if reason else ''}".strip()
        how = "response verified" if verified else "response NOT verified"
        return self._word("openssl ocsp", code == 0 and verified and right, f"{detail}, {how}")

    def crl(self, certificate: Certificate, expected: Expected) -> Said:
        """`openssl crl`: the list's classical signature, and whether it names the certificate."""
        listed = self._write("issuing.crl", self._hospital.get("/crl/issuing.crl"))
        form = ["-inform", "DER", "-in", str(listed), "-CAfile", str(self._ca("issuing"))]
        code, said = self._run("crl", *form, "-noout", "-text")
        serial = f"Serial Number: {certificate.serial:X}"
        named = any(line.replace(" 0", " ") == serial for line in said)
        verified = "verify OK" in said
        detail = f"{'listed' if named else 'not listed'}, {'verify OK' if verified else 'verify FAILED'}"
        return self._word("openssl crl", code == 0 and verified and named is expected.revoked, detail)

    def _ca(self, name: str) -> Path:
        return self._write(f"{name}.pem", self._hospital.get(f"/ca/{name}.pem"))

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        return path

    def _run(self, *arguments: str) -> tuple[int, list[str]]:
        if self.program is None:
            return 1, [_MISSING]
        done = subprocess.run(
            [self.program, *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env=without_proxies(),
        )
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        return done.returncode, lines or ["it said nothing"]

    def _word(self, by: str, ok: bool, detail: str) -> Said:
        return Said(by, ok, detail) if self.program else Said("openssl", None, _MISSING)


def _is(reason: str, expected: Expected) -> bool:
    """Whether a reason, as ours or OpenSSL names it, is the one expected."""
    return expected.revoked is bool(reason) and _plain(reason) == _plain(expected.reason)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
