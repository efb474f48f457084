"""Perceptual fingerprints: leads with a stated distance, never identity (that is the SHA-256)."""

from __future__ import annotations

from evidence.registry import Tool

TOOLS = (
    Tool(
        name="pdq",
        version="1",
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
)
