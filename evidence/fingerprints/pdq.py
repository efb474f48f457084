"""PDQ: a 256-bit perceptual fingerprint of a picture, after Meta's published description (2019).

Everything before the median is linear and works on rows and columns apart, so the two smoothing
passes with the sampling down to 64 x 64, and the 16 x 64 cosine transform, are matrices kept per
side length. Written as 64 hexadecimal digits, always; the quality (0-100) stands beside it, and
below 50 a picture has too little in it to be matched by machine.

A picture comes back cut, bordered, mirrored and turned, and PDQ alone knows none of these again.
So there are further fingerprints of it: without its border, of its middle, and of the whole as it
would be mirrored or turned, which follow from the same transform by signs and a transposition.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from evidence.fingerprints import PDQ, PDQ_VERSION
from evidence.pictures import opened, upright

BASE, TRIMMED = "base", "trimmed"
MIDDLES = (95, 90, 85, 80)  # per cent of each side that are left of the picture
SIDE = 512  # the reference reduces to this before it looks at luma
GRID = 64
FREQUENCIES = 16
SMALLEST = 5  # pixels on a side, below which there is no fingerprint

FLAT = 4  # brightness by which the pixels of a line of one colour spread
ALIKE = 8  # brightness by which lines of a border differ

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_COSINES = (
    np.sqrt(2 / GRID)
    * np.cos(np.outer(np.arange(1, FREQUENCIES + 1), 2 * np.arange(GRID) + 1) * np.pi / (2 * GRID))
).astype(np.float32)


@lru_cache(maxsize=64)
def _reduction(side: int) -> Floats:
    """Two passes of the moving mean (together a tent), and a sample in each of 64 cells.

    A pass cuts its window off at the edges.  Only the rows that are sampled are worked out.
    """
    if side == GRID:
        return np.eye(GRID, dtype=np.float32)
    window = (side + 2 * GRID - 1) // (2 * GRID)
    place = np.arange(side)
    last = np.minimum(place + (window + 2) // 2, side)
    first = np.maximum(place + (window + 2) // 2 - window, 0)
    rows = np.empty((GRID, side), np.float32)
    for cell, middle_ in enumerate(((np.arange(GRID) + 0.5) * side / GRID).astype(int)):
        near = slice(first[middle_], last[middle_])
        inside = (place >= first[near, None]) & (place < last[near, None])
        rows[cell] = (inside / (last - first)[near, None]).mean(axis=0)
    return rows


def luma(image: Image.Image) -> Floats:
    """Return the brightness of an upright picture."""
    values: Floats = np.asarray(image.convert("RGB"), np.float32) @ _LUMA
    return values


def pdq(brightness: Floats) -> tuple[str, int]:
    """Return the fingerprint as 64 hexadecimal digits, and its quality."""
    waves, quality = _waves(brightness)
    return _digits(waves), quality


def turns(brightness: Floats) -> tuple[dict[str, str], int]:
    """Return the fingerprints of a picture as it is and in seven other positions, by their names.

    ``rotate_90`` is a quarter to the left.  The empty name is the picture as it is.
    """
    waves, quality = _waves(brightness)
    # A cosine of odd frequency changes its sign when the picture is seen in a mirror.
    signs = np.where(np.arange(1, FREQUENCIES + 1) % 2, -1, 1).astype(np.float32)
    across, down = waves * signs, waves * signs[:, None]
    both = across * signs[:, None]
    positions = {
        "": waves,
        "mirrored": across,
        "upside_down": down,
        "rotate_180": both,
        "rotate_90": across.T,
        "rotate_270": down.T,
        "transposed": waves.T,
        "transversed": both.T,
    }
    return {name: _digits(one) for name, one in positions.items()}, quality


def _waves(brightness: Floats) -> tuple[Floats, int]:
    height, width = brightness.shape
    if min(height, width) < SMALLEST:
        return np.zeros((FREQUENCIES, FREQUENCIES), np.float32), 0
    grid = np.asarray(_reduction(height) @ brightness @ _reduction(width).T, np.float32)
    return np.asarray(_COSINES @ grid @ _COSINES.T, np.float32), _quality(grid)


def _digits(waves: Floats) -> str:
    flat = waves.ravel()
    # The 128th smallest, not the mean of the middle two: so the reference counts.
    middle = np.partition(flat, flat.size // 2 - 1)[flat.size // 2 - 1]
    return np.packbits(flat[::-1] > middle).tobytes().hex()


def _quality(grid: Floats) -> int:
    """How much changes from cell to cell, in whole hundredths of the range, at most 100."""
    steps = np.concatenate([np.diff(grid, axis=axis).ravel() for axis in (0, 1)])
    return min(100, int(np.abs(np.trunc(steps * np.float32(100 / 255))).sum()) // 90)


def trimmed(brightness: Floats) -> Floats | None:
    """Return the picture without a border of one colour; None when it has none, or little else."""
    ends = [leading(one) for side in (brightness, brightness.T) for one in flat(side)]
    return without(brightness, *ends)


def without(brightness: Floats, *border: int) -> Floats | None:
    """Return what is left without so many lines at the top, bottom, left and right.

    None when that is nearly all of it, or too little.
    """
    height, width = brightness.shape
    top, bottom, left, right = border
    inside = brightness[top : height - bottom, left : width - right]
    if not 0.3 <= inside.size / brightness.size <= 0.97 or min(inside.shape) < GRID:
        return None
    return inside


def flat(rows: Floats) -> tuple[Flags, Flags]:
    """Say of each row, from either end, whether it is of one colour, that of the outermost."""
    means, spreads = rows.mean(axis=1), rows.std(axis=1)
    first, second = (
        (spreads[order] <= FLAT) & (np.abs(means[order] - means[order][0]) <= ALIKE)
        for order in (slice(None), slice(None, None, -1))
    )
    return first, second


def leading(flags: Flags) -> int:
    """Count the flags that are set before the first that is not."""
    return len(flags) if flags.all() else int(np.argmin(flags))


def middle(brightness: Floats, percent: int) -> Floats:
    """Return the middle of a picture, with so many per cent of each side."""
    height, width = brightness.shape
    top = round(height * (100 - percent) / 200)
    left = round(width * (100 - percent) / 200)
    return brightness[top : height - top, left : width - left]


def variants(brightness: Floats) -> list[tuple[str, str, int]]:
    """Return each fingerprint of a picture: what it is of, its value and its quality."""
    found = []
    inside = trimmed(brightness)
    for part, one in ((BASE, brightness), (TRIMMED, inside)):
        if one is not None:
            values, quality = turns(one)
            found += [
                (f"{part}/{turn}" if turn else part, value, quality)
                for turn, value in values.items()
            ]
    for percent in MIDDLES if min(brightness.shape) >= 2 * GRID else ():
        found.append((f"middle_{percent}", *pdq(middle(brightness, percent))))
    return found


def fingerprint(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return the picture's PDQ, taken from at most 512 pixels of the upright picture."""
    with opened(stream) as image:
        small = upright(image, side=SIDE)
    return {
        "fingerprints": [
            {
                "algorithm": PDQ,
                "version": PDQ_VERSION,
                "value": value,
                "quality": quality,
                "variant": variant,
            }
            for variant, value, quality in variants(luma(small))
        ],
        "parameters": {"side": SIDE, "luma": "BT.601", "orientation": "as EXIF says"},
        "basis": "luma of the upright first frame",
    }


def warm_up() -> None:
    """Have the numeric library load what it loads at first use."""
    pdq(np.zeros((80, 90), np.float32))
