"""The Merkle tree against its definition, for every small size, and against published roots."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.proof import merkle
from archive.proof.errors import BrokenError, MalformedError, ProofError

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors/rfc6962_merkle.json").read_text(encoding="utf-8")
)
MOST = 70


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


def grown(leaves: list[bytes]) -> tuple[merkle.Frontier, merkle.Prover]:
    stored = {(0, index): leaf for index, leaf in enumerate(leaves)}
    frontier = merkle.Frontier()
    for leaf in leaves:
        stored |= {(level, index): node for level, index, node in frontier.append(leaf)}

    def read(level: int, start: int, count: int) -> list[bytes]:
        return [stored[level, start + each] for each in range(count)]

    return frontier, merkle.Prover(read, len(leaves))


LEAVES = [merkle.leaf_hash(str(number).encode()) for number in range(300)]
ROOTS = [by_definition(LEAVES[:size]) for size in range(MOST + 1)]


def test_the_published_roots_come_out():
    leaves = [merkle.leaf_hash(bytes.fromhex(each)) for each in VECTORS["entries"]]

    for size, root in enumerate(VECTORS["roots"]):
        assert merkle.root_of(leaves[:size]).hex() == root


def test_frontier_and_stored_nodes_give_the_root_of_the_definition():
    for size in (*range(MOST + 1), 255, 256, 257, 300):
        frontier, prover = grown(LEAVES[:size])
        root = by_definition(LEAVES[:size])

        assert frontier.root() == prover.root(size) == root
        again = merkle.Frontier(size, bytes(frontier))
        assert again.root() == root


def test_every_inclusion_proof_of_every_small_tree_holds_and_no_other_leaf_or_place_does():
    for size in range(1, MOST + 1):
        _, prover = grown(LEAVES[:size])
        for index in range(size):
            path = prover.inclusion(index, size)
            merkle.verify_inclusion(index, size, LEAVES[index], path, ROOTS[size])
            for other in (index - 1, index + 1):
                with pytest.raises(ProofError):
                    merkle.verify_inclusion(other, size, LEAVES[index], path, ROOTS[size])
            with pytest.raises(BrokenError):
                merkle.verify_inclusion(index, size, LEAVES[index + 1], path, ROOTS[size])
            with pytest.raises(BrokenError):
                merkle.verify_inclusion(index, size, LEAVES[index], [*path, LEAVES[0]], ROOTS[size])
            if path:
                with pytest.raises(BrokenError):
                    merkle.verify_inclusion(index, size, LEAVES[index], path[:-1], ROOTS[size])


def test_every_consistency_proof_of_every_small_pair_holds_and_no_other_root_does():
    _, prover = grown(LEAVES[:MOST])
    for new in range(1, MOST + 1):
        for old in range(1, new + 1):
            path = prover.consistency(old, new)
            merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], path)
            for wrong_old, wrong_new in ((LEAVES[0], ROOTS[new]), (ROOTS[old], LEAVES[0])):
                if (wrong_old, wrong_new) == (ROOTS[old], ROOTS[new]):
                    continue
                with pytest.raises(BrokenError):
                    merkle.verify_consistency(old, new, wrong_old, wrong_new, path)
            with pytest.raises(BrokenError):
                merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], [*path, LEAVES[0]])


def test_what_cannot_be_proven_is_refused():
    _, prover = grown(LEAVES[:5])
    for index, size in ((5, 5), (-1, 5), (0, 6), (0, 0)):
        with pytest.raises(BrokenError):
            prover.inclusion(index, size)
    for old, new in ((0, 5), (3, 2), (1, 6)):
        with pytest.raises(BrokenError):
            prover.consistency(old, new)
    with pytest.raises(BrokenError):
        prover.root(6)
    with pytest.raises(BrokenError):
        merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, ROOTS[5], [])
    merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])
    with pytest.raises(MalformedError):
        merkle.verify_inclusion(0, 2, LEAVES[0], [b"short"], ROOTS[2])
    with pytest.raises(MalformedError):
        merkle.Frontier(3, b"\0" * 32)


@given(st.data(), st.integers(min_value=2, max_value=300))
def test_any_changed_dropped_or_swapped_leaf_changes_the_root(data, size):
    leaves = LEAVES[:size]
    place = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda each: each != place))
    changed = [*leaves[:place], b"\0" * 32, *leaves[place + 1 :]]
    dropped = leaves[:place] + leaves[place + 1 :]
    swapped = list(leaves)
    swapped[place], swapped[other] = swapped[other], swapped[place]

    root = merkle.root_of(leaves)

    assert root not in {merkle.root_of(each) for each in (changed, dropped, swapped)}


@pytest.mark.parametrize("size", range(1, MOST))
def test_the_paths_of_many_leaves_are_those_of_each_alone(size):
    _, prover = grown([merkle.leaf_hash(bytes([each])) for each in range(size)])

    for wanted in (range(size), range(0, size, 3), [size - 1], [0, size - 1], []):
        together = list(prover.inclusions(wanted, size))

        assert [index for index, _ in together] == sorted(set(wanted))
        assert all(list(path) == prover.inclusion(index, size) for index, path in together)


@pytest.mark.parametrize("wanted", [[5], [-1], [0, 5]])
def test_a_path_of_a_leaf_outside_the_tree_is_refused_among_others_too(wanted):
    _, prover = grown([merkle.leaf_hash(bytes([each])) for each in range(5)])

    with pytest.raises(BrokenError):
        list(prover.inclusions(wanted, 5))
