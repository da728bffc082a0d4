"""What tests of CA life share: a home with a CA, made once and copied, and people in the room."""

from __future__ import annotations

import shutil
from pathlib import Path

from pki.path import Verdict, VerifyPolicy, verify
from pki.tbs import Certificate
from registry.model.actor import operator
from service import clock
from service.authority import certificate_file, read_bundle
from service.ceremony import Room, init
from service.home import Home, make_private
from service.pem import read_certificate
from service.settings import read_settings
from tests.quick_seals import quick_seals

__all__ = ["PASSPHRASE", "WHO", "certificate_of", "copied", "judged", "new_home", "quick_seals", "room_of"]

PASSPHRASE = b"correct horse battery staple"
WHO = operator("alice")


def new_home(folder: Path) -> Home:
    """A home by the built-in ceremony."""
    home = Home(make_private(folder))
    init(home, read_settings(home), PASSPHRASE, actor=WHO, tell=lambda _step: None)
    return home


def copied(home: Home, folder: Path) -> Home:
    """The same CA in another folder: a ceremony takes seconds."""
    shutil.copytree(home.root, folder, symlinks=True)
    folder.chmod(0o700)
    return Home(folder)


def room_of(home: Home, *, medium: Path | None = None, told: list[str] | None = None) -> Room:
    """Alice, in front of a home."""
    tell = (lambda _step: None) if told is None else told.append
    return Room(
        home=home,
        settings=read_settings(home),
        passphrase=PASSPHRASE,
        actor=WHO,
        tell=tell,
        medium=medium,
    )


def certificate_of(home: Home, name: str) -> Certificate:
    """A CA's, as the home keeps it."""
    return read_certificate(certificate_file(home, name))


def judged(home: Home, certificate: Certificate) -> Verdict:
    """By the home's own bundle, without lists."""
    policy = VerifyPolicy(revocation="off")
    return verify(certificate, bundle=read_bundle(home), now=clock.now(), policy=policy)
