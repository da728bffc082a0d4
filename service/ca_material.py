"""An existing CA's files, read and judged: certificate, key, the chain above it, its last list.

Everything here may come from a product that nobody remembers: whatever is wrong is named, and nothing is
taken over before all of it was looked at.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from pki import path_structure
from pki.algorithms import PrivateKey
from pki.bundle import TrustAnchor, TrustBundle
from pki.crl import CertificateList, read_pem, verify_crl
from pki.errors import PkiError
from pki.extensions import KeyUsage, read_key_usage
from pki.findings import Finding, Severity
from pki.keys import HybridPrivateKey
from pki.oids import KEY_USAGE
from pki.path import VerifyPolicy, verify
from pki.tbs import Certificate
from service.errors import BadSetting, Kind, ServiceError
from service.home import read_secret
from service.lists import LARGEST
from service.pem import from_pem_or_der, read_file

_NEVER_ACCEPTED: Final = ("path.signature_invalid", "path.no_path_to_a_trust_anchor")
"""No `--accept-findings` helps: the chain's top would become an anchor that did not sign what is below."""
_PLAIN: Final = re.compile(rb"-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----", re.DOTALL)


class ImportRefused(ServiceError):
    """The CA cannot become one of ours as it is."""

    kind: ClassVar[Kind] = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What a person gives. Keys must be 0600, as everywhere."""

    certificate: Path | None = None
    key: Path | None = None
    alternative_key: Path | None = None
    pkcs12: Path | None = None
    password: bytes | None = field(default=None, repr=False)
    chain: Path | None = None
    last_list: Path | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """A CA that was read. `above` leads up to a certificate that signed itself, nearest first."""

    certificate: Certificate
    key: HybridPrivateKey
    above: tuple[Certificate, ...]
    last_list: bytes | None


def read_material(files: Files) -> Material:
    """All of it, parsed; BadSetting or MalformedInput names the file that is wrong."""
    if files.pkcs12 is not None:
        certificate, pkcs8, listed = _from_pkcs12(files.pkcs12, files.password)
    elif files.certificate is not None and files.key is not None:
        found = from_pem_or_der(read_file(files.certificate, "certificate"))
        certificate, listed = found[0], found[1:]
        pkcs8 = _pkcs8(read_secret(files.key, what="key"), files.password, "key")
    else:
        raise BadSetting(
            "A CA is a certificate and its private key.",
            next_step="Give --certificate and --key, or --pkcs12.",
            field="--certificate",
        )
    if files.chain is not None:
        listed += from_pem_or_der(read_file(files.chain, "chain"), "chain")
    alternative = None
    if files.alternative_key is not None:
        secret = read_secret(files.alternative_key, what="alternative key")
        alternative = PrivateKey.load(_pkcs8(secret, files.password, "alternative key"))
    own = Certificate.parse(certificate)
    return Material(
        own,
        HybridPrivateKey(PrivateKey.load(pkcs8), alternative),
        _ordered(own, [Certificate.parse(der) for der in listed]),
        _list(files.last_list) if files.last_list is not None else None,
    )


def judge(material: Material, now: datetime) -> tuple[Finding, ...]:
    """What may be accepted with open eyes, as findings; what may not raises ImportRefused at once."""
    certificate, key = material.certificate, material.key
    if certificate.spki != key.classical.public.spki:
        raise ImportRefused("The private key is not the certificate's.", field="--key")
    alternative = key.alternative.public if key.alternative else None
    if certificate.alternative_public_key != alternative:
        raise ImportRefused(
            "The alternative private key is missing, or is not the certificate's.",
            next_step="Give both keys of a catalyst CA: --key and --alternative-key.",
            field="--alternative-key",
        )
    if key.classical.algorithm.is_kem or not path_structure.is_ca(certificate):
        raise ImportRefused(
            "The certificate is not a CA's: basicConstraints does not say CA:TRUE.", field="basicConstraints"
        )
    usage = certificate.extension(KEY_USAGE)
    wanted = {KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN}
    if usage is None or not wanted <= set(read_key_usage(usage)):
        raise ImportRefused("Its keyUsage lacks keyCertSign or cRLSign.", field="keyUsage")
    if not certificate.not_before <= now <= certificate.not_after:
        raise ImportRefused(
            f"The certificate is not valid now: {certificate.not_before:%Y-%m-%d} to "
            f"{certificate.not_after:%Y-%m-%d}.",
            next_step="Renew it where it comes from, or make a new CA here: medtrust ca ceremony.",
            field="validity",
        )
    return (*_chain_findings(material, now), *_own_findings(certificate), *_list_findings(material, now))


def _own_findings(certificate: Certificate) -> list[Finding]:
    found = list(path_structure.findings(certificate))
    if 0 < certificate.serial < 1 << 63:
        message = "Its serial has less than 64 bits: certificates of that house may be foreseeable."
        found.append(Finding("import.serial_short", Severity.NOTICE, message, f"{certificate.serial:x}"))
    if not certificate.public_key.algorithm.resists_quantum and certificate.alternative_public_key is None:
        message = "It falls with its classical key; roll it over to a hybrid CA when you can."
        found.append(Finding("import.classical_only", Severity.NOTICE, message))
    return found


def _chain_findings(material: Material, now: datetime) -> list[Finding]:
    top = material.above[-1] if material.above else material.certificate
    if top.subject != top.issuer:
        raise ImportRefused(
            "The chain above the CA does not end in a certificate that signed itself.",
            next_step="Give every certificate up to the root: --chain FILE.",
            field="--chain",
        )
    bundle = TrustBundle(1, now, (TrustAnchor.of(top),))
    verdict = verify(
        material.certificate,
        bundle=bundle,
        now=now,
        intermediates=material.above,
        policy=VerifyPolicy(revocation="off"),
    )
    forged = next((f for f in verdict.findings if f.rule in _NEVER_ACCEPTED), None)
    if forged is not None:
        raise ImportRefused(
            f"The chain above the CA does not hold: {forged.message}",
            next_step="Give the certificates that signed it: --chain FILE.",
            field="--chain",
        )
    return list(verdict.findings)


def _list_findings(material: Material, now: datetime) -> list[Finding]:
    if material.last_list is None:
        message = "No list was given: numbers begin at 1, and what it revoked before is not known here."
        return [Finding("import.no_list", Severity.WARNING, message)]
    found = CertificateList.parse(material.last_list)
    if found.is_delta or found.distribution_point or found.only_some_reasons or found.indirect:
        raise ImportRefused(
            "The list is not a complete one of this CA.", next_step="Give its full list.", field="--crl"
        )
    refusing = [f for f in verify_crl(found, material.certificate, alternative=False) if f.refuses]
    if refusing:
        raise ImportRefused(f"The list is not this CA's: {refusing[0].message}", field="--crl")
    if found.this_update > now:
        raise ImportRefused("The list begins in the future.", field="--crl")
    return []


def _ordered(own: Certificate, listed: list[Certificate]) -> tuple[Certificate, ...]:
    chain: list[Certificate] = []
    last = own
    while last.subject != last.issuer:
        above = next((c for c in listed if c.subject == last.issuer and c not in chain), None)
        if above is None:
            break
        chain.append(above)
        last = above
    return tuple(chain)


def _from_pkcs12(path: Path, password: bytes | None) -> tuple[bytes, bytes, list[bytes]]:
    try:
        found = load_pkcs12(read_secret(path, what="PKCS#12 file"), password)
    except (ValueError, TypeError) as bad:
        raise BadSetting(
            f"{path} cannot be opened: it is no PKCS#12 file, or the password is wrong.",
            next_step="Give its password: --key-password-file FILE (0600).",
            field="--pkcs12",
        ) from bad
    if found.cert is None or found.key is None:
        raise BadSetting(f"{path} lacks the certificate or its key.", field="--pkcs12")
    pkcs8 = found.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    others = [each.certificate.public_bytes(Encoding.DER) for each in found.additional_certs]
    return found.cert.certificate.public_bytes(Encoding.DER), pkcs8, others


def _pkcs8(data: bytes, password: bytes | None, what: str) -> bytes:
    """PKCS#8 DER from PEM or DER, also encrypted, and from older PEM forms of classical keys."""
    plain = _PLAIN.search(data)
    try:
        if plain is not None:
            return base64.b64decode(b"".join(plain[1].split()), validate=True)
        if password is None and data[:1] == b"\x30":
            return data
        load = load_der_private_key if data[:1] == b"\x30" else load_pem_private_key
        private = load(data, password)
    except (ValueError, TypeError, binascii.Error) as bad:
        raise BadSetting(
            f"The {what} cannot be read: it is no private key, or its password is wrong or missing.",
            next_step="Give PEM or DER; an encrypted one needs --key-password-file.",
            field="--key",
        ) from bad
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _list(path: Path) -> bytes:
    data = read_file(path, "list", at_most=LARGEST)
    try:
        return data if data[:1] == b"\x30" else read_pem(data.decode("ascii", "replace"))
    except PkiError as bad:
        raise BadSetting(f"{path} is not a revocation list: {bad.problem}", field="--crl") from bad
