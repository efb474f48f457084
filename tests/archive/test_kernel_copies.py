"""The kernel copies what a buffer of ours would have copied, or leaves it to the buffer."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest

from archive import kernel_copies

CONTENT = os.urandom(kernel_copies.AT_ONCE + 12_345)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def test_what_stands_before_and_after_is_written_around_it(source: Path, tmp_path: Path) -> None:
    with source.open("rb") as given, (tmp_path / "copy").open("wb") as sink:
        sink.write(b"before")
        counts = list(kernel_copies.copied(given, sink, len(CONTENT)))
        sink.write(b"after")

    assert (tmp_path / "copy").read_bytes() == b"before" + CONTENT + b"after"
    assert sum(counts) == len(CONTENT)
    assert len(counts) > 1


@pytest.mark.parametrize("length", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_no_more_is_copied_than_asked_for_or_than_there_is(
    source: Path, tmp_path: Path, length: int
) -> None:
    with source.open("rb") as given, (tmp_path / "copy").open("wb") as sink:
        assert sum(kernel_copies.copied(given, sink, length)) == min(length, len(CONTENT))
        assert given.read() == CONTENT[length:]


def test_what_is_no_plain_file_is_left_to_a_buffer(source: Path, tmp_path: Path) -> None:
    with (tmp_path / "copy").open("wb") as sink:
        assert list(kernel_copies.copied(io.BytesIO(CONTENT), sink, len(CONTENT))) == []
    with source.open("rb") as given:
        assert list(kernel_copies.copied(given, io.BytesIO(), len(CONTENT))) == []
        assert given.read() == CONTENT


def test_what_breaks_off_leaves_both_files_at_the_same_byte(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = os.copy_file_range
    calls = []

    def break_off(*given: Any) -> int:
        calls.append(given)
        if len(calls) > 1:
            raise OSError(errno.EIO, "input/output error")
        return copy(*given)

    monkeypatch.setattr(os, "copy_file_range", break_off)
    with source.open("rb") as given, (tmp_path / "copy").open("wb") as sink:
        copied = sum(kernel_copies.copied(given, sink, len(CONTENT)))
        sink.write(given.read())

    assert 0 < copied < len(CONTENT)
    assert (tmp_path / "copy").read_bytes() == CONTENT
