"""A tree of keys forgets one place, and gives every other the key that it always gave."""

from __future__ import annotations

import random

import pytest

from archive.key_tree import PLACE, KeyTree

HERE = bytes(range(PLACE))


def _places(count, seed=1):
    some = random.Random(seed)
    return [some.randbytes(PLACE) for _ in range(count)]


def _near(place):
    """Places that part from this one at each bit in turn."""
    number = int.from_bytes(place, "big")
    return [(number ^ 1 << bit).to_bytes(PLACE, "big") for bit in range(8 * PLACE)]


def test_each_place_has_a_key_of_its_own_and_two_trees_have_nothing_in_common():
    tree, other = KeyTree.new(), KeyTree.new()
    places = [HERE, *_near(HERE), *_places(100)]

    keys = [tree.key(place) for place in places]

    assert all(len(key) == 32 for key in keys)
    assert len({*keys, *(other.key(place) for place in places)}) == 2 * len(places)


def test_a_destroyed_key_is_gone_and_all_others_are_as_they_were():
    tree = KeyTree.new()
    others = [*_near(HERE), *_places(200)]

    left = tree.without([HERE])

    assert left.key(HERE) is None
    assert [left.key(place) for place in others] == [tree.key(place) for place in others]
    assert tree.key(HERE) is not None  # the tree that was given is not changed


@pytest.mark.parametrize("seed", range(5))
def test_many_are_destroyed_in_any_order_and_again(seed):
    tree = KeyTree.new()
    places = _places(40, seed)
    gone, kept = places[:20], places[20:]

    at_once = tree.without(gone)
    one_by_one = tree
    for place in random.Random(seed).sample(gone, len(gone)):
        one_by_one = one_by_one.without([place])

    assert at_once.seeds == one_by_one.seeds == at_once.without(gone).seeds
    assert [at_once.key(place) for place in gone] == [None] * 20
    assert [at_once.key(place) for place in kept] == [tree.key(place) for place in kept]


def test_no_seed_that_is_left_lies_on_the_way_to_a_destroyed_key():
    tree = KeyTree.new()
    root = tree.seeds[b""]

    left = tree.without([HERE])

    way = bytes(part >> shift & 3 for part in HERE for shift in (6, 4, 2, 0))
    assert len(left.seeds) == 120
    assert not any(way.startswith(each) for each in left.seeds)
    assert root not in left.seeds.values()


@pytest.mark.parametrize("place", [b"", b"short", bytes(PLACE + 1)])
def test_what_is_not_a_place_is_refused(place):
    with pytest.raises(ValueError, match="10 bytes"):
        KeyTree.new().key(place)


@pytest.mark.parametrize("seeds", [{b"\x04": bytes(32)}, {bytes(41): bytes(32)}, {b"": b"x"}])
def test_what_is_not_a_tree_is_refused(seeds):
    with pytest.raises(ValueError, match=r"branch|32 bytes"):
        KeyTree(seeds)
