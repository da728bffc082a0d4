"""What `medtrust cert request` was asked for, checked before any key is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.errors import CliError
from pki import names
from pki.algorithms import KeyAlgorithm, PrivateKey
from pki.csr_build import Holder
from pki.extensions import Extension
from pki.identity_extensions import host_names
from pki.profiles import Form, Kind, Profile
from service.home import Home
from service.pem import read_certificate
from service.profiles import find_profile
from service.request_keys import Passphrase, read_key

_DEVICE_PROFILES: Final = {
    Form.CATALYST: "device",
    Form.CLASSICAL: "device-classical",
    Form.PURE: "device-pure",
    Form.COMPOSITE: "device-composite",
    Form.RELATED: "device-related",
    Form.KEM: "device-kem",
}
_FOR_OTHERS: Final = frozenset({Kind.DEVICE, Kind.SERVER, Kind.OPERATOR})


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose certificate, by which profile, and what the request rests on."""

    profile: Profile
    common_name: str
    organization: str
    extensions: tuple[Extension, ...]
    held: Holder | None
    """A certificate of the same subject: to be bound to, or to state possession with."""


def profile_of(home: Home, name: str, form: Form | None) -> Profile:
    """The profile of that name, else a device's of that form."""
    if name and form is not None:
        raise CliError("Both --profile and --form are given.", next_step="Give one of them.", field="--form")
    return find_profile(home, name or _DEVICE_PROFILES[form or Form.CATALYST])


def holder_of(certificate: Path | None, key: Path | None, passphrase: Passphrase) -> Holder | None:
    """The certificate that the subject holds, with its main key."""
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


def plan_of(
    profile: Profile,
    cn: str,
    organization: str,
    hosts: tuple[tuple[str, ...], tuple[str, ...]],
    held: Holder | None,
) -> Plan:
    """The plan; CliError names the option that does not fit."""
    if profile.kind not in _FOR_OTHERS:
        raise CliError(
            f"Profile {profile.name} is for the CA's own keys, which a ceremony makes.",
            next_step="Choose a profile for devices, servers or operators: medtrust profile list.",
            field="--profile",
        )
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
    return Plan(profile, cn, organization, extensions, held)


def main_key(
    profile: Profile, kind: KeyAlgorithm | None, path: Path | None, passphrase: Passphrase
) -> PrivateKey:
    """A new key of that kind, or the one in the file; CliError where the profile takes no such key."""
    asked = kind or profile.main[0]
    if asked not in profile.main:
        raise _not_taken(profile, asked, profile.main, "--key-type")
    if path is None:
        return PrivateKey.generate(asked)
    key = read_key(path, passphrase)
    if key.algorithm not in profile.main:
        raise _not_taken(profile, key.algorithm, profile.main, "--key")
    return key


def second_key(profile: Profile, path: Path | None, passphrase: Passphrase) -> PrivateKey | None:
    """The same for the second key, where the profile has one."""
    wanted = profile.alternative
    if path is None:
        return PrivateKey.generate(wanted) if wanted else None
    key = read_key(path, passphrase)
    if key.algorithm is not wanted:
        raise _not_taken(profile, key.algorithm, (wanted,) if wanted else (), "--alternative-key")
    return key


def _not_taken(
    profile: Profile, kind: KeyAlgorithm, taken: tuple[KeyAlgorithm, ...], option: str
) -> CliError:
    choice = f"Choose one of {', '.join(taken)}." if taken else f"Leave out {option}."
    return CliError(f"Profile {profile.name} takes no {kind} key there.", next_step=choice, field=option)


def next_steps(plan: Plan, csr: Path) -> list[str]:
    """What to do at the CA, as commands."""
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
