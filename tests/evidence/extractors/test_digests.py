"""The digests that other collections ask for, as coreutils compute them."""

from __future__ import annotations

import io
import random
import subprocess

import pytest

from evidence.extractors import digests


@pytest.mark.parametrize("size", [0, 1, digests.CHUNK, 2 * digests.CHUNK + 3])
def test_the_reported_digests_are_those_of_coreutils(size):
    content = random.Random(size).randbytes(size)

    result = digests.read(io.BytesIO(content), {})

    assert result == {name: _said(f"{name}sum", content) for name in ("md5", "sha1")}


def _said(tool, content):
    done = subprocess.run([tool], input=content, capture_output=True, check=True)
    return done.stdout.decode().split()[0]
