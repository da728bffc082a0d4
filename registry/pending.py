"""What an enrolment and a renewal share: a PENDING certificate, and the one answer to a repeated request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from pki.csr import Request
from pki.issuer import Issuer
from pki.profiles import Profile, SubjectFacts, by_name
from registry.issuance import IssuanceOrder, issue
from registry.model import actor as actors
from registry.model import transcript
from registry.model.certificate import CertificateRecord
from registry.model.criticality import Criticality
from registry.model.device import Device
from registry.model.enrollment import Enrollment, EnrollmentRequest, RenewalRequest
from registry.model.errors import Conflict, NotFound
from registry.ports import Ports
from registry.store.enrollments import AnsweredRequest
from registry.store.unit_of_work import UnitOfWork

CONFIRM_WITHIN: Final = timedelta(hours=1)
_BY_CLASS: Final = {
    Criticality.LIFE_SUSTAINING: "device-life-sustaining",
    Criticality.THERAPY: "device-therapy",
    Criticality.MONITORING: "device-monitoring",
    Criticality.DIAGNOSTIC: "device-diagnostic",
    Criticality.NON_CLINICAL: "device-non-clinical",
    # Not known to be harmless: as long as the longest.
    Criticality.UNKNOWN: "device-life-sustaining",
}


@dataclass(frozen=True, slots=True)
class IssuingParts:
    """The CA as the walk needs it."""

    issuer: Issuer
    chain: tuple[bytes, ...]
    """What follows the leaf: the issuing CA's certificate, DER."""
    organization: str = ""
    own_profiles: Mapping[str, Profile] = field(default_factory=dict)
    """The hospital's own, by name; one named as a built-in profile narrows it."""

    def profile_for(self, device: Device) -> Profile:
        """The profile of the device's criticality class."""
        name = _BY_CLASS[device.criticality]
        return self.own_profiles.get(name) or by_name(name)


def issue_pending(
    request: EnrollmentRequest | RenewalRequest,
    device: Device,
    csr: Request,
    with_intention: Callable[[UnitOfWork, CertificateRecord], None],
    *,
    ports: Ports,
    parts: IssuingParts,
) -> Enrollment:
    """Lint, intention, signature, fact, for the device itself; `with_intention` may still refuse."""

    def with_fact(uow: UnitOfWork, record: CertificateRecord, index: int) -> None:
        # The stored answer is written with the certificate: a redelivery finds both or neither.
        record_answer(request, record, index, uow)

    profile = parts.profile_for(device)
    order = IssuanceOrder(
        profile,
        facts_of(device, parts),
        csr,
        profile.lifetime,
        device_id=device.device_id,
        request_id=request.request_id,
        confirm_within=CONFIRM_WITHIN,
        with_intention=with_intention,
        with_fact=with_fact,
    )
    issuance = issue(order, actors.device(request.device_id), ports=ports, issuer=parts.issuer)
    return answer(request.request_id, issuance.record, issuance.log_index, parts)


def facts_of(device: Device, parts: IssuingParts) -> SubjectFacts:
    """What the certificate says of a device: from the registry, never from the request."""
    return device_facts(device, parts.organization)


def device_facts(device: Device, organization: str) -> SubjectFacts:
    """As facts_of, for whoever has no CA at hand."""
    serial = device.serial_number.encode() if device.serial_number else None
    udi = (device.udi_agency, device.udi_di) if device.udi_agency and device.udi_di else None
    return SubjectFacts(
        common_name=device.device_id, organization=organization, hardware_serial=serial, udi=udi
    )


def answer(
    request_id: str, record: CertificateRecord, index: int, parts: IssuingParts, *, repeated: bool = False
) -> Enrollment:
    """What the device is told."""
    if record.device_id is None or record.der is None or record.activate_before is None:
        raise Conflict("The stored certificate is not one of an enrolment.", field="certificate_serial")
    chain = (record.der, *parts.chain)
    return Enrollment(request_id, record.device_id, record, chain, record.activate_before, index, repeated)


def repeated_answer(
    request: EnrollmentRequest | RenewalRequest, uow: UnitOfWork, parts: IssuingParts
) -> Enrollment | None:
    """The stored answer to a redelivered request; Conflict where the body is another one."""
    stored = uow.enrollments.answered(request.device_id, request.request_id)
    if stored is None:
        return None
    if not transcript.same(stored.body_hash, request.body_hash):
        raise Conflict(
            "This request id was used with another body.", next_step="Use a new request id.", field="rid"
        )
    record = uow.certificates.get(stored.certificate_serial)
    if record is None:
        raise NotFound("The answered certificate is gone from the store.", field="rid")
    return answer(request.request_id, record, stored.log_index, parts, repeated=True)


def record_answer(
    request: EnrollmentRequest | RenewalRequest, record: CertificateRecord, index: int, uow: UnitOfWork
) -> None:
    """What the same request is answered when it is delivered again."""
    stored = AnsweredRequest(
        request.device_id,
        request.request_id,
        request.body_hash,
        record.certificate_serial,
        index,
        record.issued_at or record.intended_at,
    )
    uow.enrollments.answer(stored)
