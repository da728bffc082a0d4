"""`medtrust cert request inspect`: what stands in a request, and what would be refused of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, home_of, registry
from cli.errors import EXIT_CODES
from cli.finding_view import finding_rows
from cli.output import note, print_fields, print_findings, print_json
from pki import names, oids
from pki.csr import Request, der_from_pem_or_der, verify_possession
from pki.errors import PkiError
from pki.identity_extensions import AlternativeNames, read_alternative_names
from pki.profiles import AltNames, Profile, SubjectFacts
from pki.request_extensions import PLAIN_DNS
from pki.request_rules import check_request
from pki.template import check_facts
from service.pem import read_file
from service.profiles import find_profile

_NEEDS_REGISTRY = frozenset(
    {
        "request.related_certificate_not_shown",
        "request.related_binding_another",
        "request.statement_signer_not_shown",
        "request.kem_possession_unproven",
        "profile.related_not_as_profile",
        "profile.host_names_not_as_profile",
    }
)
"""What only the CA can judge, with its registry and a challenge at hand."""


def inspect(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A PKCS#10 request, PEM or DER.")],
    profile: Annotated[str, typer.Option(metavar="NAME", help="Judge it by this profile.")] = "",
    device: Annotated[str | None, typer.Option(metavar="ID", help="Compare with this device.")] = None,
    as_json: Json = False,
) -> None:
    """Look at a request: its keys, their proofs, and what a profile would refuse. Exit code 3 if anything.

    With --device it is compared with the registry; without, its own names are taken for granted.
    """
    from registry.request_privacy import personal_findings

    request = Request.parse(der_from_pem_or_der(read_file(file, "request")))
    personal = list(personal_findings(request))
    found = [*personal, *verify_possession(request)]
    if profile or device:
        chosen = find_profile(home_of(ctx), profile or "device")
        facts = _of_device(device, ctx) if device else _as_asked(request, chosen)
        found += (*check_facts(chosen, facts), *check_request(request, chosen, facts))
    if personal:
        # What looks like a patient's data is not repeated, neither by us nor by another rule's message.
        found = personal
    open_questions = [finding for finding in found if finding.rule in _NEEDS_REGISTRY]
    refusing = [finding for finding in found if finding not in open_questions]
    document = _document(request, hide_names=bool(personal))
    if as_json:
        rows = {"findings": finding_rows(refusing), "left_to_the_ca": finding_rows(open_questions)}
        print_json({**document, **rows})
    else:
        print_fields(document, as_json=False)
        print_findings(finding_rows(refusing))
        print_findings(finding_rows(open_questions), title="left to the CA")
        if not profile and not device:
            note("Only the proofs were looked at; --profile NAME judges the rest.")
    if refusing:
        raise typer.Exit(EXIT_CODES["refused"])


def _document(request: Request, *, hide_names: bool) -> dict[str, object]:
    public = request.public
    return {
        "subject": "(not shown)" if hide_names else names.show(request.subject),
        "key": str(public.classical.algorithm),
        "key_identifier": public.classical.key_identifier.hex(),
        "alternative_key": str(public.alternative.algorithm) if public.alternative else None,
        "signed_with": str(request.algorithm) if request.algorithm else "nothing: the key cannot sign",
        "bound_to": f"{request.related.reference.certificate_serial:x}" if request.related else None,
        "stated_by": f"{request.statement.signer.certificate_serial:x}" if request.statement else None,
        "extensions_asked": [extension.oid for extension in request.extensions_asked],
        "other_attributes": list(request.foreign_attributes),
        "bytes": len(request.der),
    }


def _of_device(device: str, ctx: typer.Context) -> SubjectFacts:
    from registry.lookup import get_device
    from registry.model.device import device_id
    from registry.pending import device_facts

    with registry(ctx) as runtime, runtime.store.read() as uow:
        return device_facts(get_device(device_id(device), uow), runtime.settings.organization)


def _as_asked(request: Request, profile: Profile) -> SubjectFacts:
    said = {attribute.oid: attribute.value for attribute in names.parse(request.subject)}
    plain = SubjectFacts(
        common_name=said.get(oids.COMMON_NAME, ""),
        organization=said.get(oids.ORGANIZATION, ""),
        serial_number=said.get(oids.SERIAL_NUMBER_ATTRIBUTE, ""),
    )
    asked = AlternativeNames()
    for extension in request.extensions_asked:
        if extension.oid == oids.SUBJECT_ALT_NAME:
            with suppress(PkiError):  # malformed: check_request says so
                asked = read_alternative_names(extension.value)
    if profile.alt_names is AltNames.HOSTS:
        dns = tuple(name for name in asked.dns_names if PLAIN_DNS.fullmatch(name))
        return replace(plain, dns_names=dns, ip_addresses=asked.ip_addresses)
    serial = asked.hardware[0][1] if asked.hardware else None
    return replace(plain, hardware_serial=serial, udi=asked.udis[0] if asked.udis else None)
