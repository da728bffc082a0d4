"""The provider contract over a token, and what is a token's own: nothing leaves, it may go and come back."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pki.algorithms import PrivateKey
from pki.errors import MalformedInput
from pki.providers.interface import KeyAlgorithm, SignatureAlgorithm
from service.errors import BadSetting, TooOpen
from service.pkcs11 import Pkcs11, is_reference, key_at, new_key, token_at
from service.pkcs11_sessions import TokenRefused, TokenUnavailable
from tests.integration.pkcs11.conftest import SoftHsm
from tests.unit.pki.provider_contract import Check, checks_for

P256, P384 = KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384


@pytest.mark.parametrize("kind", [P256, P384], ids=str)
@pytest.mark.parametrize("check", checks_for(P256), ids=lambda check: check.__name__)
def test_contract(softhsm: SoftHsm, kind: KeyAlgorithm, check: Check) -> None:
    provider = token_at(softhsm.place)
    assert provider.supports(kind)
    check(provider, kind)


def test_the_key_never_leaves(softhsm: SoftHsm) -> None:
    from pkcs11 import Attribute, ObjectClass
    from pkcs11.exceptions import PKCS11Error

    key = new_key(softhsm.place, P384)
    reference = key.pkcs8()
    assert is_reference(reference)
    assert key_at(softhsm.place, reference).public == key.public

    def values(session: object) -> list[bytes]:
        raw = session.raw  # type: ignore[attr-defined]
        private = list(raw.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
        assert private
        return [each[Attribute.VALUE] for each in private]

    with pytest.raises((PKCS11Error, TokenRefused, TokenUnavailable)):
        token_at(softhsm.place)._sessions.run(values)


def test_a_reference_to_another_key_or_token_is_refused(softhsm: SoftHsm) -> None:
    one, other = (new_key(softhsm.place, P256).pkcs8() for _ in range(2))
    crossed = one.split(b"?")[0] + b"?" + other.split(b"?")[1]
    with pytest.raises(TokenRefused, match="another one than the CA's"):
        key_at(softhsm.place, crossed)
    gone = one.replace(one[one.index(b"id=") : one.index(b";type")], b"id=" + b"%00" * 16)
    with pytest.raises(TokenRefused, match="holds 0 keys"):
        key_at(softhsm.place, gone)
    with pytest.raises(BadSetting, match="the settings name 'elsewhere'"):
        key_at(replace(softhsm.place, label="elsewhere"), one)
    with pytest.raises(BadSetting, match="the settings name none"):
        key_at(None, one)


def test_what_is_not_there_is_a_typed_error(softhsm: SoftHsm, tmp_path: Path) -> None:
    with pytest.raises(TokenUnavailable, match="is not there"):
        new_key(replace(softhsm.place, label="no such token"), P256)
    with pytest.raises(TokenUnavailable, match="cannot be loaded"):
        new_key(replace(softhsm.place, module=tmp_path / "none.so"), P256)
    provider = token_at(softhsm.place)
    handle = provider.generate(P256)
    with pytest.raises(MalformedInput, match="does not sign with"):
        provider.sign(handle, SignatureAlgorithm.ECDSA_SHA384, b"data")


def test_a_token_that_went_and_came_back_signs_again(softhsm: SoftHsm) -> None:
    """Threads that sign meanwhile get signatures or typed errors, and nobody needs a restart."""
    key = new_key(softhsm.place, P256)
    away = softhsm.tokens.with_name("away")
    ended = threading.Event()
    seen: list[str] = []

    def signing() -> None:
        while not ended.is_set():
            try:
                _good(key)
                seen.append("signed")
            except (TokenUnavailable, TokenRefused) as bad:
                seen.append(type(bad).__name__)

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(signing) for _ in range(4)]
        softhsm.tokens.rename(away)
        softhsm.tokens.mkdir()
        token_at(softhsm.place).close()
        with pytest.raises(TokenUnavailable, match="is not there"):
            _good(key)
        softhsm.tokens.rmdir()
        away.rename(softhsm.tokens)
        ended.set()
        for each in running:
            each.result(30)
    _good(key)
    assert set(seen) <= {"signed", "TokenUnavailable"}


def test_a_wrong_pin_is_tried_once(softhsm: SoftHsm, tmp_path: Path) -> None:
    """In a place of its own, after everybody logged out; the right one works afterwards."""
    pin = tmp_path / "pin"
    pin.touch(mode=0o600)
    pin.write_text("0000\n")
    token_at(softhsm.place).close()
    token = Pkcs11(replace(softhsm.place, pin_file=pin))
    with pytest.raises(TokenRefused, match="does not take the PIN"):
        token.generate(P256)
    # A job that asks every minute would lock the token.
    with pytest.raises(TokenRefused, match="tried before"):
        token.generate(P256)
    pin.write_bytes(softhsm.place.pin_file.read_bytes())
    assert token.generate(P256).algorithm is P256
    token.close()
    _good(new_key(softhsm.place, P256))
    pin.chmod(0o644)
    token_at(softhsm.place).close()
    with pytest.raises(TooOpen):
        Pkcs11(replace(softhsm.place, pin_file=pin)).generate(P256)


def _good(key: PrivateKey) -> None:
    assert key.public.verify(key.signs_with, key.sign(b"data"), b"data")


def test_no_two_threads_are_inside_the_module(softhsm: SoftHsm) -> None:
    """python-pkcs11 promises that to the module; without it SoftHSM crashes the process now and then."""
    key = new_key(softhsm.place, P256)
    inside, most = 0, 0
    sessions = token_at(softhsm.place)._sessions

    def counted(_session: object) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.001)
        inside -= 1

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(sessions.run, counted) for _ in range(60)]:
            done.result(30)
        for done in [pool.submit(_good, key) for _ in range(200)]:
            done.result(30)
    assert most == 1


def test_a_module_that_started_anew_gives_new_handles(softhsm: SoftHsm) -> None:
    """Another place's reconnection must not leave us signing with handles that are somebody else's now."""
    keys = [new_key(softhsm.place, P256) for _ in range(3)]
    for key in keys:
        _good(key)
    elsewhere = Pkcs11(replace(softhsm.place, label="no such token"))
    with pytest.raises(TokenUnavailable):
        elsewhere.generate(P256)
    for key in keys:
        _good(key)
