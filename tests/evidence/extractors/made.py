"""Files that the tests make themselves."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from fractions import Fraction

import av
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from evidence import sandbox
from evidence.fingerprints import blocks


def scene(width: int = 640, height: int = 480, seed: int = 7) -> Image.Image:
    """A picture with something in it: clouds and a few shapes, the same for one seed."""
    random = np.random.default_rng(seed)
    values = np.zeros((height, width, 3), np.float32)
    for cells in (4, 8, 16, 32):
        noise = random.random((cells, cells, 3)).astype(np.float32)
        layer = Image.fromarray((noise * 255).astype(np.uint8)).resize((width, height), 3)
        values += np.asarray(layer, np.float32) / cells**0.7
    values -= values.min()
    return Image.fromarray((values / values.max() * 255).astype(np.uint8))


def jpeg(image=None, *, tags=None, exif=None, gps=None):
    """A JPEG with EXIF: tags of the first IFD, of the EXIF IFD and of the GPS IFD, by number."""
    image = image or scene(160, 120)
    data = Image.Exif()
    for number, value in (tags or {}).items():
        data[number] = value
    if exif:
        data.get_ifd(0x8769).update(exif)
    if gps:
        data.get_ifd(0x8825).update(gps)
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=92, exif=data)
    return out.getvalue()


def gps_tags(latitude, north, longitude, east):
    """The GPS IFD for a position in degrees, minutes and seconds."""
    tags = {}
    if latitude is not None:
        tags |= {1: north, 2: tuple(IFDRational(*part) for part in latitude)}
    if longitude is not None:
        tags |= {3: east, 4: tuple(IFDRational(*part) for part in longitude)}
    return tags


def film(
    seconds: int = 2,
    *,
    size: tuple[int, int] = (320, 180),
    rate: int = 10,
    sound: bool = True,
    **tags: str,
) -> bytes:
    """An MP4 with H.264 and AAC."""
    out = io.BytesIO()
    out.name = "made.mp4"
    options = {"movflags": "use_metadata_tags"} if any("." in name for name in tags) else {}
    with av.open(out, mode="w", format="mp4", options=options) as target:
        target.metadata.update(tags)
        picture = target.add_stream("libx264", rate=rate)
        picture.width, picture.height = size
        picture.pix_fmt = "yuv420p"
        track = target.add_stream("aac", rate=44_100) if sound else None
        for number in range(seconds * rate):
            frame = av.VideoFrame.from_image(scene(*size, seed=number // rate))
            frame.pts, frame.time_base = number, Fraction(1, rate)
            target.mux(picture.encode(frame))
        target.mux(picture.encode(None))
        if track is not None:
            for number in range(seconds * 43):
                wave = np.sin(np.arange(1024) / 20 + number).astype(np.float32) * 0.3
                frame = av.AudioFrame.from_ndarray(wave[None, :], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 44_100, number * 1024
                target.mux(track.encode(frame))
            target.mux(track.encode(None))
    return out.getvalue()


def png_bomb(side=15_000):
    """A PNG of a few kilobytes that says it has side x side pixels."""
    out = io.BytesIO()
    Image.new("1", (8, 8)).save(out, format="PNG")
    data = bytearray(out.getvalue())
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def parts(tool, content):
    """Run a tool for fingerprints that hands over many; return its outcome and what it wrote."""
    with tempfile.TemporaryFile() as output:
        outcome = ask(tool, content, output=output)
        result = outcome.result or {}
        return outcome, list(blocks.read(result.get("parts", []), output))


def ask(tool, content, *, output=None, **parameters):
    """Run a tool of the product over ``content`` in the sandbox."""
    return sandbox.run(tool, io.BytesIO(content), parameters=parameters, output=output)


def refilmed(content, change=lambda image: image, *, begin=0.0, end=1e9, crf=23, turn=0):
    """Another film of the same pictures: each changed, those from begin to end (s), encoded anew.

    ``turn`` is written into it, in degrees against the clock, as a telephone does.
    """
    out = io.BytesIO()
    first = None
    with (
        av.open(io.BytesIO(content)) as source,
        av.open(out, mode="w", format="mp4") as target,
    ):
        picture = None
        for frame in source.decode(source.streams.video[0]):
            if not begin <= frame.time < end:
                continue
            first = frame.time if first is None else first
            image = change(frame.to_image())
            if picture is None:
                options = {"crf": str(crf), "preset": "veryfast"}
                picture = target.add_stream("libx264", rate=25, options=options)
                picture.width, picture.height = (side - side % 2 for side in image.size)
                picture.pix_fmt = "yuv420p"
                picture.codec_context.time_base = Fraction(1, 1000)
            size = (picture.width, picture.height)
            new = av.VideoFrame.from_image(image.resize(size))
            new.pts, new.time_base = round((frame.time - first) * 1000), Fraction(1, 1000)
            target.mux(picture.encode(new))
        target.mux(picture.encode(None))
    return turned(out.getvalue(), turn) if turn else out.getvalue()


def turned(content, degrees):
    """Say in an MP4's track header that it is to be shown so many degrees with the clock."""
    sines = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    one = 0x00010000
    a, b, c, d = (value * one for value in sines[degrees])
    upright = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 0x40000000)
    assert content.count(upright) >= 2  # the film's own (mvhd) and the track's (tkhd)
    at = content.index(upright, content.index(b"tkhd"))
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    return content[:at] + matrix + content[at + len(matrix) :]
