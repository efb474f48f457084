"""Signed notes, checkpoints and proofs: the examples of C2SP, round trips, hostile bytes."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.proof import ml_dsa, notes
from archive.proof.errors import BrokenError, MalformedError, ProofError

# The example of golang.org/x/mod/sumdb/note, from which C2SP signed-note descends.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)
KEY = Ed25519PrivateKey.from_private_bytes(b"\3" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()
NAME = "archive.example.org/custody"
VKEY = notes.vkey(NAME, PUBLIC)
TEXT = notes.checkpoint_text(NAME, 7, b"\5" * 32)
NOTE = f"{TEXT}\n{notes.signature_line(NAME, PUBLIC, KEY.sign(TEXT.encode()))}"


def test_the_published_note_opens_with_its_key_and_not_when_changed():
    opened = notes.verify_note(GO_NOTE, [GO_VKEY])

    assert opened.text.startswith("If you think")
    assert [key.name for key in opened.signed_by] == ["PeterNeumann"]
    with pytest.raises(BrokenError):
        notes.verify_note(GO_NOTE.replace("think", "thing"), [GO_VKEY])


def test_unknown_keys_are_ignored_and_a_wrong_signature_by_a_known_key_spoils_the_note():
    stranger = Ed25519PrivateKey.from_private_bytes(b"\4" * 32)
    strange = stranger.public_key().public_bytes_raw()
    by_stranger = notes.signature_line("other", strange, stranger.sign(TEXT.encode()))
    wrong = notes.signature_line("other", strange, bytes(64))

    assert len(notes.verify_note(NOTE + by_stranger, [VKEY]).signed_by) == 1
    both = [VKEY, notes.vkey("other", strange)]
    assert len(notes.verify_note(NOTE + by_stranger, both).signed_by) == 2
    with pytest.raises(BrokenError, match="other"):
        notes.verify_note(NOTE + wrong, both)
    with pytest.raises(BrokenError, match="known key"):
        notes.verify_note(NOTE, [notes.vkey("other", strange)])
    with pytest.raises(BrokenError):
        notes.verify_note(NOTE, [])


def test_a_witness_signs_its_time_too():
    witness = notes.vkey("w", PUBLIC, notes.COSIGNATURE)
    signature = KEY.sign(f"cosignature/v1\ntime 1700000000\n{TEXT}".encode())
    line = notes.signature_line(
        "w", PUBLIC, (1_700_000_000).to_bytes(8, "big") + signature, notes.COSIGNATURE
    )
    later = notes.signature_line(
        "w", PUBLIC, (1_700_000_001).to_bytes(8, "big") + signature, notes.COSIGNATURE
    )

    assert notes.verify_note(NOTE + line, [VKEY, witness]).times == {witness: 1_700_000_000}
    with pytest.raises(BrokenError):
        notes.verify_note(NOTE + later, [VKEY, witness])


def test_a_signature_that_cannot_be_checked_here_is_told_and_never_counts(monkeypatch):
    monkeypatch.setattr(ml_dsa, "_module", lambda: None)
    vkey = notes.vkey(NAME, b"p" * 1312, notes.ML_DSA_44)
    line = notes.signature_line(NAME, b"p" * 1312, b"s" * 2428, notes.ML_DSA_44)

    assert len(notes.verify_note(NOTE + line, [VKEY, vkey]).unchecked) == 1
    with pytest.raises(BrokenError):
        notes.verify_note(f"{TEXT}\n{line}", [vkey])


def test_sixteen_signatures_and_more_are_read():
    lines = "".join(notes.signature_line(f"n{each}", PUBLIC, b"s" * 3000) for each in range(20))

    assert len(notes.split_note(NOTE + lines)[1]) == 21


@pytest.mark.parametrize(
    "note",
    [
        "", "\n\n", TEXT, NOTE[:-1], NOTE + "\n", NOTE.replace("— ", "- "), NOTE + "\t\n",
        NOTE.replace("\n\n", "\r\n\r\n"), NOTE + "— x\n", NOTE + "— x AAAA\n",
        NOTE + "— x+y AAAAAAA=\n",
        NOTE + "— x !!!!\n", "x" * 300_000 + NOTE, NOTE + "— a AAAAAAA=\n" * 80,
    ],
)  # fmt: skip
def test_what_is_not_a_note_is_refused(note):
    with pytest.raises(MalformedError):
        notes.split_note(note)


@pytest.mark.parametrize(
    "text",
    [
        "", "a\n1\n", "a\n01\n" + "A" * 43 + "=\n", "a\n-1\n" + "A" * 43 + "=\n",
        "a b\n1\n" + "A" * 43 + "=\n", "a\n1\nAAAA\n", "a\n1\n" + "A" * 42 + "B=\n",
        "a\n\n1\n" + "A" * 43 + "=\n", "a\n1\n" + "A" * 43 + "=", "a\n٣\n" + "A" * 43 + "=\n",
        "a+b\n1\n" + "A" * 43 + "=\n", "a\n99999999999999999999\n" + "A" * 43 + "=\n",
    ],
)  # fmt: skip
def test_what_is_not_a_checkpoint_is_refused(text):
    with pytest.raises(MalformedError):
        notes.Checkpoint.parse(text)


def test_a_checkpoint_comes_back_and_later_lines_are_allowed():
    checkpoint = notes.Checkpoint(NAME, 7, b"\5" * 32)

    assert notes.Checkpoint.parse(checkpoint.text) == checkpoint
    assert notes.Checkpoint.parse(checkpoint.text + "extension\n") == checkpoint


@pytest.mark.parametrize(
    "vkey",
    [
        "", "a", "a+b", "a+00000000+AAAA", GO_VKEY[:-1], GO_VKEY.replace("Peter", "Poter"),
        notes.vkey("zero", bytes(32)), notes.vkey("one", b"\1" + bytes(31)),
        notes.vkey("p", b"\xed" + b"\xff" * 30 + b"\x7f"), notes.vkey("short", PUBLIC[:31]),
        "x y+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)  # fmt: skip
def test_keys_that_are_none_or_not_sound_are_refused(vkey):
    with pytest.raises(MalformedError):
        notes.parse_vkey(vkey)


def test_openssl_reads_our_pem_and_we_read_it_back():
    pem = notes.ed25519_pem(PUBLIC)

    loaded = load_pem_public_key(pem.encode())
    assert isinstance(loaded, Ed25519PublicKey)
    assert loaded.public_bytes_raw() == PUBLIC
    assert notes.parse_ed25519_pem(pem) == PUBLIC
    for broken in ("", pem[30:], pem.replace("MCow", "MCox"), notes.ed25519_pem(bytes(32))):
        with pytest.raises(MalformedError):
            notes.parse_ed25519_pem(broken)


hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63)


@given(index=st.integers(0, 2**60), path=hashes)
def test_proofs_come_back(index, path):
    inclusion = notes.parse_proof(notes.proof_text(index, path, NOTE))
    consistency = notes.parse_consistency(notes.consistency_text(index, path, NOTE))

    assert inclusion == notes.InclusionProof(index, tuple(path), NOTE)
    assert consistency == notes.ConsistencyProof(index, tuple(path), NOTE)


def test_extra_data_in_a_proof_is_left_aside():
    text = notes.proof_text(3, [], NOTE).replace("v1\n", "v1\nextra AAAA\n", 1)

    assert notes.parse_proof(text).index == 3


@settings(max_examples=200)
@given(st.text() | st.text("— \nabc=+/AQ019").map(lambda text: f"{notes.PROOF_HEADER}\n{text}"))
def test_arbitrary_text_is_read_or_refused_as_a_proof_error(text):
    readers = (
        notes.parse_proof,
        notes.parse_consistency,
        notes.Checkpoint.parse,
        notes.split_note,
        notes.parse_vkey,
        notes.parse_ed25519_pem,
    )
    for read in readers:
        try:
            read(text)
        except ProofError:
            continue
