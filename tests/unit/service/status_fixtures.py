"""What tests of the status server share: a CA in a folder, certificates of it, a clock to turn."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pki import profiles
from pki.algorithms import KeyAlgorithm
from pki.keys import HybridPrivateKey
from pki.profiles import SubjectFacts
from registry.issuance import IssuanceOrder, issue
from registry.model.actor import operator
from registry.model.certificate import CertificateRecord
from registry.ports import Ports
from service import clock
from service.authority import Authority, unlock
from service.ceremony import init
from service.home import Home
from service.runtime import Runtime, open_runtime
from service.settings import read_settings

PASSPHRASE = b"correct horse battery staple"
WHO = operator("tester")
HOUR = timedelta(hours=1)


def make_home(folder: Path) -> tuple[Home, Authority]:
    """A finished ceremony and its unlocked keys."""
    home = Home(folder / "home")
    init(home, read_settings(home), PASSPHRASE, actor=WHO, tell=lambda _step: None)
    return home, unlock(home, read_settings(home), PASSPHRASE)


def opened(home: Home) -> AbstractContextManager[Runtime]:
    """A store of its own on the home's file, as another process would have."""
    return open_runtime(home)


def certify(authority: Authority, ports: Ports, name: str = "broker.ward") -> CertificateRecord:
    """A server certificate by the issuing CA, active."""
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    facts = SubjectFacts(common_name=name, dns_names=(name,))
    order = IssuanceOrder(profiles.SERVER, facts, key.public, timedelta(days=30))
    return issue(order, WHO, ports=ports, issuer=authority.issuer).record


@dataclass
class TurnedClock:
    """The real time, and whatever was added to it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        """Aware UTC."""
        return clock.now() + self.ahead
