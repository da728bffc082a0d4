"""The signed trust bundle: what a relying party pins, whatever a certificate claims of itself.

A DSSE-like JSON envelope; the payload is canonical JSON (sorted members, no spaces; its content is ASCII
only: base64, dates and fixed words, so that is one form). Every anchor's keys are those of its own
certificate: who compares a fingerprint has compared the keys. Not handled here: files, distribution.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from pki.algorithms import PrivateKey, signature_algorithm_of
from pki.errors import Kind, MalformedInput, PkiError
from pki.keys import HybridPrivateKey
from pki.trust_anchor import Form, TrustAnchor, fault_of, key_fingerprint, voices

__all__ = [
    "PAYLOAD_TYPE",
    "BundleRefused",
    "Form",
    "TrustAnchor",
    "TrustBundle",
    "open_bundle",
    "sign_bundle",
    "voices",
]

PAYLOAD_TYPE: Final = "application/vnd.medtrust.trust-bundle+json;v=1"
_MAX_BYTES: Final = 4 * 1024 * 1024
_MAX_ANCHORS, _MAX_INTERMEDIATES, _MAX_WITHDRAWN = 16, 64, 256
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class BundleRefused(PkiError):
    """A bundle that is well-formed and not to be trusted."""

    kind: ClassVar[Kind] = "refused"


@dataclass(frozen=True, slots=True)
class TrustBundle:
    """What is trusted, in which version; versions only rise."""

    version: int
    issued_at: datetime
    anchors: tuple[TrustAnchor, ...]
    intermediates: tuple[bytes, ...] = ()
    """Certificates in DER that help to build paths; nothing is trusted because it is here."""
    withdrawn: tuple[str, ...] = ()
    """Keys that nothing is believed of any more, whoever certifies them: SHA-256 of each one's
    SubjectPublicKeyInfo, hex, sorted. A later bundle may add to them and forgets none."""

    def payload(self) -> bytes:
        """The canonical JSON that is signed."""
        anchors = [
            {
                "certificate": _text(a.certificate),
                "classical_spki": _text(a.classical_spki),
                "alternative_spki": None if a.alternative_spki is None else _text(a.alternative_spki),
                "form": a.form,
                "alt_required_from": a.alt_required_from and _stamp(a.alt_required_from),
            }
            for a in self.anchors
        ]
        members = {"version": self.version, "issued_at": _stamp(self.issued_at), "anchors": anchors}
        # Absent where there is none: bundles from before withdrawals read as they are.
        withdrawn = {"withdrawn": list(self.withdrawn)} if self.withdrawn else {}
        intermediates = [_text(der) for der in self.intermediates]
        return _canonical({**members, **withdrawn, "intermediates": intermediates})


def sign_bundle(bundle: TrustBundle, key: HybridPrivateKey, *others: HybridPrivateKey) -> bytes:
    """The bundle's JSON, signed by every key of each given root, all of which it contains.

    In a rollover the old and the new root sign: whoever pins either of them accepts it. Times are kept to
    the second.
    """
    payload = bundle.payload()
    _read_payload(payload)
    signatures = []
    for root in (key, *others):
        parts = tuple(part for part in (root.classical, root.alternative) if part is not None)
        if tuple(part.public for part in parts) not in [anchor.keys for anchor in bundle.anchors]:
            problem = "The signing keys are not those of an anchor in the bundle."
            raise BundleRefused(problem, next_step="Sign with the root's keys.", field="anchors")
        signatures += [_signature(part, _pae(payload)) for part in parts]
    return _canonical({"payloadType": PAYLOAD_TYPE, "payload": _text(payload), "signatures": signatures})


def open_bundle(
    data: bytes, *, pinned_fingerprint: bytes | None, previous: TrustBundle | None = None
) -> TrustBundle:
    """The bundle, once all keys of a trusted anchor signed it; MalformedInput or BundleRefused otherwise.

    Trusted is the anchor of the pinned fingerprint (SHA-256 of its certificate), else one of the `voices` of
    the previous bundle. With neither, the bundle only agrees with itself: compare a fingerprint out of band.
    """
    payload, signatures = _unwrap(data)
    # DSSE would verify before it reads; our signers stand inside, so the strict reader goes first.
    bundle = _read_payload(payload)
    if not any(
        _signed_by(a, signatures, _pae(payload)) for a in _signers(bundle, pinned_fingerprint, previous)
    ):
        raise BundleRefused(
            "The trust bundle is not signed by every key of a trusted anchor.",
            next_step="Fetch it again, or ask the operator of the CA; keep the one you have.",
            field="signatures",
        )
    if previous is not None and bundle != previous and bundle.version <= previous.version:
        raise BundleRefused(
            f"The trust bundle has version {bundle.version}; {previous.version} is already known here.",
            next_step="An older bundle may undo a withdrawal: ask for a newer one.",
            field="version",
        )
    if previous is not None and not set(previous.withdrawn) <= set(bundle.withdrawn):
        raise BundleRefused(
            "The trust bundle forgets a key that was withdrawn.",
            next_step="A withdrawal is for ever: ask the operator of the CA.",
            field="withdrawn",
        )
    return bundle


def _signers(bundle: TrustBundle, pin: bytes | None, previous: TrustBundle | None) -> tuple[TrustAnchor, ...]:
    if pin is not None:
        known = {pin}
    elif previous is not None:
        known = {a.fingerprint for a in voices(previous.anchors)}
    else:
        return bundle.anchors
    found = tuple(a for a in bundle.anchors if a.fingerprint in known)
    if not found:
        raise BundleRefused(
            "The trust bundle contains no anchor that is trusted here.",
            next_step="Compare the root's SHA-256 fingerprint with the one from the ceremony.",
            field="anchors",
        )
    return found


def _signature(key: PrivateKey, signed: bytes) -> dict[str, str]:
    return {
        "keyid": key_fingerprint(key.public.spki),
        "alg": str(key.signs_with),
        "sig": _text(key.sign(signed)),
    }


def _signed_by(anchor: TrustAnchor, signatures: dict[str, tuple[str, bytes]], signed: bytes) -> bool:
    for key in anchor.keys:
        algorithm, signature = signatures.get(key_fingerprint(key.spki), ("", b""))
        expected = signature_algorithm_of(key.algorithm)
        if algorithm != expected or not key.verify(expected, signature, signed):
            return False
    return True


def _pae(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding, v1."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def _unwrap(data: bytes) -> tuple[bytes, dict[str, tuple[str, bytes]]]:
    if len(data) > _MAX_BYTES:
        raise _malformed("it is larger than 4 MiB")
    try:
        document = json.loads(data.decode("ascii"))
        listed = document["signatures"]
        if document["payloadType"] != PAYLOAD_TYPE or not 1 <= len(listed) <= 2 * _MAX_ANCHORS:
            raise ValueError("payloadType or signatures")
        signatures = {str(s["keyid"]): (str(s["alg"]), _octets(s["sig"])) for s in listed}
        return _octets(document["payload"]), signatures
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as bad:
        raise _malformed("its envelope does not read") from bad


def _read_payload(payload: bytes) -> TrustBundle:
    try:
        members = json.loads(payload)
        bundle = TrustBundle(
            members["version"],
            _moment(members["issued_at"]),
            tuple(_anchor(a) for a in members["anchors"]),
            tuple(_octets(der) for der in members["intermediates"]),
            tuple(members.get("withdrawn", ())),
        )
        if type(bundle.version) is not int or bundle.version < 1 or bundle.payload() != payload:
            raise ValueError("not canonical, or fields that do not belong")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as bad:
        raise _malformed("its payload does not read") from bad
    if not 1 <= len(bundle.anchors) <= _MAX_ANCHORS or len(bundle.intermediates) > _MAX_INTERMEDIATES:
        raise _malformed("it has no anchors, or too many certificates")
    faults = [fault for anchor in bundle.anchors if (fault := fault_of(anchor))]
    if faults:
        raise _malformed(faults[0])
    _check_withdrawn(bundle)
    return bundle


def _anchor(members: dict[str, Any]) -> TrustAnchor:
    alternative, since = members["alternative_spki"], members["alt_required_from"]
    return TrustAnchor(
        _octets(members["certificate"]),
        _octets(members["classical_spki"]),
        None if alternative is None else _octets(alternative),
        members["form"],
        None if since is None else _moment(since),
    )


def _check_withdrawn(bundle: TrustBundle) -> None:
    listed = bundle.withdrawn
    if list(listed) != sorted(set(listed)) or len(listed) > _MAX_WITHDRAWN:
        raise _malformed("its withdrawn keys are not sorted, or too many")
    if any(len(key) != 64 or not set(key) <= set("0123456789abcdef") for key in listed):
        raise _malformed("a withdrawn key is not a SHA-256 in hex")
    if any(not anchor.key_fingerprints.isdisjoint(listed) for anchor in bundle.anchors):
        raise _malformed("an anchor's key is withdrawn")


def _malformed(why: str) -> MalformedInput:
    problem = f"The trust bundle is not to be used: {why}."
    return MalformedInput(problem, next_step="Fetch it again.", field="bundle")


def _canonical(members: dict[str, Any]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _octets(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_TIME)


def _moment(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
