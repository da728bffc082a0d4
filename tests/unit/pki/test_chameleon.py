"""Chameleon deltas: rebuilt octet for octet, shown, and never a reason to believe the base."""

from __future__ import annotations

import pytest

from pki import asn1, extensions, oids
from pki.chameleon import DELTA_DESCRIPTOR, delta_certificate
from pki.errors import MalformedInput
from pki.extensions import Extension
from pki.path import Status, VerifyPolicy, verify
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import BUNDLE, DAY, DEVICE, NOW, Recipe, device_recipe, keys
from tests.unit.pki.test_path_forms import PURE, one


def delta_of() -> Certificate:
    """What the base will describe: another key, issuer, validity and serial; the same subject."""
    own, root = one(PURE, 2), one(PURE, 0)
    return Recipe("pump-0001", "Root pq", own, root, not_after=NOW + 10 * DAY).make()


def described(delta: Certificate, *, explicit: bool) -> bytes:
    """The descriptor, in the tagging of later or of earlier drafts."""
    f = delta.signed.fields

    def tagged(number: int, part: bytes) -> bytes:
        inner = part if explicit else asn1.content(part, asn1.whole(part))
        return asn1.explicit(number, inner)

    listed = asn1.sequence(*(e.encode() for e in delta.extensions))
    return asn1.sequence(
        f[1],
        tagged(0, f[2]),
        tagged(1, f[3]),
        tagged(2, f[4]),
        f[6],
        tagged(4, listed),
        asn1.bit_string(delta.signed.signature),
    )


def base_with(value: bytes, *, critical: bool = False) -> Certificate:
    return device_recipe(purposes=(), extra=(Extension(DELTA_DESCRIPTOR, critical, value),)).make()


@pytest.mark.parametrize("explicit", [True, False], ids=["later drafts", "earlier drafts"])
def test_the_delta_is_the_certificate_that_was_described(explicit: bool) -> None:
    delta, root = delta_of(), keys("plain root", None)
    extra = (Extension(DELTA_DESCRIPTOR, False, described(delta, explicit=explicit)),)
    base = Recipe("pump-0001", "Root", keys("plain leaf", None), root, extra=extra).make()
    rebuilt = delta_certificate(base)
    assert rebuilt is not None
    assert rebuilt.der == delta.der
    key, signed = one(PURE, 0).classical.public, rebuilt.signed
    assert key.verify(signed.algorithm, signed.signature, signed.tbs)


def test_no_descriptor_no_delta() -> None:
    assert delta_certificate(DEVICE) is None


def test_the_base_is_judged_by_itself() -> None:
    policy = VerifyPolicy(revocation="off")
    base = base_with(described(delta_of(), explicit=True))
    assert verify(base, bundle=BUNDLE, now=NOW, policy=policy).status is Status.HYBRID_VALID
    critical = base_with(described(delta_of(), explicit=True), critical=True)
    verdict = verify(critical, bundle=BUNDLE, now=NOW, policy=policy)
    assert [f.rule for f in verdict.findings] == ["path.critical_extension_unknown"]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        asn1.null(),
        asn1.sequence(),
        asn1.sequence(asn1.integer(1)),
        asn1.sequence(asn1.integer(1), DEVICE.spki),
        asn1.sequence(asn1.integer(1), asn1.explicit(3, b""), DEVICE.spki, asn1.null()),
        asn1.sequence(asn1.integer(1), asn1.explicit(0, asn1.null()), DEVICE.spki, asn1.bit_string(b"x")),
        asn1.sequence(asn1.integer(1), asn1.explicit(1, b""), asn1.explicit(0, b""), DEVICE.spki),
    ],
    # Keys are new in each process, and cases must have the same names in all of them.
    ids=lambda value: f"{len(value)} octets",
)
def test_a_descriptor_that_does_not_read_is_a_typed_error(value: bytes) -> None:
    with pytest.raises(MalformedInput):
        delta_certificate(base_with(value))


def test_a_delta_brings_no_extension_that_the_base_has_not() -> None:
    listed = asn1.sequence(extensions.extended_key_usage(oids.EKU_OCSP_SIGNING).encode())
    value = asn1.sequence(asn1.integer(1), DEVICE.spki, asn1.explicit(4, listed), asn1.bit_string(b"x"))
    with pytest.raises(MalformedInput, match="an extension that the base has not"):
        delta_certificate(base_with(value))
