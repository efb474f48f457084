"""Fingerprints of 256 bits packed in memory: everything within a distance, exactly, of all of them.

Four columns of 64 bits; the distance is counted for each, some thousands at a time so that they
stay in the processor's cache.  Nothing is approximate, whatever the radius.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

BITS = 256
WORDS = 4
_BLOCK = 32 * 1024  # fingerprints compared at a time
_FIRST = 1_024  # places made at first; doubled when they are full

Words = npt.NDArray[np.uint64]
Columns = npt.NDArray[np.uint64]  # WORDS of them, each as long as there are fingerprints
Numbers = npt.NDArray[np.int64]


class Packed:
    """Numbers and fingerprints, in the order in which they were added."""

    def __init__(self) -> None:
        self._size = 0
        self._columns = np.zeros((WORDS, _FIRST), np.uint64)
        self._numbers = np.zeros(_FIRST, np.int64)

    def __len__(self) -> int:
        return self._size

    def add(self, several: Iterable[tuple[int, str]]) -> None:
        """Add fingerprints of 64 hexadecimal digits, each with its number, which is not negative.

        Raises ValueError for a fingerprint of another length, and adds nothing then.
        """
        rows = list(several)
        words = np.array([words_of(value) for _, value in rows], np.uint64).reshape(-1, WORDS)
        self.put(words.T, np.array([number for number, _ in rows], np.int64))

    def put(self, columns: Columns, numbers: Numbers) -> None:
        """Add fingerprints in WORDS columns, with their numbers."""
        end = self._size + len(numbers)
        if end > self._numbers.size:
            room = max(end, 2 * self._numbers.size) - self._numbers.size
            self._columns = np.concatenate(
                [self._columns, np.zeros((WORDS, room), np.uint64)], axis=1
            )
            self._numbers = np.concatenate([self._numbers, np.zeros(room, np.int64)])
        self._columns[:, self._size : end] = columns
        self._numbers[self._size : end] = numbers
        self._size = end

    def within(self, value: str, radius: int) -> list[tuple[int, int]]:
        """Return number and distance of each within ``radius`` bits, nearest first.

        Takes time in proportion to all of them, and none for the radius.
        """
        found = scanned(
            self._columns[:, : self._size], self._numbers[: self._size], words_of(value), radius
        )
        return sorted(found, key=lambda pair: (pair[1], pair[0]))

    @property
    def columns(self) -> Columns:
        """A copy of the fingerprints, in WORDS columns."""
        return self._columns[:, : self._size].copy()

    @property
    def numbers(self) -> Numbers:
        """A copy of their numbers."""
        return self._numbers[: self._size].copy()


def scanned(columns: Columns, numbers: Numbers, asked: Words, radius: int) -> list[tuple[int, int]]:
    """Compare every fingerprint; return number and distance of each within ``radius`` bits."""
    found: list[tuple[int, int]] = []
    for begin in range(0, len(numbers), _BLOCK):
        end = min(begin + _BLOCK, len(numbers))
        apart = np.zeros(end - begin, np.uint16)
        for column, word in zip(columns, asked, strict=True):
            apart += np.bitwise_count(column[begin:end] ^ word)
        near = np.flatnonzero(apart <= radius)
        found += zip(numbers[begin + near].tolist(), apart[near].tolist(), strict=True)
    return found


def words_of(value: str) -> Words:
    """Return a fingerprint of 64 hexadecimal digits as WORDS numbers; ValueError for another."""
    content = bytes.fromhex(value)
    if len(content) * 8 != BITS:
        raise ValueError(f"not a fingerprint of {BITS} bits: {value!r}")
    return np.frombuffer(content, ">u8").astype(np.uint64)


def distance(one: str, other: str) -> int:
    """Return the number of bits in which two fingerprints differ, of 256."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
