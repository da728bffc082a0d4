"""The nouns of certificate profiles: what a kind of certificate may contain, and the facts written.

Nothing here reads files or encodes; pki.profile_toml makes profiles from text, pki.profiles holds our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from pki import oids
from pki.algorithms import KeyAlgorithm, SignatureAlgorithm
from pki.constraint_extensions import NameConstraints
from pki.extensions import KeyUsage

MAX_BACKDATE: Final = timedelta(minutes=5)
"""How far notBefore may lie in the past, for clocks that run behind."""

NOT_FOR_NEW_KEYS: Final = frozenset({KeyAlgorithm.RSA_3072, KeyAlgorithm.RSA_4096, KeyAlgorithm.EC_P521})
"""Verified, never certified by us: no device of ours needs them."""


class Form(StrEnum):
    """How a certificate's subject holds its keys (docs/profiles.md says when to use which)."""

    CATALYST = "catalyst"
    """A classical key, and an alternative one in subjectAltPublicKeyInfo."""
    CLASSICAL = "classical"
    PURE = "pure"
    """One ML-DSA or SLH-DSA key."""
    COMPOSITE = "composite"
    """One composite ML-DSA key."""
    RELATED = "related"
    """An ML-DSA key, bound to the subject's other certificate (RFC 9763)."""
    KEM = "kem"
    """An ML-KEM key, for key establishment only (RFC 9935)."""

    def fits(self, main: KeyAlgorithm) -> bool:
        """Whether a main key of this kind is of this form."""
        if self is Form.COMPOSITE:
            return main.is_composite
        if self is Form.KEM:
            return main.is_kem
        return main.is_post_quantum if self in (Form.PURE, Form.RELATED) else main.is_classical


class Kind(StrEnum):
    """What a certificate is for; each kind has a closed list that no profile may leave."""

    ROOT = "root"
    CA = "ca"
    OCSP = "ocsp"
    SERVER = "server"
    CLIENT = "client"
    SIGNER = "signer"
    OPERATOR = "operator"
    DEVICE = "device"


class AltNames(StrEnum):
    """What a subjectAltName of a profile holds."""

    NONE = "none"
    HOSTS = "hosts"
    """DNS names and IP addresses, one at least."""
    HARDWARE = "hardware"
    """An RFC 4108 hardwareModuleName and the UDI-DI's URI, as far as they are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePolicy:
    """Which of the names that a profile has room for are allowed; empty lists allow all, denial wins."""

    deny_common_names: tuple[str, ...] = ()
    """Regular expressions; a whole CN that matches one is refused."""
    organizations: tuple[str, ...] = ()
    allow_dns: tuple[str, ...] = ()
    """Suffixes on label borders: `hospital.example` allows itself and everything below it."""
    deny_dns: tuple[str, ...] = ()
    allow_ip: tuple[str, ...] = ()
    """Networks, e.g. 10.0.0.0/8."""
    deny_ip: tuple[str, ...] = ()
    wildcards: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of certificate. `lifetime` counts the last second; `extensions` lists every OID allowed."""

    name: str
    kind: Kind
    form: Form
    summary: str = ""
    common_name: str
    """A regular expression that the whole CN matches."""
    main: tuple[KeyAlgorithm, ...]
    """Kinds allowed for the certificate's main key; the first is the one to make where nobody asks."""
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
    mud_url: bool = False
    """Whether there is room for a MUD URL (RFC 8520)."""
    policies: tuple[str, ...] = ()
    """certificatePolicies, dotted, without qualifiers."""
    name_constraints: NameConstraints | None = None
    """For CAs only; a ceremony may set its own with dataclasses.replace."""
    names: NamePolicy = NamePolicy()
    issuer_forms: tuple[Form, ...] = ()
    """The forms of a CA that may sign it; empty: any."""
    lifetime: timedelta = timedelta(days=365)
    backdate: timedelta = MAX_BACKDATE

    def __hash__(self) -> int:
        """By name: profiles are keys of caches, and there are few of a name."""
        return hash(self.name)

    @property
    def classical(self) -> frozenset[KeyAlgorithm]:
        """The kinds allowed for the main key, of whatever form."""
        return frozenset(self.main)

    @property
    def related(self) -> bool:
        """Whether the certificate names the subject's other one (RFC 9763)."""
        return self.form is Form.RELATED

    @property
    def extensions(self) -> frozenset[str]:
        """The closed list of extension OIDs."""
        return _closed_list(self)


@lru_cache(maxsize=128)
def _closed_list(profile: Profile) -> frozenset[str]:
    optional = {
        oids.AUTHORITY_KEY_IDENTIFIER: not profile.self_issued,
        oids.EXTENDED_KEY_USAGE: bool(profile.purposes),
        oids.SUBJECT_ALT_NAME: profile.alt_names is not AltNames.NONE,
        oids.OCSP_NO_CHECK: profile.ocsp_no_check,
        oids.CRL_DISTRIBUTION_POINTS: profile.status_urls,
        oids.AUTHORITY_INFORMATION_ACCESS: profile.status_urls,
        oids.MUD_URL: profile.mud_url,
        oids.RELATED_CERTIFICATE: profile.related,
        oids.CERTIFICATE_POLICIES: bool(profile.policies),
        oids.NAME_CONSTRAINTS: profile.name_constraints is not None,
        oids.SUBJECT_ALT_PUBLIC_KEY_INFO: profile.alternative is not None,
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
    mud_url: str = ""
    """https, where the maker's usage description is found (RFC 8520)."""
    related: bytes | None = None
    """The value of the RelatedCertificate extension, DER (RFC 9763 section 4)."""


@dataclass(frozen=True, slots=True)
class StatusUrls:
    """Where a certificate's status and its issuer's certificate are found; empty means absent."""

    ocsp: str = ""
    ca_issuers: str = ""
    crl: str = ""
    """The whole list; where the CA's list is cut by serial, a certificate names its part instead."""
    crl_shards: int = 1
    """Into how many parts (pki.crl_shard); 1: the list is whole."""


@dataclass(frozen=True, slots=True)
class IssuerIdentity:
    """What a certificate says about who signed it."""

    name: bytes
    """Name, DER."""
    key_identifier: bytes
    alternative: SignatureAlgorithm | None
    """What altSignatureAlgorithm will name; None where the issuer signs with one key only."""
