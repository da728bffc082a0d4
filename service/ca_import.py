"""`medtrust ca import`: an existing CA becomes one of the home's, with its key, its lists and its numbers.

Order: keys and certificates on disk, rows in the store, responders and a first list of ours; then the
register makes it true, and the bundle tells the world. The same command finishes what was cut off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pki.findings import Finding, Severity
from pki.issuer import Issuer
from pki.profiles import SubjectFacts
from pki.tbs import Certificate
from registry.adoption import PROFILE, adopt_authority
from registry.ports import Ports
from registry.publication import WHOLE
from service import clock
from service.authorities import CaEntry, KeyPlace, Register, checked_name, read_register, write_register
from service.authority import (
    ROOT_LIST_LIVES,
    Signing,
    certificate_file,
    list_signer,
    responder_names,
    urls,
)
from service.ca_keys import Keyring
from service.ca_material import ImportRefused, Material, judge
from service.ceremony import Room
from service.home import write_atomically
from service.keystore import KeyWriter
from service.own_signers import RESPONDERS, certify, keep_certificate
from service.pem import read_certificate, to_pem
from service.publisher import Publisher
from service.trust_publication import publish_bundle, require_signer


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """What a person decides about the CA."""

    name: str
    issues: bool = True
    """Whether it certifies devices and servers from now on."""
    default: bool = False
    accept_findings: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it."""

    entry: CaEntry
    findings: tuple[Finding, ...]
    revocations: int
    crl_number: int


def import_authority(material: Material, order: ImportOrder, room: Room, *, ports: Ports) -> Imported:
    """ImportRefused with every finding that a person has not accepted; nothing is changed then."""
    now = ports.clock()
    register = read_register(room.home)
    ring = Keyring(room.home, room.passphrase, room.medium)
    _require_new(material, order, register, room)
    findings = judge(material, now)
    _require_accepted(findings, accepted=order.accept_findings)
    require_signer(room.home, register, ring)
    after, certificates = _next_register(material, order, register, room)
    writer = KeyWriter(room.home.keys, room.passphrase, now)
    writer.write(order.name, material.key)
    for name, certificate in certificates.items():
        keep_certificate(room.home, name, certificate)
        write_atomically(room.home.public / f"{name}.pem", to_pem(certificate.der))
    entry = after.get(order.name)
    taken = adopt_authority(
        order.name, entry.issuer_name, material.certificate, material.last_list, room.actor, ports=ports
    )
    signing = Signing(material.certificate, material.key)
    if order.issues:
        _certify_responders(order.name, signing, room, writer, ports)
    number = _publish_list(entry, signing, room, ports)
    # From here on the CA is ours.
    write_register(room.home, after)
    publish_bundle(room.home, after, ring, clock.now())
    return Imported(entry, findings, taken, number)


def _require_new(material: Material, order: ImportOrder, register: Register, room: Room) -> None:
    checked_name(order.name)
    ours = {e.name: read_certificate(certificate_file(room.home, e.name)) for e in register.entries}
    for name, held in ours.items():
        same = (held.der == material.certificate.der, held.subject == material.certificate.subject)
        if name == order.name or any(same) or held.spki == material.certificate.spki:
            raise ImportRefused(
                f"{name} is here already, with this name, subject or key.",
                next_step="Choose another short name; two CAs of one subject cannot live in one home.",
                field="name",
            )


def _require_accepted(findings: tuple[Finding, ...], *, accepted: bool) -> None:
    grave = [f for f in findings if f.severity is not Severity.NOTICE]
    if grave and not accepted:
        told = " ".join(f"{f.message} [{f.rule}]" for f in grave)
        raise ImportRefused(
            f"The CA is not without fault: {told}",
            next_step="Mend it where it comes from, or take it as it is: --accept-findings.",
            field=grave[0].rule,
        )


def _next_register(
    material: Material, order: ImportOrder, register: Register, room: Room
) -> tuple[Register, dict[str, Certificate]]:
    """The CA and those above it that are not ours yet, the top first; and the certificates of all of them."""
    ours = {read_certificate(certificate_file(room.home, e.name)).der: e.name for e in register.entries}
    certificates: dict[str, Certificate] = {}
    parent = ""
    for place, certificate in reversed(list(enumerate(material.above, start=1))):
        name = ours.get(certificate.der, "")
        if not name:
            name = checked_name(f"{order.name}-above-{place}")
            certificates[name] = certificate
            register = register.with_entry(
                CaEntry(
                    name=name,
                    profile=PROFILE,
                    issuer_name=parent or name,
                    key_place=KeyPlace.FOREIGN,
                    issues=False,
                    imported=True,
                    sha256=certificate.fingerprint.hex(),
                )
            )
        parent = name
    certificates[order.name] = material.certificate
    register = register.with_entry(
        CaEntry(
            name=order.name,
            profile=PROFILE,
            issuer_name=parent or order.name,
            issues=order.issues,
            imported=True,
            sha256=material.certificate.fingerprint.hex(),
        )
    )
    return replace(register, default=order.name if order.default else register.default), certificates


def _certify_responders(name: str, signing: Signing, room: Room, writer: KeyWriter, ports: Ports) -> None:
    issuer = Issuer(signing.certificate, signing.key, urls(room.settings, name, responder=True), name)
    for responder, (profile, title) in zip(responder_names(name), RESPONDERS, strict=True):
        facts = SubjectFacts(common_name=title, organization=room.settings.organization)
        made = certify(responder, profile, facts, issuer, actor=room.actor, ports=ports, writer=writer)
        keep_certificate(room.home, responder, made.certificate)


def _publish_list(entry: CaEntry, signing: Signing, room: Room, ports: Ports) -> int:
    signer = list_signer(entry.name, signing, room.settings, issues=entry.issues)
    if not entry.issues:
        signer = signer.living(ROOT_LIST_LIVES)
    (stored,) = Publisher(room.home, ports).publish(signer, [WHOLE], room.actor)
    return stored.crl_number
