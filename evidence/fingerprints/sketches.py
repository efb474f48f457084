"""Which texts have much in common, and which quote from others: sketches of their wording.

A text is taken as letters and digits alone, in one case, decomposed (NFKD: Hangul into its letters,
accents apart), and cut into all runs of five.  Of the runs' hashes those below a limit are kept: a
sample that is the same wherever a run occurs, so that of two texts one can tell how much they share
and how much of one is in the other (FracMinHash, Irber and others, 2022).  The limit is the whole
range, halved until few enough are left; two sketches are compared below the lower of their limits.

Translations share no wording, and no sketch tells of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RUN = 5  # characters
MOST = 2_048  # hashes of one text
LEAST = 8  # hashes below which a sketch tells nothing
#: Texts are found by what they share below this limit, or by all they have if that is little.
FOUND_BELOW = 1 << 29
FEW = 256
SHARED = 2  # hashes that another text must share to be compared
PLACES = 500  # texts that are compared, those that share most first
_BITS = 32

Hashes = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Sketch:
    """The hashes of a text below ``2 ** (32 - halvings)``, sorted."""

    halvings: int
    hashes: Hashes

    def to_hex(self) -> str:
        """Write it: one byte for the halvings, then four for each hash, big-endian."""
        return (bytes([self.halvings]) + self.hashes.astype(">u4").tobytes()).hex()

    @classmethod
    def from_hex(cls, value: str) -> Sketch:
        """Read what was written."""
        content = bytes.fromhex(value)
        return cls(content[0], np.frombuffer(content[1:], ">u4").astype(np.uint32))

    def halved(self, halvings: int) -> Hashes:
        """Return the hashes that are left below a lower limit."""
        return self.hashes[: np.searchsorted(self.hashes, np.uint64(1) << (_BITS - halvings))]


@dataclass(frozen=True)
class Likeness:
    """How much two texts have in common, from what was sampled of both."""

    shared: int  # runs in both
    one: int  # runs of the text asked about
    other: int

    @property
    def jaccard(self) -> float:
        """Of all runs that either has, the part that both have."""
        return self.shared / max(1, self.one + self.other - self.shared)

    @property
    def quoted(self) -> float:
        """Of the shorter text, the part that is in the longer."""
        return self.shared / max(1, min(self.one, self.other))


def normal(text: str) -> str:
    """Return letters and digits alone, in one case, decomposed."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if one.isalnum())


def sketch(text: str) -> Sketch:
    """Return a text's sketch; it may be too short to be compared."""
    letters = np.frombuffer(normal(text).encode("utf-32-le"), np.uint32).astype(np.uint64)
    if len(letters) < RUN:
        return Sketch(0, np.zeros(0, np.uint32))
    runs = np.zeros(len(letters) - RUN + 1, np.uint64)
    for place in range(RUN):
        runs = runs * np.uint64(0x100000001B3) + letters[place : place + len(runs)]
    hashes = np.unique((_mixed(runs) >> np.uint64(32)).astype(np.uint32))
    halvings = 0
    while len(hashes) > MOST:
        halvings += 1
        hashes = hashes[hashes < np.uint64(1) << np.uint64(_BITS - halvings)]
    return Sketch(halvings, hashes)


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spread values over 64 bits (the finishing step of SplitMix64, Steele and others, 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def likeness(one: Sketch, other: Sketch) -> Likeness:
    """Compare two texts."""
    halvings = max(one.halvings, other.halvings)
    mine, theirs = one.halved(halvings), other.halved(halvings)
    shared = len(np.intersect1d(mine, theirs, assume_unique=True))
    return Likeness(shared, len(mine), len(theirs))


class Sketches:
    """Texts and their numbers, by what they can be found by."""

    def __init__(self) -> None:
        self._hashes = np.zeros(0, np.uint32)
        self._owners = np.zeros(0, np.int64)
        self._new: list[tuple[int, Hashes]] = []

    def add(self, several: Iterable[tuple[int, Sketch]]) -> None:
        """Add texts."""
        self._new += [(number, _findable(one)) for number, one in several]

    def places(self, asked: Sketch) -> list[int]:
        """Return the numbers of texts that may have something in common, those with most first."""
        if self._new:
            owners = [np.full(len(hashes), number) for number, hashes in self._new]
            hashes = np.concatenate([self._hashes, *(hashes for _, hashes in self._new)])
            order = np.argsort(hashes, kind="stable")
            self._hashes = hashes[order]
            self._owners = np.concatenate([self._owners, *owners])[order]
            self._new = []
        low = np.searchsorted(self._hashes, asked.hashes, side="left")
        counts = np.searchsorted(self._hashes, asked.hashes, side="right") - low
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        places = np.arange(total) + np.repeat(low - (ends - counts), counts)
        owners_, shared = np.unique(self._owners[places], return_counts=True)
        order = np.argsort(-shared, kind="stable")
        return [int(owners_[one]) for one in order[:PLACES] if shared[one] >= SHARED]


def _findable(one: Sketch) -> Hashes:
    return one.hashes if len(one.hashes) <= FEW else one.hashes[one.hashes < FOUND_BELOW]
