"""A file is measured while it is written: what is in it, and never more than is there."""

from __future__ import annotations

import hashlib
import random
import zlib
from pathlib import Path

import pytest

from archive.reading_behind import CHUNK, ReadingBehind, Stretch

CONTENT = random.Random(7).randbytes(3 * CHUNK + 12_345)
HEAD, TAIL = b"head", b"tail"


def stretches(crc32: int = zlib.crc32(CONTENT)) -> list[Stretch]:
    return [Stretch(len(HEAD)), Stretch(len(CONTENT), "one", crc32), Stretch(len(TAIL))]


@pytest.mark.parametrize("piece", [1_000, CHUNK, 10 * CHUNK])
def test_what_is_read_behind_the_writer_is_what_was_written(tmp_path: Path, piece: int) -> None:
    path, whole = tmp_path / "file", HEAD + CONTENT + TAIL
    with path.open("wb", buffering=0) as sink, ReadingBehind(path, stretches()) as behind:
        for at in range(0, len(whole), piece):
            sink.write(whole[at : at + piece])
            behind.wrote(min(at + piece, len(whole)))
        read = behind.done()

    assert read.sha256 == hashlib.sha256(whole).hexdigest()
    assert read.stretches == {
        "one": (hashlib.sha256(CONTENT).hexdigest(), hashlib.sha512(CONTENT).hexdigest())
    }


def test_a_stretch_of_another_checksum_is_left_to_the_verifier(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(HEAD + CONTENT + TAIL)
    with ReadingBehind(path, stretches(crc32=1)) as behind:
        behind.wrote(path.stat().st_size)
        assert behind.done().stretches == {}


def test_a_file_that_is_shorter_than_was_said_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(HEAD)
    with ReadingBehind(path, stretches()) as behind:
        behind.wrote(10**9)
        with pytest.raises(OSError, match="ends at 4"):
            behind.done()


def test_a_writer_that_breaks_off_leaves_no_thread(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(HEAD)
    behind = ReadingBehind(path, stretches())

    def write() -> None:
        with behind:
            behind.wrote(len(HEAD))
            raise RuntimeError("broke off")

    with pytest.raises(RuntimeError, match="broke off"):
        write()
    assert not behind._thread.is_alive()
