"""`medtrust profile`: which kinds of certificates there are, and whether a profile of one's own is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.asking import Json, home_of, noun
from cli.errors import EXIT_CODES
from cli.finding_view import finding_rows
from cli.output import print_fields, print_findings, print_json, print_rows, raw, say
from pki import oids, profile_toml, profiles
from pki.constraint_extensions import Subtrees
from pki.errors import PkiError
from pki.findings import Finding, error
from pki.profile_limits import check_narrows, check_profile
from pki.profiles import Profile
from service.profiles import find_profile, own_profiles, text_of

_PURPOSES = {
    oids.EKU_SERVER_AUTH: "server-auth",
    oids.EKU_CLIENT_AUTH: "client-auth",
    oids.EKU_OCSP_SIGNING: "ocsp-signing",
}
app = noun(
    "Certificate profiles: closed lists of what a certificate may contain.",
    "medtrust profile list",
    "medtrust profile show device --toml",
    "medtrust profile check infusion-pump.toml",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `profile list` names it.")]


@app.command("list")
def list_profiles(ctx: typer.Context, as_json: Json = False) -> None:
    """List the profiles: ours, and those of home/profiles, which come last."""
    own = own_profiles(home_of(ctx))
    named = {profile.name for profile in own}
    ours = (profile for profile in profiles.PROFILES.values() if profile.name not in named)
    rows = [_row(profile, "built in") for profile in ours] + [_row(profile, "own") for profile in own]
    columns = ("name", "kind", "form", "key", "lifetime_days", "from", "summary")
    print_rows(rows, as_json=as_json, empty="There are no profiles.", columns=columns)


def _row(profile: Profile, source: str) -> dict[str, object]:
    return {
        "name": profile.name,
        "kind": profile.kind,
        "form": profile.form,
        "key": profile.main[0] + (f" + {profile.alternative}" if profile.alternative else ""),
        "lifetime_days": profile.lifetime.days,
        "from": source,
        "summary": profile.summary,
    }


@app.command()
def show(
    ctx: typer.Context,
    name: Name,
    toml: Annotated[bool, typer.Option("--toml", help="A built-in profile's file, to start from.")] = False,
    as_json: Json = False,
) -> None:
    """Show one profile: everything that a certificate by it may hold."""
    if toml:
        raw(profiles.built_in_text(name))
        return
    print_fields(_document(find_profile(home_of(ctx), name)), as_json=as_json)


def _document(profile: Profile) -> dict[str, Any]:
    constraints, names = profile.name_constraints, profile.names
    return {
        **{key: getattr(profile, key) for key in ("name", "kind", "form", "summary")},
        "main_keys": list(profile.main),
        "alternative_key": profile.alternative,
        "alternative_required": profile.alternative_required,
        "common_name": profile.common_name,
        "alt_names": profile.alt_names,
        "key_usages": [usage.name.lower().replace("_", "-") for usage in profile.key_usages],
        "purposes": [_PURPOSES.get(dotted, dotted) for dotted in profile.purposes],
        "ca": profile.ca,
        "path_length": profile.path_length,
        "lifetime_days": profile.lifetime.days,
        "backdate_seconds": int(profile.backdate.total_seconds()),
        "status_urls": profile.status_urls,
        "ocsp_no_check": profile.ocsp_no_check,
        "mud_url": profile.mud_url,
        "policies": list(profile.policies),
        "permitted": _subtrees(constraints.permitted) if constraints else [],
        "excluded": _subtrees(constraints.excluded) if constraints else [],
        "allowed_dns": list(names.allow_dns),
        "denied_dns": list(names.deny_dns),
        "allowed_ip": list(names.allow_ip),
        "denied_ip": list(names.deny_ip),
        "denied_common_names": list(names.deny_common_names),
        "organizations": list(names.organizations),
        "wildcards": names.wildcards,
        "issuer_forms": list(profile.issuer_forms),
        "extensions": sorted(profile.extensions),
    }


def _subtrees(subtrees: Subtrees) -> list[str]:
    directory = (f"name {der.hex()}" for der in subtrees.directory)
    return [*subtrees.dns, *subtrees.ip, *(f"//{host}" for host in subtrees.uri), *directory]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A profile in TOML.")], as_json: Json = False
) -> None:
    """Check a profile of your own and show every finding; exit code 2 where it is refused. Needs no home."""
    findings = _judge(file)
    if as_json:
        print_json({"accepted": not findings, "findings": finding_rows(findings)})
    elif findings:
        print_findings(finding_rows(findings))
    else:
        say(f"{file.name} is a profile. Put it into the folder profiles of the home to use it.")
    if findings:
        raise typer.Exit(EXIT_CODES["usage"])


def _judge(file: Path) -> tuple[Finding, ...]:
    text = text_of(file)
    try:
        profile = profile_toml.read(text, profiles.built_in_text)
    except PkiError as bad:
        return (error("profile.malformed", bad.problem, bad.field),)
    found = check_profile(profile)
    if profile.name != file.stem:
        message = f"The file is to be named {profile.name}.toml."
        found += (error("profile.file_name", message, "name"),)
    if profile.name in profiles.NAMES:
        found += check_narrows(profile, profiles.by_name(profile.name))
    return found
