from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, cosigned_message, open_checkpoint, parse_checkpoint, sign_checkpoint
from audit.errors import AuditError, Malformed, NotVerified
from audit.keys import Signer, VerifierKey, ed25519_signer, ml_dsa_44_cosigner, parse_vkey
from audit.note import NoteSignature, format_note, parse_note

ORIGIN = "hospital.example/medtrust"
NOW = datetime(2026, 11, 22, 6, 31, 5, 900_000, tzinfo=UTC)
LOG = ed25519_signer(ORIGIN, bytes(range(32)))
COSIGNER = ml_dsa_44_cosigner(ORIGIN + "/pq", bytes(range(32, 64)))
KEYS = [LOG.key, COSIGNER.key]
CHECKPOINT = Checkpoint(ORIGIN, 20852163, bytes(range(100, 132)))
NOTE = sign_checkpoint(CHECKPOINT, [LOG, COSIGNER], NOW)

# The published example of Go's sumdb/note: another implementation's key and signature.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_of_another_implementation_is_read_and_verified() -> None:
    key, note = parse_vkey(GO_VKEY), parse_note(GO_NOTE)
    assert str(key) == GO_VKEY
    assert (note.signatures[0].name, note.signatures[0].key_id) == (key.name, key.key_id)
    assert key.verifies(note.text.encode(), note.signatures[0].signature)
    assert not key.verifies(note.text.encode() + b" ", note.signatures[0].signature)


def test_the_text_is_origin_size_root_and_reads_back() -> None:
    root = base64.b64encode(CHECKPOINT.root).decode()
    assert CHECKPOINT.text == f"{ORIGIN}\n20852163\n{root}\n"
    assert parse_checkpoint(CHECKPOINT.text) == CHECKPOINT


def test_both_signatures_verify_and_the_cosignature_tells_its_second() -> None:
    opened = open_checkpoint(NOTE, origin=ORIGIN, keys=KEYS)
    assert opened.checkpoint == CHECKPOINT
    assert opened.cosigned_at == NOW.replace(microsecond=0)
    assert open_checkpoint(NOTE, origin=ORIGIN, keys=[LOG.key]).cosigned_at is None


def test_the_cosignature_is_laid_out_as_c2sp_says() -> None:
    """tlog-cosignature: time in 8 bytes, then ML-DSA-44 over the cosigned_message, assembled here by hand."""
    line = parse_note(NOTE).signatures[1].signature
    seconds = int(NOW.timestamp()).to_bytes(8, "big")
    name, origin = COSIGNER.key.name.encode(), ORIGIN.encode()
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name + seconds + bytes([len(origin)]) + origin
    message += bytes(8) + CHECKPOINT.size.to_bytes(8, "big") + CHECKPOINT.root
    assert line[:8] == seconds
    assert len(line) == 8 + 2420
    public = MLDSA44PublicKey.from_public_bytes(COSIGNER.key.public_key)
    assert public.verify(line[8:], message) is None  # raises where it is wrong


def test_vkeys_read_back_and_ids_differ_between_names_and_types() -> None:
    assert [parse_vkey(str(each)) for each in KEYS] == KEYS
    renamed = ed25519_signer("other", bytes(range(32))).key
    assert renamed.public_key == LOG.key.public_key
    assert len({renamed.key_id, LOG.key.key_id, COSIGNER.key.key_id}) == 3


def refused(note: str, *, origin: str = ORIGIN, keys: list[VerifierKey] | None = None) -> str:
    with pytest.raises(NotVerified) as caught:
        open_checkpoint(note, origin=origin, keys=KEYS if keys is None else keys)
    return caught.value.field


def test_a_checkpoint_of_another_log_is_refused() -> None:
    assert refused(NOTE, origin="other.example/log") == "origin"


@pytest.mark.parametrize("missing", [0, 1])
def test_a_note_stripped_of_either_half_is_refused(missing: int) -> None:
    signers = [LOG, COSIGNER]
    del signers[missing]
    assert refused(sign_checkpoint(CHECKPOINT, signers, NOW)) == "signature"


def test_halves_of_two_checkpoints_do_not_mix() -> None:
    other = sign_checkpoint(Checkpoint(ORIGIN, 7, CHECKPOINT.root), [LOG, COSIGNER], NOW)
    mixed = "".join([*NOTE.splitlines(True)[:5], other.splitlines(True)[5]])
    assert refused(mixed) == "signature"


@pytest.mark.parametrize("half", [0, 1])
def test_a_forger_with_another_key_under_the_same_name_is_refused(half: int) -> None:
    makers = [ed25519_signer, ml_dsa_44_cosigner]
    forger = makers[half](KEYS[half].name, b"\x07" * 32)
    signers = [LOG, COSIGNER]
    # The forger cannot have the true key's id by chance, but can write it on the line.
    signers[half] = Signer(KEYS[half], forger.sign)
    assert refused(sign_checkpoint(CHECKPOINT, signers, NOW)) == "signature"
    assert refused(sign_checkpoint(CHECKPOINT, [forger], NOW)) == "signature"


