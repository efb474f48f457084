"""Makes something safe to look at and listen to: decoded and encoded anew, without the metadata.

Pictures become a JPEG; films a poster (JPEG) and a short H.264/AAC film that can be sought; sound
an AAC file.  The bytes go one after the other into the output; the answer says where each lies.
"""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.audio.resampler
import av.container
import av.error
import av.video.reformatter
from PIL import Image

from evidence import films
from evidence.extractors.identification import identify
from evidence.pictures import opened, upright
from evidence.registry import MalformedError, UnsupportedError

PICTURE_SIDE = 1280  # pixels
FILM_SIDE = 640  # pixels
FILM_SECONDS = 180
FILM_RATE = 30  # frames a second, at most
WORK_SECONDS = 90.0  # of computing for one film; what is done by then is the preview
SAMPLE_RATE = 44_100
_TICKS = Fraction(1, 1000)


def make(
    stream: BinaryIO, parameters: Mapping[str, Any], output: BinaryIO | None = None
) -> dict[str, Any]:
    """Write the previews of a file to ``output``; return where each lies and what it is."""
    if output is None:
        raise UnsupportedError("There is nowhere to write a preview to.")
    media_type = identify(stream, parameters)["media_type"]
    stream.seek(0)
    writer = _Writer(output)
    notes: list[str] = []
    if media_type.startswith("image/"):
        if media_type in {"image/heic", "image/heif"}:
            raise UnsupportedError("Pictures in HEIF are not decoded here.")
        with opened(stream) as image:
            writer.add(_jpeg(upright(image, side=PICTURE_SIDE)), "image/jpeg", "thumbnail")
    else:
        _film(stream, writer, notes)
    return {"outputs": writer.outputs, "warnings": notes}


class _Writer:
    """Puts results one after the other into the file that the parent opened."""

    def __init__(self, output: BinaryIO) -> None:
        self._output, self._at = output, 0
        self.outputs: list[dict[str, Any]] = []

    def add(self, content: bytes, media_type: str, derivation: str, **facts: Any) -> None:
        left = memoryview(content)
        while left:
            left = left[self._output.write(left) :]
        self.outputs.append(
            {
                "start": self._at,
                "size": len(content),
                "media_type": media_type,
                "derivation": derivation,
                **facts,
            }
        )
        self._at += len(content)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    # A new picture of the pixels alone: what else hung on the image stays behind.
    clean = Image.frombytes("RGB", image.size, image.tobytes())
    clean.save(out, format="JPEG", quality=82, progressive=True)
    return out.getvalue()


def _film(stream: BinaryIO, writer: _Writer, notes: list[str]) -> None:
    with films.opened(stream) as source:
        pictures = films.pictures(source)
        sounds = list(source.streams.audio)
        if not pictures and not sounds:
            raise UnsupportedError("There is neither a film nor a sound in it.")
        made = _encode(source, pictures[:1], sounds[:1], notes)
    if made.poster is not None:
        writer.add(_jpeg(made.poster), "image/jpeg", "keyframe", at_ms=made.poster_ms)
    if not made.ended_ms:
        raise MalformedError("Nothing in it could be decoded.")
    kind = "video/mp4" if pictures else "audio/mp4"
    writer.add(fast_start(made.content), kind, "transcode", covers_ms=made.ended_ms)


class _Made:
    """What an encoding has come to so far."""

    content = b""
    poster: Image.Image | None = None
    poster_ms = 0
    ended_ms = 0


def _encode(source: Any, pictures: list[Any], sounds: list[Any], notes: list[str]) -> _Made:
    made, file = _Made(), io.BytesIO()
    file.name = "preview.mp4"
    deadline = time.process_time() + WORK_SECONDS
    with av.open(file, mode="w", format="mp4") as target:
        film = _FilmTrack(target, pictures[0], made) if pictures else None
        sound = _SoundTrack(target) if sounds else None
        for frame in films.frames(source, [*pictures, *sounds], notes):
            at = frame.time if frame.time is not None else 0.0
            if at > FILM_SECONDS:
                notes.append(f"The preview covers the first {FILM_SECONDS} s.")
                break
            if time.process_time() > deadline:
                notes.append("The preview ends early: making more of it would take too long.")
                break
            if isinstance(frame, av.VideoFrame) and film is not None:
                film.add(frame, at)
                made.ended_ms = max(made.ended_ms, round(at * 1000) + 1)
            elif isinstance(frame, av.AudioFrame) and sound is not None:
                sound.add(frame)
                made.ended_ms = max(
                    made.ended_ms, round((at + frame.samples / frame.sample_rate) * 1000)
                )
        for track in (film, sound):
            if track is not None:
                track.end()
    made.content = file.getvalue()
    return made


