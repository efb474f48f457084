"""What the parts of a tool's answer are called on a page; names of a standard stay as they are.

An answer is kept as the tool gave it.  A part that is not here, such as an EXIF tag, is shown by
the name that its standard gives it.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

WORDS = {
    "anchors": _lazy("anchors"),
    "basis": _lazy("basis"),
    "bit_rate": _lazy("bit rate"),
    "channels": _lazy("channels"),
    "codec": _lazy("codec"),
    "created": _lazy("created"),
    "declared": _lazy("declared"),
    "device": _lazy("device"),
    "digitised": _lazy("digitised"),
    "duration_ms": _lazy("duration, ms"),
    "embedded_files": _lazy("embedded files"),
    "encrypted": _lazy("encrypted"),
    "format": _lazy("format"),
    "frame_rate": _lazy("frame rate"),
    "frames": _lazy("frames"),
    "gps": _lazy("GPS"),
    "has_colour_profile": _lazy("has a colour profile"),
    "height": _lazy("height"),
    "in_words": _lazy("in words"),
    "index": _lazy("number"),
    "instant": _lazy("instant"),
    "kinds": _lazy("kinds"),
    "language": _lazy("language"),
    "lat": _lazy("latitude"),
    "launch": _lazy("starts a program"),
    "library": _lazy("library"),
    "local": _lazy("local time"),
    "lon": _lazy("longitude"),
    "make": _lazy("make"),
    "marks": _lazy("marks"),
    "media_type": _lazy("media type"),
    "mode": _lazy("mode"),
    "model": _lazy("model"),
    "modified": _lazy("modified"),
    "open_action": _lazy("acts when opened"),
    "original": _lazy("original"),
    "orientation": _lazy("orientation"),
    "pages": _lazy("pages"),
    "pages_basis": _lazy("pages, by"),
    "pixel_format": _lazy("pixel format"),
    "printable": _lazy("printable"),
    "raw": _lazy("as written"),
    "rotation": _lazy("rotation"),
    "sample_rate": _lazy("sample rate"),
    "saved": _lazy("times saved"),
    "signature": _lazy("signature"),
    "size": _lazy("size"),
    "software": _lazy("software"),
    "streams": _lazy("streams"),
    "taken": _lazy("taken"),
    "times": _lazy("times"),
    "trust_list": _lazy("trust list"),
    "type": _lazy("type"),
    "values": _lazy("values"),
    "verdict": _lazy("verdict"),
    "version": _lazy("version"),
    "width": _lazy("width"),
    "zone_basis": _lazy("zone, by"),
}
_STREAM = re.compile(r"stream_(\d+)_created")
_NUMBERED = re.compile(r"(\w+?)[_ ](\d+)")


def label(name: str) -> str:
    """Return what a part of an answer is called: ``marks.open_action``, ``streams_1.codec``."""
    return " · ".join(_part(one) for one in name.split("."))


def _part(name: str) -> str:
    if name in WORDS:
        return str(WORDS[name])
    if stream := _STREAM.fullmatch(name):
        return _("stream {number} created").format(number=stream[1])
    numbered = _NUMBERED.fullmatch(name)
    if numbered and numbered[1] in WORDS:
        return f"{WORDS[numbered[1]]} {numbered[2]}"
    return name.replace("_", " ")
