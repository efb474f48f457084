"""Where two sounds agree: sequences of 32-bit items, laid over one another at an offset.

Places to compare are found by single items that are the same in their upper 28 bits, or but one of
them; of those places, what counts is how many bits differ over three seconds and more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidence.fingerprints import SILENT_ITEM

LEAST = 24  # items, about three seconds
WITHIN = (
    6.0  # bits of 32 that differ, in the mean; sounds that are unrelated differ in ten and more
)
ASKED = 600  # items that are looked for; of a longer sound they are chosen evenly
COMMON = 40  # an item that comes so often in what is asked about tells nothing: a held tone
PLACES = 500  # places that are compared, those with most items first
_KEY_BITS = 28
_COARSE = 12  # bits that are left out at first
_BLOCK = 1 << 20
_FIRST = 1 << 16
_TURNED = np.concatenate([[0], 1 << np.arange(_KEY_BITS)]).astype(np.uint32)

Items = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """The longest stretch in which two sounds agree."""

    items: int
    begin: int  # in the one asked about
    other_begin: int
    error: float  # bits of 32 that differ, in the mean


class Sequences:
    """Sounds and their numbers, one after the other in memory."""

    def __init__(self) -> None:
        self._items = np.zeros(_FIRST, np.uint32)
        self._size = 0
        self._starts: list[int] = []
        self._numbers: list[int] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, items: Items) -> None:
        """Add a sound."""
        end = self._size + len(items)
        if end > len(self._items):
            room = max(end, 2 * len(self._items)) - len(self._items)
            self._items = np.concatenate([self._items, np.zeros(room, np.uint32)])
        self._items[self._size : end] = items
        self._starts.append(self._size)
        self._numbers.append(number)
        self._size = end

    def places(self, asked: Items) -> list[tuple[int, int]]:
        """Return numbers and offsets at which a sound may agree, those with most items first."""
        keys, positions = _keys(asked)
        if not len(keys) or not self._numbers:
            return []
        found, mine = self._found(keys, positions)
        starts = np.array(self._starts, np.int64)
        owners = np.searchsorted(starts, found, side="right") - 1
        offsets = found - starts[owners] - mine
        pairs, counts = np.unique(np.stack([owners, offsets]), axis=1, return_counts=True)
        order = np.argsort(-counts, kind="stable")[:PLACES]
        return [(self._numbers[int(pairs[0, one])], int(pairs[1, one])) for one in order]

    def _found(self, keys: Items, positions: Ints) -> tuple[Ints, Ints]:
        coarse = np.zeros(1 << (32 - _COARSE), np.bool_)
        coarse[keys >> np.uint32(_COARSE - (32 - _KEY_BITS))] = True
        found, mine = [], []
        for begin in range(0, self._size, _BLOCK):
            items = self._items[begin : min(begin + _BLOCK, self._size)]
            near = np.flatnonzero(coarse[items >> np.uint32(_COARSE)])
            wanted = items[near] >> np.uint32(32 - _KEY_BITS)
            low = np.searchsorted(keys, wanted, side="left")
            counts = np.searchsorted(keys, wanted, side="right") - low
            ends = np.cumsum(counts)
            total = int(ends[-1]) if len(ends) else 0
            places = np.arange(total) + np.repeat(low - (ends - counts), counts)
            found.append(np.repeat(near + begin, counts))
            mine.append(positions[places])
        return np.concatenate(found), np.concatenate(mine)


def _keys(asked: Items) -> tuple[Items, Ints]:
    """Return the upper bits to look for, sorted, each with its place in what is asked about."""
    _, inverse, counts = np.unique(asked, return_inverse=True, return_counts=True)
    telling = np.flatnonzero((counts[inverse] <= COMMON) & (asked != SILENT_ITEM))
    step = max(1, -(-len(telling) // ASKED))
    telling = telling[::step]
    keys = ((asked[telling] >> np.uint32(32 - _KEY_BITS))[:, None] ^ _TURNED).ravel()
    positions = np.repeat(telling.astype(np.int64), len(_TURNED))
    order = np.argsort(keys, kind="stable")
    return keys[order], positions[order]


def agreement(asked: Items, other: Items, offset: int) -> Agreement | None:
    """Return the longest stretch that agrees when ``other`` is moved by so many items."""
    begin, end = max(0, -offset), min(len(asked), len(other) - offset)
    if end - begin < LEAST:
        return None
    mine, theirs = asked[begin:end], other[begin + offset : end + offset]
    apart = np.bitwise_count(mine ^ theirs).astype(np.int64)
    sounds = ((mine != SILENT_ITEM) & (theirs != SILENT_ITEM)).astype(np.int64)
    near = (_sums(apart) <= WITHIN * LEAST) & (_sums(sounds) >= LEAST // 2)
    if not near.any():
        return None
    first, length = _longest(near)
    items = length + LEAST - 1
    stretch = apart[first : first + items]
    return Agreement(items, begin + first, begin + first + offset, float(stretch.mean()))


def _sums(values: Ints) -> Ints:
    """Add up each LEAST that follow one another."""
    sums = np.concatenate([[0], np.cumsum(values)])
    moving: Ints = sums[LEAST:] - sums[:-LEAST]
    return moving


def _longest(flags: npt.NDArray[np.bool_]) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    begins, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - begins))
    return int(begins[longest]), int(ends[longest] - begins[longest])


def best(asked: Items, others: Iterable[tuple[Items, int]]) -> Agreement | None:
    """Return the longest agreement of a sound with others at given offsets."""
    found = [one for other, offset in others if (one := agreement(asked, other, offset))]
    return max(found, key=lambda one: (one.items, -one.error), default=None)
