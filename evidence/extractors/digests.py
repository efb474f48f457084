"""MD5 and SHA-1 of a file, for look-up in collections that know nothing better.

Both can be forged.  They are reported beside the digests that seal the file; nothing compares them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, BinaryIO

CHUNK = 1024 * 1024  # bytes


def read(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return both digests in hexadecimal."""
    md5 = hashlib.md5(usedforsecurity=False)
    sha1 = hashlib.sha1(usedforsecurity=False)
    while chunk := stream.read(CHUNK):
        md5.update(chunk)
        sha1.update(chunk)
    return {"md5": md5.hexdigest(), "sha1": sha1.hexdigest()}
