"""Verdicts for people and programs: the path as a table, each level with who vouches for it."""

from __future__ import annotations

from cli.finding_view import finding_rows
from cli.output import Row, print_fields, print_findings, print_json, print_rows, say
from pki import names
from pki.chameleon import delta_certificate
from pki.errors import PkiError
from pki.findings import error
from pki.path import Level, Status, Verdict
from pki.tbs import Certificate, read_alternative
from registry.model.certificate import CertificateRecord


def print_verdict(verdict: Verdict, *, as_json: bool) -> None:
    """The verdict, the path judged, and why."""
    document = verdict_document(verdict)
    if as_json:
        print_json(document)
        return
    print_fields(_head(document), as_json=False)
    _print_path("path", verdict)
    if verdict.related is not None:
        _print_path("related path", verdict.related)
    print_findings(finding_rows(verdict.findings))


def _print_path(title: str, verdict: Verdict) -> None:
    if verdict.levels:
        say(f"{title}:")
        print_rows(level_rows(verdict), as_json=False, empty="")


def verdict_document(verdict: Verdict) -> dict[str, object]:
    """Everything that the verdict says, as plain data."""
    document: dict[str, object] = {
        "verdict": verdict.status,
        "valid": verdict.is_valid,
        "path": [names.show(certificate.subject) for certificate in verdict.chain],
        "levels": level_rows(verdict),
        "policies": sorted(verdict.policies),
        "signatures_verified": verdict.signatures,
        "findings": finding_rows(verdict.findings),
    }
    if verdict.related is not None:
        document["related"] = verdict_document(verdict.related)
    if verdict.chain and (delta := delta_row(verdict.chain[0])):
        document["delta_certificate"] = delta
    return document


def _head(document: dict[str, object]) -> Row:
    shown = {
        name: document[name] for name in ("verdict", "policies", "delta_certificate") if document.get(name)
    }
    return shown if document["levels"] else {**shown, "path": document["path"]}


def level_rows(verdict: Verdict) -> list[dict[str, object]]:
    """A row a level, the end entity first: its two signatures, what they are worth, and its status."""
    return [_level_row(level, place, len(verdict.chain)) for place, level in enumerate(verdict.levels)]


def _level_row(level: Level, place: int, length: int) -> dict[str, object]:
    certificate = level.certificate
    alternative, _ = read_alternative(certificate.extensions)
    pinned = place == length - 1 and length > 1
    return {
        "certificate": names.show(certificate.subject),
        "role": "anchor" if place == length - 1 else "CA" if place else "end",
        "signature": _signed(certificate.signed.algorithm, level.vouched.main, pinned=pinned),
        "alternative": _signed(
            alternative.algorithm if alternative else "", level.vouched.alternative, pinned=pinned
        ),
        "stands": "pinned" if pinned else level.vouched.strength.name.lower().replace("_", "-"),
        "status": "pinned" if pinned else str(level.status),
        "not_after": certificate.not_after,
    }


def _signed(algorithm: str, holds: bool | None, *, pinned: bool) -> str:
    if not algorithm:
        return "-"
    if pinned:
        return f"{algorithm}, pinned"
    return f"{algorithm}, " + ("not looked at" if holds is None else "holds" if holds else "DOES NOT HOLD")


def delta_row(certificate: Certificate) -> dict[str, object] | None:
    """The certificate that a chameleon describes beside itself: shown, and believed by nobody for that."""
    try:
        delta = delta_certificate(certificate)
        if delta is None:
            return None
        return {
            "certificate_serial": f"{delta.serial:x}",
            "subject": names.show(delta.subject),
            "issuer": names.show(delta.issuer),
            "key": delta.public_key.algorithm,
            "signature": delta.signed.algorithm,
            "sha256": delta.fingerprint.hex(),
            "believed": "no: shown only",
        }
    except PkiError as bad:
        return {"malformed": str(bad)}


def unpublished(verdict: Verdict, record: CertificateRecord) -> Verdict:
    """The verdict with the registry's own word, which comes before any list that says it."""
    if not verdict.is_valid:
        return verdict
    problem = f"The registry has it as {record.state}; no published list says so yet."
    found = error("registry.revoked_not_yet_published", problem, record.certificate_serial)
    return Verdict(Status.INVALID, (*verdict.findings, found), verdict.chain, verdict.levels)
