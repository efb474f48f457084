"""What a film or a recording is: duration, streams, times, place and device from its own tags.

``creation_time`` is UTC by the format (ISO/IEC 14496-12) and local time by the habit of many
cameras: its basis is ``assumed``.  Apple's own tag carries its offset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from evidence import films
from evidence.extractors import moments, places

STREAMS = 32  # streams described
_MICROSECONDS = 1_000_000
_PLACES = ("com.apple.quicktime.location.ISO6709", "location", "location-eng", "©xyz", "xyz")
_DEVICE = {
    "make": ("com.apple.quicktime.make", "make", "com.android.manufacturer", "©mak"),
    "model": ("com.apple.quicktime.model", "model", "com.android.model", "©mod"),
    "software": ("com.apple.quicktime.software", "software", "©swr", "encoder"),
}


def read(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return the container's facts; nothing but one picture per film is decoded."""
    warnings: list[str] = []
    with films.opened(stream) as container:
        tags = dict(container.metadata)
        streams = [_stream(one) for one in list(container.streams)[:STREAMS]]
        facts: dict[str, Any] = {
            "format": container.format.name,
            "duration_ms": None
            if container.duration is None
            else round(container.duration * 1000 / _MICROSECONDS),
            "bit_rate": container.bit_rate or None,
            "streams": streams,
            "kinds": sorted({one["type"] for one in streams}),
        }
        described = list(container.streams)[:STREAMS]
        raw_tags = {str(one.index): dict(one.metadata) for one in described}
        facts["rotation"] = _rotation(container)
    facts["times"] = _times(tags, raw_tags)
    facts["gps"] = _place(tags, warnings)
    facts["device"] = {
        name: value
        for name, keys in _DEVICE.items()
        if (value := next((tags[key] for key in keys if tags.get(key)), ""))
    }
    return {"parsed": facts, "raw": {"tags": tags, "stream_tags": raw_tags}, "warnings": warnings}


def _stream(one: Any) -> dict[str, Any]:
    context = getattr(one, "codec_context", None)
    found: dict[str, Any] = {
        "index": one.index,
        "type": one.type,
        "codec": context.name if context is not None else None,
        "duration_ms": None
        if one.duration is None or one.time_base is None
        else round(one.duration * one.time_base * 1000),
        "language": one.metadata.get("language"),
    }
    if one.type == "video" and context is not None:
        rate = one.average_rate
        found |= {
            "width": context.width,
            "height": context.height,
            "frame_rate": None if not rate else str(rate),
            "frames": one.frames or None,
            "pixel_format": context.pix_fmt,
        }
    if one.type == "audio" and context is not None:
        found |= {"sample_rate": context.sample_rate, "channels": context.channels}
    return found


def _rotation(container: Any) -> int | None:
    """Return the clockwise turn, in degrees, that the first frame asks for."""
    if not container.streams.video:
        return None
    try:
        frame = next(container.decode(container.streams.video[0]), None)
    except (OSError, ValueError):  # av's errors: the facts stand without a frame
        return None
    return None if frame is None else round(-frame.rotation) % 360


def _times(tags: Mapping[str, str], streams: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    times = {}
    apple = tags.get("com.apple.quicktime.creationdate")
    if apple:
        times["taken"] = moments.iso_moment(apple)
    for name, tag in (("created", "creation_time"), ("date", "date")):
        if tags.get(tag):
            times[name] = moments.iso_moment(tags[tag], utc_is="assumed")
    for index, one in streams.items():
        if one.get("creation_time"):
            times[f"stream_{index}_created"] = moments.iso_moment(
                one["creation_time"], utc_is="assumed"
            )
    return times


def _place(tags: Mapping[str, str], warnings: list[str]) -> dict[str, Any] | None:
    for name in _PLACES:
        raw = tags.get(name)
        if not raw:
            continue
        point = places.iso_6709(raw)
        found, problem = places.place(
            {name: raw}, point[0] if point else None, point[1] if point else None
        )
        if problem:
            warnings.append(f"No place was taken from {name}: {problem}.")
        elif point and point[2] is not None:
            found["altitude_m"] = point[2]
        return found
    return None
