"""`medtrust cert request`: keys and a request for them, by a person; needs no home and no network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.asking import Json
from cli.cert_inspect import inspect
from cli.errors import CliError
from cli.output import note, print_json, say
from pki import csr_build, names, profiles
from pki.algorithms import KeyAlgorithm, PrivateKey
from pki.csr import Request, to_pem
from pki.csr_build import Holder
from pki.extensions import Extension
from pki.identity_extensions import host_names
from pki.keys import HybridPrivateKey
from pki.profiles import Form, Kind, Profile
from service import clock
from service.home import write_atomically
from service.pem import read_certificate
from service.request_keys import Passphrase, read_key, refuse_overwriting, write_keys

app = typer.Typer(rich_markup_mode=None, add_completion=False, invoke_without_command=True)
app.command()(inspect)
_DEVICE_PROFILES: Final = {
    Form.CATALYST: "device",
    Form.CLASSICAL: "device-classical",
    Form.PURE: "device-pure",
    Form.COMPOSITE: "device-composite",
    Form.RELATED: "device-related",
    Form.KEM: "device-kem",
}
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KeyPassphraseFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The keys' passphrase, in a file (0600).")
]
KeyPassphraseFd = Annotated[int | None, typer.Option(metavar="N", help="The same, from a descriptor.")]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked for, checked before any key is made."""

    profile: Profile
    common_name: str
    organization: str
    extensions: tuple[Extension, ...]
    held: Holder | None
    """A certificate of the same subject: to be bound to, or to state possession with."""