def test_one_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    lines = NOTE.splitlines(True)
    wrong = sign_checkpoint(Checkpoint(ORIGIN, 7, CHECKPOINT.root), [LOG], NOW).splitlines(True)[4]
    assert refused("".join([*lines, wrong])) == "signature"


def test_signatures_of_unknown_keys_are_ignored() -> None:
    stranger = ed25519_signer("witness.example", b"\x09" * 32)
    note = sign_checkpoint(CHECKPOINT, [stranger, LOG, COSIGNER], NOW)
    assert open_checkpoint(note, origin=ORIGIN, keys=KEYS).checkpoint == CHECKPOINT
    assert refused(NOTE, keys=[stranger.key]) == "signature"


def test_nothing_is_verified_without_a_key_and_nothing_signed_without_a_signer() -> None:
    assert refused(NOTE, keys=[]) == "vkey"
    with pytest.raises(Malformed):
        sign_checkpoint(CHECKPOINT, [], NOW)


def test_a_cosignature_moved_in_time_is_refused() -> None:
    signature = parse_note(NOTE).signatures[1]
    for seconds in (0, int((NOW + timedelta(days=1)).timestamp()), 2**63, 2**64 - 1):
        moved = signature.key_id + seconds.to_bytes(8, "big") + signature.signature[8:]
        line = f"\u2014 {signature.name} {base64.b64encode(moved).decode()}\n"
        assert refused("".join([*NOTE.splitlines(True)[:5], line])) == "signature"


def test_a_truly_signed_time_beyond_the_calendar_is_refused() -> None:
    seconds = 2**62
    raw = COSIGNER.sign(cosigned_message(COSIGNER.key.name, CHECKPOINT, seconds))
    line = NoteSignature(COSIGNER.key.name, COSIGNER.key.key_id, seconds.to_bytes(8, "big") + raw)
    assert COSIGNER.key.verifies(cosigned_message(COSIGNER.key.name, CHECKPOINT, seconds), raw)
    assert refused(format_note(CHECKPOINT.text, [line]), keys=[COSIGNER.key]) == "signature"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_a_note_with_any_byte_changed_is_refused(at: int, change: int) -> None:
    broken = bytearray(NOTE.encode())
    broken[at] ^= change
    with pytest.raises(AuditError):
        open_checkpoint(broken.decode("utf-8", "replace"), origin=ORIGIN, keys=KEYS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ORIGIN,
        CHECKPOINT.text[:-1],
        CHECKPOINT.text + "extension\n",
        CHECKPOINT.text.replace("20852163", "020852163"),
        CHECKPOINT.text.replace("20852163", "+1"),
        CHECKPOINT.text.replace("20852163", "\u0663"),
        CHECKPOINT.text.replace("20852163", "9999999999999999999"),
        CHECKPOINT.text.replace(ORIGIN, ""),
        CHECKPOINT.text.replace("=", ""),
        f"{ORIGIN}\n1\nAAAA\n",
    ],
)
def test_a_text_that_is_no_checkpoint_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "note",
    [
        "",
        CHECKPOINT.text,
        CHECKPOINT.text + "\n",
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("\u2014 ", "- "),
        NOTE.replace("\n", "\r\n"),
        CHECKPOINT.text + "\n\u2014 name\n",
        CHECKPOINT.text + "\n\u2014 name AAAA\n",
        CHECKPOINT.text + "\n\u2014 na+me AAAAAAAA\n",
        CHECKPOINT.text + "\n\u2014 name AAAAAAB=\n",
        NOTE + NOTE.splitlines(True)[5] * 90,
    ],
)
def test_a_note_of_another_form_is_malformed(note: str) -> None:
    with pytest.raises(Malformed):
        open_checkpoint(note, origin=ORIGIN, keys=KEYS)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("c74f20a3", "C74F20A3"),
        GO_VKEY.replace("Peter", "peter"),
        GO_VKEY.replace("PeterNeumann", "Peter Neumann"),
        GO_VKEY[:-4],
        GO_VKEY.replace("Peter", "Pet\udcff"),
        GO_VKEY.replace("+AR", "+BB"),
        "name+00000000+",
        "name+00000000+====",
    ],
)
def test_a_wrong_vkey_is_malformed(vkey: str) -> None:
    with pytest.raises(Malformed):
        parse_vkey(vkey)


def test_names_and_seeds_are_checked_before_anything_is_signed() -> None:
    for name in ("", "a b", "a+b", "x" * 256):
        with pytest.raises(Malformed) as caught:
            ed25519_signer(name, bytes(32))
        assert caught.value.field == "name"
    for make in (ed25519_signer, ml_dsa_44_cosigner):
        with pytest.raises(Malformed) as caught:
            make("name", bytes(31))
        assert caught.value.field == "seed"


@pytest.mark.parametrize(
    ("origin", "size", "root"), [("", 1, 32), ("a\nb", 1, 32), ("a", -1, 32), ("a", 1, 31)]
)
def test_a_checkpoint_that_could_not_be_read_back_cannot_be_made(origin: str, size: int, root: int) -> None:
    with pytest.raises(Malformed):
        Checkpoint(origin, size, bytes(root))
