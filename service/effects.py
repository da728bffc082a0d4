"""What commits have promised to the wire: the list is signed and given to the broker, then sessions are cut.

In that order: a client that is cut before the broker knows the list would come straight back. Effects stay
owed until they are done, across restarts; each is harmless when repeated.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from mqtt_bridge import messages
from mqtt_bridge.bridge import Bridge
from mqtt_bridge.broker.interface import Broker
from mqtt_bridge.errors import BridgeError
from mqtt_bridge.topics import DeviceTopic
from pki.crl import to_pem
from registry.acting import NOTICE
from registry.list_scopes import ListSigner, scopes_changed, scopes_due
from registry.model.actor import job
from registry.model.errors import RegistryError
from registry.ports import Ports
from registry.revocation import CUT, PUBLISH_CRL
from registry.store.lists import DELTA, WHOLE, StoredList
from registry.store.operations import Effect
from service.home import Home
from service.publisher import Publisher

_LOOK_EVERY: Final = 0.25
_LOOK_AT_LEAST: Final = 4.0
_PUBLISHER: Final = job("publisher")


class Effects:
    """One thread that brings to the wire what is owed; `deliver` may be called by others too."""

    def __init__(
        self,
        *,
        home: Home,
        ports: Ports,
        signers: Sequence[ListSigner],
        log: Any,  # noqa: ANN401 - structlog's bound logger
        on_published: Callable[[], None],
    ) -> None:
        self._home, self._ports, self._signers, self._log = home, ports, tuple(signers), log
        self._on_published = on_published
        self._publisher = Publisher(home, ports)
        self._told: list[int] = []
        """Numbers of the lists that the broker has."""
        self._broker: Broker | None = None
        self._bridge: Bridge | None = None
        self._delivering = threading.Lock()
        self._publishing = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="effects", daemon=True)

    def start(self, broker: Broker, bridge: Bridge) -> None:
        """From here on the wire is there."""
        self._broker, self._bridge = broker, bridge
        self._thread.start()

    def stop(self) -> None:
        """Ends after the delivery in hand."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def publish_now(self) -> tuple[StoredList, ...]:
        """A new whole list of each of our CAs, and what else is due; first, what a killed process left."""
        self._publisher.catch_up(signer.issuer for signer in self._signers)
        return self._publish_lists(lambda signer: [*self._parts_due(signer), WHOLE, *self._delta(signer)])

    def publish_due(self) -> tuple[StoredList, ...]:
        """Lists that are to be signed anew because of their age."""
        return self._publish_lists(lambda signer: scopes_due(signer, ports=self._ports))

    def publish_changed(self) -> tuple[StoredList, ...]:
        """Lists that do not say yet what was revoked or released: the parts first, for they are quick."""
        return self._publish_lists(lambda signer: scopes_changed(signer, ports=self._ports))

    def _publish_lists(self, choose: Callable[[ListSigner], list[str]]) -> tuple[StoredList, ...]:
        published: list[StoredList] = []
        with self._publishing:  # a job and a revocation at once must not hand over the older list last
            for signer in self._signers:
                published += self._publisher.publish(signer, choose(signer), _PUBLISHER)
            for stored in published:
                self._log.info(
                    "crl.published",
                    issuer=stored.issuer,
                    scope=stored.scope,
                    crl_number=stored.crl_number,
                    size=len(stored.der),
                )
            self._tell_broker()
        if published:
            self._on_published()
        return tuple(published)

    def _parts_due(self, signer: ListSigner) -> list[str]:
        return [s for s in scopes_due(signer, ports=self._ports) if s not in (WHOLE, DELTA)]

    def _delta(self, signer: ListSigner) -> list[str]:
        return [DELTA] if signer.deltas else []

    def _tell_broker(self) -> None:
        """The whole lists, where it was told older ones: also those that another process signed."""
        with self._ports.store.read() as uow:
            heads = [uow.lists.head(signer.issuer) for signer in self._signers]
            numbers = [head.crl_number for head in heads if head is not None]
            if self._broker is None or numbers == self._told:
                return
            lists = [uow.lists.octets(head) for head in heads if head is not None]
        self._broker.publish_crl("".join(map(to_pem, lists)).encode())
        self._told = numbers

    def deliver(self) -> dict[str, object]:
        """Everything owed, once; a report with the time of each cut since its commit (ms)."""
        with self._delivering:
            with self._ports.store.read() as uow:
                owed = uow.operations.owed()
            report: dict[str, object] = {"owed": len(owed), "done": 0, "cuts": {}}
            published = any(effect.kind == PUBLISH_CRL for effect in owed) and self._publish(report)
            cuts = self._cut_all(e for e in owed if e.kind == CUT)
            report["cuts"] = cuts
            finished = [e for e in owed if e.kind == PUBLISH_CRL and published]
            finished += [e for e in owed if e.kind == CUT and e.device_id in cuts]
            finished += [e for e in owed if e.kind == NOTICE and self._notify(e)]
            self._mark(finished)
            report["done"] = len(finished)
            return report

    def _publish(self, report: dict[str, object]) -> bool:
        try:
            self.publish_changed()
            with self._ports.store.read() as uow:
                newest = uow.lists.head(self._signers[0].issuer)
            report["crl_number"] = newest.crl_number if newest else None
        except (RegistryError, BridgeError, OSError) as failed:
            # The cut still ends the session now; the list stays owed, for the device may try to come back.
            self._log.error("crl.not_published", problem=str(failed))
            return False
        return True

    def _cut_all(self, effects: Iterable[Effect]) -> dict[str, float]:
        cuts: dict[str, float] = {}
        for effect in effects:
            if effect.device_id is None or self._broker is None:
                continue
            try:
                self._broker.cut(effect.device_id)
            except BridgeError as failed:
                self._log.error("session.not_cut", device_id=effect.device_id, problem=str(failed))
                continue
            cuts[effect.device_id] = self._since(effect)
            self._log.info("session.cut", device_id=effect.device_id, took_ms=cuts[effect.device_id])
        return cuts

    def _notify(self, effect: Effect) -> bool:
        if effect.device_id is None or self._bridge is None:
            return False
        at = effect.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        notice = messages.Notice(kind=effect.detail, at=at)
        topic = DeviceTopic(effect.device_id, "down", "notice")
        try:
            self._bridge.publish(str(topic), messages.encode(notice))
        except BridgeError as failed:
            self._log.warning("notice.not_sent", device_id=effect.device_id, problem=str(failed))
            return False
        return True

    def _mark(self, effects: Iterable[Effect]) -> None:
        finished = list(effects)
        if not finished:
            return
        now = self._ports.clock()
        with self._ports.store.write() as uow:
            for effect in finished:
                uow.operations.done(effect.effect_id, now, self._since(effect))

    def _since(self, effect: Effect) -> float:
        return round((self._ports.clock() - effect.created_at).total_seconds() * 1000, 1)

    def _run(self) -> None:
        pause = _LOOK_EVERY
        while not self._stopping.is_set():
            self._wake.wait(pause)
            self._wake.clear()
            try:
                report = self.deliver()
                # What the wire did not take is offered more and more rarely: each offer signs a new list.
                pause = _LOOK_EVERY if report["done"] == report["owed"] else min(2 * pause, _LOOK_AT_LEAST)
            except Exception as failed:  # noqa: BLE001 - this thread must live as long as the process
                # What is owed stays in the store: the next look finds it again.
                self._log.error("effects.delayed", error=type(failed).__name__, problem=str(failed))
                self._stopping.wait(_LOOK_EVERY)
