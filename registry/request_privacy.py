"""Patients' data in a certificate request: looked for before anything of it is compared, shown or logged.

A certificate says nothing that the registry did not know, so nothing of this could enter one; but an error
message or a log would repeat it. A net and not a proof, as registry.trust.phi_guard; it must let the names of
models and hospitals through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pki import asn1, names, oids
from pki.csr import Request
from pki.errors import PkiError
from pki.findings import Finding, error
from pki.request_extensions import PLAIN_DNS
from registry.model.errors import Refused
from registry.trust.phi_guard import find_phi

_PERSONS: Final = (
    # HL7 and DICOM write a person's name so.
    re.compile(r"[A-Za-z]{2,}\\?\^[A-Za-z]"),
    re.compile(r"(?<![A-Za-z])(?:(?:Mr|Mrs|Ms|Herr|Frau)\.? |Patient(?:in)?:) *[A-Z][a-z]+"),
    re.compile(r"(?<![A-Za-z])(?:born|geb\.|née) ", re.IGNORECASE),
)
_DEVICE_ID: Final = re.compile(r"mtd-[a-z2-7]{16}")
_FEW_DIGITS: Final = 4
_PERSONAL_TYPES: Final = {
    "2.5.4.4": "surname",
    "2.5.4.42": "givenName",
    "2.5.4.43": "initials",
    "1.3.6.1.5.5.7.9.1": "dateOfBirth",
    "1.3.6.1.5.5.7.9.3": "gender",
}


def guard_request(request: Request) -> None:
    """Refused where the request holds what looks like a person's data; the message never repeats it."""
    for found in personal_findings(request):
        raise Refused(
            f"{found.message} [{found.rule}]",
            next_step="Name the device as the registry does, and nobody else; nothing of it was kept.",
            field=found.subject,
        )


def personal_findings(request: Request) -> Iterator[Finding]:
    """A finding for each place that looks like a person's data, with the place as its subject."""
    for attribute in names.parse(request.subject):
        if attribute.oid in _PERSONAL_TYPES:
            kind = _PERSONAL_TYPES[attribute.oid]
            yield _found(f"The subject holds a person's {kind}.", kind)
        elif (code := find_personal(attribute.value)) is not None:
            yield _found(f"{attribute.label} looks like a patient's data ({code}).", attribute.label)
    for extension in request.extensions_asked:
        if extension.oid == oids.SUBJECT_ALT_NAME:
            codes = {code for text in _texts(extension.value) if (code := find_personal(text))}
            for code in sorted(codes):
                problem = f"subjectAltName looks like a patient's data ({code})."
                yield _found(problem, "subjectAltName")


def find_personal(text: str) -> str | None:
    """A code for what looks like a person's data, or None."""
    if _DEVICE_ID.fullmatch(text):
        # The common case, and of our own making: the net below costs as much as reading the whole request.
        return None
    if "." in text and PLAIN_DNS.fullmatch(text) and sum(map(str.isdigit, text)) < _FEW_DIGITS:
        # A machine may be called mrn-index or patient-id: without a number that says nothing of anybody.
        return None
    if any(pattern.search(text) for pattern in _PERSONS):
        return "phi.person"
    return find_phi(text)


def _found(problem: str, field: str) -> Finding:
    return error("request.personal_data", problem, field)


def _texts(value: bytes) -> Iterator[str]:
    """Every primitive inside, as text; what is not text matches nothing."""
    try:
        stack = [asn1.whole(value, what="subjectAltName")]
        while stack:
            element = stack.pop()
            if element.tag & 0x20:
                stack += asn1.children(value, element)
            elif element.tag not in (asn1.OID, 0x87):
                yield asn1.content(value, element).decode("utf-8", "replace")
    except PkiError:
        # Malformed: pki.request_extensions says so, and repeats nothing.
        return
