"""The drill's real half: a throw-away store, CAs of its own, and certificates issued as in earnest.

Everything lies in a folder that is removed afterwards; no home is opened. The device's own work, its keys and
its request, is done before the clock starts: it happens on the devices, all at once.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pki.algorithms import KeyAlgorithm
from pki.anchor import self_signed
from pki.csr import Request
from pki.csr_build import build
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import Form, Profile, StatusUrls, SubjectFacts, by_name
from pki.tbs import Certificate
from registry.drill import BadDrill, FleetDevice, Outcome, Rules, make_fleet, play
from registry.issuance import IssuanceOrder, issue_batch
from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.model.device import Device, DeviceState, device_id
from registry.model.product import Product
from registry.ports import Ports
from registry.store.unit_of_work import Store
from service import clock

_ACTOR: Final = job("drill")
_URLS: Final = StatusUrls(
    ocsp="http://127.0.0.1/ocsp", ca_issuers="http://127.0.0.1/ca", crl="http://127.0.0.1/crl"
)
TARGETS: Final = (Form.CATALYST, Form.CLASSICAL, Form.PURE, Form.COMPOSITE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to play."""

    fallen: KeyAlgorithm
    to: Form | None
    """The form of the new certificates; None: pure where a classical key fell, else classical."""
    devices: int
    seed: int
    rules: Rules


@dataclass(frozen=True, slots=True)
class Played:
    """What came out, and what it was played with."""

    outcome: Outcome
    before: str
    """The profile and key that fell."""
    after: str
    still_fallen: int
    """Devices in the store whose only active certificate rests on the fallen key, counted at the end."""


@dataclass(frozen=True, slots=True)
class _Ca:
    issuer: Issuer
    profile: Profile
    kind: KeyAlgorithm

    def __str__(self) -> str:
        return f"{self.profile.name} ({self.kind})"


def drill(asked: Asked) -> Played:
    """Plays it; BadDrill where nothing that is left could take the fallen key's place."""
    with (
        tempfile.TemporaryDirectory(prefix="medtrust-drill-") as folder,
        closing(Store.open(f"sqlite:///{Path(folder) / 'registry.db'}")) as store,
    ):
        return _Drill(asked, Ports(store, clock.now, clock.entropy)).play()


