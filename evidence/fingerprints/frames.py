"""Fingerprints of a film: PDQ of a frame each second, whole, without bars, cut, and as in a mirror.

The brightness is the decoder's own plane, turned as the film asks to be shown.  PDQ does not change
when it is scaled or shifted; the quality does, so the narrow range of video is widened for it.

Bars stand still while the film moves: they are looked for in several frames together, and again in
the next ones, since a broadcast changes its frame in the middle.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from evidence import films
from evidence.fingerprints import PDQ, PDQ_VERSION, pdq
from evidence.fingerprints.blocks import Writer
from evidence.registry import MalformedError, UnsupportedError

EVERY_MS = 1000
MOST = 7_200  # frames of one film; of a longer one they lie further apart
TOGETHER = 30  # frames in which bars are looked for at a time
TOGETHER_BYTES = 128 * 2**20
BARS = 0.9  # of those frames must have them
#: Names of middles, how many per cent of each side they have, and of which part.
MIDDLES = (
    ("middle_90", 90, pdq.BASE),
    ("middle_80", 80, pdq.BASE),
    ("trimmed_80", 80, pdq.TRIMMED),
)
#: Of a longer film frames that are built on two others are not decoded: three times as fast.
ALL_FRAMES_MS = 600_000
WORK_SECONDS = 1_600

Plane = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_EIGHT_BITS = {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"}
_FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG
_NARROW = 255 / 219


@dataclass
class _Kept:
    """The fingerprints of one part of the frames, in the order of time."""

    values: list[str] = field(default_factory=list)
    qualities: list[int] = field(default_factory=list)
    at_ms: list[int] = field(default_factory=list)

    def add(self, value: str, quality: int, at_ms: int) -> None:
        self.values.append(value)
        self.qualities.append(quality)
        self.at_ms.append(at_ms)


@dataclass(frozen=True)
class Sample:
    """A frame that was chosen: its brightness, upright, and when it is shown."""

    plane: Plane
    at_ms: int
    scale: float  # by which its quality is to be taken


def fingerprint(
    stream: BinaryIO, parameters: Mapping[str, Any], output: BinaryIO | None = None
) -> dict[str, Any]:
    """Write the fingerprints of each part of the frames to ``output``; return what lies where."""
    notes: list[str] = []
    kept: dict[str, _Kept] = {}
    with films.opened(stream, threads=int(parameters.get("threads", 1))) as source:
        pictures = films.pictures(source)
        if not pictures:
            raise UnsupportedError("There are no moving pictures in it.")
        duration_ms = (source.duration or 0) // 1000
        every_ms = max(EVERY_MS, -(-duration_ms // MOST))
        context = pictures[0].codec_context
        # What nothing is built on need not be smoothed; its fingerprint hardly changes.
        context.options = {**context.options, "skip_loop_filter": "noref"}
        is_long = duration_ms > ALL_FRAMES_MS
        if is_long:
            context.skip_frame = "BIDIR"
        for some in _together(samples(source, pictures[0], every_ms, notes)):
            _add(kept, some)
    if not kept:
        raise MalformedError("No frame of it could be decoded.")
    if output is None:
        raise TypeError("There is no file for the fingerprints.")
    writer = Writer(output)
    for variant, one in kept.items():
        writer.add_moments(
            one.values,
            one.qualities,
            one.at_ms,
            algorithm=PDQ,
            version=PDQ_VERSION,
            variant=variant,
        )
    return {
        "parts": writer.parts,
        "parameters": {
            "every_ms": every_ms,
            "frames": "those not built on two others" if is_long else "all",
            "luma": "the decoder's plane",
            "orientation": "as the film says",
        },
        "basis": "luma of upright frames",
        "warnings": notes,
    }


def samples(source: Any, stream: Any, every_ms: int, notes: list[str]) -> Iterator[Sample]:
    """Choose the first frame at or after each so many milliseconds."""
    deadline = time.process_time() + WORK_SECONDS
    start: float | None = None
    due, number, turn = 0, 0, 0
    for frame in films.frames(source, [stream], notes):
        if frame.time is None:
            continue
        if start is None:
            start, turn = frame.time, round(frame.rotation / 90) % 4
        at_ms = round((frame.time - start) * 1000)
        if at_ms < due:
            continue
        if number == MOST or time.process_time() > deadline:
            notes.append(f"Only the first {at_ms // 1000} s were compared.")
            return
        number, due = number + 1, (at_ms // every_ms + 1) * every_ms
        scale = 1.0 if frame.color_range == _FULL_RANGE else _NARROW
        yield Sample(np.rot90(plane(frame), turn), at_ms, scale)


def plane(frame: Any) -> Plane:
    """Return a frame's brightness, a copy, as the decoder has it."""
    if frame.format.name not in _EIGHT_BITS:
        grey: Plane = frame.to_ndarray(format="gray")
        return grey
    plane = frame.planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return lines[: frame.height, : frame.width].copy()


