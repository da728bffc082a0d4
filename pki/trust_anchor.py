"""A pinned root: its certificate, its keys, and what they promise of every path below."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pki import oids
from pki.algorithms import PublicKey
from pki.providers.identifiers import COMPOSITE, ML_DSA, SLH_DSA, key_oid
from pki.tbs import Certificate

Form = Literal["catalyst", "classical", "pure", "composite"]


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """One pinned root: its certificate, its keys, and since when what it promises is a must."""

    certificate: bytes
    """DER."""
    classical_spki: bytes
    """The main key: a classical one, or the only one of forms pure and composite."""
    alternative_spki: bytes | None
    form: Form
    alt_required_from: datetime | None = None
    """None: always. Before that moment a level may be classical only, with a warning."""

    @classmethod
    def of(cls, certificate: Certificate, *, alt_required_from: datetime | None = None) -> TrustAnchor:
        """The anchor that a root certificate describes; its form follows from its keys."""
        alternative = certificate.extension(oids.SUBJECT_ALT_PUBLIC_KEY_INFO)
        form = form_of(certificate.spki, alternative)
        return cls(certificate.der, certificate.spki, alternative, form, alt_required_from)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over the certificate."""
        return hashlib.sha256(self.certificate).digest()

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """The main key, and the alternative one of form catalyst."""
        return tuple(PublicKey.load(k) for k in (self.classical_spki, self.alternative_spki) if k)

    @property
    def key_fingerprints(self) -> frozenset[str]:
        """SHA-256 of each key's SubjectPublicKeyInfo, in hex: what a withdrawal names."""
        return frozenset(key_fingerprint(k) for k in (self.classical_spki, self.alternative_spki) if k)


def form_of(spki: bytes, alternative: bytes | None) -> Form:
    """By the keys' identifiers alone: a key that no provider here can use has a form, too."""
    if alternative is not None:
        return "catalyst"
    dotted = key_oid(spki, private=False)
    if dotted in COMPOSITE:
        return "composite"
    return "pure" if dotted in ML_DSA or dotted in SLH_DSA else "classical"


def key_fingerprint(spki: bytes) -> str:
    """SHA-256 of a SubjectPublicKeyInfo, in hex."""
    return hashlib.sha256(spki).hexdigest()


def voices(anchors: tuple[TrustAnchor, ...]) -> tuple[TrustAnchor, ...]:
    """Those of a bundle that speak for the next one: where one resists quantum computers, only such.

    Else the weakest anchor would decide: who breaks a classical root could put out all the others.
    """
    return tuple(anchor for anchor in anchors if anchor.form != "classical") or anchors


def fault_of(anchor: TrustAnchor) -> str:
    """Why an anchor is not to be used; empty: it is what its certificate says."""
    described = TrustAnchor.of(
        Certificate.parse(anchor.certificate), alt_required_from=anchor.alt_required_from
    )
    # An anchor that hides its certificate's second key would make the fingerprint worthless.
    if described != anchor or (anchor.form == "classical" and anchor.alt_required_from is not None):
        return "an anchor's keys or form are not those of its certificate"
    kinds = [key.algorithm for key in anchor.keys]
    if anchor.form == "catalyst" and not (kinds[0].is_classical and kinds[1].is_post_quantum):
        return "an anchor's keys are not a classical one and a post-quantum one"
    return ""
