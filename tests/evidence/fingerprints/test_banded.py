"""A sealed part finds exactly what comparing each by itself finds, and notices damage."""

from __future__ import annotations

import random

import numpy as np
import pytest

from evidence.fingerprints.banded import BANDS, Banded, DamagedError
from evidence.fingerprints.packed import Packed, distance

MAKER = random.Random(11)


def near(value: str, bits: int) -> str:
    changed = int(value, 16)
    for bit in MAKER.sample(range(256), bits):
        changed ^= 1 << bit
    return f"{changed:064x}"


def spread(value: str) -> str:
    """As many as two bits in each band but one, in which there is one: 31, and hard to find."""
    changed = int(value, 16)
    for band in range(BANDS):
        for bit in MAKER.sample(range(16), 1 if band == 7 else 2):
            changed ^= 1 << (16 * band + bit)
    return f"{changed:064x}"


@pytest.fixture(scope="module")
def several() -> list[tuple[int, str]]:
    made = [MAKER.randbytes(32).hex() for _ in range(60)]
    made += [near(MAKER.choice(made), MAKER.randrange(70)) for _ in range(500)]
    made += [spread(value) for value in made[:60]]
    made += ["0" * 64, "f" * 64, made[0]]
    MAKER.shuffle(made)
    return [(7 * number % 1_009, value) for number, value in enumerate(made)]


def sealed(several) -> Banded:
    rest = Packed()
    rest.add(several)
    return Banded.of(rest.columns, rest.numbers)


@pytest.mark.parametrize("radius", [0, 1, 15, 16, 30, 31, 32, 48, 128, 256])
def test_all_within_a_distance_are_found_and_no_others(several, radius):
    part = sealed(several)

    for _, value in [*several[:40], (0, "0" * 64), (0, near(several[5][1], 20))]:
        expected = {
            (number, apart)
            for number, other in several
            if (apart := distance(value, other)) <= radius
        }
        found = part.within(value, radius)
        assert set(found) == expected
        assert len(found) == len(expected)


def test_a_part_that_was_written_is_the_same_when_it_is_mapped(several, tmp_path):
    part = sealed(several)

    name = part.write(tmp_path / "parts")
    mapped = Banded.read(tmp_path / "parts", name)

    assert len(mapped) == len(several)
    assert isinstance(mapped.columns, np.memmap)
    for _, value in several[:20]:
        for radius in (31, 48):
            assert mapped.within(value, radius) == part.within(value, radius)
    assert part.write(tmp_path / "parts") == name  # again, over the same name
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [name]


@pytest.mark.parametrize("file", ["columns", "numbers", "order", "starts"])
def test_a_changed_byte_or_a_missing_file_is_noticed(several, tmp_path, file):
    name = sealed(several).write(tmp_path)
    path = tmp_path / name / f"{file}.npy"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(DamagedError, match="not as it was written"):
        Banded.read(tmp_path, name)

    path.unlink()
    with pytest.raises(DamagedError, match="can't be read"):
        Banded.read(tmp_path, name)


def test_an_empty_part_finds_nothing():
    rest = Packed()

    assert Banded.of(rest.columns, rest.numbers).within("0" * 64, 31) == []
    assert Banded.of(rest.columns, rest.numbers).within("0" * 64, 256) == []
