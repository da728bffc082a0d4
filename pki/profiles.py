"""Certificate profiles as data: a closed list of what a certificate of each kind may contain.

Nothing here encodes; pki.template writes by a profile, pki.csr and pki.lint judge by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from pki import oids
from pki.algorithms import KeyAlgorithm, SignatureAlgorithm
from pki.errors import PkiError
from pki.extensions import KeyUsage

MAX_BACKDATE: Final = timedelta(minutes=5)
"""How far notBefore may lie in the past, for clocks that run behind."""


class ProfileNotFound(PkiError):
    """No built-in profile has that name."""

    kind = "not_found"


class AltNames(StrEnum):
    """What a subjectAltName of a profile holds."""

    NONE = "none"
    HOSTS = "hosts"
    """DNS names and IP addresses, one at least."""
    HARDWARE = "hardware"
    """An RFC 4108 hardwareModuleName and the UDI-DI's URI, as far as they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of certificate. `lifetime` counts the last second; `extensions` lists every OID allowed."""

    name: str
    common_name: str
    """A regular expression that the whole CN matches."""
    classical: frozenset[KeyAlgorithm]
    """Kinds allowed for the certificate's main key."""
    alternative: KeyAlgorithm | None = None
    """The one kind allowed for subjectAltPublicKeyInfo; None: the subject has no alternative key."""
    alternative_required: bool = False
    key_usages: tuple[KeyUsage, ...] = (KeyUsage.DIGITAL_SIGNATURE,)
    purposes: tuple[str, ...] = ()
    ca: bool = False
    path_length: int | None = None
    self_issued: bool = False
    """A trust anchor: signed by its own key, never by another."""
    alt_names: AltNames = AltNames.NONE
    ocsp_no_check: bool = False
    status_urls: bool = True
    """Whether CRL distribution points and authority information access appear."""
    lifetime: timedelta = timedelta(days=365)
    backdate: timedelta = MAX_BACKDATE

    @property
    def extensions(self) -> frozenset[str]:
        """The closed list of extension OIDs."""
        optional = {
            oids.AUTHORITY_KEY_IDENTIFIER: not self.self_issued,
            oids.EXTENDED_KEY_USAGE: bool(self.purposes),
            oids.SUBJECT_ALT_NAME: self.alt_names is not AltNames.NONE,
            oids.OCSP_NO_CHECK: self.ocsp_no_check,
            oids.CRL_DISTRIBUTION_POINTS: self.status_urls,
            oids.AUTHORITY_INFORMATION_ACCESS: self.status_urls,
            oids.SUBJECT_ALT_PUBLIC_KEY_INFO: self.alternative is not None,
        }
        return _ALWAYS | {dotted for dotted, allowed in optional.items() if allowed}


