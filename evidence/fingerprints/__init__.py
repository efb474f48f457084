"""Perceptual fingerprints: leads with a stated distance, never identity (that is the SHA-256)."""

from __future__ import annotations

from evidence.registry import Budget, Tool

#: The algorithm of pictures' fingerprints, and the version of ours: one bit more is another.
PDQ, PDQ_VERSION = "pdq", "1"
#: The algorithm of sounds' fingerprints, in the version that AcoustID uses.
CHROMAPRINT, CHROMAPRINT_VERSION = "chromaprint", "TEST2"
ITEMS_A_SECOND = 11_025 / (4_096 // 3)
SILENT_ITEM = 627_964_279  # what it says of silence

#: The algorithm of texts' fingerprints, ours; a letter taken otherwise is another version.
WORDING, WORDING_VERSION = "wording", "1"

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
        media_types=("video/*", "application/ogg"),
        implementation="evidence.fingerprints.frames:fingerprint",
        libraries=("numpy", "av"),
        needs=("threads",),
        budget=Budget(cpu_seconds=1800, wall_seconds=3600, output_bytes=8 * 2**20),
    ),
    Tool(
        name=CHROMAPRINT,
        version="1",
        kind="fingerprint",
        media_types=("video/*", "audio/*", "application/ogg"),
        implementation="evidence.fingerprints.chromaprint:fingerprint",
        libraries=("numpy", "av"),
        budget=Budget(cpu_seconds=600, wall_seconds=1200, output_bytes=2 * 2**20),
    ),
    Tool(
        name="pages",
        version="1",
        kind="fingerprint",
        media_types=("application/pdf",),
        implementation="evidence.fingerprints.pages:fingerprint",
        libraries=("numpy", "pypdfium2"),
        budget=Budget(cpu_seconds=300, wall_seconds=600, output_bytes=2 * 2**20),
    ),
    Tool(
        name=WORDING,
        version="1",
        kind="fingerprint",
        media_types=("text/*", "application/json", "application/pdf"),
        implementation="evidence.fingerprints.words:fingerprint",
        libraries=("numpy", "pypdfium2", "charset-normalizer"),
        budget=Budget(output_bytes=64 * 2**10),
    ),
)
