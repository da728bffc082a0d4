"""The hospital's own products in home/catalogue.toml."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from registry.identity.catalogue import SEED
from registry.identity.criticality import judge_criticality
from registry.model.criticality import Criticality
from registry.model.errors import BadInput
from service.catalogue import read_catalogue
from service.home import Home, make_private

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


def test_without_a_file_the_built_in_catalogue_serves(tmp_path: Path) -> None:
    assert read_catalogue(Home(tmp_path)) is SEED


def test_the_example_of_the_page_is_read_and_judged(tmp_path: Path) -> None:
    home = Home(make_private(tmp_path / "home"))
    example = re.search(r"```\n(\[udi_di\].*?)```", PAGE.read_text(), re.DOTALL)
    assert example is not None
    home.catalogue_file.write_text(example[1])
    catalogue = read_catalogue(home)
    judged = {
        di: judge_criticality(catalogue.product(di)).criticality
        for di in re.findall(r'"(\d{14})"', example[1])
    }
    assert list(judged.values()) == [
        Criticality.THERAPY,
        Criticality.NON_CLINICAL,
        Criticality.LIFE_SUSTAINING,
    ]


def test_a_wrong_entry_is_named(tmp_path: Path) -> None:
    home = Home(make_private(tmp_path / "home"))
    home.catalogue_file.write_text('[udi_di]\n"00643169007222" = "ZZZZ"\n')
    with pytest.raises(BadInput, match="00643169007222"):
        read_catalogue(home)
