"""Patients' data in requests: refused unseen; the names of models, hospitals and devices are none."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from pki import asn1, oids
from pki.extensions import Extension
from registry.model.errors import Refused
from registry.possession import read_request
from registry.request_privacy import find_personal
from tests.unit.pki.request_fixtures import asked, name, request

FDA = Path(__file__).parents[4] / "shared" / "data" / "fda" / "gudid_50000_devices.csv.gz"
PERSONAL = {
    "DOE^JOHN": "phi.person",
    "Doe^John^^Mr": "phi.person",
    "Pump of Mrs. Miller": "phi.person",
    "Frau Meier": "phi.person",
    "Patient: John": "phi.person",
    "John Doe, born 4 April": "phi.person",
    "MRN 12345678": "phi.mrn",
    "patient-id 7": "phi.mrn",
    "123-45-6789": "phi.ssn",
    "SSN123456789": "phi.ssn",
    "dob 4/1956": "phi.birth_date",
    "1956-04-12": "phi.birth_date",
    "12.04.1956": "phi.birth_date",
    "john.doe@hospital.example": "phi.email",
    "PID|1|": "phi.hl7",
    "mrn-12345678.hospital.example": "phi.mrn",
}
HARMLESS = (
    "mtd-abcdefghijklmnop",
    "General Hospital",
    "GAP-SSN55",
    "EMBLEM S-ICD System Patient Screening Tool",
    "Prometra Patient Therapy Controller",
    "Dr. Brown's",
    "urn:udi:GS1:09521000000018",
    "Model 19-56-4",
    "10.0.0.1",
    "www.hospital.example",
    "mrn-index.hospital.example",
    "patient-id.ward3.hospital.example",
)


@pytest.mark.parametrize("text", PERSONAL)
def test_what_looks_like_a_person_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_request(request({}, subject=name((oids.COMMON_NAME, text))))
    assert PERSONAL[text] in refused.value.problem
    assert text not in str(refused.value)
    assert refused.value.field == "CN"


@pytest.mark.parametrize(("dotted", "kind"), [("2.5.4.4", "surname"), ("1.3.6.1.5.5.7.9.1", "dateOfBirth")])
def test_a_persons_attributes_are_refused_whatever_they_say(dotted: str, kind: str) -> None:
    with pytest.raises(Refused) as refused:
        read_request(request({}, subject=name((oids.COMMON_NAME, "device-0001"), (dotted, "Doe"))))
    assert refused.value.field == kind
    assert "Doe" not in str(refused.value)


@pytest.mark.parametrize(
    "part",
    [
        asn1.implicit(1, b"john.doe@hospital.example"),
        asn1.implicit(2, b"mrn-12345678.example"),
        asn1.explicit(4, name((oids.COMMON_NAME, "DOE^JOHN"))),
    ],
)
def test_alternative_names_are_looked_through(part: bytes) -> None:
    names = Extension(oids.SUBJECT_ALT_NAME, False, asn1.sequence(part))
    with pytest.raises(Refused) as refused:
        read_request(request(asked(names)))
    assert refused.value.field == "subjectAltName"


def test_a_malformed_alternative_name_is_left_to_the_rules() -> None:
    torn = Extension(oids.SUBJECT_ALT_NAME, False, b"\x30\x05\x82")
    assert read_request(request(asked(torn))).extensions_asked == (torn,)


@pytest.mark.parametrize("text", HARMLESS)
def test_names_of_things_pass(text: str) -> None:
    assert find_personal(text) is None


def test_the_fdas_names_of_models_pass() -> None:
    if not FDA.exists():
        pytest.skip("shared/data/fda is not here: real brand and model names")
    with gzip.open(FDA, "rt", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        texts = {row[column] for row in rows for column in ("brand", "model", "catalog", "company")}
    assert len(texts) > 50_000
    assert [text for text in texts if find_personal(text)] == []
