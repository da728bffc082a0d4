"""An operator's order for a certificate: who may have one, and what the registry says stands in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pki import csr, profiles
from pki.profiles import SubjectFacts
from registry.enrollment import IssuingParts, facts_of
from registry.issuance import IssuanceOrder
from registry.lookup import get_device
from registry.model.certificate import CertificateRecord
from registry.model.device import Device, DeviceEvent, DeviceId, DeviceState, device_id, move
from registry.model.errors import BadInput, Refused
from registry.ports import Ports
from registry.store.unit_of_work import UnitOfWork


class OrderProfile(StrEnum):
    """What an operator may order; our own keys are certified in the ceremony only."""

    DEVICE = "device"
    DEVICE_CLASSICAL = "device-classical"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the operator says; the registry knows the rest."""

    request: bytes
    """PEM or DER."""
    profile: OrderProfile
    device: str | None = None
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    days: int | None = None


def order_of(asked: Asked, parts: IssuingParts, ports: Ports) -> IssuanceOrder:
    """The order; refused where the device may not have a certificate, before any key is used."""
    request = csr.Request.parse(csr.der_from_pem_or_der(asked.request))
    profile = profiles.by_name(asked.profile)
    lifetime = profile.lifetime if asked.days is None else timedelta(days=asked.days)
    if asked.profile is OrderProfile.SERVER:
        return IssuanceOrder(profile, _server_facts(asked, parts), request, lifetime)
    known = device_id(_device_name(asked))
    with ports.store.read() as uow:
        device = entitled(known, uow)

    def with_intention(uow: UnitOfWork, _record: CertificateRecord) -> None:
        # Again inside the transaction: nothing is signed for a device that was held a moment ago.
        uow.devices.set_state(known, move(entitled(known, uow).state, DeviceEvent.ISSUE))

    def with_fact(uow: UnitOfWork, _record: CertificateRecord, _index: int) -> None:
        # Handed over by a person: active at once, no confirmation by the device is waited for.
        state = get_device(known, uow).state
        uow.devices.set_state(known, move(state, DeviceEvent.CONFIRM))

    return IssuanceOrder(
        profile,
        facts_of(device, parts),
        request,
        lifetime,
        device_id=known,
        with_intention=with_intention,
        with_fact=with_fact,
    )


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


def _device_name(asked: Asked) -> str:
    if asked.dns_names or asked.ip_addresses:
        raise BadInput(
            f"Profile {asked.profile} holds no host names.",
            next_step="Leave out --dns and --ip, or choose --profile server.",
            field="--dns",
        )
    if not asked.device:
        raise BadInput(
            f"Profile {asked.profile} needs the device that the certificate is for.",
            next_step="Give --device ID; see: medtrust device list --state approved.",
            field="--device",
        )
    return asked.device


def _server_facts(asked: Asked, parts: IssuingParts) -> SubjectFacts:
    names = (*asked.dns_names, *asked.ip_addresses)
    if not names or asked.device:
        raise BadInput(
            "A server's certificate is for host names and addresses, not for a device.",
            next_step="Give --dns NAME or --ip ADDRESS; names are never copied from the request.",
            field="--dns",
        )
    return SubjectFacts(
        common_name=names[0],
        organization=parts.organization,
        dns_names=asked.dns_names,
        ip_addresses=asked.ip_addresses,
    )