@app.callback()
def request(
    ctx: typer.Context,
    cn: Annotated[str, typer.Option("--cn", metavar="NAME", help="The subject's common name.")] = "",
    organization: Annotated[str, typer.Option(metavar="NAME", help="The subject's organization.")] = "",
    profile: Annotated[str, typer.Option(metavar="NAME", help="What the certificate is for.")] = "",
    form: Annotated[Form | None, typer.Option(help="A device's form, instead of --profile.")] = None,
    dns: Annotated[list[str] | None, typer.Option(help="A server's host name; repeat for each.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="A server's address; repeat for each.")] = None,
    key_type: Annotated[
        KeyAlgorithm | None,
        typer.Option(metavar="KIND", help="Kind of the main key; else the profile's first."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this main key; else a new one.")
    ] = None,
    alternative_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this alternative key; else a new one.")
    ] = None,
    held: Annotated[
        Path | None,
        typer.Option(metavar="CERT", help="The subject's certificate: to bind to, or to vouch for ML-KEM."),
    ] = None,
    held_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The main key of --held.")] = None,
    out: Annotated[
        str, typer.Option(metavar="NAME", help="Writes NAME.csr and NAME.*key; else the common name.")
    ] = "",
    unencrypted: Annotated[
        bool,
        typer.Option("--unencrypted", help="Write the keys without a passphrase, and say so in their names."),
    ] = False,
    passphrase_file: KeyPassphraseFile = None,
    passphrase_fd: KeyPassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Make keys and a certificate request for them, or look at a request: `inspect`.

    Nothing leaves this machine; the request goes to whoever runs the CA, the keys stay.
    """
    if ctx.invoked_subcommand is not None:
        return
    chosen = _profile(profile, form)
    passphrase = Passphrase(passphrase_file, passphrase_fd)
    plan = _plan(
        chosen, cn, organization, (tuple(dns or ()), tuple(ip or ())), _holder(held, held_key, passphrase)
    )
    base = _base(out, plan.common_name)
    written = _paths(base, chosen, key, alternative_key, unencrypted=unencrypted)
    refuse_overwriting(*written.values())
    kind = _kind(chosen, key_type)
    main = read_key(key, passphrase) if key is not None else PrivateKey.generate(kind)
    second = _alternative(chosen, alternative_key, passphrase)
    der = _build(plan, main, second)
    Request.parse(der)
    fresh = {
        written[name]: made
        for name, made in (("key", main), ("alternative", second))
        if made and name in written
    }
    secret = None
    if fresh and not unencrypted:
        secret = passphrase.read("Passphrase for the new keys: ", confirm=True)
    write_keys(fresh, secret)
    write_atomically(written["csr"], to_pem(der))
    _tell(plan, written, as_json=as_json)


def _profile(name: str, form: Form | None) -> Profile:
    if name and form is not None:
        raise CliError("Both --profile and --form are given.", next_step="Give one of them.", field="--form")
    return profiles.by_name(name or _DEVICE_PROFILES[form or Form.CATALYST])


def _holder(certificate: Path | None, key: Path | None, passphrase: Passphrase) -> Holder | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise CliError("--held and --held-key belong together.", next_step="Give both.", field="--held-key")
    holder = Holder(read_certificate(certificate), read_key(key, passphrase))
    if holder.key.public.spki != holder.certificate.spki:
        raise CliError(
            f"{key} is not the key of {certificate}.", next_step="Give its main key.", field="--held-key"
        )
    return holder


def _plan(
    profile: Profile,
    cn: str,
    organization: str,
    hosts: tuple[tuple[str, ...], tuple[str, ...]],
    held: Holder | None,
) -> _Plan:
    cn = cn or next(iter((*hosts[0], *hosts[1])), "")
    if not cn:
        raise CliError(
            "A request needs a name.",
            next_step="Give --cn: a device's id (medtrust device list), or a host name.",
            field="--cn",
        )
    if profile.form is Form.RELATED and held is None:
        raise CliError(
            f"Profile {profile.name} binds to a certificate that the subject holds.",
            next_step="Give --held CERT and --held-key FILE.",
            field="--held",
        )
    if held is not None and profile.form not in (Form.RELATED, Form.KEM):
        raise CliError(
            f"Profile {profile.name} rests on no other certificate.",
            next_step="Leave out --held.",
            field="--held",
        )
    if any(hosts) != (profile.kind is Kind.SERVER):
        raise CliError(
            "Host names belong to server profiles, which need one.",
            next_step="Give --dns with --profile server, and with no other.",
            field="--dns",
        )
    names.encode(common_name=cn, organization=organization)
    extensions = (host_names(*hosts),) if any(hosts) else ()
    return _Plan(profile, cn, organization, extensions, held)


def _base(out: str, common_name: str) -> Path:
    if not out and not _FILE_NAME.fullmatch(common_name):
        raise CliError(
            "The common name makes no file name.", next_step="Say where: --out NAME.", field="--out"
        )
    return Path(out or common_name)


def _kind(profile: Profile, asked: KeyAlgorithm | None) -> KeyAlgorithm:
    if asked is not None and asked not in profile.main:
        raise CliError(
            f"Profile {profile.name} takes no {asked} key.",
            next_step=f"Choose one of {', '.join(profile.main)}.",
            field="--key-type",
        )
    return asked or profile.main[0]


def _alternative(profile: Profile, path: Path | None, passphrase: Passphrase) -> PrivateKey | None:
    if path is not None:
        return read_key(path, passphrase)
    return PrivateKey.generate(profile.alternative) if profile.alternative else None


def _paths(
    base: Path, profile: Profile, key: Path | None, alternative: Path | None, *, unencrypted: bool
) -> dict[str, Path]:
    ending = ".unencrypted.key" if unencrypted else ".key"
    paths = {"csr": base.with_name(f"{base.name}.csr")}
    if key is None:
        paths["key"] = base.with_name(f"{base.name}{ending}")
    if profile.alternative is not None and alternative is None:
        paths["alternative"] = base.with_name(f"{base.name}.alternative{ending}")
    return paths


def _build(plan: _Plan, main: PrivateKey, second: PrivateKey | None) -> bytes:
    named = {"common_name": plan.common_name, "organization": plan.organization}
    if plan.profile.form is Form.KEM:
        return csr_build.build_for_kem(main.public, **named, extensions=plan.extensions, stated_by=plan.held)
    bound = (plan.held, clock.now()) if plan.held is not None else None
    pair = HybridPrivateKey(main, second)
    return csr_build.build(pair, **named, extensions=plan.extensions, bound_to=bound)


def _tell(plan: _Plan, written: dict[str, Path], *, as_json: bool) -> None:
    steps = _next_steps(plan, written["csr"])
    if as_json:
        files = {name: str(path) for name, path in written.items()}
        print_json({"profile": plan.profile.name, "common_name": plan.common_name, **files, "next": steps})
        return
    for path in written.values():
        say(str(path))
    if "key" in written:
        note("Keep the keys on this machine; only the request leaves it.")
    for step in steps:
        note(f"Next, at the CA: {step}")


def _next_steps(plan: _Plan, csr: Path) -> list[str]:
    profile = "" if plan.profile.name == "device" else f" --profile {plan.profile.name}"
    subject = {
        Kind.DEVICE: f" --device {plan.common_name}",
        Kind.OPERATOR: f" --operator {plan.common_name!r}",
    }.get(plan.profile.kind, "")
    hosts = " --dns NAME" if plan.profile.kind is Kind.SERVER else ""
    issue = f"medtrust cert issue --csr {csr}{profile}{subject}{hosts}"
    if plan.profile.form is not Form.KEM:
        return [issue]
    return [f"medtrust cert challenge {csr} --out challenge.json", f"{issue} --answer answer.json"]