class _Drill:
    def __init__(self, asked: Asked, ports: Ports) -> None:
        self._asked, self._ports = asked, ports
        self._before = self._ca(_form_of(asked.fallen), only=asked.fallen)
        self._after = self._ca(asked.to or _refuge(asked.fallen), but=asked.fallen)

    def play(self) -> Played:
        # The seed makes a story repeatable and protects nothing.
        chance = random.Random(self._asked.seed)  # noqa: S311
        fleet = make_fleet(self._asked.devices, chance)
        self._populate(fleet)
        outcome = play(fleet, lambda devices: self._issue(self._after, devices), self._asked.rules)
        return Played(outcome, str(self._before), str(self._after), self._still_fallen())

    def _populate(self, fleet: Sequence[FleetDevice]) -> None:
        now = self._ports.clock()
        with self._ports.store.write() as uow:
            for each in fleet:
                uow.devices.add(
                    Device(
                        device_id=device_id(_name(each)),
                        state=DeviceState.ACTIVE,
                        product=Product(None, "drill"),
                        criticality=each.criticality,
                        criticality_reasons=("drill",),
                        registered_at=now,
                        serial_number=f"{each.number}",
                    )
                )
        for start in range(0, len(fleet), 100):
            self._issue(self._before, fleet[start : start + 100])

    def _issue(self, ca: _Ca, devices: Sequence[FleetDevice]) -> float:
        """Seconds that the CA needs: requests read, proofs, lint, both commits, signatures."""
        requests = [
            build(
                HybridPrivateKey.generate(ca.kind, ca.profile.alternative),
                common_name=_name(each),
                organization="Drill",
            )
            for each in devices
        ]
        began = time.perf_counter()
        orders = [
            IssuanceOrder(
                ca.profile,
                SubjectFacts(
                    common_name=_name(each), organization="Drill", hardware_serial=b"%d" % each.number
                ),
                Request.parse(request),
                ca.profile.lifetime,
                device_id=device_id(_name(each)),
            )
            for each, request in zip(devices, requests, strict=True)
        ]
        issue_batch(orders, _ACTOR, ports=self._ports, issuer=ca.issuer)
        return time.perf_counter() - began

    def _still_fallen(self) -> int:
        with self._ports.store.read() as uow:
            active = uow.certificates.all(CertificateState.ACTIVE)
            known = {device.device_id for device in uow.devices.all()}
        standing = {
            record.device_id
            for record in active
            if record.der and Certificate.parse(record.der).public_key.algorithm is not self._asked.fallen
        }
        return len(known - standing)

    def _ca(self, form: Form, *, only: KeyAlgorithm | None = None, but: KeyAlgorithm | None = None) -> _Ca:
        if form not in TARGETS:
            raise BadDrill(
                f"No CA of ours issues a whole fleet in the form {form}.",
                next_step=f"Choose one of {', '.join(TARGETS)}.",
                field="--to",
            )
        suffix = "" if form is Form.CATALYST else f"-{form}"
        root_profile, profile = by_name(f"root{suffix}"), by_name(f"device{suffix}")
        kind = only or _kind(profile, but)
        if kind not in profile.main:
            raise BadDrill(
                f"No device of ours has a {kind} key alone.",
                next_step=f"Choose one of {', '.join((*_FALLS[0], *_FALLS[1]))}.",
                field="--from",
            )
        now, entropy = self._ports.clock(), self._ports.entropy
        root_key = HybridPrivateKey.generate(_kind(root_profile, but), root_profile.alternative)
        facts = SubjectFacts(common_name=f"Drill Root {form}", organization="Drill")
        root = self_signed(root_profile, facts, root_key, now=now, entropy=entropy)
        above = Certificate.parse(root.der)
        ca_profile = by_name(f"issuing-ca{suffix}")
        key = HybridPrivateKey.generate(_kind(ca_profile, but), ca_profile.alternative)
        order = IssuanceOrder(
            ca_profile,
            SubjectFacts(common_name=f"Drill CA {form}", organization="Drill"),
            key.public,
            ca_profile.lifetime,
        )
        by_root = Issuer(above, root_key, _URLS, f"root-{form}")
        made = issue_batch([order], _ACTOR, ports=self._ports, issuer=by_root)[0].record
        certificate = Certificate.parse(made.der or b"")
        return _Ca(Issuer(certificate, key, _URLS, f"issuing-{form}", (above,)), profile, kind)


_FALLS: Final = (("ec-p256", "ec-p384", "ed25519"), ("ml-dsa-44", "ml-dsa-65", "ml-dsa-87"))


def _form_of(fallen: KeyAlgorithm) -> Form:
    if fallen.is_composite:
        raise BadDrill(
            "A composite key falls when both its halves have fallen.",
            next_step="Name the half: --from ec-p256, or --from ml-dsa-65.",
            field="--from",
        )
    return Form.PURE if fallen.is_post_quantum else Form.CLASSICAL


def _refuge(fallen: KeyAlgorithm) -> Form:
    return Form.CLASSICAL if fallen.is_post_quantum else Form.PURE


def _kind(profile: Profile, but: KeyAlgorithm | None) -> KeyAlgorithm:
    """The profile's first kind of main key that has not fallen."""
    left = [kind for kind in profile.main if kind is not but]
    if not left or (but is not None and profile.alternative is but):
        raise BadDrill(
            f"A certificate of {profile.name} would rest on {but} again.",
            next_step="Choose another form: --to pure, --to classical or --to composite.",
            field="--to",
        )
    return left[0]


def _name(device: FleetDevice) -> str:
    return f"mtd-drill-{device.number:06}"
