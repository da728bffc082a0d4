"""The seed catalogue holds FDA's facts as FDA lists them; the hospital's overlay wins over it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identity.catalogue import SEED, Catalogue, overlay_from_toml
from registry.identity.gs1_checks import digit_holds
from registry.identity.seed_catalogue import DEMO_PRODUCTS, FDA_TYPES, HOSPITAL_TYPES
from registry.model.errors import BadInput

CODES = Path(__file__).parents[4] / "shared" / "data" / "fda" / "product_codes_2026-08-18.csv"
FLAG = {"Y": True, "N": False, "": None}


def test_every_seed_fact_is_fdas() -> None:
    if not CODES.is_file():
        pytest.skip("FDA's product codes (../shared/data/fda) are not on this machine")
    with CODES.open(encoding="utf-8", newline="") as file:
        rows = {row["product_code"]: row for row in csv.DictReader(file)}

    assert len(FDA_TYPES) >= 50
    for type_ in FDA_TYPES:
        row = rows[type_.product_code or ""]
        assert type_.device_name == row["device_name"]
        assert type_.device_class == row["device_class"]
        assert (type_.regulation_number or "") == row["regulation_number"]
        assert (type_.medical_specialty or "") == row["medical_specialty"]
        assert type_.life_sustain_support is FLAG[row["life_sustain_support_flag"]]
        assert type_.implant is FLAG[row["implant_flag"]]


def test_codes_and_dis_are_unique_and_checks_hold() -> None:
    codes = [type_.product_code for type_ in FDA_TYPES]
    dis = [product.udi_di or "" for product in DEMO_PRODUCTS]

    assert len(set(codes)) == len(codes)
    assert len(set(dis)) == len(dis) >= 3
    assert all(len(di) == 14 and di.startswith("0952") and digit_holds(di) for di in dis)


def test_hospital_types_are_in_no_fda_class() -> None:
    assert {type_.device_name for type_ in HOSPITAL_TYPES} >= {
        "Wall display",
        "Badge reader",
        "Environmental sensor",
        "Nurse-call display",
    }
    assert all((type_.product_code, type_.source) == (None, "medtrust") for type_ in HOSPITAL_TYPES)
    assert all(type_.life_sustain_support is None for type_ in HOSPITAL_TYPES)


def test_the_seed_answers_as_a_catalogue() -> None:
    catalogue: Catalogue = SEED
    pump = catalogue.product("09521000000018")

    assert pump is not None
    assert pump.product_code == "FRN"
    assert catalogue.product("9521000000018") is pump
    assert catalogue.product("09521000000017") is None
    assert catalogue.product("") is None
    frn = catalogue.product_by_code(" frn ")
    assert frn is not None
    assert frn.regulation_number == "880.5725"
    assert catalogue.product_by_code("ZZZ") is None


def test_search_wants_every_word_in_any_case() -> None:
    assert [product.product_code for product in SEED.search("INFUSION pca")] == ["MEA"]
    assert SEED.search("example infuse")[0].udi_di == "09521000000018"
    assert [product.device_name for product in SEED.search("badge")] == ["Badge reader"]
    assert SEED.search("  ") == ()
    assert SEED.search("no-such-thing") == ()


def test_an_overlay_names_a_type_and_wins() -> None:
    catalogue = overlay_from_toml(
        '[udi_di]\n"09521000000018" = "MEA"\n"09521000000056" = "wall display"\n'
        '"A123BJC5D6E71" = {type = "CBK", brand_name = "Vent", device_class = "2"}\n'
        '"09506000117843" = {type = "xyz", device_name = "Thing", life_sustain_support = true}\n'
    )
    kinds = {di: catalogue.product(di) for di in catalogue.by_di}

    assert {di: kind.product_code for di, kind in kinds.items() if kind} == {
        "09521000000018": "MEA",
        "09521000000025": "CBK",
        "09521000000032": None,
        "09521000000049": "MHX",
        "09521000000056": None,
        "A123BJC5D6E71": "CBK",
        "09506000117843": "XYZ",
    }
    vent = kinds["A123BJC5D6E71"]
    assert vent is not None
    assert (vent.brand_name, vent.source, vent.udi_di) == ("Vent", "hospital", "A123BJC5D6E71")
    seed_pump = SEED.product("09521000000018")
    assert seed_pump is not None
    assert seed_pump.product_code == "FRN"  # the seed itself is not touched


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[udi_di", "catalogue"),
        (b"\xff", "catalogue"),
        ("[devices]", "catalogue"),
        ("udi_di = 7", "catalogue"),
        ('[udi_di]\n"1" = "NOPE"', "udi_di.1"),
        ('[udi_di]\n"1" = 7', "udi_di.1"),
        ('[udi_di]\n"1" = {brand_name = "x"}', "udi_di.1"),
        ('[udi_di]\n"1" = {type = "FRN", colour = "red"}', "udi_di.1.colour"),
        ('[udi_di]\n"1" = {type = "FRN", implant = "no"}', "udi_di.1.implant"),
        ('[udi_di]\n"" = "FRN"', "udi_di."),
    ],
)
def test_a_bad_overlay_names_its_entry(text: str | bytes, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        overlay_from_toml(text)

    assert caught.value.field == field
    assert caught.value.next_step


@given(st.one_of(st.text(max_size=60), st.text(max_size=40).map(lambda text: f'[udi_di]\n"1" = {text}')))
def test_any_overlay_text_gives_a_catalogue_or_bad_input(text: str) -> None:
    assert _knows_the_seed_or_names_a_field(text)


def _knows_the_seed_or_names_a_field(text: str) -> bool:
    try:
        return overlay_from_toml(text).product("09521000000025") is not None
    except BadInput as refusal:
        return bool(refusal.field)
