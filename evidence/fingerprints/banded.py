"""A sealed part of an index: many fingerprints, found by their bands, exactly.

Of two fingerprints within 31 bits, at least one of the sixteen bands of 16 bits differs by at most
one bit.  So the rows that have a band, or a band with one bit turned, are all that have to be
compared: some thousands of a million.  Beyond 31 bits every row is compared.

A part is written as files that are mapped into memory, and shared by all processes of a machine.
Their digests are in the part's name: a changed byte is noticed when it is opened, and the part is
made again from the rows.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evidence.fingerprints.packed import BITS, WORDS, Columns, Numbers, scanned, words_of

BANDS = 16
BY_BANDS = 31  # bits of distance up to which bands find all
_WIDTH = BITS // BANDS
_VALUES = 1 << _WIDTH
#: A band as it is, and with each of its bits turned.
_TURNED = np.concatenate([[0], 1 << np.arange(_WIDTH)]).astype(np.int64)
_ALL_BANDS = np.arange(BANDS)[:, None]

Places = npt.NDArray[np.uint32]

_FILES = ("columns", "numbers", "order", "starts")


class DamagedError(ValueError):
    """The files of a part are not what was written."""


class Banded:
    """Fingerprints and their numbers, never changed.  At most 2**32 of them."""

    def __init__(self, columns: Columns, numbers: Numbers, order: Places, starts: Places) -> None:
        self.columns, self.numbers = columns, numbers
        self._order, self._starts = order, starts

    @classmethod
    def of(cls, columns: Columns, numbers: Numbers) -> Banded:
        """Sort fingerprints, in columns and with their numbers, by their bands.

        One band knows nothing of another, and sorting lets go of the interpreter: they are sorted
        beside one another, on as many threads as there are processors.
        """
        order = np.empty((BANDS, len(numbers)), np.uint32)
        starts = np.zeros((BANDS, _VALUES + 1), np.uint32)

        def sort(number: int) -> None:
            band = _band(columns, number)
            order[number] = np.argsort(band, kind="stable")  # by radix, since they are short
            starts[number, 1:] = np.cumsum(np.bincount(band, minlength=_VALUES))

        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
            for _ in threads.map(sort, range(BANDS)):
                pass  # asked for each, so that what goes wrong in one is raised here
        return cls(columns, numbers, order, starts)

    def __len__(self) -> int:
        return len(self.numbers)

    def within(self, value: str, radius: int) -> list[tuple[int, int]]:
        """Return number and distance of each within ``radius`` bits, in no order."""
        asked = words_of(value)
        if radius > BY_BANDS:
            return scanned(self.columns, self.numbers, asked, radius)
        rows = self._rows_with_a_band_of(asked)
        apart = np.zeros(len(rows), np.uint16)
        for column, word in zip(self.columns, asked, strict=True):
            apart += np.bitwise_count(column[rows] ^ word)
        near = np.flatnonzero(apart <= radius)
        found, first = np.unique(rows[near], return_index=True)  # one may be near by several bands
        return list(zip(self.numbers[found].tolist(), apart[near][first].tolist(), strict=True))

    def _rows_with_a_band_of(self, asked: npt.NDArray[np.uint64]) -> Places:
        mine = np.array([_band(asked[:, None], one)[0] for one in range(BANDS)], np.int64)
        wanted = mine[:, None] ^ _TURNED
        begins = self._starts[_ALL_BANDS, wanted].astype(np.int64)
        counts = (self._starts[_ALL_BANDS, wanted + 1] - begins).ravel()
        begins = (begins + _ALL_BANDS * len(self)).ravel()
        ends = np.cumsum(counts)
        places = np.arange(ends[-1]) + np.repeat(begins - (ends - counts), counts)
        rows: Places = self._order.reshape(-1)[places]
        return rows

    def write(self, folder: Path) -> str:
        """Write the part's files; return its name, which names their digests too."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        arrays: list[Any] = [self.columns, self.numbers, self._order, self._starts]
        digests = hashlib.sha256()
        with tempfile.TemporaryDirectory(dir=folder) as made:
            for name, array in zip(_FILES, arrays, strict=True):
                path = Path(made) / f"{name}.npy"
                np.save(path, array)
                digests.update(_digest(path))
            name = digests.hexdigest()
            whole = Path(made) / "whole"
            whole.mkdir()
            for file in _FILES:
                (Path(made) / f"{file}.npy").rename(whole / f"{file}.npy")
            shutil.rmtree(folder / name, ignore_errors=True)  # it may have been damaged
            whole.rename(folder / name)
        return name

    @classmethod
    def read(cls, folder: Path, name: str) -> Banded:
        """Map a part that was written.  Raises DamagedError for files that are not as they were."""
        digests = hashlib.sha256()
        try:
            for file in _FILES:
                digests.update(_digest(folder / name / f"{file}.npy"))
            if digests.hexdigest() != name:
                raise DamagedError(f"{folder / name} is not as it was written")
            arrays = [
                np.load(folder / name / f"{file}.npy", mmap_mode="r", allow_pickle=False)
                for file in _FILES
            ]
        except OSError as error:
            raise DamagedError(f"{folder / name} can't be read: {error}") from error
        return cls(*arrays)


def _band(columns: Columns, number: int) -> npt.NDArray[np.uint16]:
    word, shift = divmod(number * _WIDTH, BITS // WORDS)
    band: npt.NDArray[np.uint16] = (columns[word] >> np.uint64(shift)).astype(np.uint16)
    return band  # the lowest bits of what is left


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
