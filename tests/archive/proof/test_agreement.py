"""Code that we did not write, and definitions written out again, agree with ``archive.proof``.

pymerkle and OpenSSL always; golang.org/x/mod/sumdb where Go is installed.  The canonical form is
held against the package rfc8785 in test_canonical.py.  pymerkle is under the GPL: it is an oracle
of this file alone, and neither the product nor a bundle contains it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.proof import merkle, notes
from archive.signer import PUBLIC, Signer
from tests.archive.proof.test_merkle import grown

MOST = 70  # leaves: past 64, the largest power of two that is quick to try in every way
ENTRIES = [b'{"seq":%d}' % number for number in range(MOST)]
LEAVES = [hashlib.sha256(b"\x00" + entry).digest() for entry in ENTRIES]
ORIGIN = "archive.example.org/custody"
GO_PACKAGES = Path("/usr/share/gocode")  # where Debian's golang-golang-x-mod-dev puts its source
GO_PROGRAM = Path(__file__).parents[2] / "third_party/tlog_check/main.go"


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _cut(size: int) -> int:
    """Give the largest power of two below ``size``: the k of RFC 9162 section 2.1."""
    return 1 << (size - 1).bit_length() - 1


def _root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, for one leaf and more."""
    if len(leaves) == 1:
        return leaves[0]
    cut = _cut(len(leaves))
    return _node(_root(leaves[:cut]), _root(leaves[cut:]))


def _root_by_path(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """Undo PATH of RFC 9162 section 2.1.3.1: its last hash stands beside the topmost cut."""
    if size == 1:
        assert not path
        return leaf
    cut, beside = _cut(size), path[-1]
    if index < cut:
        return _node(_root_by_path(index, cut, leaf, path[:-1]), beside)
    return _node(beside, _root_by_path(index - cut, size - cut, leaf, path[:-1]))


def _roots_by_proof(
    old: int, new: int, path: list[bytes], known: bytes | None
) -> tuple[bytes, bytes]:
    """Undo SUBPROOF of RFC 9162 section 2.1.4.1; ``known`` is the old root while it is whole."""
    if old == new:
        if known is None:
            (known,) = path
        else:
            assert not path
        return known, known
    cut, beside = _cut(new), path[-1]
    if old <= cut:
        before, after = _roots_by_proof(old, cut, path[:-1], known)
        return before, _node(after, beside)
    before, after = _roots_by_proof(old - cut, new - cut, path[:-1], None)
    return _node(beside, before), _node(beside, after)


ROOTS = [b"", *(_root(LEAVES[:size]) for size in range(1, MOST + 1))]


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_each_inclusion_proof_leads_to_the_root_of_the_definition(size):
    _, prover = grown(LEAVES[:size])

    assert prover.root(size) == ROOTS[size]
    for index in range(size):
        path = prover.inclusion(index, size)

        assert _root_by_path(index, size, LEAVES[index], path) == ROOTS[size]
        merkle.verify_inclusion(index, size, LEAVES[index], path, ROOTS[size])


@pytest.mark.parametrize("new", range(1, MOST + 1))
def test_each_consistency_proof_leads_to_both_roots_of_the_definition(new):
    _, prover = grown(LEAVES)
    for old in range(1, new + 1):
        path = prover.consistency(old, new)

        assert _roots_by_proof(old, new, path, ROOTS[old]) == (ROOTS[old], ROOTS[new])
        merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], path)


@settings(max_examples=25)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=150), st.data())
def test_pymerkle_has_the_same_roots_and_makes_the_same_proofs(recorded, data):
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    theirs.append_entries(recorded)
    frontier, prover = grown([merkle.leaf_hash(entry) for entry in recorded])
    new = data.draw(st.integers(1, len(recorded)))
    old = data.draw(st.integers(1, new))
    index = data.draw(st.integers(0, new - 1))

    included = theirs.prove_inclusion(index + 1, new)
    consistent = theirs.prove_consistency(old, new)

    assert frontier.root() == theirs.get_root()
    assert [prover.root(size) for size in (old, new)] == [theirs.get_root(s) for s in (old, new)]
    # Its path begins with the leaf itself.
    assert included.path == [theirs.get_leaf(index + 1), *prover.inclusion(index, new)]
    assert _as_in_the_rfc(consistent) == prover.consistency(old, new)


def _as_in_the_rfc(proof: pymerkle.ConsistencyProof) -> list[bytes]:
    """Bring pymerkle's consistency proof into the form of RFC 9162 section 2.1.4.1.

    Where the older tree ends at a cut, pymerkle goes on down to the first leaf after it; the RFC
    takes what is right of the cut as one hash, and leaves out an old root that is on the path.
    """
    if proof.prior_size == proof.size:
        return []
    last_of_old = proof.subset.index(1)
    after = proof.path[0]
    for beside in proof.path[1:last_of_old]:
        after = _node(after, beside)
    whole = proof.prior_size & (proof.prior_size - 1) == 0
    known = [] if whole else [proof.path[last_of_old]]
    return [*known, after, *proof.path[last_of_old + 1 :]]


