"""The profiles in force: the built-in ones, and the hospital's own in home/profiles/*.toml."""

from __future__ import annotations

from pathlib import Path

from pki import profiles
from pki.algorithms import require_all
from pki.errors import AlgorithmUnavailable, PkiError
from pki.profile_limits import ProfileMalformed
from pki.profiles import Profile, ProfileNotFound
from service.errors import ServiceError
from service.home import Home
from service.pem import read_file


def find_profile(home: Home, name: str) -> Profile:
    """The hospital's own profile of that name, else the built-in one; ProfileNotFound, ProfileMalformed."""
    path = home.profiles / f"{name}.toml"
    # A name is looked up among the files, never made a path: `../device` names no profile.
    if path in own_files(home):
        return read_profile(path)
    try:
        return profiles.by_name(name)
    except ProfileNotFound as missing:
        mine = ", ".join(path.stem for path in own_files(home))
        if not mine:
            raise
        problem = f"There is no certificate profile {name[:64]!r}."
        also = f"{missing.next_step} Your own: {mine}."
        raise ProfileNotFound(problem, next_step=also, field="profile") from missing


def own_files(home: Home) -> tuple[Path, ...]:
    """The hospital's own profiles, by name."""
    return tuple(sorted(home.profiles.glob("*.toml"))) if home.profiles.is_dir() else ()


def own_profiles(home: Home) -> tuple[Profile, ...]:
    """Every one of them, read and held to the closed list of its kind."""
    return tuple(read_profile(path) for path in own_files(home))


def health(home: Home) -> tuple[bool, str, str]:
    """(sound, what to say, next step) for the doctor: a profile that is refused keeps the CA from opening."""
    files = own_files(home)
    try:
        for path in files:
            read_profile(path)
    except (PkiError, ServiceError) as bad:
        return False, bad.problem, bad.next_step or "medtrust profile check FILE"
    return True, f"{len(files)} of your own, all sound" if files else "the built-in ones", ""


def read_profile(path: Path) -> Profile:
    """One file, named as its profile; ProfileMalformed names file and key.

    AlgorithmUnavailable where no provider here has a kind of key that it allows.
    """
    try:
        profile = profiles.own(text_of(path), file_name=path.stem)
        require_all(profile.main)
        require_all([profile.alternative] if profile.alternative else [])
    except AlgorithmUnavailable as gone:
        problem = f"{path.name}: {gone.problem}"
        raise AlgorithmUnavailable(problem, next_step=gone.next_step, field=gone.field) from gone
    except PkiError as bad:
        raise ProfileMalformed(
            f"{path.name}: {bad.problem}", next_step=bad.next_step, field=bad.field
        ) from bad
    return profile


def text_of(path: Path) -> str:
    """The file's text; ProfileMalformed where it is not UTF-8."""
    try:
        return read_file(path, "profile").decode("utf-8")
    except UnicodeDecodeError as bad:
        raise ProfileMalformed(
            "The file is not UTF-8.", next_step="Save it as UTF-8.", field="profile"
        ) from bad
