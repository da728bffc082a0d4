"""An operator's order for a certificate: who may have one, and what the registry says stands in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pki import csr
from pki.csr import Request, Shown
from pki.profiles import Form, Kind, Profile, SubjectFacts
from pki.related import related_certificate
from pki.tbs import Certificate
from pki.template import subject_name
from registry.issuance import IssuanceOrder
from registry.kem_challenge import check_answer, spend_answer
from registry.lookup import get_device
from registry.model.certificate import CertificateRecord
from registry.model.device import Device, DeviceEvent, DeviceId, DeviceState, device_id, move
from registry.model.errors import BadInput, Refused
from registry.model.kem_challenge import KemAnswer, KemProof
from registry.pending import IssuingParts, facts_of
from registry.ports import Ports
from registry.possession import read_request
from registry.request_evidence import Judge, shown_certificate, still_active
from registry.store.unit_of_work import UnitOfWork

ORDERED = frozenset({Kind.DEVICE, Kind.SERVER, Kind.OPERATOR})
"""What an operator may order; our own keys are certified in ceremonies only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the operator says; the registry knows the rest."""

    request: bytes
    """PEM or DER."""
    profile: Profile
    device: str | None = None
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    operator: str = ""
    """The name of a person who operates us, for profiles of that kind."""
    mud_url: str = ""
    """Where the maker describes the device's traffic (RFC 8520)."""
    days: int | None = None
    answer: KemAnswer | None = None
    kem_proof: KemProof = KemProof.CHALLENGE


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whose certificate it will be."""

    facts: SubjectFacts
    device_id: DeviceId | None = None


def order_of(asked: Asked, parts: IssuingParts, ports: Ports, judge: Judge) -> IssuanceOrder:
    """The order; refused where the subject may not have a certificate, before any key is used.

    `judge` gives findings on the path and status of a certificate that the request rests on.
    """
    request = read_request(csr.der_from_pem_or_der(asked.request))
    profile, now = asked.profile, ports.clock()
    lifetime = profile.lifetime if asked.days is None else timedelta(days=asked.days)
    with ports.store.read() as uow:
        subject = _subject(asked, parts, uow)
        shown = shown_certificate(
            request,
            subject_name(subject.facts),
            owner=subject.device_id,
            judge=judge,
            now=now,
            uow=uow,
        )
        _require_kem_proof(request, asked, now=now, uow=uow)
    facts = subject.facts
    if shown is not None and profile.form is Form.RELATED:
        facts = replace(facts, related=related_certificate(shown.der))
    return IssuanceOrder(
        profile,
        facts,
        replace(request, shown=Shown(shown, asked.answer is not None)),
        lifetime,
        device_id=subject.device_id,
        with_intention=_intention(request, shown, subject.device_id, asked.answer, ports.clock),
        with_fact=None if subject.device_id is None else _fact(subject.device_id),
    )


def _intention(
    request: Request,
    shown: Certificate | None,
    known: DeviceId | None,
    answer: KemAnswer | None,
    clock: Callable[[], datetime],
) -> Callable[[UnitOfWork, CertificateRecord], None]:
    def with_intention(uow: UnitOfWork, _record: CertificateRecord) -> None:
        # All of it again inside the transaction: nothing is signed for a device that was held a moment ago,
        # nor bound to a certificate that was revoked, and an answer is good once.
        if shown is not None:
            still_active(shown, uow)
        if answer is not None:
            spend_answer(request, answer, now=clock(), uow=uow)
        if known is not None:
            uow.devices.set_state(known, move(entitled(known, uow).state, DeviceEvent.ISSUE))

    return with_intention


def _fact(known: DeviceId) -> Callable[[UnitOfWork, CertificateRecord, int], None]:
    def with_fact(uow: UnitOfWork, _record: CertificateRecord, _index: int) -> None:
        # Handed over by a person: active at once, no confirmation by the device is waited for.
        state = get_device(known, uow).state
        uow.devices.set_state(known, move(state, DeviceEvent.CONFIRM))

    return with_fact


def orderable(profile: Profile) -> Profile:
    """The profile; BadInput where it is not for an operator to order by."""
    if profile.kind not in ORDERED:
        raise BadInput(
            f"Profile {profile.name} is for our own keys, which a ceremony certifies.",
            next_step="Choose a profile for devices, servers or operators: medtrust profile list.",
            field="profile",
        )
    return profile


def entitled(known: DeviceId, uow: UnitOfWork) -> Device:
    """The device, if a person has said yes to it and nothing contradicts who it is."""
    device = get_device(known, uow)
    if device.state is DeviceState.REGISTERED:
        raise Refused(
            "The device is registered, not approved.",
            next_step=f"Approve it first: medtrust device approve {known}.",
            field="state",
        )
    if device.conflicts:
        raise Refused(
            "The identity of the device is contradicted.",
            next_step=f"Look: medtrust device show {known}.",
            field="conflicts",
        )
    move(device.state, DeviceEvent.ISSUE)
    return device


def _require_kem_proof(request: Request, asked: Asked, *, now: datetime, uow: UnitOfWork) -> None:
    if asked.answer is not None:
        check_answer(request, asked.answer, now=now, uow=uow)
    elif request.public.classical.algorithm.is_kem and (
        request.statement is None or asked.kem_proof is KemProof.CHALLENGE
    ):
        raise Refused(
            "Nothing proves that the requester holds the ML-KEM key of the request.",
            next_step="Challenge it: medtrust cert challenge, then cert answer, then issue with --answer.",
            field="--answer",
        )


def _subject(asked: Asked, parts: IssuingParts, uow: UnitOfWork) -> _Subject:
    kind = orderable(asked.profile).kind
    if asked.mud_url and kind is not Kind.DEVICE:
        raise BadInput("A MUD URL describes a device.", next_step="Leave out --mud-url.", field="--mud-url")
    if kind is Kind.SERVER:
        return _Subject(_server_facts(asked, parts))
    if asked.dns_names or asked.ip_addresses:
        raise BadInput(
            f"Profile {asked.profile.name} holds no host names.",
            next_step="Leave out --dns and --ip, or choose --profile server.",
            field="--dns",
        )
    if kind is Kind.OPERATOR:
        return _Subject(_operator_facts(asked, parts))
    if not asked.device or asked.operator:
        raise BadInput(
            f"Profile {asked.profile.name} needs the device that the certificate is for.",
            next_step="Give --device ID; see: medtrust device list --state approved.",
            field="--device",
        )
    device = entitled(device_id(asked.device), uow)
    return _Subject(replace(facts_of(device, parts), mud_url=asked.mud_url), device.device_id)


def _operator_facts(asked: Asked, parts: IssuingParts) -> SubjectFacts:
    if not asked.operator or asked.device:
        raise BadInput(
            f"Profile {asked.profile.name} needs the name of the operator.",
            next_step="Give --operator NAME, as it will stand in the log.",
            field="--operator",
        )
    return SubjectFacts(common_name=asked.operator, organization=parts.organization)


def _server_facts(asked: Asked, parts: IssuingParts) -> SubjectFacts:
    # DNS compares without case; a certificate has one spelling.
    dns = tuple(name.lower() for name in asked.dns_names)
    names = (*dns, *asked.ip_addresses)
    if not names or asked.device or asked.operator:
        raise BadInput(
            "A server's certificate is for host names and addresses, not for a device.",
            next_step="Give --dns NAME or --ip ADDRESS; names are never copied from the request.",
            field="--dns",
        )
    return SubjectFacts(
        common_name=names[0],
        organization=parts.organization,
        dns_names=dns,
        ip_addresses=asked.ip_addresses,
    )