class _FilmTrack:
    """H.264 at most 640 pixels wide or high, turned upright, at most 30 frames a second."""

    def __init__(self, target: Any, source: Any, made: _Made) -> None:
        self._target, self._made = target, made
        self._stream: Any = None
        self._last = -1
        self._turn = 0
        self._half = min(1.0, (source.duration or 0) * float(source.time_base or 0) / 2)

    def add(self, frame: Any, at: float) -> None:
        if self._stream is None:
            self._turn = round(-frame.rotation) % 360
        ticks = round(at * 1000)
        if self._last >= 0 and ticks - self._last < 1000 / FILM_RATE - 2:
            return
        image = self._picture(frame)
        if self._made.poster is None or (at >= self._half and self._made.poster_ms == 0):
            self._made.poster, self._made.poster_ms = image, ticks
        if self._stream is None:
            self._begin(image.size)
        elif image.size != (self._stream.width, self._stream.height):
            image = image.resize((self._stream.width, self._stream.height))
        encoded: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
        encoded.pts, encoded.time_base = ticks, _TICKS
        self._last = ticks
        self._target.mux(self._stream.encode(encoded))

    def _begin(self, size: tuple[int, int]) -> None:
        self._stream = self._target.add_stream(
            "libx264", rate=FILM_RATE, options={"preset": "veryfast", "crf": "27"}
        )
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _TICKS
        self._stream.codec_context.thread_count = 1
        self._stream.codec_context.gop_size = 2 * FILM_RATE

    def _picture(self, frame: Any) -> Image.Image:
        scale = min(1.0, FILM_SIDE / max(frame.width, frame.height))
        width, height = (
            max(2, round(side * scale / 2) * 2) for side in (frame.width, frame.height)
        )
        image: Image.Image = frame.to_image(width=width, height=height)
        if self._turn:
            image = image.rotate(-self._turn, expand=True)
        width, height = (max(2, side - side % 2) for side in image.size)
        return image if (width, height) == image.size else image.crop((0, 0, width, height))

    def end(self) -> None:
        if self._stream is not None:
            self._target.mux(self._stream.encode(None))


class _SoundTrack:
    """AAC at 44.1 kHz, two channels."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._stream = target.add_stream("aac", rate=SAMPLE_RATE, options={"b": "96000"})
        self._stream.layout = "stereo"
        self._stream.codec_context.thread_count = 1
        self._resampler = av.audio.resampler.AudioResampler("fltp", "stereo", SAMPLE_RATE, 1024)

    def add(self, frame: Any) -> None:
        for part in self._resampler.resample(frame):
            self._target.mux(self._stream.encode(part))

    def end(self) -> None:
        for part in self._resampler.resample(None):
            self._target.mux(self._stream.encode(part))
        self._target.mux(self._stream.encode(None))


def fast_start(content: bytes) -> bytes:
    """Move the index of an MP4 to its front, so that a player can seek before it has all.

    The muxer does so only when it can open its own file again, which a confined process can't.
    """
    boxes, at = [], 0
    while at + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        if size == 1:
            size = struct.unpack(">Q", content[at + 8 : at + 16])[0]
        if size < 8 or at + size > len(content):
            raise MalformedError("The preview's own boxes are damaged.")
        boxes.append((kind, content[at : at + size]))
        at += size
    kinds = [kind for kind, _ in boxes]
    if b"moov" not in kinds or kinds.index(b"moov") < kinds.index(b"mdat"):
        return content
    index = bytearray(boxes[kinds.index(b"moov")][1])
    _shift(index, 8, len(index), by=len(index))
    rest = [(kind, box) for kind, box in boxes if kind != b"moov"]
    first = [box for kind, box in rest if kind == b"ftyp"]
    others = [box for kind, box in rest if kind != b"ftyp"]
    return b"".join([*first, bytes(index), *others])


_NESTED = {b"trak", b"mdia", b"minf", b"stbl"}


def _shift(index: bytearray, start: int, end: int, *, by: int) -> None:
    """Add ``by`` to each chunk's offset (stco, co64) within the boxes from start to end."""
    at = start
    while at + 8 <= end:
        size, kind = struct.unpack(">I4s", index[at : at + 8])
        if size < 8:
            return
        if kind in _NESTED:
            _shift(index, at + 8, at + size, by=by)
        elif kind in {b"stco", b"co64"}:
            width, form = (4, ">I") if kind == b"stco" else (8, ">Q")
            count = struct.unpack(">I", index[at + 12 : at + 16])[0]
            for place in range(at + 16, at + 16 + count * width, width):
                moved = struct.unpack(form, index[place : place + width])[0] + by
                index[place : place + width] = struct.pack(form, moved)
        at += size


def warm_up() -> None:
    """Encode and decode a tiny film with sound, so that no module is loaded later."""
    file = io.BytesIO()
    with av.open(file, mode="w", format="mp4") as target:
        film = target.add_stream("libx264", rate=FILM_RATE)
        film.width = film.height = 16
        film.pix_fmt = "yuv420p"
        film.codec_context.thread_count = 1
        sound = target.add_stream("aac", rate=SAMPLE_RATE)
        sound.layout = "stereo"
        for number in range(3):
            grey = Image.new("RGB", (16, 16), "grey")
            frame: Any = av.VideoFrame.from_image(grey)  # type: ignore[no-untyped-call]
            frame.pts = number
            target.mux(film.encode(frame))
        silence = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        silence.sample_rate = SAMPLE_RATE
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        target.mux(sound.encode(silence))
        target.mux(film.encode(None))
        target.mux(sound.encode(None))
    file.seek(0)
    sample = io.BytesIO()
    make(file, {}, sample)
