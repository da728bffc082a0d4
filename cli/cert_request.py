"""`medtrust cert request`: keys and a request for them, by a person; needs no home and no network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.asking import Json, home_of
from cli.cert_inspect import inspect
from cli.errors import CliError
from cli.output import note, print_json, say
from cli.request_plan import Plan, holder_of, main_key, next_steps, plan_of, profile_of, second_key
from cli.words import examples
from pki import csr_build
from pki.algorithms import KeyAlgorithm, PrivateKey
from pki.csr import Request, to_pem
from pki.keys import HybridPrivateKey
from pki.profiles import Form, Profile
from service import clock
from service.home import write_atomically
from service.request_keys import Passphrase, refuse_overwriting, write_keys

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    invoke_without_command=True,
    epilog=examples(
        "medtrust cert request --cn mtd-abcdefghijklmnop --out pump",
        "medtrust cert request --profile server --dns www.hospital.example --out www",
        "medtrust cert request inspect pump.csr --profile device",
    ),
)
app.command()(inspect)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
KeyPassphraseFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The keys' passphrase, in a file (0600).")
]
KeyPassphraseFd = Annotated[int | None, typer.Option(metavar="N", help="The same, from a descriptor.")]


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
    chosen = profile_of(home_of(ctx), profile, form)
    passphrase = Passphrase(passphrase_file, passphrase_fd)
    plan = plan_of(
        chosen, cn, organization, (tuple(dns or ()), tuple(ip or ())), holder_of(held, held_key, passphrase)
    )
    base = _base(out, plan.common_name)
    written = _paths(base, chosen, key, alternative_key, unencrypted=unencrypted)
    refuse_overwriting(*written.values())
    main = main_key(chosen, key_type, key, passphrase)
    second = second_key(chosen, alternative_key, passphrase)
    der = _build(plan, main, second)
    Request.parse(der)
    made = {"key": main, "alternative": second}
    fresh = {path: new for name, path in written.items() if (new := made.get(name))}
    secret = None
    if fresh and not unencrypted:
        secret = passphrase.read("Passphrase for the new keys: ", confirm=True)
    write_keys(fresh, secret)
    write_atomically(written["csr"], to_pem(der))
    _tell(plan, written, as_json=as_json)


def _base(out: str, common_name: str) -> Path:
    if not out and not _FILE_NAME.fullmatch(common_name):
        raise CliError(
            "The common name makes no file name.", next_step="Say where: --out NAME.", field="--out"
        )
    return Path(out or common_name)


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


def _build(plan: Plan, main: PrivateKey, second: PrivateKey | None) -> bytes:
    named = {"common_name": plan.common_name, "organization": plan.organization}
    if plan.profile.form is Form.KEM:
        return csr_build.build_for_kem(main.public, **named, extensions=plan.extensions, stated_by=plan.held)
    bound = (plan.held, clock.now()) if plan.held is not None else None
    pair = HybridPrivateKey(main, second)
    return csr_build.build(pair, **named, extensions=plan.extensions, bound_to=bound)


def _tell(plan: Plan, written: dict[str, Path], *, as_json: bool) -> None:
    steps = next_steps(plan, written["csr"])
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
