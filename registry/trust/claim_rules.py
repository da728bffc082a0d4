"""What a device says of itself, judged when it says it: one small function per criterion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from registry.trust.cases import ClaimCase, Verdict
from registry.trust.claims import Firmware


def counters_rise(case: ClaimCase) -> Verdict:
    """(boot, seq) rises; a step back or a repeat with other content means two holders of one identity."""
    now_at = (case.telemetry.boot, case.telemetry.seq)
    value = f"boot {now_at[0]}, seq {now_at[1]}"
    if case.state.last_boot is None or case.state.last_seq is None:
        return Verdict(True, value, "any first value", "The first counters from this device.")
    last = (case.state.last_boot, case.state.last_seq)
    expected = f"after boot {last[0]}, seq {last[1]}"
    if now_at > last:
        return Verdict(True, value, expected, "The counters rise.")
    return Verdict(False, value, expected, "The counters went back: a clone or a restored copy.")


def unaltered(case: ClaimCase) -> Verdict:
    """A listed release with another digest was altered."""
    firmware = case.telemetry.fw
    listed = _listed(case)
    if not isinstance(firmware, Firmware) or not listed:
        return Verdict(None, _release(case), "the listed digest", "No listed release to compare with.")
    passed = firmware.sha256 in listed
    message = "The firmware is the listed image." if passed else "A listed release, but another image."
    return Verdict(passed, f"{_release(case)} sha256 {firmware.sha256}", _any_of(listed), message)


def in_reference_values(case: ClaimCase) -> Verdict:
    """The release is one that this product may run. Nobody having recorded any is unknown, not a pass."""
    value = _release(case)
    if not isinstance(case.telemetry.fw, Firmware):
        return Verdict(None, value, "a listed release", "The device does not say what it runs.")
    if case.evidence.reference is None or not case.evidence.reference.firmware:
        return Verdict(None, value, "a listed release", "No reference values are recorded for this product.")
    passed = bool(_listed(case))
    message = "The release is listed." if passed else "The release is not listed for this product."
    return Verdict(passed, value, "a listed release", message)


def boot_secure(case: ClaimCase) -> Verdict:
    """Secure boot was on at the last start."""
    return _flag(case.telemetry.secure_boot, good=True, what="Secure boot")


def port_closed(case: ClaimCase) -> Verdict:
    """No debug port is open."""
    return _flag(case.telemetry.dbg, good=False, what="Debug port")


def no_tamper(case: ClaimCase) -> Verdict:
    """The tamper switch has not fired."""
    return _flag(case.telemetry.tamper, good=False, what="Tamper switch")


def own_certificate(case: ClaimCase) -> Verdict:
    """It uses the certificate that we know it by; another may be a renewal that nobody confirmed."""
    said, known = case.telemetry.cert_fp, case.evidence.certificate_fingerprint
    if not isinstance(said, str) or known is None:
        return Verdict(None, "not said", "our certificate's fingerprint", "Nothing to compare.")
    message = "It uses the certificate we issued." if said == known else "It uses another certificate."
    return Verdict(said == known, said, known, message)


def no_plaintext(case: ClaimCase) -> Verdict:
    """No service listens that sends credentials in clear."""
    ports = case.telemetry.listen_tcp
    expected = "none of " + ", ".join(map(str, sorted(case.policy.plaintext_tcp)))
    if not isinstance(ports, list):
        return Verdict(None, "not said", expected, "The device does not say what listens.")
    found = sorted(case.policy.plaintext_tcp.intersection(ports))
    message = "A plaintext service listens." if found else "No plaintext service listens."
    return Verdict(not found, ", ".join(map(str, found)) or "none", expected, message)


def clock_near(case: ClaimCase) -> Verdict:
    """Told, never held against it: many devices have no battery behind their clock."""
    skew = abs((case.telemetry.ts - case.evidence.received_at).total_seconds())
    limit = case.policy.clock_skew.total_seconds()
    if skew <= limit:
        return Verdict(True, f"{skew:.0f} s off", f"at most {limit:.0f} s", "Its clock is near ours.")
    return Verdict(None, f"{skew:.0f} s off", f"at most {limit:.0f} s", "Its clock is far from ours.")


CLAIM_RULES: Final[dict[str, Callable[[ClaimCase], Verdict]]] = {
    "evidence.counters_rise": counters_rise,
    "firmware.unaltered": unaltered,
    "firmware.in_reference_values": in_reference_values,
    "boot.secure": boot_secure,
    "debug.port_closed": port_closed,
    "tamper.none": no_tamper,
    "certificate.own": own_certificate,
    "network.no_plaintext_service": no_plaintext,
    "clock.near": clock_near,
}


def _listed(case: ClaimCase) -> frozenset[str]:
    firmware, reference = case.telemetry.fw, case.evidence.reference
    if not isinstance(firmware, Firmware) or reference is None:
        return frozenset()
    return reference.digests(firmware.name, firmware.ver)


def _release(case: ClaimCase) -> str:
    firmware = case.telemetry.fw
    return f"{firmware.name} {firmware.ver}" if isinstance(firmware, Firmware) else "not said"


def _any_of(digests: frozenset[str]) -> str:
    return "sha256 " + " or ".join(sorted(digests))


def _flag(said: object, *, good: bool, what: str) -> Verdict:
    words = {True: "on", False: "off"}
    expected = words[good]
    if not isinstance(said, bool):
        return Verdict(None, "not said", expected, f"{what}: the device does not say.")
    return Verdict(said is good, words[said], expected, f"{what}: {words[said]}.")
