"""Criticality is ours: explained, conservative where facts disagree, and unknown where there are none."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identity.catalogue import SEED
from registry.identity.criticality import judge_criticality
from registry.identity.criticality_rules import RULES, CriticalityRule
from registry.model.criticality import Criticality
from registry.model.product import Product

CODES = Path(__file__).parents[4] / "shared" / "data" / "fda" / "product_codes_2026-08-18.csv"
FLAG = {"Y": True, "N": False, "": None}


def of(code: str) -> Product:
    product = SEED.product_by_code(code)
    assert product is not None
    return product


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("CBK", Criticality.LIFE_SUSTAINING),
        ("BSZ", Criticality.LIFE_SUSTAINING),
        ("MKJ", Criticality.LIFE_SUSTAINING),
        ("DRK", Criticality.LIFE_SUSTAINING),
        ("DTQ", Criticality.LIFE_SUSTAINING),
        ("QNR", Criticality.LIFE_SUSTAINING),
        ("FKP", Criticality.LIFE_SUSTAINING),
        ("MSX", Criticality.LIFE_SUSTAINING),
        ("FRN", Criticality.THERAPY),
        ("MEA", Criticality.THERAPY),
        ("LZG", Criticality.THERAPY),
        ("OZP", Criticality.THERAPY),
        ("IYE", Criticality.THERAPY),
        ("OWB", Criticality.THERAPY),
        ("FNL", Criticality.THERAPY),
        ("MHX", Criticality.MONITORING),
        ("DQA", Criticality.MONITORING),
        ("DPS", Criticality.MONITORING),
        ("OUG", Criticality.MONITORING),
        ("JAK", Criticality.DIAGNOSTIC),
        ("LNH", Criticality.DIAGNOSTIC),
        ("IYO", Criticality.DIAGNOSTIC),
        ("JJE", Criticality.DIAGNOSTIC),
    ],
)
def test_common_types(code: str, expected: Criticality) -> None:
    assert judge_criticality(of(code)).criticality is expected


@pytest.mark.parametrize("code", ["FRN", "MEA", "MKJ"])
@pytest.mark.parametrize("flag", [True, False, None])
def test_a_pump_or_aed_is_never_cut_whatever_the_flag(code: str, flag: bool | None) -> None:
    judgement = judge_criticality(replace(of(code), life_sustain_support=flag))

    assert judgement.criticality in (Criticality.LIFE_SUSTAINING, Criticality.THERAPY)


def test_reasons_name_rule_and_ground_and_the_deciding_one_is_first() -> None:
    judgement = judge_criticality(of("FRN"))

    assert judgement.reasons[0] == "infusion: it doses a drug or a fluid (product code FRN)."
    assert judgement.reasons[-1] == "FDA's life-sustaining flag says N, which lowers nothing."


def test_a_blank_flag_is_unknown_and_said() -> None:
    judgement = judge_criticality(replace(of("MHX"), life_sustain_support=None))

    assert "FDA's life-sustaining flag is blank: unknown, which is not no." in judgement.reasons


def test_no_product_is_unknown() -> None:
    judgement = judge_criticality(None)

    assert judgement.criticality is Criticality.UNKNOWN
    assert judgement.criticality.never_cut
    assert judgement.reasons


def test_a_product_that_no_rule_covers_is_unknown() -> None:
    judgement = judge_criticality(Product(None, "Gadget"))

    assert judgement.criticality is Criticality.UNKNOWN
    assert "Gadget" in judgement.reasons[0]


@pytest.mark.parametrize(
    "name", ["Wall display", "Badge reader", "Environmental sensor", "Nurse-call display"]
)
def test_the_hospitals_own_types_are_non_clinical(name: str) -> None:
    own = SEED.hospital_type(name)
    assert own is not None

    assert judge_criticality(own).criticality is Criticality.NON_CLINICAL


def test_a_name_alone_never_lowers() -> None:
    claimed = Product(None, "Wall display", source="self-asserted")

    assert judge_criticality(claimed).criticality is Criticality.UNKNOWN
    assert judge_criticality(Product(None, "Monitor, patient")).criticality is Criticality.UNKNOWN


def test_a_name_alone_raises() -> None:
    assert judge_criticality(Product(None, "ICU Ventilator")).criticality is Criticality.LIFE_SUSTAINING


@pytest.mark.parametrize(
    "mixed",
    [
        replace(of("DQA"), regulation_number="868.5895"),
        replace(of("JAK"), product_code="CBK"),
        replace(of("JAK"), device_name="Ventilator"),
        replace(of("JAK"), life_sustain_support=True),
    ],
)
def test_where_facts_disagree_the_most_critical_decides(mixed: Product) -> None:
    assert judge_criticality(mixed).criticality is Criticality.LIFE_SUSTAINING


def test_the_hospital_may_replace_the_rules() -> None:
    ours = CriticalityRule(
        "bed", Criticality.NON_CLINICAL, "our beds only report occupancy", product_codes=frozenset({"FNL"})
    )

    assert judge_criticality(of("FNL"), rules=(ours,)).criticality is Criticality.NON_CLINICAL


def test_rule_names_are_unique_and_every_rule_has_a_ground() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(
        rule.product_codes or rule.regulations or rule.name_words or rule.implants or rule.own_types
        for rule in RULES
    )


def test_whatever_fda_flags_is_life_sustaining_and_every_code_gets_a_reason() -> None:
    if not CODES.is_file():
        pytest.skip("FDA's product codes (../shared/data/fda) are not on this machine")
    flagged = 0
    with CODES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            flag = FLAG[row["life_sustain_support_flag"]]
            product = Product(
                row["product_code"],
                row["device_name"],
                regulation_number=row["regulation_number"] or None,
                life_sustain_support=flag,
                implant=FLAG[row["implant_flag"]],
            )
            judgement = judge_criticality(product)
            assert judgement.reasons
            if flag:
                flagged += 1
                assert judgement.criticality is Criticality.LIFE_SUSTAINING
    assert flagged > 200


@given(
    st.none() | st.text(max_size=4),
    st.text(max_size=20),
    st.none() | st.text("0123456789.", max_size=9),
    st.none() | st.booleans(),
)
def test_a_raised_flag_never_lowers(
    code: str | None, name: str, regulation: str | None, implant: bool | None
) -> None:
    plain = Product(code, name, regulation_number=regulation, implant=implant)

    assert judge_criticality(plain).reasons
    raised = judge_criticality(replace(plain, life_sustain_support=True))
    assert raised.criticality is Criticality.LIFE_SUSTAINING
