"""Profiles written as TOML: text -> Profile. Pure: somebody else reads the file.

A profile may extend a built-in one: its tables lie over the built-in's, key by key. Unknown keys, wrong
types and contradictions are ProfileMalformed, which names the key. docs/profiles.md explains each of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from pki import names, oids
from pki.constraint_extensions import NameConstraints, Subtrees, network_octets
from pki.errors import PkiError
from pki.extensions import KeyUsage
from pki.profile_limits import ProfileMalformed, check_pattern, check_profile, malformed
from pki.profile_model import Kind, NamePolicy, Profile
from pki.profile_schema import CaTable, ConstraintsTable, NamesTable, ProfileDocument, SubtreesTable

MAX_CHARACTERS: Final = 64 * 1024
_MAX_LAYERS: Final = 3
_PURPOSES: Final = {
    "server-auth": oids.EKU_SERVER_AUTH,
    "client-auth": oids.EKU_CLIENT_AUTH,
    "ocsp-signing": oids.EKU_OCSP_SIGNING,
}
_MAX_ARC: Final = 2**31
_UNITS: Final = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a profile's file."""
    return msgspec.json.schema(ProfileDocument)


def parse(text: str, built_in: Callable[[str], str]) -> Profile:
    """A profile that keeps to its kind's closed list, or ProfileMalformed with the key's name.

    `built_in` gives the text of the profile that `extends` names, or raises a PkiError.
    """
    profile = read(text, built_in)
    refusing = [finding for finding in check_profile(profile) if finding.refuses]
    if refusing:
        raise malformed(" ".join(finding.message for finding in refusing), refusing[0].subject)
    return profile


def read(text: str, built_in: Callable[[str], str]) -> Profile:
    """As parse, but without judging: for `medtrust profile check`, which shows every finding."""
    tables = _resolved(text, built_in)
    try:
        document = msgspec.convert(tables, ProfileDocument)
    except msgspec.ValidationError as bad:
        problem, _, where = str(bad).partition(" - at `$.")
        raise malformed(f"{problem}.", where.rstrip("`") or _quoted(problem)) from bad
    return _profile(document)


def _resolved(text: str, built_in: Callable[[str], str]) -> dict[str, Any]:
    """The tables, laid over those that they extend; built-in profiles extend one another once at most."""
    layers = [_tables(text)]
    while extended := layers[-1].get("extends", ""):
        if not isinstance(extended, str) or len(layers) > _MAX_LAYERS:
            raise malformed("`extends` is not the name of a built-in profile.", "extends")
        layers.append(_tables(built_in(extended)))
    tables: dict[str, Any] = {}
    for layer in reversed(layers):
        tables = _over(tables, layer)
    return tables


def _tables(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise malformed(f"It has {len(text)} characters; {MAX_CHARACTERS} are read.", "profile")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as bad:
        raise malformed(f"It is not TOML: {bad}.", "profile") from bad


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = (
            {**under, **value} if isinstance(under, dict) and isinstance(value, dict) else value
        )  # fmt: skip
    return merged


def _quoted(problem: str) -> str:
    found = re.search(r"`([^`$]+)`", problem)
    return found[1] if found else "profile"


def _profile(document: ProfileDocument) -> Profile:
    keys, usage, extensions = document.keys, document.usage, document.extensions
    ca = document.ca or CaTable()
    check_pattern(document.subject.common_name, "subject.common_name")
    return Profile(
        name=document.name,
        kind=document.kind,
        form=document.form,
        summary=document.summary,
        common_name=document.subject.common_name,
        main=tuple(keys.main),
        alternative=keys.alternative,
        alternative_required=keys.alternative_required,
        key_usages=tuple(KeyUsage[name.upper().replace("-", "_")] for name in usage.key_usages),
        purposes=tuple(_dotted(_PURPOSES.get(name, name), "usage.purposes") for name in usage.purposes),
        ca=document.ca is not None,
        path_length=ca.path_length,
        self_issued=document.kind is Kind.ROOT,
        alt_names=document.subject.alt_names,
        ocsp_no_check=extensions.ocsp_no_check,
        status_urls=extensions.status_urls,
        mud_url=extensions.mud_url,
        policies=tuple(_dotted(dotted, "extensions.policies") for dotted in extensions.policies),
        name_constraints=_constraints(ca.name_constraints),
        names=_name_policy(document.names),
        issuer_forms=tuple(document.issuer.forms),
        lifetime=_duration(document.validity.lifetime),
        backdate=_duration(document.validity.backdate),
    )


def _duration(text: str) -> timedelta:
    return int(text[:-1]) * _UNITS[text[-1]]


def _dotted(dotted: str, key: str) -> str:
    arcs = [int(arc) for arc in dotted.split(".")]
    # GnuTLS refuses the extension for a larger arc (tried), so an arc of UUIDs under 2.25 is no choice.
    if max(arcs) >= _MAX_ARC or (arcs[0] < 2 and arcs[1] > 39):
        raise malformed(f"{dotted} is no object identifier that every stack reads.", key)
    return dotted


def _constraints(table: ConstraintsTable | None) -> NameConstraints | None:
    if table is None:
        return None
    return NameConstraints(permitted=_subtrees(table.permitted), excluded=_subtrees(table.excluded))


def _subtrees(table: SubtreesTable) -> Subtrees:
    _networks(table.ip, "ca.name_constraints.ip")
    try:
        directory = tuple(names.encode(common_name="", organization=text) for text in table.organization)
    except PkiError as bad:
        raise malformed(bad.problem, "ca.name_constraints.organization") from bad
    return Subtrees(dns=tuple(table.dns), ip=tuple(table.ip), uri=tuple(table.uri), directory=directory)


def _name_policy(table: NamesTable) -> NamePolicy:
    for pattern in table.deny_common_names:
        check_pattern(pattern, "names.deny_common_names")
    _networks([*table.allow_ip, *table.deny_ip], "names.ip")
    return NamePolicy(
        deny_common_names=tuple(table.deny_common_names),
        organizations=tuple(table.organizations),
        allow_dns=tuple(table.allow_dns),
        deny_dns=tuple(table.deny_dns),
        allow_ip=tuple(table.allow_ip),
        deny_ip=tuple(table.deny_ip),
        wildcards=table.wildcards,
    )


def _networks(listed: list[str], key: str) -> None:
    for text in listed:
        try:
            network_octets(text)
        except PkiError as bad:
            raise malformed(bad.problem, key) from bad


__all__ = ["ProfileDocument", "ProfileMalformed", "parse", "read", "schema"]