_ALWAYS: Final = frozenset(
    {
        oids.BASIC_CONSTRAINTS,
        oids.KEY_USAGE,
        oids.SUBJECT_KEY_IDENTIFIER,
        oids.ALT_SIGNATURE_ALGORITHM,
        oids.ALT_SIGNATURE_VALUE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectFacts:
    """What the registry knows of a subject; certificates are written from this, never from a request."""

    common_name: str
    organization: str = ""
    serial_number: str = ""
    """The name's serialNumber attribute: a device's, never a certificate's."""
    hardware_serial: bytes | None = None
    """hwSerialNum of RFC 4108, 1 to 64 octets."""
    udi: tuple[str, str] | None = None
    """(issuing agency, UDI-DI)."""
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    """In text form, IPv4 or IPv6."""


@dataclass(frozen=True, slots=True)
class StatusUrls:
    """Where a certificate's status and its issuer's certificate are found; empty means absent."""

    ocsp: str = ""
    ca_issuers: str = ""
    crl: str = ""


@dataclass(frozen=True, slots=True)
class IssuerIdentity:
    """What a certificate says about who signed it."""

    name: bytes
    """Name, DER."""
    key_identifier: bytes
    alternative: SignatureAlgorithm | None
    """What altSignatureAlgorithm will name; None where the issuer signs classically only."""


_ANY_NAME: Final = r"[^\s].{0,62}[^\s]"
_CA_USAGES: Final = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN)
_P256: Final = frozenset({KeyAlgorithm.EC_P256})
_DEVICE_NAME: Final = r"[A-Za-z0-9_-]{8,64}"
_YEAR: Final = timedelta(days=365)

ROOT: Final = Profile(
    name="root",
    common_name=_ANY_NAME,
    classical=frozenset({KeyAlgorithm.EC_P384}),
    alternative=KeyAlgorithm.ML_DSA_87,
    alternative_required=True,
    key_usages=_CA_USAGES,
    ca=True,
    self_issued=True,
    status_urls=False,
    lifetime=timedelta(days=7305),
)
ISSUING_CA: Final = Profile(
    name="issuing-ca",
    common_name=_ANY_NAME,
    classical=_P256,
    alternative=KeyAlgorithm.ML_DSA_65,
    alternative_required=True,
    key_usages=_CA_USAGES,
    ca=True,
    path_length=0,
    lifetime=timedelta(days=3652),
)
OCSP_ECDSA: Final = Profile(
    name="ocsp-ecdsa",
    common_name=_ANY_NAME,
    classical=_P256,
    alternative=KeyAlgorithm.ML_DSA_65,
    purposes=(oids.EKU_OCSP_SIGNING,),
    ocsp_no_check=True,
    status_urls=False,
    lifetime=timedelta(days=90),
)
OCSP_ML_DSA: Final = Profile(
    name="ocsp-ml-dsa",
    common_name=_ANY_NAME,
    classical=frozenset({KeyAlgorithm.ML_DSA_65}),
    purposes=(oids.EKU_OCSP_SIGNING,),
    ocsp_no_check=True,
    status_urls=False,
    lifetime=timedelta(days=90),
)
SERVER: Final = Profile(
    name="server",
    common_name=_ANY_NAME,
    classical=_P256,
    alternative=KeyAlgorithm.ML_DSA_65,
    purposes=(oids.EKU_SERVER_AUTH,),
    alt_names=AltNames.HOSTS,
    lifetime=_YEAR,
)
REGISTRY: Final = Profile(
    name="registry",
    common_name=_ANY_NAME,
    classical=_P256,
    alternative=KeyAlgorithm.ML_DSA_65,
    alternative_required=True,
    lifetime=_YEAR,
)
BRIDGE: Final = Profile(
    name="bridge",
    common_name=_ANY_NAME,
    classical=_P256,
    alternative=KeyAlgorithm.ML_DSA_65,
    purposes=(oids.EKU_CLIENT_AUTH,),
    lifetime=_YEAR,
)
DEVICE: Final = Profile(
    name="device",
    common_name=_DEVICE_NAME,
    classical=_P256,
    alternative=KeyAlgorithm.ML_DSA_65,
    alternative_required=True,
    purposes=(oids.EKU_CLIENT_AUTH,),
    alt_names=AltNames.HARDWARE,
    lifetime=_YEAR,
)
DEVICE_CLASSICAL: Final = Profile(
    name="device-classical",
    common_name=_DEVICE_NAME,
    classical=_P256,
    purposes=(oids.EKU_CLIENT_AUTH,),
    alt_names=AltNames.HARDWARE,
    lifetime=_YEAR,
)
"""For devices that cannot hold an ML-DSA key; dual-signed all the same, and only by this name."""

PROFILES: Final = {
    profile.name: profile
    for profile in (
        *(ROOT, ISSUING_CA, OCSP_ECDSA, OCSP_ML_DSA, SERVER),
        *(REGISTRY, BRIDGE, DEVICE, DEVICE_CLASSICAL),
    )
}


def by_name(name: str) -> Profile:
    """The built-in profile; ProfileNotFound names those that exist."""
    if name not in PROFILES:
        raise ProfileNotFound(
            f"There is no certificate profile {name!r}.",
            next_step=f"Choose one of {', '.join(PROFILES)}.",
            field="profile",
        )
    return PROFILES[name]
