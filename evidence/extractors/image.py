"""What a picture is: format, size in pixels, mode, frames, orientation and resolution."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

from PIL import Image

from evidence.pictures import FORMATS, opened

_ORIENTATION = 0x0112  # CIPA DC-008-2019, table 4


def read(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return the picture's facts; the pixels are decoded once, so that damage is found."""
    with opened(stream) as image:
        facts = {
            "format": image.format,
            "width": image.width,
            "height": image.height,
            "mode": image.mode,
            "frames": getattr(image, "n_frames", 1),
            "orientation": image.getexif().get(_ORIENTATION),
            "dpi": [float(one) for one in image.info["dpi"]] if "dpi" in image.info else None,
            "has_colour_profile": "icc_profile" in image.info,
        }
        kept = {
            name: value
            for name, value in image.info.items()
            if name not in {"exif", "icc_profile", "xmp", "photoshop", "mpoffset"}
        }
        image.load()
    return {"parsed": facts, "raw": {"info": kept}, "warnings": []}


def warm_up() -> None:
    """Have Pillow load its plug-ins, and the encoders that it loads at first use."""
    Image.init()
    for name in FORMATS:
        sample = io.BytesIO()
        Image.new("RGB", (16, 16), "grey").save(sample, format=name)
        sample.seek(0)
        with opened(sample) as image:
            image.load()
            image.getexif()