def _together(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    some: list[Sample] = []
    for one in samples:
        some.append(one)
        if len(some) == TOGETHER or len(some) * one.plane.nbytes >= TOGETHER_BYTES:
            yield some
            some = []
    if some:
        yield some


def _add(kept: dict[str, _Kept], samples: list[Sample]) -> None:
    floats = [one.plane.astype(np.float32) for one in samples]
    border = _bars(floats)
    for sample, brightness in zip(samples, floats, strict=True):
        for part, one in _parts(brightness, border).items():
            values, quality = pdq.turns(one)
            quality = min(100, round(quality * sample.scale))
            for name, position in (("", part), ("mirrored", f"{part}/mirrored")):
                kept.setdefault(position, _Kept()).add(values[name], quality, sample.at_ms)


def _parts(brightness: pdq.Floats, border: tuple[int, ...]) -> dict[str, pdq.Floats]:
    """Return the frame whole and without bars, and of each the middle, where captions are not."""
    parts = {pdq.BASE: brightness}
    inside = pdq.without(brightness, *border)
    if inside is not None:
        parts[pdq.TRIMMED] = inside
    for name, percent, of in MIDDLES:
        if of in parts and min(parts[of].shape) >= 2 * pdq.GRID:
            parts[name] = pdq.middle(parts[of], percent)
    return parts


def _bars(frames: list[pdq.Floats]) -> tuple[int, ...]:
    """Return how many lines at the top, bottom, left and right stand still as bars."""
    size = frames[0].shape
    flags = [
        [end for side in (0, 1) for end in _flat(one, side)]
        for one in frames
        if one.shape == size  # a film may change its size; its other frames are not cut
    ]
    telling = [one for one in flags if not one[0].all()]  # a black frame has no bars
    if not telling or any(one.shape != size for one in frames):
        return (0, 0, 0, 0)
    return tuple(
        pdq.leading(np.mean([one[end] for one in telling], axis=0) >= BARS) for end in range(4)
    )


def _flat(frame: pdq.Floats, side: int) -> tuple[pdq.Flags, pdq.Flags]:
    """Say of rows (0) or columns (1) what ``pdq.flat`` says, by sums, since frames are large."""
    number = frame.shape[1 - side]
    means = (frame @ _ones(number) if side == 0 else _ones(number) @ frame) / number
    squares = np.einsum("ij,ij->i" if side == 0 else "ij,ij->j", frame, frame) / number
    spreads = np.sqrt(np.maximum(squares - means**2, 0))
    first, second = (
        (spreads[order] <= pdq.FLAT) & (np.abs(means[order] - means[order][0]) <= pdq.ALIKE)
        for order in (slice(None), slice(None, None, -1))
    )
    return first, second


def _ones(number: int) -> pdq.Floats:
    return np.ones(number, np.float32)


def warm_up() -> None:
    """Have the numeric library load what it loads at first use."""
    pdq.warm_up()
