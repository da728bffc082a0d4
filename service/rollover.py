"""A CA's successor: the plan of a ceremony in which a new CA, with new keys, takes over from an old one.

A new root and the old one certify each other, so that whoever pins one of them finds the way from devices
of the other. A new issuing CA becomes the default where the old one was; the old one is retired, and its
lists and OCSP answers go on until its last certificate has expired.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from pki import names, oids
from service.authorities import CaEntry, CaState, Register
from service.authority import certificate_file
from service.ceremony_scene import Scene
from service.cross_plan import cross_facts
from service.errors import BadSetting
from service.pem import read_certificate

_NUMBERED = re.compile(r"(.*?)[ -](\d{1,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """What a person says of the new CA; what is empty follows from the old one."""

    profile: str = ""
    name: str = ""
    common_name: str = ""
    issuer: str = ""
    away: bool = False
    """The new key goes to the medium, not into the home."""


def rollover_text(scene: Scene, old_name: str, wanted: Successor) -> str:
    """The ceremony's file (TOML) for a successor; the same question gives the same text."""
    register = scene.register
    old = register.get(old_name)
    if old.state is CaState.DISTRUSTED:
        raise BadSetting(f"{old_name} is distrusted; it has no successor.", field="ca")
    profile = wanted.profile or old.profile
    name = wanted.name or _free(old_name, register)
    common_name = wanted.common_name or _next_title(scene, old, name)
    lines = [
        f"title = {_text(f'{name} takes over from {old_name}')}",
        *([] if old.is_root else [f"retire = [{_text(old_name)}]"]),
        "[[ca]]",
        f"name = {_text(name)}",
        f"profile = {_text(profile)}",
        f"common_name = {_text(common_name)}",
        f"organization = {_text(_attribute(scene, old, oids.ORGANIZATION))}",
    ]
    if wanted.away:
        lines.append('key_place = "away"')
    if old.is_root:
        if wanted.issuer:
            raise BadSetting("A new root signs itself.", next_step="Leave --issuer out.", field="--issuer")
        cross_facts(read_certificate(certificate_file(scene.home, old_name)))
        for subject, issuer in ((name, old_name), (old_name, name)):
            lines += ["[[cross]]", f"subject = {_text(subject)}", f"issuer = {_text(issuer)}"]
    else:
        lines.append(f"issuer = {_text(wanted.issuer or old.issuer_name)}")
        lines.append(f"default = {'true' if old_name == register.default else 'false'}")
    return "\n".join(lines) + "\n"


def _free(name: str, register: Register) -> str:
    found = _NUMBERED.fullmatch(name)
    stem, number = (found[1], int(found[2])) if found else (name, 1)
    taken = {entry.name for entry in register.entries}
    while (candidate := f"{stem}-{number + 1}") in taken:
        number += 1
    return candidate


def _next_title(scene: Scene, old: CaEntry, name: str) -> str:
    title = _attribute(scene, old, oids.COMMON_NAME) or old.name
    found, number = _NUMBERED.fullmatch(title), _NUMBERED.fullmatch(name)
    stem = found[1] if found else title
    return f"{stem[:58]} {number[2] if number else 2}"


def _attribute(scene: Scene, ca: CaEntry, oid: str) -> str:
    subject = names.parse(read_certificate(certificate_file(scene.home, ca.name)).subject)
    return next((attribute.value for attribute in subject if attribute.oid == oid), "")


def _text(value: str) -> str:
    return json.dumps(value)
