"""The tables of a profile's TOML file, as types that msgspec checks by (schema: docs/schemas)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from pki.algorithms import KeyAlgorithm
from pki.profile_model import AltNames, Form, Kind

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Duration = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,5}[dhm]$", description="Days, hours or minutes.")]
Dotted = Annotated[str, msgspec.Meta(pattern=r"^[0-2](\.(0|[1-9][0-9]{0,9})){1,20}$")]
Purpose = Annotated[
    str, msgspec.Meta(pattern=r"^(server-auth|client-auth|ocsp-signing|[0-2](\.(0|[1-9][0-9]{0,9})){1,20})$")
]
Suffix = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$", max_length=253)]
Usage = Literal[
    "digital-signature", "non-repudiation", "key-encipherment", "key-cert-sign", "crl-sign"
]  # fmt: skip


class KeysTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[keys]: kinds of keys; the first of `main` is the one to make where nobody asks."""

    main: Annotated[list[KeyAlgorithm], msgspec.Meta(min_length=1)]
    alternative: KeyAlgorithm | None = None
    alternative_required: bool = False


class SubjectTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[subject]: the form of the CN, and what a subjectAltName holds."""

    common_name: str
    alt_names: AltNames = AltNames.NONE


class UsageTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[usage]: what the key may do. Purposes are names, or dotted identifiers of your own."""

    key_usages: list[Usage] = msgspec.field(default_factory=lambda: ["digital-signature"])
    purposes: list[Purpose] = []


class ValidityTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[validity]: the longest lifetime, its last second counted; how far notBefore lies back."""

    lifetime: Duration
    backdate: Duration = "5m"


class ExtensionsTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[extensions]: what else stands in the certificate."""

    status_urls: bool = True
    ocsp_no_check: bool = False
    mud_url: bool = False
    policies: list[Dotted] = []


class SubtreesTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Names by kind; `organization` is a directory name of that O and everything below it."""

    dns: list[Suffix] = []
    ip: list[str] = []
    uri: list[str] = []
    organization: list[str] = []


class ConstraintsTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[ca.name_constraints]: RFC 5280 4.2.1.10."""

    permitted: SubtreesTable = SubtreesTable()
    excluded: SubtreesTable = SubtreesTable()


class CaTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[ca]: only in profiles of CAs."""

    path_length: Annotated[int, msgspec.Meta(ge=0, le=8)] | None = None
    name_constraints: ConstraintsTable | None = None


class NamesTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[names]: which names are allowed; empty lists allow all, denial wins."""

    deny_common_names: list[str] = []
    organizations: list[str] = []
    allow_dns: list[Suffix] = []
    deny_dns: list[Suffix] = []
    allow_ip: list[str] = []
    deny_ip: list[str] = []
    wildcards: bool = False


class IssuerTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """[issuer]: the forms of a CA that may sign it; empty allows any."""

    forms: list[Form] = []


class ProfileDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A certificate profile of medtrust."""

    name: Name
    kind: Kind
    form: Form
    summary: Annotated[str, msgspec.Meta(max_length=200)] = ""
    extends: str = ""
    keys: KeysTable
    subject: SubjectTable
    usage: UsageTable = UsageTable()
    validity: ValidityTable
    extensions: ExtensionsTable = ExtensionsTable()
    ca: CaTable | None = None
    names: NamesTable = NamesTable()
    issuer: IssuerTable = IssuerTable()
