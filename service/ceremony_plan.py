"""What a ceremony is to make: one reviewed TOML file, read strictly and checked before any key exists.

Nothing here makes keys or signs. docs/ca-life.md explains every key of the file.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from pki import profiles
from pki.algorithms import require_all
from pki.errors import PkiError
from pki.profile_schema import ConstraintsTable
from pki.profiles import Profile, SubjectFacts
from service.authorities import CaState, KeyPlace, Register, checked_name
from service.cross_plan import PlannedCross
from service.errors import BadSetting

MAX_CHARACTERS: Final = 64 * 1024
_MOST_CAS: Final = 16

BUILT_IN: Final = """\
title = "A root and an issuing CA"

[[ca]]
name = "root"
profile = "root"
common_name = "medtrust Root CA"

[[ca]]
name = "issuing"
profile = "issuing-ca"
issuer = "root"
common_name = "medtrust Issuing CA"
default = true
"""
"""What `medtrust init` makes."""


class CeremonyRefused(BadSetting):
    """A ceremony's file that cannot be performed as it stands."""


class _Ca(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    profile: str
    common_name: Annotated[str, msgspec.Meta(min_length=2, max_length=64)]
    issuer: str = ""
    organization: str | None = None
    key: str = ""
    lifetime: str = ""
    path_length: int | None = None
    policies: list[str] = []
    name_constraints: ConstraintsTable | None = None
    key_place: KeyPlace = KeyPlace.HERE
    default: bool = False


class _Cross(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    subject: str
    issuer: str


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    organization: str | None = None
    ca: Annotated[list[_Ca], msgspec.Meta(min_length=1, max_length=_MOST_CAS)]
    cross: Annotated[list[_Cross], msgspec.Meta(max_length=_MOST_CAS)] = []
    retire: list[str] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCa:
    """One CA that a ceremony will make."""

    name: str
    profile: Profile
    facts: SubjectFacts
    issuer_name: str
    """Its own name for a root."""
    key_place: KeyPlace
    default: bool

    @property
    def is_root(self) -> bool:
        """Whether it will sign itself."""
        return self.issuer_name == self.name

    @property
    def issues(self) -> bool:
        """Whether it will certify devices and servers: a CA that may certify no CA."""
        return not self.is_root and self.profile.path_length == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole ceremony, issuers before those whom they certify."""

    title: str
    organization: str
    """O of its CAs, where one of them does not say otherwise."""
    cas: tuple[PlannedCa, ...]
    crosses: tuple[PlannedCross, ...]
    """Certificates for CAs, old or new, by others of ours."""
    retire: tuple[str, ...]
    """CAs that issue nothing from the end of the ceremony on."""
    text: str

    @property
    def sha256(self) -> str:
        """Of the file, as it was read; hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def default(self) -> str:
        """The CA that will issue where nobody says otherwise; empty: it stays as it is."""
        return next((ca.name for ca in self.cas if ca.default), "")


def read_plan(text: str, *, organization: str, present: Collection[str] = ()) -> Plan:
    """The plan in a file; CeremonyRefused names the key. `present`: CAs that the home has already."""
    if len(text) > MAX_CHARACTERS:
        raise _refused("It is longer than 64 KiB.", "ceremony")
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, RecursionError) as bad:
        raise _refused(f"It is not TOML: {bad}.", "ceremony") from bad
    except msgspec.ValidationError as bad:
        problem, _, where = str(bad).partition(" - at `$.")
        raise _refused(f"{problem}.", where.rstrip("`") or "ceremony") from bad
    in_force = organization if file.organization is None else file.organization
    plan = Plan(
        title=file.title,
        organization=in_force,
        cas=tuple(_planned(ca, in_force) for ca in file.ca),
        crosses=tuple(PlannedCross(subject=each.subject, issuer=each.issuer) for each in file.cross),
        retire=tuple(file.retire),
        text=text,
    )
    _check(plan, present)
    return plan


def _planned(ca: _Ca, organization: str) -> PlannedCa:
    checked_name(ca.name, field="ca.name")
    if ca.profile in profiles.NAMES and not profiles.by_name(ca.profile).ca:
        raise _refused(f"{ca.name}: profile {ca.profile} is not a CA's.", "ca.profile")
    profile = _profile(ca)
    if profile.self_issued != (ca.issuer in ("", ca.name)):
        said = "signs itself; leave `issuer` out" if profile.self_issued else "needs an `issuer`"
        raise _refused(f"{ca.name}: a CA of profile {ca.profile} {said}.", "ca.issuer")
    facts = SubjectFacts(
        common_name=ca.common_name,
        organization=organization if ca.organization is None else ca.organization,
    )
    return PlannedCa(
        name=ca.name,
        profile=profile,
        facts=facts,
        issuer_name=ca.issuer or ca.name,
        key_place=ca.key_place,
        default=ca.default,
    )


def _profile(ca: _Ca) -> Profile:
    """The profile, narrowed by what the file says; pki judges whether that is still allowed."""
    lines = [f"name = {_text(ca.profile)}", f"extends = {_text(ca.profile)}"]
    if ca.key:
        lines += ["[keys]", f"main = [{_text(ca.key)}]"]
    if ca.lifetime:
        lines += ["[validity]", f"lifetime = {_text(ca.lifetime)}"]
    if ca.policies:
        lines += ["[extensions]", f"policies = {json.dumps(ca.policies)}"]
    if ca.path_length is not None:
        lines += ["[ca]", f"path_length = {ca.path_length}"]
    if ca.name_constraints is not None:
        for side, subtrees in msgspec.to_builtins(ca.name_constraints).items():
            lines.append(f"[ca.name_constraints.{side}]")
            lines += [f"{kind} = {json.dumps(listed)}" for kind, listed in subtrees.items() if listed]
    try:
        profile = profiles.own("\n".join(lines) + "\n") if lines[2:] else profiles.by_name(ca.profile)
    except PkiError as bad:
        field = bad.field or "ca.profile"
        raise CeremonyRefused(f"{ca.name}: {bad.problem}", next_step=bad.next_step, field=field) from bad
    require_all([profile.main[0], *([profile.alternative] if profile.alternative else [])])
    return profile


def _text(value: str) -> str:
    # JSON's strings are TOML's basic strings too.
    return json.dumps(value)


def _check(plan: Plan, present: Collection[str]) -> None:
    known = set(present)
    for ca in plan.cas:
        if ca.name in known:
            raise _refused(f"{ca.name} is there already, or twice in the file.", "ca.name")
        if not ca.is_root and ca.issuer_name not in known:
            problem = f"{ca.name}: its issuer {ca.issuer_name} is neither here nor above it in the file."
            raise _refused(problem, "ca.issuer")
        known.add(ca.name)
    for cross in plan.crosses:
        if not {cross.subject, cross.issuer} <= known or cross.subject == cross.issuer:
            raise _refused(f"{cross.name}: a cross certificate is for one CA by another one.", "cross")
    if not set(plan.retire) <= set(present):
        raise _refused("`retire` names CAs that are here already.", "retire")
    if sum(ca.default for ca in plan.cas) > 1 or any(ca.default and not ca.issues for ca in plan.cas):
        raise _refused("`default` belongs to one CA, and that must issue (path_length 0).", "ca.default")
    subjects = [(ca.facts.common_name, ca.facts.organization) for ca in plan.cas]
    if len(set(subjects)) < len(subjects):
        raise _refused("Two CAs would have the same subject.", "ca.common_name")


def require_in_force(plan: Plan, register: Register) -> None:
    """No CA that ended certifies any more, and none that is distrusted is certified; CeremonyRefused."""
    states = {entry.name: entry.state for entry in register.entries}
    for issuer in (*(ca.issuer_name for ca in plan.cas), *(cross.issuer for cross in plan.crosses)):
        # What this ceremony itself retires may sign in it, also where it is repeated after a crash.
        state = states.get(issuer, CaState.ACTIVE)
        if state is CaState.DISTRUSTED or (state is CaState.RETIRED and issuer not in plan.retire):
            raise _refused(f"{issuer} is {state}: it certifies nothing any more.", "ca.issuer")
    for name in (*(cross.subject for cross in plan.crosses), *plan.retire):
        if states.get(name) is CaState.DISTRUSTED:
            raise _refused(f"{name} is distrusted: nobody certifies it again, nor is it only retired.", name)


def _refused(problem: str, field: str) -> CeremonyRefused:
    next_step = "Mend the file and look again: medtrust ca ceremony FILE --dry-run."
    return CeremonyRefused(f"The ceremony's file: {problem}", next_step=next_step, field=field)
