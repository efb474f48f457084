"""The digests that other collections ask for, as others compute them."""

from __future__ import annotations

import io
import random
import subprocess

import pytest
from blake3 import blake3

from evidence.extractors import digests


@pytest.mark.parametrize(
    "size",
    [0, 1, digests.CHUNK, digests.CHUNK + 1, 2 * digests.CHUNK + 3, 17 * digests.CHUNK],
)
def test_the_reported_digests_are_those_of_coreutils_and_of_blake3(size):
    content = random.Random(size).randbytes(size)

    result = digests.read(io.BytesIO(content), {})

    assert result == {
        "blake3": blake3(content).hexdigest(),
        **{name: _said(f"{name}sum", content) for name in ("md5", "sha1")},
    }


def test_blake3_is_the_published_one_for_nothing_at_all():
    # The empty input of the BLAKE3 authors' test vectors.
    assert digests.read(io.BytesIO(b""), {})["blake3"] == (
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    )


def test_any_of_those_known_come_of_one_pass():
    content = random.Random(5).randbytes(3 * digests.CHUNK + 1)

    found = digests.digests(io.BytesIO(content), ("sha256", "sha512"))

    assert found == {name: _said(f"{name}sum", content) for name in ("sha256", "sha512")}


def _said(tool, content):
    done = subprocess.run([tool], input=content, capture_output=True, check=True)
    return done.stdout.decode().split()[0]
