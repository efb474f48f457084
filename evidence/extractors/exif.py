"""What a camera wrote into a picture (EXIF, CIPA DC-008), raw and read.

``raw`` holds every tag by its printable form and its values; ``parsed`` holds times, place and
device with the basis of each; what contradicts is listed, not resolved.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

import exifread

from evidence.extractors import moments, places
from evidence.registry import MalformedError

# exifread logs what it can't read, once per tag; the answer says it instead.
logging.getLogger("exifread").setLevel(logging.CRITICAL)

_TIMES = {
    "taken": ("EXIF DateTimeOriginal", "EXIF OffsetTimeOriginal", "EXIF SubSecTimeOriginal"),
    "digitised": ("EXIF DateTimeDigitized", "EXIF OffsetTimeDigitized", "EXIF SubSecTimeDigitized"),
    "modified": ("Image DateTime", "EXIF OffsetTime", "EXIF SubSecTime"),
}
_DEVICE = {
    "make": ("Image Make",),
    "model": ("Image Model",),
    "software": ("Image Software",),
    "serial": ("EXIF BodySerialNumber", "MakerNote SerialNumber", "Image CameraSerialNumber"),
    "lens": ("EXIF LensModel",),
}
_A_DAY = 86_400.0


def read(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return all tags raw, and times, place and device as read from them."""
    try:
        tags = exifread.process_file(stream, details=True, extract_thumbnail=False)
    except MemoryError:
        raise
    except Exception as error:  # exifread lets IndexError, EOFError and others out
        raise MalformedError(f"EXIF can't be read: {type(error).__name__}: {error}") from error
    raw = {name: _raw(tag) for name, tag in tags.items() if hasattr(tag, "values")}
    warnings: list[str] = []
    times = {}
    for name, (stamp, zone, fraction) in _TIMES.items():
        if stamp in tags and _text(tags, stamp).strip():
            times[name] = moments.exif_moment(
                _text(tags, stamp), zone=_text(tags, zone), fraction=_text(tags, fraction)
            )
            if times[name]["local"] is None:
                warnings.append(f"{stamp} is no time: {_text(tags, stamp)}")
    gps = _gps(tags, warnings)
    satellite = _satellite_time(tags)
    if satellite is not None:
        times["gps"] = satellite
    _contradictions(times, warnings)
    device = {
        name: value
        for name, keys in _DEVICE.items()
        if (value := next((_text(tags, key).strip() for key in keys if key in tags), ""))
    }
    return {
        "parsed": {
            "times": times,
            "gps": gps,
            "device": device,
            "orientation": _number(tags, "Image Orientation"),
        },
        "raw": raw,
        "warnings": warnings,
    }


def _raw(tag: Any) -> dict[str, Any]:
    values = tag.values
    if isinstance(values, list | tuple):
        if len(values) > 32 and all(isinstance(one, int) and 0 <= one < 256 for one in values):
            # A block of bytes, such as a maker note: kept as such, not as thousands of numbers.
            return {"printable": str(tag.printable), "values": bytes(values)}
        return {"printable": str(tag.printable), "values": [_value(one) for one in values[:512]]}
    return {"printable": str(tag.printable), "values": _value(values)}


def _value(value: Any) -> Any:
    if hasattr(value, "num") and hasattr(value, "den"):
        return f"{value.num}/{value.den}"
    return value if isinstance(value, int | str | bytes) else str(value)


def _text(tags: Mapping[str, Any], name: str) -> str:
    if name not in tags:
        return ""
    values = tags[name].values
    if isinstance(values, bytes):
        values = values.decode("utf-8", "backslashreplace")
    if isinstance(values, str):
        return values.split("\0", 1)[0].rstrip()
    return str(tags[name].printable).strip()


def _numbers(tags: Mapping[str, Any], name: str) -> list[float]:
    numbers = []
    for value in tags[name].values if name in tags else ():
        if hasattr(value, "den"):
            if not value.den:
                return []
            numbers.append(value.num / value.den)
        elif isinstance(value, int):
            numbers.append(float(value))
    return numbers if all(math.isfinite(number) for number in numbers) else []


def _number(tags: Mapping[str, Any], name: str) -> int | None:
    numbers = _numbers(tags, name)
    return int(numbers[0]) if numbers else None


def _gps(tags: Mapping[str, Any], warnings: list[str]) -> dict[str, Any] | None:
    names = [name for name in tags if name.startswith("GPS ")]
    if not any("itude" in name for name in names):
        return None
    raw = {name[4:]: _raw(tags[name]) for name in names}
    latitude = places.degrees(
        _numbers(tags, "GPS GPSLatitude"),
        _text(tags, "GPS GPSLatitudeRef"),
        positive="N",
        negative="S",
    )
    longitude = places.degrees(
        _numbers(tags, "GPS GPSLongitude"),
        _text(tags, "GPS GPSLongitudeRef"),
        positive="E",
        negative="W",
    )
    found, problem = places.place(raw, latitude, longitude)
    if problem:
        warnings.append(f"No place was taken from the GPS tags: {problem}.")
    height = _numbers(tags, "GPS GPSAltitude")
    if height:
        below = _number(tags, "GPS GPSAltitudeRef") == 1
        found["altitude_m"] = -height[0] if below else height[0]
    return found


def _satellite_time(tags: Mapping[str, Any]) -> dict[str, Any] | None:
    """GPSDateStamp and GPSTimeStamp are UTC by definition, and only together a time."""
    date, clock = _text(tags, "GPS GPSDate"), _numbers(tags, "GPS GPSTimeStamp")
    if not date or len(clock) != 3:
        return None
    raw = f"{date} {tags['GPS GPSTimeStamp'].printable}"
    try:
        year, month, day = (int(part) for part in date.replace("-", ":").split(":"))
        found = datetime(year, month, day, int(clock[0]), int(clock[1]), int(clock[2]), tzinfo=UTC)
    except ValueError:
        return moments.moment(raw, None, "unknown")
    return moments.moment(raw, found, "utc")


def _contradictions(times: Mapping[str, dict[str, Any]], warnings: list[str]) -> None:
    taken, modified, gps = (times.get(name) for name in ("taken", "modified", "gps"))
    if taken and modified and taken["local"] and modified["local"]:
        # To the second: one tag may carry a fraction that the other lacks.
        is_earlier = modified["local"][:19] < taken["local"][:19]
        if is_earlier and taken["zone_basis"] == modified["zone_basis"]:
            warnings.append("The picture was changed before it was taken, by its own times.")
    if taken and gps and taken["local"] and gps["instant"]:
        here = datetime.fromisoformat(taken["local"])
        there = datetime.fromisoformat(gps["local"])
        apart = abs((here - there).total_seconds())
        if taken["instant"]:
            apart = abs(
                (
                    datetime.fromisoformat(taken["instant"])
                    - datetime.fromisoformat(gps["instant"])
                ).total_seconds()
            )
        if apart > _A_DAY:
            warnings.append("The camera's clock and the satellite's differ by more than a day.")
