"""A film or a recording at a glance: frames from its whole length, and how loud it is where."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

import av
import av.audio.resampler
import av.error
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evidence import films
from evidence.registry import UnsupportedError

FRAMES = 8  # evenly over the whole length
COLUMNS = 4
WIDE = 320  # pixels of one frame
WAVE = (1_280, 160)  # pixels
RATE = 8_000  # samples a second
SECONDS = 6 * 3_600  # of sound that are looked at
_LINE = 18  # pixels for the time below a frame
_INK, _PAPER = (31, 74, 122), (246, 247, 249)
_A_SECOND = 1_000_000  # of FFmpeg's own time base


def make(
    stream: BinaryIO, _parameters: Mapping[str, Any], output: BinaryIO | None = None
) -> dict[str, Any]:
    """Write a contact sheet and a waveform to ``output``; return where each lies."""
    if output is None:
        raise UnsupportedError("There is nowhere to write an overview to.")
    notes: list[str] = []
    made: list[tuple[str, Image.Image]] = []
    with films.opened(stream) as source:
        if pictures := films.pictures(source):
            sheet = _sheet(_chosen(source, pictures[0], notes))
            made += [("contact sheet", sheet)] if sheet is not None else []
    stream.seek(0)
    with films.opened(stream) as source:
        if source.streams.audio:
            made.append(("waveform", _drawn(_peaks(source, notes))))
    if not made:
        raise UnsupportedError("There is neither a film nor a sound in it.")
    outputs, at = [], 0
    for derivation, image in made:
        content = io.BytesIO()
        image.save(content, format="JPEG", quality=85)
        output.write(content.getvalue())
        outputs.append(
            {
                "start": at,
                "size": len(content.getvalue()),
                "media_type": "image/jpeg",
                "derivation": derivation,
            }
        )
        at += len(content.getvalue())
    return {"outputs": outputs, "warnings": notes}


def _chosen(source: Any, stream: Any, notes: list[str]) -> list[tuple[float, Image.Image]]:
    """Return frames with their seconds; where one can't be reached, it is left out and said."""
    length = (source.duration or 0) / _A_SECOND
    begin = (source.start_time or 0) / _A_SECOND
    found: list[tuple[float, Image.Image]] = []
    for number in range(FRAMES):
        wanted = begin + length * (number + 0.5) / FRAMES
        try:
            source.seek(int(wanted * _A_SECOND))
            frame = next((one for one in source.decode(stream) if (one.time or 0) >= wanted), None)
        except (av.error.FFmpegError, OSError, ValueError):
            frame = None
        if frame is None:
            notes.append(f"The frame at {wanted - begin:.0f} s could not be reached.")
            continue
        image = frame.to_image(width=WIDE, height=max(2, round(WIDE * frame.height / frame.width)))
        turned = image.rotate(round(frame.rotation), expand=True) if frame.rotation else image
        found.append(((frame.time or 0) - begin, turned))
    return found


def _sheet(frames: list[tuple[float, Image.Image]]) -> Image.Image | None:
    if not frames:
        return None
    width = max(image.width for _, image in frames)
    height = max(image.height for _, image in frames) + _LINE
    rows = -(-len(frames) // COLUMNS)
    sheet = Image.new("RGB", (width * min(COLUMNS, len(frames)), height * rows), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, (seconds, image) in enumerate(frames):
        x, y = number % COLUMNS * width, number // COLUMNS * height
        sheet.paste(image, (x + (width - image.width) // 2, y))
        minutes, rest = divmod(round(seconds), 60)
        draw.text((x + 4, y + height - _LINE + 2), f"{minutes}:{rest:02}", fill=_INK, font=font)
    return sheet


def _peaks(source: Any, notes: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the loudest sample, 0 to 1, of each twentieth of a second of the first sound."""
    resampler = av.audio.resampler.AudioResampler("s16", "mono", RATE, RATE // 20)
    peaks: list[float] = []
    for frame in films.frames(source, [source.streams.audio[0]], notes):
        peaks += [_peak(part) for part in resampler.resample(frame)]
        if len(peaks) > SECONDS * 20:
            notes.append(f"Only the first {SECONDS} s of the sound were looked at.")
            break
    peaks += [_peak(part) for part in resampler.resample(None)]
    return np.array(peaks, np.float32)


def _peak(frame: Any) -> float:
    return float(np.abs(frame.to_ndarray().astype(np.int32)).max(initial=0)) / 32_768


def _drawn(peaks: np.ndarray[Any, np.dtype[np.float32]]) -> Image.Image:
    width, height = WAVE
    image = Image.new("RGB", WAVE, _PAPER)
    draw = ImageDraw.Draw(image)
    for x in range(width) if len(peaks) else ():
        begin = x * len(peaks) // width
        loudest = peaks[begin : max(begin + 1, (x + 1) * len(peaks) // width)].max()
        half = max(0.5, float(loudest) * (height / 2 - 4))
        draw.line((x, height / 2 - half, x, height / 2 + half), fill=_INK)
    return image


def warm_up() -> None:
    """Have the drawing library load its font."""
    ImageFont.load_default(12)
