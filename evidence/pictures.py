"""Opens pictures for the readers: few formats, a bounded number of pixels, whole or not at all.

For the process of the sandbox only: it changes Pillow's limit for the whole process.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from evidence.registry import LimitError, MalformedError, UnsupportedError

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF")
PIXELS = 100_000_000

Image.MAX_IMAGE_PIXELS = PIXELS


@contextmanager
def opened(stream: BinaryIO) -> Iterator[Image.Image]:
    """Open a picture; every way in which its bytes can be bad becomes one of our errors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Between the limit and twice the limit Pillow only warns.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(stream, formats=FORMATS) as image:
                yield image
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise LimitError("pixels", f"More than {PIXELS} pixels.") from error
    except UnidentifiedImageError as error:
        raise UnsupportedError("Not a picture in a format that is read here.") from error
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError) as error:
        raise MalformedError(f"The picture can't be read: {error}") from error


def upright(image: Image.Image, *, side: int) -> Image.Image:
    """Return the picture turned as its EXIF says, in RGB, at most ``side`` pixels on a side."""
    image.draft("RGB", (side * 2, side * 2))
    turned = ImageOps.exif_transpose(image)
    if turned.mode in {"RGBA", "LA", "PA"} or "transparency" in turned.info:
        clear = turned.convert("RGBA")
        turned = Image.new("RGB", clear.size, "white")
        turned.paste(clear, mask=clear.getchannel("A"))
    if turned.mode.startswith("I"):
        # Sixteen bits of grey: Pillow's own conversion cuts them off at 255.
        turned = turned.convert("F").point(lambda value: value / 256).convert("L")
    turned = turned.convert("RGB")
    turned.thumbnail((side, side), Image.Resampling.BILINEAR)
    return turned
