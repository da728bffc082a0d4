"""The rule table: from FDA's facts to what a device means to the patient. Data only.

21 CFR parts share a plan: .1xxx diagnostic, .2xxx monitoring, .3xxx prosthetic, .4xxx surgical,
.5xxx therapeutic. A name alone only raises (to therapy or life-sustaining); lowering
needs FDA's code or number.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.model.criticality import Criticality

_PLANNED_PARTS = ("868", "870", "872", "874", "876", "878", "880", "882", "884", "886", "888", "890", "892")


def _sections(section: str, parts: tuple[str, ...] = _PLANNED_PARTS) -> tuple[str, ...]:
    return tuple(f"{part}.{section}" for part in parts)


@dataclass(frozen=True, slots=True)
class CriticalityRule:
    """Holds where any one of its grounds does. A ground left empty never holds."""

    name: str
    criticality: Criticality
    reason: str
    product_codes: frozenset[str] = frozenset()
    regulations: tuple[str, ...] = ()
    """Beginnings of 21 CFR numbers."""
    name_words: tuple[str, ...] = ()
    """Lower case; any one of them within the device's name."""
    implants: bool = False
    own_sources: frozenset[str] = frozenset()
    """With own_types: sources whose products without an FDA code may be named non-clinical."""
    own_types: frozenset[str] = frozenset()


RULES: tuple[CriticalityRule, ...] = (
    CriticalityRule(
        "breathing",
        Criticality.LIFE_SUSTAINING,
        "it breathes for a patient or gives anesthesia",
        product_codes=frozenset({"CBK", "NOU", "MNT", "ONZ", "NQY", "BTL", "LSZ", "BSZ"}),
        regulations=("868.516", "868.5895", "868.5925", "868.5935"),
        name_words=("ventilator", "resuscitator", "gas-machine, anesthesia", "anesthesia machine"),
    ),
    CriticalityRule(
        "circulation",
        Criticality.LIFE_SUSTAINING,
        "it moves or oxygenates the patient's blood",
        product_codes=frozenset({"DTQ", "BYS", "QNR", "QJZ", "DTZ", "DSP"}),
        regulations=("870.3535", "870.3545", "870.41", "870.42", "870.43", "870.44"),
        name_words=("heart-lung", "ecmo", "cardiopulmonary bypass", "oxygenator", "ventricular assist"),
    ),
    CriticalityRule(
        "heart_rhythm",
        Criticality.LIFE_SUSTAINING,
        "it restarts or paces a heart",
        product_codes=frozenset({"MKJ", "DRK", "LDD", "DRO", "DTE", "JOQ"}),
        regulations=("870.1750", "870.36", "870.53", "870.5550"),
        name_words=("defibrillator", "pacemaker", "cardioverter"),
    ),
    CriticalityRule(
        "blood_cleaning",
        Criticality.LIFE_SUSTAINING,
        "it cleans the blood of a patient whose kidneys do not",
        product_codes=frozenset({"FKP", "FII", "FIL", "KDI", "ONW", "QIR"}),
        regulations=("876.582", "876.586"),
        name_words=("dialysis", "dialysate"),
    ),
    CriticalityRule(
        "infusion",
        Criticality.THERAPY,
        "it doses a drug or a fluid",
        product_codes=frozenset(
            {"FRN", "MEA", "LZG", "QFG", "LZH", "PHC", "LKK", "OZO", "OZP", "OZQ", "OYC"}
        ),
        regulations=("880.5725", "880.5730", "862.1356", "862.1358"),
        name_words=("infusion pump", "pump, infusion", "syringe pump", "insulin", "infusion"),
    ),
    CriticalityRule(
        "therapeutic_section",
        Criticality.THERAPY,
        "FDA files it among therapeutic, surgical or prosthetic devices",
        regulations=(*_sections("3"), *_sections("4"), *_sections("5")),
    ),
    CriticalityRule(
        "robot_or_surgery",
        Criticality.THERAPY,
        "it acts on a patient, or guides the hand, during surgery or irradiation",
        product_codes=frozenset({"NAY", "IYE", "MUJ", "OWB"}),
        name_words=("surgical", "electrosurgical", "accelerator, linear", "radiation therapy"),
    ),
    CriticalityRule(
        "implant",
        Criticality.THERAPY,
        "it works inside the patient",
        name_words=("implantable",),
        implants=True,
    ),
    CriticalityRule(
        "medication_supply",
        Criticality.THERAPY,
        "it decides which drug reaches a patient",
        product_codes=frozenset({"NZH"}),
        regulations=("880.6315",),
    ),
    CriticalityRule(
        "alarms",
        Criticality.MONITORING,
        "somebody relies on its alarm",
        product_codes=frozenset(
            {"MHX", "MWI", "MSX", "QYW", "DRT", "DSI", "MLD", "DQA", "DXN", "CCK", "PYV"}
        ),
        regulations=("870.1025", "870.1130", "868.1400", "862.1345", "862.1350", "862.1355", "862.1357"),
    ),
    CriticalityRule(
        "monitoring_section",
        Criticality.MONITORING,
        "FDA files it among monitoring devices",
        regulations=_sections("2", ("868", "870", "880", "884")),
    ),
    CriticalityRule(
        "device_data",
        Criticality.MONITORING,
        "it carries other devices' data to those who watch",
        product_codes=frozenset({"OUG"}),
        regulations=("880.6310",),
    ),
    CriticalityRule(
        "laboratory",
        Criticality.DIAGNOSTIC,
        "it analyses samples, away from the patient",
        # 864.9 makes blood products for patients: not here.
        regulations=("862.1", "862.2", "862.3", "864.1", "864.2", "864.4", "864.5", "864.6", "864.7", "866."),
    ),
    CriticalityRule(
        "imaging_and_diagnostic_section",
        Criticality.DIAGNOSTIC,
        "FDA files it among diagnostic devices",
        regulations=(*_sections("1"), "892.2"),
    ),
    CriticalityRule(
        "hospital_equipment",
        Criticality.NON_CLINICAL,
        "the hospital lists it as equipment that treats, watches and diagnoses nobody",
        own_sources=frozenset({"medtrust", "hospital"}),
        own_types=frozenset(
            {"wall display", "badge reader", "environmental sensor", "nurse-call display", "asset tag reader"}
        ),
    ),
)
