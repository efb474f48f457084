"""Proofs that share their way: each is accepted and refused exactly as it would be alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.proof import notes
from archive.proof.errors import BrokenError, MalformedError, ProofError
from archive.proof.inclusion import Inclusions
from tests.archive.proof.test_merkle import LEAVES, ROOTS, grown

SIZE = 21
CHECKPOINT = notes.Checkpoint("archive.example.org/custody", SIZE, ROOTS[SIZE])
NOTE = f"{CHECKPOINT.text}\n{notes.DASH} archive.example.org/custody AAAAAAA=\n"
PATHS = dict(grown(LEAVES[:SIZE])[1].inclusions(range(SIZE), SIZE))
TEXTS = {index: notes.proof_text(index, path, NOTE) for index, path in PATHS.items()}


def primed() -> Inclusions:
    inclusions = Inclusions(NOTE, CHECKPOINT)
    for index, text in TEXTS.items():
        inclusions.require(index, LEAVES[index], text)
    return inclusions


def test_every_order_of_the_entries_is_accepted():
    for order in (range(SIZE), reversed(range(SIZE)), [7, 7, 0, 20, 3, 19, 2]):
        inclusions = Inclusions(NOTE, CHECKPOINT)
        for index in order:
            inclusions.require(index, LEAVES[index], TEXTS[index])


@pytest.mark.parametrize("index", range(SIZE))
def test_what_leads_elsewhere_is_broken(index):
    path, before = PATHS[index], primed()
    wrong = [path[:at] for at in range(len(path))]
    wrong += [(*path, LEAVES[0])]
    wrong += [(*path[:at], LEAVES[-1], *path[at + 1 :]) for at in range(len(path))]
    for way in wrong:
        for inclusions in (before, Inclusions(NOTE, CHECKPOINT)):
            with pytest.raises(BrokenError):
                inclusions.require(index, LEAVES[index], notes.proof_text(index, way, NOTE))
    for other in range(SIZE):
        if other != index:
            with pytest.raises(BrokenError):
                before.require(index, LEAVES[other], TEXTS[index])


def test_a_proof_of_another_entry_or_state_is_malformed():
    later = notes.Checkpoint("archive.example.org/custody", SIZE, ROOTS[SIZE - 1])
    for text in (
        TEXTS[4],
        notes.proof_text(3, PATHS[3], NOTE.replace(CHECKPOINT.text, later.text)),
        TEXTS[3] + "\n",
        TEXTS[3].replace("=\n", "\n", 1),
        TEXTS[3].replace("\n", "\r\n"),
        "",
    ):
        with pytest.raises(MalformedError):
            primed().require(3, LEAVES[3], text)
    for index in (-1, SIZE, SIZE + 3):
        with pytest.raises(ProofError):
            primed().require(index, LEAVES[3], notes.proof_text(max(index, 0), PATHS[3], NOTE))


def test_extra_data_in_a_proof_is_left_aside():
    primed().require(3, LEAVES[3], TEXTS[3].replace("v1\n", "v1\nextra AAAA\n", 1))


@given(st.integers(0, SIZE - 1), st.integers(0, 2000), st.characters(max_codepoint=0x2FF))
def test_one_changed_letter_is_never_taken_unless_it_changes_nothing(index, at, letter):
    text = TEXTS[index]
    at %= len(text)
    changed = text[:at] + letter + text[at + 1 :]
    if changed != text:
        with pytest.raises(ProofError):
            primed().require(index, LEAVES[index], changed)
