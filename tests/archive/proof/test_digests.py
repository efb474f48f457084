"""Digests: any cut of a stream measures the same."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.proof.digests import THREADED_FROM, Digest, Measurement, Measuring, from_hex, measure
from archive.proof.errors import MalformedError

CONTENT = bytes(range(256)) * (5 * THREADED_FROM // 256)


def in_one(content: bytes) -> Measurement:
    return Measurement(
        size=len(content),
        sha256=hashlib.sha256(content).digest(),
        sha512=hashlib.sha512(content).digest(),
        crc32=zlib.crc32(content),
    )


@settings(deadline=None)
@given(st.lists(st.integers(0, len(CONTENT)), max_size=12).map(sorted), st.booleans())
def test_any_cut_of_a_stream_measures_the_same(cuts, mutable):
    edges = [0, *cuts, len(CONTENT)]
    parts = [CONTENT[edges[at] : edges[at + 1]] for at in range(len(edges) - 1)]

    assert measure(map(bytearray, parts) if mutable else parts) == in_one(CONTENT)


def test_a_buffer_may_be_used_again_as_soon_as_it_was_taken():
    measuring = Measuring()
    buffer = bytearray(THREADED_FROM)
    for fill in range(8):
        buffer[:] = bytes([fill]) * THREADED_FROM
        measuring.update(memoryview(buffer))

    whole = b"".join(bytes([fill]) * THREADED_FROM for fill in range(8))
    assert measuring.done() == in_one(whole)


def test_nothing_is_measured_too():
    assert measure([]) == in_one(b"")


def test_a_digest_says_its_algorithm_and_cannot_be_half_right():
    digest = Digest("sha256", hashlib.sha256(b"").digest())

    assert Digest.parse(str(digest)) == digest
    for text in ("", "sha256:", "sha256:ab", "md5:" + "00" * 16, "sha512:" + "00" * 32):
        with pytest.raises(MalformedError):
            Digest.parse(text)
    for text in ("0", "AB", "a b", "zz", " ab"):
        with pytest.raises(MalformedError):
            from_hex(text)
