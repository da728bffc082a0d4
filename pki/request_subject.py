"""What a request's subject may say: what the registry says, in plain text, each attribute once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pki import asn1, names, oids
from pki.errors import PkiError
from pki.findings import Finding, error
from pki.profiles import SubjectFacts

MOST_ATTRIBUTES: Final = 16
_TEXT: Final = frozenset({asn1.UTF8_STRING, asn1.PRINTABLE_STRING})
_STRINGS: Final = {
    0x14: "TeletexString",
    0x16: "IA5String",
    0x1C: "UniversalString",
    0x1E: "BMPString",
    0x1A: "VisibleString",
    0x12: "NumericString",
}
_PERSONAL: Final = {
    "1.2.840.113549.1.9.1": "an e-mail address",
    "2.5.4.4": "a surname",
    "2.5.4.42": "a given name",
}


def check_subject(subject: bytes, facts: SubjectFacts) -> Iterator[Finding]:
    """Findings that refuse, each with the attribute's label as its subject."""
    rdns = asn1.children(subject, asn1.whole(subject, what="subject"))
    if not rdns:
        yield error("request.subject_empty", "The request names no subject.", "subject")
        return
    counts = [len(asn1.children(subject, rdn)) for rdn in rdns]
    if len(counts) > MOST_ATTRIBUTES:
        problem = f"The subject has {len(counts)} parts; at most {MOST_ATTRIBUTES} are read."
        yield error("request.subject_too_long", problem, "subject")
        return
    if any(count != 1 for count in counts):
        problem = "A part of the subject holds several attributes at once; write them one behind the other."
        yield error("request.subject_multi_valued", problem, "subject")
        return
    yield from _attributes(subject, rdns, facts)


def _attributes(subject: bytes, rdns: list[asn1.Tlv], facts: SubjectFacts) -> Iterator[Finding]:
    expected = {
        oids.COMMON_NAME: facts.common_name,
        oids.ORGANIZATION: facts.organization,
        oids.SERIAL_NUMBER_ATTRIBUTE: facts.serial_number,
    }
    seen: set[str] = set()
    for rdn, attribute in zip(rdns, names.parse(subject), strict=True):
        label = attribute.label
        if attribute.oid in seen:
            yield error("request.subject_attribute_repeated", f"{label} is there more than once.", label)
        seen.add(attribute.oid)
        if attribute.oid not in expected:
            what = _PERSONAL.get(attribute.oid, label)
            yield error("request.subject_attribute_not_known", f"A subject has no {what} here.", label)
            continue
        refused = _text(_tag(subject, rdn), attribute)
        if refused is not None:
            yield refused
        elif attribute.value != expected[attribute.oid]:
            problem = f"{label} is {attribute.value!r}, not {expected[attribute.oid]!r}."
            yield error("request.subject_of_another", problem, label)


def _text(tag: int, attribute: names.Attribute) -> Finding | None:
    if tag not in _TEXT:
        kind = _STRINGS.get(tag, f"tag 0x{tag:02x}")
        problem = (
            f"{attribute.label} is a {kind}; UTF8String and PrintableString are read (RFC 5280 4.1.2.4)."
        )
        return error("request.subject_string_type", problem, attribute.label)
    try:
        names.check_text(attribute.value, attribute.label, 64)
    except PkiError as bad:
        return error("request.subject_text_malformed", bad.problem, attribute.label)
    return None


def _tag(subject: bytes, rdn: asn1.Tlv) -> int:
    pair = asn1.children(subject, rdn)[0]
    return asn1.children(subject, pair)[1].tag
