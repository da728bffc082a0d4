"""An OCSP answer as a document: what is said only where it is believed, how it was said always."""

from __future__ import annotations

from cli.words import shown
from pki import names
from pki.crl_list import CrlReason
from pki.errors import MalformedInput
from pki.ocsp_parse import BasicResponse
from pki.ocsp_response import NEVER_ISSUED, Good, Revoked, SingleAnswer, responder_key_hash
from service.ocsp_query import Answered


def is_good(answered: Answered) -> bool:
    """Whether the answer is believed and says good."""
    believed = answered.believed
    return believed is not None and isinstance(believed.status, Good)


def answer_document(answered: Answered) -> dict[str, object]:
    """Status, times, who signed and with what, size and time; the status only where it is believed."""
    basic, believed = answered.response.basic, answered.believed
    document: dict[str, object] = {"certificate_serial": f"{answered.question.certificate.serial:x}"}
    document |= {"status": "not believed"} if believed is None else _said(believed, basic)
    if basic is None:
        document["response_status"] = answered.response.status.name.lower()
    else:
        document |= {
            "produced_at": basic.produced_at,
            "responder": _responder(basic),
            "algorithm": str(basic.algorithm),
            "nonce": _nonce(answered, basic),
        }
    return document | {"bytes": answered.size, "milliseconds": round(answered.seconds * 1000, 1)}


def _said(single: SingleAnswer, basic: BasicResponse | None) -> dict[str, object]:
    said: dict[str, object] = {"status": _status(single, basic)}
    if isinstance(single.status, Revoked):
        said |= {"since": single.status.revoked_at, "reason": single.status.reason.name.lower()}
    said |= {"this_update": single.this_update, "next_update": single.next_update}
    if single.archive_cutoff is not None:
        said["archive_cutoff"] = single.archive_cutoff
    return said


def _status(single: SingleAnswer, basic: BasicResponse | None) -> str:
    """RFC 6960 2.2: a serial that was never issued may be called revoked, and said to be so."""
    if isinstance(single.status, Revoked):
        if single.status == NEVER_ISSUED and basic is not None and basic.extended_revoke:
            return "never issued"
        return "on hold" if single.status.reason is CrlReason.CERTIFICATE_HOLD else "revoked"
    return "good" if isinstance(single.status, Good) else "unknown"


def _responder(basic: BasicResponse) -> str:
    wanted, name = basic.responder_key_hash, basic.responder_name
    try:
        if name is not None:
            return names.show(name)
        named = (c for c in basic.certificates if responder_key_hash(c) == wanted)
        return next((names.show(certificate.subject) for certificate in named), f"key {shown(wanted)}")
    except MalformedInput:
        return "a name that does not read"


def _nonce(answered: Answered, basic: BasicResponse) -> str:
    if answered.question.nonce is None:
        return "not asked"
    if basic.nonce is None:
        return "missing"
    return "echoed" if basic.nonce == answered.question.nonce else "another's"
