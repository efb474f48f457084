"""Makes a rendition without chosen regions, passages and sound; the original is not touched.

Everything is decoded and encoded anew, so that nothing of the original's file is in it but what is
seen and heard: no metadata, no layers, no text under a black box.  A region is filled, or blurred
to at most six averages a side, of which no face, letter or badge can be made again.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO, cast

import av
import av.audio.resampler
import av.filter
import numpy as np
import numpy.typing as npt
from PIL import Image

from evidence import documents, films
from evidence.extractors import preview
from evidence.extractors.identification import identify
from evidence.pictures import opened, upright
from evidence.registry import LimitError, MalformedError, UnsupportedError

WHOLE = 1_000  # the length of each side, in which regions are given
SIDE = 10_000  # pixels; a picture keeps its size up to that
FILM_SIDE = 1_920  # pixels
CELLS = 6  # averages a side that are left of a blurred region
RATE = 44_100
LOWER = 0.75  # the pitch of shifted voices, of what it was
PAGES = 200
PAGE_DPI = 150
PAGE_SIDE = 6_000  # pixels
TEXT = 16 * 2**20  # bytes
_TICKS = Fraction(1, 1_000)
_GONE = "\N{FULL BLOCK}"
STYLES = ("fill", "blur")
SOUNDS = ("mute", "lower", "keep")

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Region:
    """A part of the picture, in thousandths of its sides, and when or where it is hidden."""

    left: int
    top: int
    right: int
    bottom: int
    style: str = "fill"
    from_ms: int = 0
    until_ms: int | None = None
    page: int | None = None

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Region:
        """Read a region.  Raises MalformedError for one that hides nothing."""
        found = cls(**{name: said[name] for name in cls.__dataclass_fields__ if name in said})
        sides = (found.left, found.top, found.right, found.bottom)
        if not all(isinstance(one, int) and 0 <= one <= WHOLE for one in sides):
            raise MalformedError("A region's sides are whole numbers from 0 to 1000.")
        if found.left >= found.right or found.top >= found.bottom or found.style not in STYLES:
            raise MalformedError("A region hides nothing, or in a way that there is not.")
        return found

    def is_shown_at(self, at_ms: float) -> bool:
        """Say whether it hides at this moment of a film."""
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)

    def hide(self, pixels: Pixels) -> None:
        """Take what is in the region out of a picture; outward to whole pixels."""
        height, width = pixels.shape[:2]
        top, bottom = self.top * height // WHOLE, -(-self.bottom * height // WHOLE)
        left, right = self.left * width // WHOLE, -(-self.right * width // WHOLE)
        part = pixels[top:bottom, left:right]
        if not part.size:
            return
        if self.style == "fill":
            part[:] = 0
            return
        rows, columns = (min(CELLS, side) for side in part.shape[:2])
        for some in np.array_split(np.arange(part.shape[0]), rows):
            for others in np.array_split(np.arange(part.shape[1]), columns):
                cell = part[some[0] : some[-1] + 1, others[0] : others[-1] + 1]
                cell[:] = cell.mean(axis=(0, 1)).round().astype(np.uint8)


def make(
    stream: BinaryIO, parameters: Mapping[str, Any], output: BinaryIO | None = None
) -> dict[str, Any]:
    """Write the rendition to ``output``; return its type and what was hidden."""
    if output is None or "redaction" not in parameters:
        raise UnsupportedError("Nothing is to be hidden.")
    said = parameters["redaction"]
    regions = [Region.read(one) for one in said.get("regions", [])]
    sound, phrases = said.get("sound", "mute"), list(said.get("phrases", []))
    if sound not in SOUNDS:
        raise MalformedError("Sound is muted, lowered or kept.")
    media_type = identify(stream, parameters)["media_type"]
    stream.seek(0)
    notes: list[str] = []
    if media_type.startswith("image/"):
        content, made = _picture(stream, regions), "image/png"
    elif media_type == "application/pdf":
        content, made = _pages(stream, regions), "application/pdf"
    elif media_type.startswith("text/"):
        content, made = _text(stream, phrases), "text/plain"
    elif media_type.startswith(("video/", "audio/")) or media_type == "application/ogg":
        content, made, notes = _film(stream, regions, sound)
    else:
        raise UnsupportedError(f"Renditions of {media_type} are not made.")
    output.write(content)
    return {
        "size": len(content),
        "media_type": made,
        "hidden": {"regions": len(regions), "phrases": len(phrases), "sound": sound},
        "warnings": notes,
        "basis": "decoded and encoded anew, without metadata",
    }


def _picture(stream: BinaryIO, regions: Sequence[Region]) -> bytes:
    if not regions:
        raise UnsupportedError("Mark at least one region of the picture.")
    with opened(stream) as image:
        pixels = np.array(upright(image, side=SIDE))
    return _png(_hidden(pixels, regions))


def _hidden(pixels: Pixels, regions: Sequence[Region]) -> Pixels:
    for region in regions:
        region.hide(pixels)
    return pixels


def _png(pixels: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return out.getvalue()


def _pages(stream: BinaryIO, regions: Sequence[Region]) -> bytes:
    """Draw the pages anew: what lay under a region is in no layer of the rendition."""
    if not regions:
        raise UnsupportedError("Mark at least one region of a page.")
    drawn = []
    with documents.opened(stream) as document:
        if len(document) > PAGES:
            raise LimitError("pages", f"A document of more than {PAGES} pages is not redacted.")
        for number, page in enumerate(document, start=1):
            scale = min(PAGE_DPI / 72, PAGE_SIDE / max(1.0, *page.get_size()))
            image = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
            here = [one for one in regions if one.page in {None, number}]
            drawn.append(Image.fromarray(_hidden(np.array(image), here)))
    if not drawn:
        raise MalformedError("The document has no page.")
    out = io.BytesIO()
    drawn[0].save(out, format="PDF", resolution=PAGE_DPI, save_all=True, append_images=drawn[1:])
    return out.getvalue()


def _text(stream: BinaryIO, phrases: Sequence[str]) -> bytes:
    if not phrases:
        raise UnsupportedError("Name at least one passage that is to go.")
    content = stream.read(TEXT + 1)
    if len(content) > TEXT:
        raise LimitError("size", f"A text of more than {TEXT} bytes is not redacted.")
    text = unicodedata.normalize("NFC", content.decode("utf-8-sig", "replace"))
    missing = []
    for phrase in (unicodedata.normalize("NFC", one) for one in phrases):
        # However its words are spaced and in whichever case: a name in capitals is one, too.
        words = r"\s+".join(re.escape(word) for word in phrase.split())
        text, number = re.subn(words, _GONE * 8, text, flags=re.IGNORECASE)
        if not number:
            missing.append(phrase)
    if missing:
        raise MalformedError(
            f"{len(missing)} of the passages are not in the text. Nothing was made."
        )
    return text.encode()


def _film(stream: BinaryIO, regions: Sequence[Region], sound: str) -> tuple[bytes, str, list[str]]:
    file = io.BytesIO()
    notes: list[str] = []
    with films.opened(stream) as source:
        pictures = films.pictures(source)
        sounds = list(source.streams.audio)[:1] if sound != "mute" else []
        if not pictures and not sounds:
            raise UnsupportedError("Nothing of it would be left.")
        if pictures and not regions and sound == "keep":
            raise UnsupportedError("Mark at least one region, or have the sound changed.")
        with av.open(file, mode="w", format="mp4") as target:
            film = _Picture(target, regions) if pictures else None
            track = _Sound(target, sounds[0], sound) if sounds else None
            for frame in films.frames(source, [*pictures[:1], *sounds], notes):
                if isinstance(frame, av.VideoFrame) and film is not None:
                    film.add(frame)
                elif track is not None:
                    track.add(frame)
            if film is not None:
                film.end()
            if track is not None:
                track.end()
    if film is not None and film.black:
        notes.append(f"{film.black} frames could not be decoded whole; they are black.")
    media_type = "video/mp4" if pictures else "audio/mp4"
    return preview.fast_start(file.getvalue()), media_type, notes


class _Picture:
    """Frames with their regions hidden, encoded anew."""

    def __init__(self, target: Any, regions: Sequence[Region]) -> None:
        self._target, self._regions = target, regions
        self._stream: Any = None
        self._turn, self._start, self._last = 0, 0.0, -1
        self.black = 0  # frames of which the decoder made up a part

    def add(self, frame: Any) -> None:
        if frame.time is None:
            raise MalformedError("A frame does not say when it is shown.")
        if self._stream is None:
            self._turn, self._start = round(-frame.rotation) % 360, frame.time
        at_ms = round((frame.time - self._start) * 1_000)
        if at_ms <= self._last:
            at_ms = self._last + 1
        pixels = self._pixels(frame)
        if self._stream is None:
            self._begin(pixels)
        if pixels.shape[1::-1] != (self._stream.width, self._stream.height):
            raise MalformedError("The film changes its size; regions would lie elsewhere.")
        if frame.is_corrupt:
            # What a decoder makes up may be a face out of another frame, where no region is.
            pixels[:] = 0
            self.black += 1
        for region in self._regions:
            if region.is_shown_at(at_ms):
                region.hide(pixels)
        made: Any = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        made.pts, made.time_base, self._last = at_ms, _TICKS, at_ms
        self._target.mux(self._stream.encode(made))

    def _pixels(self, frame: Any) -> Pixels:
        scale = min(1.0, FILM_SIDE / max(frame.width, frame.height))
        size = [max(2, round(side * scale / 2) * 2) for side in (frame.width, frame.height)]
        image: Image.Image = frame.to_image(width=size[0], height=size[1])
        if self._turn:
            image = image.rotate(-self._turn, expand=True)
        return np.array(image)

    def _begin(self, pixels: Pixels) -> None:
        self._stream = self._target.add_stream(
            "libx264", rate=30, options={"preset": "veryfast", "crf": "20"}
        )
        self._stream.width, self._stream.height = pixels.shape[1], pixels.shape[0]
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _TICKS
        self._stream.codec_context.thread_count = 1

    def end(self) -> None:
        if self._stream is None:
            raise MalformedError("No frame of it could be decoded.")
        self._target.mux(self._stream.encode(None))


class _Sound:
    """Sound as it was, or with voices lower, encoded anew."""

    def __init__(self, target: Any, source: Any, way: str) -> None:
        self._target = target
        self._stream = target.add_stream("aac", rate=RATE, options={"b": "128000"})
        self._stream.layout = "stereo"
        self._stream.codec_context.thread_count = 1
        steps = [("aresample", str(RATE))]
        if way == "lower":
            steps += [
                ("asetrate", str(round(RATE * LOWER))),
                ("aresample", str(RATE)),
                ("atempo", str(1 / LOWER)),
            ]
        self._graph: Any = av.filter.Graph()
        self._begin = last = self._graph.add_abuffer(template=source)
        for name, arguments in steps:
            step = self._graph.add(name, arguments)
            last.link_to(step)
            last = step
        self._end = self._graph.add("abuffersink")
        last.link_to(self._end)
        self._graph.configure()
        self._resampler = av.audio.resampler.AudioResampler("fltp", "stereo", RATE, 1024)

    def add(self, frame: Any) -> None:
        self._begin.push(frame)
        self._pull()

    def _pull(self) -> None:
        while True:
            try:
                frame = self._end.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            frame.pts = None
            for part in self._resampler.resample(cast("av.AudioFrame", frame)):
                self._target.mux(self._stream.encode(part))

    def end(self) -> None:
        self._begin.push(None)
        self._pull()
        for part in self._resampler.resample(None):
            self._target.mux(self._stream.encode(part))
        self._target.mux(self._stream.encode(None))


def warm_up() -> None:
    """Make a tiny rendition of each kind, so that no module is loaded later."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    image = Image.fromarray(pixels)
    image.save(io.BytesIO(), format="PDF", resolution=PAGE_DPI)
    _png(pixels)
    av.filter.Graph()
