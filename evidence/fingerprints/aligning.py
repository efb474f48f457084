"""Lays the frames of one film over those of another: how far they agree, and at which offset.

Every frame is compared with every frame, whole, without bars and cut.  Each near pair votes for the
time between them; what most seconds of the film vote for is the offset.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

WITHIN_MS = 1_000  # frames are chosen a second apart: two of the same moment lie within it
SHOWN = 600  # frames of the film asked about that are compared; of more, evenly chosen ones
_WORDS = 4
_CELLS = 4_000_000  # of one comparison at a time

Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Frame:
    """One fingerprint of a frame: what it is of, in which position, and when it is shown."""

    value: str  # 64 hexadecimal digits
    at_ms: int
    variant: str  # as ``base`` or ``trimmed/mirrored``

    @property
    def position(self) -> str:
        return self.variant.partition("/")[2]


@dataclass(frozen=True)
class Overlay:
    """Where two films agree best."""

    position: str  # of the film asked about: as it is (""), or mirrored
    frames: int  # of the film asked about that were compared
    others: int  # of the other film
    matched: int  # of those within the wider radius at this offset
    strong: int  # of those within the narrower one
    share: float  # matched, of the frames that lie over one another
    offset_ms: int  # to add to a time in the film asked about
    is_anywhere: bool  # a picture that hardly moves agrees at other offsets just as well
    from_ms: int  # the first and last moment that agree, in the film asked about
    to_ms: int
    distance: int  # the median of what matched, of 256
    nearest: int
    pair: tuple[str, str]  # what was compared in the nearest: of the one asked about, of the other


def overlay(
    asked: Iterable[Frame], found: Iterable[Frame], *, narrow: int, wide: int
) -> Overlay | None:
    """Return where ``found`` agrees best with ``asked``; None when no frame is within ``wide``."""
    kept = [one for one in found if not one.position]
    if not kept:
        return None
    by_position: dict[str, list[Frame]] = defaultdict(list)
    for one in _evenly(list(asked)):
        by_position[one.position].append(one)
    best = [
        laid
        for position, frames in by_position.items()
        if (laid := _laid(position, frames, kept, narrow, wide)) is not None
    ]
    return max(best, key=lambda one: (one.strong, one.matched, -one.distance), default=None)


def _evenly(frames: list[Frame]) -> list[Frame]:
    moments = sorted({one.at_ms for one in frames})
    if len(moments) <= SHOWN:
        return frames
    chosen = {moments[number * len(moments) // SHOWN] for number in range(SHOWN)}
    return [one for one in frames if one.at_ms in chosen]


def _laid(
    position: str, asked: list[Frame], found: list[Frame], narrow: int, wide: int
) -> Overlay | None:
    here, there, apart = _pairs(asked, found, wide)
    if not len(here):
        return None
    ours = np.array([one.at_ms for one in asked], np.int64)
    theirs = np.array([one.at_ms for one in found], np.int64)
    begins, others = ours[here], theirs[there]
    offsets = others - begins
    offset, is_anywhere = _voted(begins, offsets, apart)
    near = np.abs(offsets - offset) <= WITHIN_MS
    order = np.lexsort((apart[near], begins[near]))
    moments, first = np.unique(begins[near][order], return_index=True)
    distances = apart[near][order][first]
    best = int(np.argmin(np.where(near, apart, np.iinfo(apart.dtype).max)))
    every = np.unique(ours)
    over = every[(every + offset >= theirs.min() - WITHIN_MS)]
    over = over[over + offset <= theirs.max() + WITHIN_MS]
    return Overlay(
        position=position,
        frames=len(every),
        others=len(np.unique(theirs)),
        matched=len(moments),
        strong=int((distances <= narrow).sum()),
        share=len(moments) / max(1, len(over)),
        offset_ms=offset,
        is_anywhere=is_anywhere,
        from_ms=int(moments[0]),
        to_ms=int(moments[-1]),
        distance=int(np.median(distances)),
        nearest=int(apart[best]),
        pair=(asked[here[best]].variant, found[there[best]].variant),
    )


def _pairs(asked: list[Frame], found: list[Frame], wide: int) -> tuple[Ints, Ints, Ints]:
    """Return the places of pairs within ``wide``, and their distances."""
    ours, theirs = _words(asked), _words(found)
    here, there, apart = [], [], []
    step = max(1, _CELLS // len(found))
    for begin in range(0, len(asked), step):
        part = np.zeros((min(step, len(asked) - begin), len(found)), np.uint16)
        for column in range(_WORDS):
            part += np.bitwise_count(
                ours[begin : begin + step, column, None] ^ theirs[None, :, column]
            )
        rows, columns = np.nonzero(part <= wide)
        here.append(rows + begin)
        there.append(columns)
        apart.append(part[rows, columns].astype(np.int64))
    return np.concatenate(here), np.concatenate(there), np.concatenate(apart)


def _words(frames: list[Frame]) -> Words:
    content = bytes.fromhex("".join(one.value for one in frames))
    return np.frombuffer(content, ">u8").astype(np.uint64).reshape(-1, _WORDS)


def _voted(begins: Ints, offsets: Ints, apart: Ints) -> tuple[int, bool]:
    """Return the offset that most moments agree on, and whether others are as good."""
    choices = np.unique(np.round(offsets / (WITHIN_MS / 2)).astype(np.int64))
    told = []
    for choice in choices * (WITHIN_MS // 2):
        near = np.abs(offsets - choice) <= WITHIN_MS // 2
        order = np.lexsort((apart[near], begins[near]))
        _, first = np.unique(begins[near][order], return_index=True)
        distances = apart[near][order][first]
        told.append((len(first), -float(distances.mean()), int(choice)))
    most, nearness, choice = max(told)
    near = (np.abs(offsets - choice) <= WITHIN_MS // 2) & (apart <= apart.min() + 8)
    is_anywhere = any(
        abs(other - choice) > 2 * WITHIN_MS and count >= 0.9 * most and close >= nearness - 1
        for count, close, other in told
    )
    centre = int(np.median(offsets[near])) if near.any() else choice
    return centre, is_anywhere
