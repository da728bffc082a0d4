"""The end of the story: the log proves what happened, the doctor looks, and everything is left to look at."""

from __future__ import annotations

from dataclasses import replace

from audit.errors import AuditError
from audit.keys import VerifierKey, parse_vkey
from audit.receipt import Receipt, decode_receipt, encode_receipt, verify_receipt
from cli.demo.errors import StoryBroken
from cli.demo.report import Said, looked
from cli.demo.stage import Stage
from registry import audit_trail
from service.authority import log_origin

_MANY = 10_000
_PUBLISHED = {
    "root.pem": "/ca/root.pem",
    "issuing.pem": "/ca/issuing.pem",
    "issuing.crl": "/crl/issuing.crl",
    "root.crl": "/crl/root.crl",
    "trust-bundle.json": "/trust-bundle.json",
}
_RECEIPT = "receipt-pump-revoked.json"


def prove(stage: Stage) -> None:
    """The whole log, a signed checkpoint, and one receipt that needs nothing but the log's keys."""
    ports, origin = stage.runtime.ports, log_origin(stage.authority.root)
    size = audit_trail.sign(stage.authority.log_signers, origin, ports=ports)
    vkeys = (stage.hospital.home.public / "log.vkeys").read_bytes()
    keys = [parse_vkey(line) for line in vkeys.decode().splitlines()]
    verdict = audit_trail.verify(keys, origin, ports=ports)
    problems = "; ".join(problem.message for problem in verdict.problems)
    stage.report.check(
        "The audit log verifies: every leaf, node and checkpoint",
        looked(
            not verdict.problems and verdict.entries >= size > 0,
            problems or f"{verdict.entries} entries, {verdict.checkpoints} checkpoints",
            "medtrust audit",
        ),
    )
    with ports.store.read() as uow:
        note = uow.log.last_checkpoint() or ""
    stage.folder.write("checkpoint", note.encode())
    stage.folder.write("log.vkeys", vkeys)
    receipt = audit_trail.receipt(_revocation_of_the_pump(stage), ports=ports)
    written = stage.folder.write(_RECEIPT, encode_receipt(receipt).encode())
    stage.report.check(
        "The receipt of the pump's revocation verifies offline, and an altered one does not",
        _holds(decode_receipt(written.read_text("utf-8")), origin, keys),
        _altered(receipt, origin, keys),
    )
    stage.report.check("No device's serial number stands in the log", _no_serial_numbers(stage))


def _revocation_of_the_pump(stage: Stage) -> int:
    serial = stage.units["pump"].serial
    for index, leaf in audit_trail.entries(ports=stage.runtime.ports, limit=_MANY):
        if leaf.kind == "certificate.revoked" and leaf.subject == serial:
            return index
    raise StoryBroken("The log holds no revocation of the pump's certificate.", field="audit log")


def _holds(receipt: Receipt, origin: str, keys: list[VerifierKey]) -> Said:
    try:
        leaf = verify_receipt(receipt, origin=origin, keys=keys)
    except AuditError as no:
        return looked(False, no.problem, "medtrust receipt verifier")
    said = f"entry {receipt.index}: {leaf.kind} of {leaf.subject} by {leaf.actor}"
    return looked(True, said, "medtrust receipt verifier")


def _altered(receipt: Receipt, origin: str, keys: list[VerifierKey]) -> Said:
    lie = replace(receipt, leaf=receipt.leaf.replace(b"keyCompromise", b"superseded"))
    if lie.leaf == receipt.leaf:
        return looked(False, "the leaf names no reason to alter", "medtrust receipt verifier")
    try:
        verify_receipt(lie, origin=origin, keys=keys)
    except AuditError as no:
        return looked(True, f"with another reason: {no.problem}", "medtrust receipt verifier")
    return looked(False, "an altered leaf was believed", "medtrust receipt verifier")


def _no_serial_numbers(stage: Stage) -> Said:
    with stage.runtime.store.read() as uow:
        serials = [device.serial_number for device in uow.devices.all() if device.serial_number]
        size = uow.log.size()
        leaves = b"\n".join(uow.log.read_entries(0, size))
    found = [serial for serial in serials if serial.encode() in leaves]
    said = f"{len(serials)} serial numbers looked for in {size} leaves, {len(found)} found"
    return looked(not found and bool(serials), said, "medtrust demo")


def examine(stage: Stage) -> None:
    """medtrust doctor: notes are expected (open alarms), warnings are not."""
    told = stage.hospital.command("doctor", may_end_with=(0, 2, 3, 4))
    checks = [c for c in told["checks"] if c["level"] != "ok"]
    stage.report.explain("medtrust doctor", [f"{c['level']}: {c['name']}: {c['message']}" for c in checks])
    counted = f"{len(told['checks'])} checks, worst: {told['level']}; {len(told['heartbeats'])} jobs beat"
    healthy = told["level"] in ("ok", "note") and bool(told["heartbeats"])
    stage.report.check("The doctor finds nothing to worry about", looked(healthy, counted, "medtrust doctor"))


def leave(stage: Stage) -> None:
    """What relying parties are served, as files; then the hospital ends in order."""
    for name, path in _PUBLISHED.items():
        stage.folder.write(name, stage.hospital.get(path))
    code = stage.hospital.stop()
    stage.report.check(
        "The hospital's process ends in order", looked(code == 0, f"exit code {code}", "the operating system")
    )
