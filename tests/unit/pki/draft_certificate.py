"""A device certificate taken apart, open to change, for rules that judge it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pki import asn1
from pki.extensions import (
    Extension,
)
from pki.providers.interface import SignatureAlgorithm
from pki.tbs import Certificate, Unsigned, seal
from tests.unit.pki.issuing_fixtures import issue

SIGNATURE = bytes(3309)


class Draft:
    """A device certificate's fields, open to change, sealed under a signature that nobody checks."""

    def __init__(self) -> None:
        good = Certificate.parse(issue().der)
        self.version = asn1.explicit(0, asn1.integer(2))
        self.serial = good.serial
        self.issuer = good.issuer
        self.not_before = asn1.time(good.not_before)
        self.not_after = asn1.time(good.not_after)
        self.subject = good.subject
        self.spki = good.spki
        self.extensions = list(good.extensions)
        self.algorithm = SignatureAlgorithm.ECDSA_SHA256

    def put(self, extension: Extension) -> None:
        self.extensions = [extension if e.oid == extension.oid else e for e in self.extensions]

    def insert(self, extension: Extension) -> None:
        self.extensions.insert(0, extension)

    def drop(self, dotted: str) -> None:
        self.extensions = [e for e in self.extensions if e.oid != dotted]

    def value(self, dotted: str) -> bytes:
        return next(e.value for e in self.extensions if e.oid == dotted)

    def der(self) -> bytes:
        body = b"".join(
            (self.issuer, asn1.sequence(self.not_before, self.not_after), self.subject, self.spki)
        )
        encoded = tuple(e.encode() for e in self.extensions)
        unsigned = Unsigned(self.version + asn1.integer(self.serial), body, encoded, 3)
        return seal(unsigned.tbs(self.algorithm, None), self.algorithm, b"unchecked")


Change = Callable[[Draft], None]


def at(field: str, value: object) -> Change:
    return lambda draft: setattr(draft, field, value)


def begin(moment: datetime) -> Change:
    return at("not_before", asn1.time(moment))


def end(moment: datetime) -> Change:
    return at("not_after", asn1.time(moment))


def put(dotted: str, value: bytes, critical: bool = False) -> Change:
    return lambda draft: draft.put(Extension(dotted, critical, value))


def put_whole(extension: Extension | None) -> Change:
    assert extension is not None
    return lambda draft: draft.put(extension)


def insert(extension: Extension) -> Change:
    return lambda draft: draft.insert(extension)


def drop(*dotted: str) -> Change:
    def change(draft: Draft) -> None:
        for one in dotted:
            draft.drop(one)

    return change


def last_first(draft: Draft) -> None:
    draft.extensions.insert(0, draft.extensions.pop())


def repeat(dotted: str) -> Change:
    return lambda draft: draft.insert(Extension(dotted, False, draft.value(dotted)))


def name(*pairs: tuple[str, str]) -> bytes:
    return asn1.sequence(
        *(asn1.set_of([asn1.sequence(asn1.oid(o), asn1.utf8_string(text))]) for o, text in pairs)
    )
