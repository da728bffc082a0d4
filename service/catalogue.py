"""The catalogue in force: the built-in one, and the hospital's own words over it (home/catalogue.toml)."""

from __future__ import annotations

from registry.identity.catalogue import SEED, SeedCatalogue, overlay_from_toml
from service.home import Home
from service.pem import read_file


def read_catalogue(home: Home) -> SeedCatalogue:
    """BadInput names the entry that is wrong; without a file, the built-in catalogue."""
    if not home.catalogue_file.exists():
        return SEED
    return overlay_from_toml(read_file(home.catalogue_file, "catalogue"))