def test_pymerkle_accepts_our_inclusion_proofs_and_for_no_other_leaf_or_root():
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    theirs.append_entries(ENTRIES)
    _, prover = grown(LEAVES)
    for index in range(MOST):
        proof = theirs.prove_inclusion(index + 1, MOST)
        proof.path = [LEAVES[index], *prover.inclusion(index, MOST)]

        pymerkle.verify_inclusion(LEAVES[index], ROOTS[MOST], proof, index=index + 1, size=MOST)
        for leaf, root in ((LEAVES[index - 1], ROOTS[MOST]), (LEAVES[index], ROOTS[MOST - 1])):
            with pytest.raises(pymerkle.InvalidProof):
                pymerkle.verify_inclusion(leaf, root, proof)


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Signer, str, str]:
    """A signer of the product, and its notes over 33 and over all entries."""
    signer = Signer.create(tmp_path / "signer", origin=ORIGIN)
    _, prover = grown(LEAVES)
    made = []
    for size, proof in ((33, []), (MOST, prover.consistency(33, MOST))):
        text = notes.checkpoint_text(ORIGIN, size, ROOTS[size])
        made.append(f"{text}\n{signer.sign(text, proof)}")
    return signer, made[0], made[1]


def test_openssl_verifies_a_checkpoints_signature_and_refuses_another_text(signed, tmp_path):
    _, _, note = signed
    text, lines = note.split("\n\n— ")  # C2SP signed-note: a text, a blank line, signature lines
    name, encoded = lines.split("\n")[0].split(" ")
    (tmp_path / "sig").write_bytes(base64.b64decode(encoded)[4:])
    answers = []
    for shown in (f"{text}\n", f"{text}\n".replace(f"\n{MOST}\n", "\n71\n")):
        (tmp_path / "text").write_text(shown)
        answers.append(_openssl_verifies(tmp_path))

    assert name == ORIGIN
    assert answers == [True, False]


def _openssl_verifies(folder: Path) -> bool:
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", folder / "signer" / PUBLIC]
    command += ["-rawin", "-in", folder / "text", "-sigfile", folder / "sig"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def sumdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checker of tests/third_party, built with golang.org/x/mod/sumdb."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed: apt-get install golang-go golang-golang-x-mod-dev")
    if not (GO_PACKAGES / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("golang.org/x/mod is missing: apt-get install golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    offline = {"GO111MODULE": "off", "GOPATH": str(GO_PACKAGES), "GOCACHE": str(folder / "cache")}
    subprocess.run(
        ["go", "build", "-o", folder / "tlog_check", GO_PROGRAM],
        env={**os.environ, **offline, "CGO_ENABLED": "0"},
        check=True,
    )
    return folder / "tlog_check"


def _shown(signed: tuple[Signer, str, str]) -> dict[str, Any]:
    signer, old, new = signed
    _, prover = grown(LEAVES)

    def encoded(path: list[bytes]) -> list[str]:
        return [base64.b64encode(each).decode() for each in path]

    return {
        "vkey": signer.vkey,
        "old": old,
        "new": new,
        "consistency": encoded(prover.consistency(33, MOST)),
        "records": [
            {
                "index": index,
                "body": base64.b64encode(entry).decode(),
                "path": encoded(prover.inclusion(index, MOST)),
            }
            for index, entry in enumerate(ENTRIES)
        ],
    }


def _sumdb_accepts(program: Path, shown: dict[str, Any]) -> tuple[bool, str]:
    ended = subprocess.run(
        [program], input=json.dumps(shown), capture_output=True, text=True, check=False
    )
    return ended.returncode == 0, ended.stdout + ended.stderr


def test_sumdb_opens_our_checkpoints_and_checks_our_records_and_proofs(sumdb, signed):
    accepted, said = _sumdb_accepts(sumdb, _shown(signed))

    assert (accepted, said) == (True, f"{MOST} records in the tree of {MOST}, which continues 33\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda shown: shown["records"][9].update(body="e30="), "record 9"),
        (lambda shown: shown["records"][9]["path"].reverse(), "record 9"),
        (lambda shown: shown["consistency"].reverse(), "consistency"),
        (lambda shown: shown.update(new=shown["new"].replace("\n70\n", "\n71\n")), "new note"),
        (lambda shown: shown.update(old=shown["old"].replace("\n33\n", "\n32\n")), "old note"),
    ],
)
def test_sumdb_refuses_what_was_changed_so_its_answer_means_something(
    sumdb, signed, change, reason
):
    shown = _shown(signed)
    change(shown)

    accepted, said = _sumdb_accepts(sumdb, shown)

    assert not accepted
    assert said.startswith(reason)
