"""Readers of what a file says about itself: bytes in, bounded plain values out.

Each answer keeps the raw values beside what was made of them and the basis for it.  Nothing here
knows the framework; the functions run only in the process of the sandbox (``parser.py``).
"""

from __future__ import annotations

from evidence.registry import Budget, Tool, tools_for

__all__ = ["TOOLS", "Tool", "tools_for"]

#: Formats that Pillow decodes for us; everything else of Pillow stays shut.
_PICTURES = (
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/tiff",
    "image/bmp",
    "image/avif",
)
_HEIF = ("image/heic", "image/heif")

TOOLS = (
    Tool(
        name="type",
        version="2",
        kind="identification",
        media_types=("*/*",),
        implementation="evidence.extractors.identification:identify",
        libraries=("puremagic",),
    ),
    Tool(
        name="exif",
        version="1",
        kind="metadata",
        media_types=("image/jpeg", "image/tiff", "image/png", "image/webp", *_HEIF),
        implementation="evidence.extractors.exif:read",
        libraries=("ExifRead",),
        budget=Budget(cpu_seconds=20, wall_seconds=60),
    ),
    Tool(
        name="xmp",
        version="1",
        kind="metadata",
        media_types=_PICTURES,
        implementation="evidence.extractors.descriptions:read",
        libraries=("pillow", "defusedxml"),
        budget=Budget(cpu_seconds=20, wall_seconds=60),
    ),
    Tool(
        name="image",
        version="1",
        kind="metadata",
        media_types=_PICTURES,
        implementation="evidence.extractors.image:read",
        libraries=("pillow",),
    ),
    Tool(
        name="container",
        version="1",
        kind="metadata",
        media_types=("video/*", "audio/*", "application/ogg"),
        implementation="evidence.extractors.container:read",
        libraries=("av",),
    ),
    Tool(
        name="pdf",
        version="2",
        kind="metadata",
        media_types=("application/pdf",),
        implementation="evidence.extractors.pdf:read",
        budget=Budget(cpu_seconds=20, wall_seconds=60),
    ),
    Tool(
        name="packages",
        version="1",
        kind="metadata",
        media_types=("application/zip",),
        implementation="evidence.extractors.packages:read",
        libraries=("cryptography",),
        budget=Budget(cpu_seconds=120, wall_seconds=240),
    ),
    Tool(
        name="c2pa",
        version="1",
        kind="metadata",
        media_types=(
            *_PICTURES,
            *_HEIF,
            "video/mp4",
            "video/quicktime",
            "video/x-msvideo",
            "audio/mpeg",
            "audio/wav",
            "audio/mp4",
            "audio/flac",
            "application/pdf",
        ),
        implementation="evidence.extractors.credentials:read",
        libraries=("c2pa-python",),
        needs=("trust_anchors",),
        budget=Budget(cpu_seconds=60, wall_seconds=120),
    ),
    Tool(
        name="preview",
        version="1",
        kind="preview",
        media_types=(*_PICTURES, *_HEIF, "video/*", "audio/*", "application/ogg"),
        implementation="evidence.extractors.preview:make",
        libraries=("pillow", "av"),
        budget=Budget(cpu_seconds=240, wall_seconds=480, output_bytes=96 * 2**20),
    ),
    Tool(
        name="overview",
        version="1",
        kind="preview",
        media_types=("video/*", "audio/*", "application/ogg"),
        implementation="evidence.extractors.overview:make",
        libraries=("pillow", "av", "numpy"),
        budget=Budget(cpu_seconds=600, wall_seconds=1200, output_bytes=8 * 2**20),
    ),
    Tool(
        name="page images",
        version="1",
        kind="preview",
        media_types=("application/pdf",),
        implementation="evidence.extractors.page_images:make",
        libraries=("pillow", "pypdfium2"),
        budget=Budget(cpu_seconds=180, wall_seconds=360, output_bytes=64 * 2**20),
    ),
    # Last, since nobody waits for it.
    Tool(
        name="digests",
        version="2",
        kind="metadata",
        media_types=("*/*",),
        implementation="evidence.extractors.digests:read",
        libraries=("blake3",),
        budget=Budget(cpu_seconds=1800, wall_seconds=3600),
    ),
    Tool(
        name="redaction",
        version="1",
        kind="rendition",
        media_types=(),  # asked for by a person, never planned
        implementation="evidence.extractors.redaction:make",
        libraries=("Pillow", "numpy", "av", "pypdfium2"),
        budget=Budget(cpu_seconds=7_200, wall_seconds=14_400, output_bytes=8 * 2**30),
    ),
)
