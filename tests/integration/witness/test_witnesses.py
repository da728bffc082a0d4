"""Independent tools judge what we issue: the good one accepted, the revoked and the tampered refused.

The table is what docs/pki.md promises of each form. Nobody here but us reads composites yet.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.witness.hierarchy import FORMS, hierarchy
from tests.integration.witness.witnesses import WITNESSES

# Go builds its standard library at the first use on a machine: half a minute, more where others work too.
pytestmark = pytest.mark.timeout(450)

READS = {
    "catalyst": {"openssl", "gnutls", "jdk", "go", "node", "pyhanko"},
    "classical": {"openssl", "gnutls", "jdk", "go", "node", "pyhanko"},
    "pure": {"jdk", "go", "node", "pyhanko"},
    "composite": set[str](),
}
ABLE = [(form, witness) for form, able in READS.items() for witness in sorted(able)]
UNABLE = [(form, witness) for form in FORMS for witness in WITNESSES if witness not in READS[form]]
SAYS_REVOKED = {"gnutls": "revoked", "go": "revoked", "node": "CERT_REVOKED", "pyhanko": "was revoked"}


@pytest.mark.parametrize(("form", "witness"), ABLE)
def test_a_good_certificate_is_accepted(tmp_path: Path, form: str, witness: str) -> None:
    made = hierarchy(form)
    judgement = WITNESSES[witness](made.write(tmp_path, made.device.der))
    assert judgement.accepted, judgement.words


@pytest.mark.parametrize(("form", "witness"), ABLE)
def test_a_revoked_certificate_is_refused_because_it_is_revoked(
    tmp_path: Path, form: str, witness: str
) -> None:
    made = hierarchy(form)
    judgement = WITNESSES[witness](made.write(tmp_path, made.revoked.der))
    assert not judgement.accepted
    assert SAYS_REVOKED.get(witness, "revoked") in judgement.words


@pytest.mark.parametrize(("form", "witness"), ABLE)
def test_a_tampered_certificate_is_refused(tmp_path: Path, form: str, witness: str) -> None:
    made = hierarchy(form)
    judgement = WITNESSES[witness](made.write(tmp_path, made.tampered))
    assert not judgement.accepted, judgement.words
    assert "revoked" not in judgement.words.lower()


@pytest.mark.parametrize(("form", "witness"), UNABLE)
def test_who_cannot_read_a_form_accepts_nothing_of_it(tmp_path: Path, form: str, witness: str) -> None:
    made = hierarchy(form)
    judgement = WITNESSES[witness](made.write(tmp_path, made.device.der))
    assert not judgement.accepted, f"{witness} reads {form} by now: say so in docs/pki.md and here"
