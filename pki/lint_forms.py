"""Lint rules of the key's form: RFC 9881, 9909, 9935, 9763, the composite draft; each under its clause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pki import asn1, oids
from pki.extensions import KeyUsage, read_key_usage
from pki.findings import Finding, error
from pki.lint_context import Rule, Twin
from pki.profile_model import NOT_FOR_NEW_KEYS, Form

_SIGNATURES_ONLY: Final = frozenset(
    {KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION, KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN}
)
_KEM_ONLY: Final = frozenset({KeyUsage.KEY_ENCIPHERMENT})
_DIGESTS: Final = {oids.SHA256: 32, oids.SHA384: 48, oids.SHA512: 64}


def key_usage_of_form(twin: Twin) -> Iterator[Finding]:
    """RFC 9881 5, RFC 9909 6, draft composite-sigs 5.2: signatures only. RFC 9935 5: encipherment only."""
    value = twin.value(oids.KEY_USAGE)
    found = read_key_usage(value) if value is not None else frozenset()
    algorithm = twin.certificate.public_key.algorithm
    if algorithm.is_kem and found != _KEM_ONLY:
        message = "A key of ML-KEM has the usage keyEncipherment and no other."
        yield error("form.key_usage_not_of_kem", message, str(algorithm))
    elif not algorithm.is_kem and not found <= _SIGNATURES_ONLY:
        yield error("form.key_usage_not_of_signatures", "The key only signs.", str(algorithm))


def key_of_form(twin: Twin) -> Iterator[Finding]:
    """The main key is of the profile's form: neither a lone half of a hybrid, nor a hybrid instead of one.

    RFC 9881 2, RFC 9909 3, RFC 9935 3, draft composite-sigs 5.1: parameters make the key malformed already.
    """
    main = twin.certificate.public_key.algorithm
    if not twin.profile.form.fits(main):
        message = f"A key of kind {main} is not of the form {twin.profile.form}."
        yield error("form.main_key_not_of_form", message, str(main))
    alternative = twin.certificate.alternative_public_key
    if alternative is not None and (
        twin.profile.form is not Form.CATALYST or not alternative.algorithm.is_post_quantum
    ):
        message = f"An alternative key of kind {alternative.algorithm} has no place here."
        yield error("form.alternative_key_not_of_form", message, str(alternative.algorithm))


def not_for_new_keys(twin: Twin) -> Iterator[Finding]:
    """Our own rule: RSA, P-521 and HashML-DSA are verified, never certified."""
    main = twin.certificate.public_key.algorithm
    if main in NOT_FOR_NEW_KEYS:
        yield error("form.key_not_for_new_certificates", f"Keys of kind {main} are not certified.", str(main))


def related(twin: Twin) -> Iterator[Finding]:
    """RFC 9763 4.1: in the form related, and only there; a SHA-2 digest of its full length, no parameters."""
    value = twin.value(oids.RELATED_CERTIFICATE)
    if value != (twin.context.facts.related if twin.profile.related else None):
        message = "RelatedCertificate is not the binding that was proven."
        yield error("form.related_not_the_proven", message, value.hex() if value else "absent")
    if value is None:
        return
    parts = asn1.children(value, asn1.whole(value, what="relatedCertificate"))
    algorithm = asn1.children(value, parts[0]) if parts else []
    size = _DIGESTS.get(asn1.oid_value(value, algorithm[0])) if len(algorithm) == 1 else None
    if len(parts) != 2 or size != len(asn1.content(value, parts[1], asn1.OCTET_STRING)):
        message = "RelatedCertificate is not a SHA-2 algorithm and a digest of its length."
        yield error("form.related_malformed", message, value.hex())


RULES: Final[tuple[Rule, ...]] = (*(key_usage_of_form, key_of_form, not_for_new_keys, related),)
