"""Chains for name constraints and policies: classical keys only, because words alone are judged."""

from __future__ import annotations

from collections.abc import Sequence

from pki import asn1, oids
from pki.bundle import TrustAnchor, TrustBundle
from pki.extensions import Extension
from pki.path import Verdict, VerifyPolicy, verify
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import NOW, Recipe, keys

OFF = VerifyPolicy(revocation="off")


def dns(text: str) -> bytes:
    return asn1.implicit(2, text.encode())


def email(text: str) -> bytes:
    return asn1.implicit(1, text.encode())


def uri(text: str) -> bytes:
    return asn1.implicit(6, text.encode())


def ip(*octets: int) -> bytes:
    return asn1.implicit(7, bytes(octets))


def directory(name: bytes) -> bytes:
    return asn1.explicit(4, name)


def other(dotted: str = "1.3.6.1.4.1.99999.3") -> bytes:
    return asn1.tlv(0xA0, asn1.oid(dotted) + asn1.explicit(0, asn1.null()))


def san(*names: bytes, critical: bool = False) -> Extension:
    return Extension(oids.SUBJECT_ALT_NAME, critical, asn1.sequence(*names))


def constraints(
    permitted: Sequence[bytes] = (), excluded: Sequence[bytes] = (), *, critical: bool = True
) -> Extension:
    lists = [
        asn1.tlv(tag, b"".join(asn1.sequence(base) for base in bases))
        for tag, bases in ((0xA0, permitted), (0xA1, excluded))
        if bases
    ]
    return Extension(oids.NAME_CONSTRAINTS, critical, asn1.sequence(*lists))


def chain(*levels: Sequence[Extension], leaf_name: str = "leaf", **leaf: object) -> list[Certificate]:
    """Certificates from the root's down to the end entity's: each level's extra extensions."""
    made: list[Certificate] = []
    above, key = "Root", keys("plain root", None)
    for place, extra in enumerate(levels):
        last = place == len(levels) - 1
        name = "Root" if place == 0 else leaf_name if last else f"CA {place}"
        own = key if place == 0 else keys(f"plain {place}", None)
        recipe = Recipe(name, above, own, key, ca=not last, extra=tuple(extra), **(leaf if last else {}))  # type: ignore[arg-type]
        made.append(recipe.make())
        above, key = name, own
    return made


def judged(made: list[Certificate], policy: VerifyPolicy = OFF) -> Verdict:
    """The verdict over a chain under its own root."""
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(made[0]),), tuple(c.der for c in made[1:-1]))
    return verify(made[-1], bundle=bundle, now=NOW, policy=policy)


def refusals(verdict: Verdict) -> list[str]:
    return [f.rule for f in verdict.findings if f.refuses]
