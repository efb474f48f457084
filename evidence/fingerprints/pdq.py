"""PDQ: a 256-bit perceptual fingerprint of a picture, after Meta's published description (2019).

Everything before the median is linear and works on rows and columns apart, so the two smoothing
passes with the sampling down to 64 x 64, and the 16 x 64 cosine transform, are matrices kept per
side length. Written as 64 hexadecimal digits, always; the quality (0-100) stands beside it, and
below 50 a picture has too little in it to be matched by machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from evidence.pictures import opened, upright

ALGORITHM = "pdq"
VERSION = "1"
SIDE = 512  # the reference reduces to this before it looks at luma
GRID = 64
FREQUENCIES = 16
SMALLEST = 5  # pixels on a side, below which there is no fingerprint

Floats = npt.NDArray[np.float32]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_COSINES = (
    np.sqrt(2 / GRID)
    * np.cos(np.outer(np.arange(1, FREQUENCIES + 1), 2 * np.arange(GRID) + 1) * np.pi / (2 * GRID))
).astype(np.float32)


def _smoothing(side: int) -> npt.NDArray[np.float64]:
    """One pass of the moving mean, its window cut off at the edges."""
    window = (side + 2 * GRID - 1) // (2 * GRID)
    place = np.arange(side)
    last = np.minimum(place + (window + 2) // 2, side)
    first = np.maximum(place + (window + 2) // 2 - window, 0)
    inside = (place >= first[:, None]) & (place < last[:, None])
    means: npt.NDArray[np.float64] = inside / (last - first)[:, None]
    return means


@lru_cache(maxsize=64)
def _reduction(side: int) -> Floats:
    """Two passes (together a tent), then a sample at the middle of each of 64 cells."""
    if side == GRID:
        return np.eye(GRID, dtype=np.float32)
    pass_ = _smoothing(side)
    middles = ((np.arange(GRID) + 0.5) * side / GRID).astype(int)
    return np.ascontiguousarray((pass_[middles] @ pass_).astype(np.float32))


def luma(image: Image.Image) -> Floats:
    """Return the brightness of an upright picture."""
    values: Floats = np.asarray(image.convert("RGB"), np.float32) @ _LUMA
    return values


def pdq(brightness: Floats) -> tuple[str, int]:
    """Return the fingerprint as 64 hexadecimal digits, and its quality."""
    height, width = brightness.shape
    if min(height, width) < SMALLEST:
        return "0" * 64, 0
    grid = np.asarray(_reduction(height) @ brightness @ _reduction(width).T, np.float32)
    waves = (_COSINES @ grid @ _COSINES.T).ravel()
    # The 128th smallest, not the mean of the middle two: so the reference counts.
    middle = np.partition(waves, waves.size // 2 - 1)[waves.size // 2 - 1]
    return np.packbits(waves[::-1] > middle).tobytes().hex(), _quality(grid)


def _quality(grid: Floats) -> int:
    """How much changes from cell to cell, in whole hundredths of the range, at most 100."""
    steps = np.concatenate([np.diff(grid, axis=axis).ravel() for axis in (0, 1)])
    return min(100, int(np.abs(np.trunc(steps * np.float32(100 / 255))).sum()) // 90)


def distance(one: str, other: str) -> int:
    """Return the number of bits in which two fingerprints differ, of 256."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def fingerprint(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return the picture's PDQ, taken from at most 512 pixels of the upright picture."""
    with opened(stream) as image:
        small = upright(image, side=SIDE)
    value, quality = pdq(luma(small))
    return {
        "fingerprints": [
            {
                "algorithm": ALGORITHM,
                "version": VERSION,
                "value": value,
                "quality": quality,
                "variant": "base",
            }
        ],
        "parameters": {"side": SIDE, "luma": "BT.601", "orientation": "as EXIF says"},
        "basis": "luma of the upright first frame",
    }


def warm_up() -> None:
    """Have the numeric library load what it loads at first use."""
    pdq(np.zeros((80, 90), np.float32))
