"""The packed fingerprints find exactly what comparing each by itself finds."""

from __future__ import annotations

import random

import pytest

from evidence.fingerprints import packed
from evidence.fingerprints.packed import Packed, distance

MAKER = random.Random(7)


def near(value: str, bits: int) -> str:
    changed = int(value, 16)
    for bit in MAKER.sample(range(256), bits):
        changed ^= 1 << bit
    return f"{changed:064x}"


@pytest.fixture(scope="module")
def several() -> list[tuple[int, str]]:
    """Some hundreds, most of them near one another, in no order."""
    made = [MAKER.randbytes(32).hex() for _ in range(40)]
    made += [near(MAKER.choice(made), MAKER.randrange(70)) for _ in range(400)]
    made += ["0" * 64, "f" * 64, made[0]]
    MAKER.shuffle(made)
    return [(7 * number % 1_009, value) for number, value in enumerate(made)]


@pytest.mark.parametrize("block", [1, 50, 32 * 1024])
@pytest.mark.parametrize("radius", [0, 1, 31, 48, 64, 128, 255, 256])
def test_all_within_a_distance_are_found_and_no_others(several, monkeypatch, block, radius):
    monkeypatch.setattr(packed, "_BLOCK", block)
    index = Packed()
    index.add(several)

    for _, value in [*several[:12], (0, "0" * 64), (0, "f" * 64), (0, near(several[5][1], 20))]:
        expected = sorted(
            (apart, number)
            for number, other in several
            if (apart := distance(value, other)) <= radius
        )
        assert [(apart, number) for number, apart in index.within(value, radius)] == expected


def test_what_is_added_later_is_found_at_once(several):
    index = Packed()
    for at in range(0, len(several), 3):
        index.add(several[at : at + 3])
        assert several[at][0] in {number for number, _ in index.within(several[at][1], 0)}
    for number in range(3_000):
        index.add([(5_000 + number, MAKER.randbytes(32).hex())])

    assert len(index) == len(several) + 3_000
    assert all(number in dict(index.within(value, 0)) for number, value in several)


def test_an_empty_index_finds_nothing():
    assert Packed().within("0" * 64, 256) == []


@pytest.mark.parametrize("value", ["", "00", "0" * 63, "0" * 66, "x" * 64])
def test_what_is_no_fingerprint_is_refused_and_adds_nothing(value):
    index = Packed()

    with pytest.raises(ValueError):
        index.add([(1, "0" * 64), (2, value)])
    with pytest.raises(ValueError):
        index.within(value, 31)

    assert len(index) == 0
