"""Perceptual fingerprints: leads with a stated distance, never identity (that is the SHA-256)."""

from __future__ import annotations

from evidence.registry import Budget, Tool

#: The algorithm of pictures' fingerprints, and the version of ours: one bit more is another.
PDQ, PDQ_VERSION = "pdq", "1"

TOOLS = (
    Tool(
        name=PDQ,
        version="2",
        kind="fingerprint",
        media_types=(
            "image/jpeg",
            "image/png",
            "image/gif",
            "image/webp",
            "image/tiff",
            "image/bmp",
            "image/avif",
        ),
        implementation="evidence.fingerprints.pdq:fingerprint",
        libraries=("numpy", "pillow"),
    ),
    Tool(
        name="frames",
        version="1",
        kind="fingerprint",
        media_types=("video/*",),
        implementation="evidence.fingerprints.frames:fingerprint",
        libraries=("numpy", "av"),
        budget=Budget(cpu_seconds=1800, wall_seconds=3600),
    ),
)
