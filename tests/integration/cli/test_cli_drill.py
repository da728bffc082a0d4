"""`medtrust drill reissue`: certificates really issued in a store that is gone afterwards."""

import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pki.algorithms import KeyAlgorithm
from registry.drill import Rules
from service.drill import Asked, drill
from tests.integration.cli.conftest import Cli, assert_refused


def test_a_fleet_leaves_the_fallen_key(empty: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    told = empty.done("drill", "reissue", "--from", "ec-p256", "--devices", "60", "--out", tmp_path / "c.svg")

    assert (told["from"], told["to"]) == ("device-classical (ec-p256)", "device-pure (ml-dsa-65)")
    assert told["issued"] + sum(row["devices"] for row in told["remaining"]) == 60
    # Counted in the store, not in the story.
    assert told["still_on_the_fallen_key"] == 60 - told["issued"]
    assert told["seconds"][0]["criticality"] == "all"
    assert list(scratch.iterdir()) == []
    assert not empty.home.exists()
    drawn = ET.fromstring((tmp_path / "c.svg").read_text())  # noqa: S314 - our own file
    assert len(drawn.findall("{http://www.w3.org/2000/svg}polyline")) == len(told["seconds"])


@pytest.mark.parametrize(
    ("fallen", "after"),
    [
        (KeyAlgorithm.ML_DSA_65, "device-classical (ec-p256)"),
        (KeyAlgorithm.ED25519, "device-pure (ml-dsa-65)"),
    ],
)
def test_what_stands_takes_its_place(fallen: KeyAlgorithm, after: str) -> None:
    played = drill(Asked(fallen, None, 12, 1, Rules()))
    assert played.after == after
    assert played.still_fallen == 12 - len(played.outcome.safe_at)


def test_people_see_a_curve_and_who_is_left(empty: Cli) -> None:
    told = empty("drill", "reissue", "--from", "ec-p256", "--devices", "40", "--seed", "3", "--days", "1")
    assert told.code == 0, told.err
    assert "100% |" in told.out
    assert "# all devices   o life-sustaining" in told.out
    assert "measured" in told.out
    assert "Nobody was cut off." in told.out


def test_drills_that_cannot_be_are_refused(empty: Cli) -> None:
    drill_from = ("drill", "reissue", "--from")
    assert_refused(empty(*drill_from, "mldsa65-ecdsa-p256-sha512"), 2, "Name the half")
    assert_refused(empty(*drill_from, "rsa-3072"), 2, "No device of ours has a rsa-3072 key alone")
    assert_refused(empty(*drill_from, "ml-kem-768"), 2, "No device of ours")
    assert_refused(empty(*drill_from, "ml-dsa-65", "--to", "catalyst"), 2, "would rest on ml-dsa-65 again")
    assert_refused(empty(*drill_from, "ec-p256", "--to", "kem"), 2, "No CA")
    assert_refused(empty(*drill_from, "ec-p256", "--devices", "3"), 2, "cannot be played")
