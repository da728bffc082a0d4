"""Our own signers are made new in time, and a pair that a crash tore apart is repaired."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pki.keys import HybridPrivateKey
from pki.path import VerifyPolicy, verify
from registry.model.actor import operator
from registry.ports import Ports
from service import clock, logs
from service.authorities import CaState, read_register, write_register
from service.authority import Authority, read_bundle, unlock
from service.ceremony import init
from service.home import Home, make_private
from service.own_signers import renewed
from service.runtime import Runtime, open_runtime
from service.settings import read_settings

PASSPHRASE = b"correct horse battery"
LOG = logs.get("test")


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    """A fresh registry."""
    home = Home(make_private(tmp_path / "home"))
    init(home, read_settings(home), PASSPHRASE, actor=operator("test"), tell=lambda _: None)
    with open_runtime(home) as opened:
        yield opened


def _at(runtime: Runtime, now: datetime) -> Runtime:
    ports = Ports(runtime.store, lambda: now, clock.entropy)
    return replace(runtime, ports=ports)


def _unlock(runtime: Runtime) -> Authority:
    return unlock(runtime.home, runtime.settings, PASSPHRASE)


def test_fresh_signers_stay(runtime: Runtime) -> None:
    authority = _unlock(runtime)
    assert renewed(authority, runtime, PASSPHRASE, LOG) == authority


def test_a_third_into_their_life_they_are_new_on_disk_too(runtime: Runtime) -> None:
    authority = _unlock(runtime)
    later = clock.now() + timedelta(days=31)
    after = renewed(authority, _at(runtime, later), PASSPHRASE, LOG)
    assert after.registry == authority.registry
    first, second = authority.default, after.default
    for old, new in ((first.ocsp_ecdsa, second.ocsp_ecdsa), (first.ocsp_ml_dsa, second.ocsp_ml_dsa)):
        assert new.certificate.not_after > old.certificate.not_after
        assert new.certificate.spki != old.certificate.spki
        policy = VerifyPolicy(revocation="off")
        verdict = verify(new.certificate, bundle=read_bundle(runtime.home), now=later, policy=policy)
        assert verdict.is_valid, verdict.findings
    reread = _unlock(runtime)
    assert reread.default.ocsp_ecdsa.certificate == second.ocsp_ecdsa.certificate
    assert reread.default.ocsp_ecdsa.key.public == second.ocsp_ecdsa.key.public


def test_a_key_that_is_not_the_certificates_is_replaced(runtime: Runtime) -> None:
    authority = _unlock(runtime)
    first = authority.default
    held = first.ocsp_ecdsa.key.classical.algorithm
    torn = replace(first.ocsp_ecdsa, key=HybridPrivateKey.generate(held, None))
    damaged = replace(authority, cas=(replace(first, ocsp_ecdsa=torn),))
    after = renewed(damaged, runtime, PASSPHRASE, LOG).default
    assert after.ocsp_ecdsa.certificate.spki == after.ocsp_ecdsa.key.classical.public.spki


def test_a_ca_that_was_distrusted_meanwhile_keeps_nobody_elses_signers_from_being_renewed(
    runtime: Runtime,
) -> None:
    authority = _unlock(runtime)
    register = read_register(runtime.home)
    ended = replace(register.get("issuing"), state=CaState.DISTRUSTED)
    write_register(runtime.home, register.with_entry(ended))
    later = _at(runtime, clock.now() + timedelta(days=31))
    assert renewed(authority, later, PASSPHRASE, LOG) == authority
