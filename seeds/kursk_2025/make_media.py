"""Makes the example's media: real files with nothing real in them, each saying so on its face.

    python -m seeds.kursk_2025.make_media [FOLDER]

No person is shown: shapes stand where the report tells of people, strokes where it tells of
writing.  Nothing here reads a clock or a random source, so the same versions of Pillow, PyAV and
numpy give the same bytes; SHA256SUMS beside the files says which bytes were committed.  Times and
places embedded in the pictures are made up, to give the archive's readers something to read.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.container
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from seeds.kursk_2025.plain_pdf import Paragraph, pdf

WORDS = Path(__file__).parent / "words"
MEDIA = Path(__file__).parent / "media"
BAND = "STAND-IN \N{EM DASH} MADE FOR THE EXAMPLE \N{EM DASH} NOT EVIDENCE"
MADE_UP = "The embedded time and place are made up; nobody and nothing real is shown."

YELLOW, BLACK = (255, 216, 26), (0, 0, 0)
VIDEO_SIZE = (640, 360)  # pixels
VIDEO_BAND = 36  # pixels: height of the band at the top of every frame
VIDEO_RATE = 24  # frames a second
VIDEO_SECONDS = 20
SOUND_RATE = 44_100  # samples a second
SPOKEN_SECONDS = 16

Samples = NDArray[np.float32]
Size = tuple[int, int]


@dataclass(frozen=True)
class Shot:
    """What a camera would write into a picture, CIPA DC-008: local time, its offset, position."""

    local_time: str
    offset: str | None
    latitude: Fraction
    longitude: Fraction


def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font that Pillow carries, so that no font of the machine is needed."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError(  # noqa: TRY004 - the build is wrong, no argument is
            "Pillow was built without FreeType, which its default font needs."
        )
    return font


def _width(words: list[str], points: int) -> float:
    """Return the width of the band's words with two letters' room for each dash."""
    font = _font(points)
    return sum(font.getlength(word) for word in words) + 2 * points * (len(words) - 1)


def band(size: Size) -> Image.Image:
    """Return the band that stands across every picture: black on yellow, as wide as the picture."""
    width, height = size
    image = Image.new("RGB", size, YELLOW)
    draw = ImageDraw.Draw(image)
    words = BAND.split(" \N{EM DASH} ")
    points = 8
    while _width(words, points + 1) < 0.96 * width and points + 1 < 0.7 * height:
        points += 1
    x = (width - _width(words, points)) / 2
    for index, word in enumerate(words):
        if index:
            # Pillow's font has no dash of this length, so it is drawn.
            dash = (x - 1.6 * points, height / 2 - 1, x - 0.4 * points, height / 2 + 1)
            draw.rectangle(dash, fill=BLACK)
        draw.text((x, height / 2), word, fill=BLACK, font=_font(points), anchor="lm")
        x += _font(points).getlength(word) + 2 * points
    return image


def _banded(image: Image.Image, *, height: int) -> Image.Image:
    """Put the band over the picture's head and foot."""
    strip = band((image.width, height))
    image.paste(strip, (0, 0))
    image.paste(strip, (0, image.height - height))
    return image


def _degrees(value: Fraction) -> tuple[Fraction, Fraction, Fraction]:
    whole = Fraction(math.floor(value))
    minutes = Fraction(math.floor((value - whole) * 60))
    return whole, minutes, (value - whole - minutes / 60) * 3600


def _exif(shot: Shot, *, description: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = description
    exif[0x010F] = "Stand-in Camera"
    exif[0x0110] = "Stand-in Camera, Example Model"
    exif[0x0112] = 1  # upright
    exif[0x0131] = "Muniment example, make_media.py"
    exif[0x0132] = shot.local_time
    details = exif.get_ifd(0x8769)
    details[0x9003] = details[0x9004] = shot.local_time
    if shot.offset is not None:
        details[0x9010] = details[0x9011] = details[0x9012] = shot.offset
    position = exif.get_ifd(0x8825)
    position[0] = b"\x02\x03\x00\x00"
    position[1], position[2] = "N", _degrees(shot.latitude)
    position[3], position[4] = "E", _degrees(shot.longitude)
    position[18] = "WGS-84"
    return exif


def _paper(size: Size, *, colour: tuple[int, int, int]) -> Image.Image:
    """Return a sheet with a faint grain, a little darker towards its edges, as scanners see it."""
    width, height = size
    across = np.linspace(-1, 1, width)[None, :]
    down = np.linspace(-1, 1, height)[:, None]
    shade = 1 - 0.10 * np.maximum(np.abs(across), np.abs(down)) ** 6
    grain = 1 + 0.012 * np.sin(7 * across * 31 + 3 * np.sin(down * 53)) * np.sin(down * 211)
    pixels = np.array(colour)[None, None, :] * (shade * grain)[:, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGB")


def _strokes(number: int, *, left: float, right: float, base: float) -> Iterator[list[Any]]:
    """Yield the pen strokes of one line: loops like writing, but of no script and no word."""
    x = left
    word = 0
    while x < right - 60:
        length = 40 + 55 * abs(math.sin(1.7 * number + 2.3 * word))
        steps = int(length * 2)
        yield [
            (
                x + length * step / steps + 4 * math.cos(step / 2.9),
                base
                + 9 * math.sin(step / 2.9 + word)
                + 7 * math.sin(step / 9.1 + 3 * number) * math.sin(word + 1)
                + 3 * math.sin((x + step) / 170),
            )
            for step in range(steps)
        ]
        x += length + 22
        word += 1


def written_page() -> Image.Image:
    """Draw the written statement: a lined sheet, a hand's strokes, no legible word."""
    image = _paper((1000, 1400), colour=(243, 238, 224))
    draw = ImageDraw.Draw(image)
    draw.line([(120, 80), (120, 1320)], fill=(214, 150, 150), width=2)
    for number in range(22):
        base = 200 + 48 * number
        draw.line([(60, base + 16), (940, base + 16)], fill=(178, 198, 214), width=1)
        if number in {0, 9, 20}:
            continue
        for stroke in _strokes(number, left=140, right=600 if number == 8 else 920, base=base):
            draw.line(stroke, fill=(38, 44, 92), width=3, joint="curve")
    image = image.rotate(0.6, resample=Image.Resampling.BICUBIC, fillcolor=(120, 118, 112))
    image = image.filter(ImageFilter.GaussianBlur(0.7))
    ImageDraw.Draw(image).text(
        (500, 130),
        "Written statement of POW-A (drawn; it has no words)",
        fill=(90, 90, 90),
        font=_font(26),
        anchor="mm",
    )
    return _banded(image, height=64)


def _card(
    size: Size, *, ground: tuple[int, int, int], heading: str, rows: list[tuple[str, str]]
) -> Image.Image:
    """Draw a document lying on a table: a heading, an empty picture frame, labelled rows."""
    width, height = size
    image = _paper(size, colour=(96, 88, 78))
    draw = ImageDraw.Draw(image)
    sheet = (70, 120, width - 70, height - 120)
    draw.rounded_rectangle(sheet, radius=18, fill=(232, 226, 208), outline=ground, width=10)
    draw.rectangle((80, 130, width - 80, 205), fill=ground)
    draw.text((width / 2, 168), heading, fill=(255, 255, 255), font=_font(32), anchor="mm")
    frame = (120, 250, 340, 540)
    draw.rectangle(frame, fill=(206, 206, 206), outline=(120, 120, 120), width=3)
    draw.line((frame[0], frame[1], frame[2], frame[3]), fill=(120, 120, 120), width=2)
    draw.line((frame[0], frame[3], frame[2], frame[1]), fill=(120, 120, 120), width=2)
    draw.text((230, 395), "NO PICTURE", fill=(60, 60, 60), font=_font(26), anchor="mm")
    for index, (label, value) in enumerate(rows):
        y = 250 + 74 * index
        draw.text((390, y), label, fill=(110, 100, 90), font=_font(20))
        draw.text((390, y + 24), value, fill=(30, 30, 30), font=_font(32))
        draw.line((390, y + 64, width - 110, y + 64), fill=(180, 170, 150), width=1)
    return _banded(image, height=64)


def military_card() -> Image.Image:
    """Draw the Russian military ID card: another man's, his name withheld, from Tuva."""
    return _card(
        (1200, 800),
        ground=(122, 28, 32),
        heading="RUSSIAN MILITARY ID CARD (STAND-IN)",
        rows=[
            ("NAME", "NAME WITHHELD"),
            ("PLACE", "TUVA"),
            ("NUMBER", "NOT KNOWN"),
            ("ISSUED", "NOT KNOWN"),
        ],
    )


def recovered_document(number: int) -> Image.Image:
    """Draw one of the false documents recovered earlier from soldiers who were killed."""
    return _card(
        (1000, 760),
        ground=((52, 70, 110), (60, 92, 64))[number - 1],
        heading=f"RECOVERED DOCUMENT {number} (STAND-IN)",
        rows=[("NAME", "NONE SHOWN"), ("PLACE", "NOT KNOWN"), ("ISSUED", "NOT KNOWN")],
    )


def _cell() -> Image.Image:
    """Draw an empty cell with two bunk beds, in flat shapes."""
    image = Image.new("RGB", VIDEO_SIZE, (126, 134, 138))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 290, 640, 360), fill=(92, 92, 88))
    draw.rectangle((282, 80, 358, 140), fill=(196, 214, 222), outline=(70, 76, 80), width=5)
    for left in (30, 370):
        for post in (left, left + 232):
            draw.rectangle((post, 90, post + 8, 320), fill=(58, 62, 66))
        for level in (150, 262):
            draw.rectangle((left, level, left + 240, level + 14), fill=(150, 120, 84))
            draw.rectangle((left + 6, level - 10, left + 234, level), fill=(206, 206, 196))
    return image


def _lying(draw: ImageDraw.ImageDraw, *, left: int, breath: float, stripe: int) -> None:
    """Draw a shape on a bunk: a disc and a bar, with a white stripe where a dressing would be."""
    top = 226 - breath
    draw.ellipse((left + 14, 216, left + 50, 252), fill=(176, 160, 140))
    draw.rounded_rectangle((left + 54, top, left + 222, 252), radius=14, fill=(88, 104, 96))
    draw.rectangle((left + stripe, top + 8, left + stripe + 16, 252), fill=(244, 244, 240))


def frames() -> Iterator[Image.Image]:
    """Yield the video's frames: the cell, then either bunk marked, then both again."""
    cell = _cell()
    strip = band((VIDEO_SIZE[0], VIDEO_BAND))
    captions = [
        "Scene 1: a cell with two bunk beds",
        "Scene 2: one shape has a stripe at its head",
        "Scene 3: the other has a stripe at its end",
        "Scene 4: both",
    ]
    boxes = [None, (24, 204, 284, 282), (364, 204, 624, 282), None]
    for number in range(VIDEO_RATE * VIDEO_SECONDS):
        second = number / VIDEO_RATE
        scene = int(second // 5)
        image = cell.copy()
        draw = ImageDraw.Draw(image)
        _lying(draw, left=30, breath=3 * math.sin(1.6 * second), stripe=34)
        _lying(draw, left=370, breath=3 * math.sin(1.4 * second + 1), stripe=190)
        box = boxes[scene]
        if box is not None:
            draw.rectangle(box, outline=YELLOW, width=3)
        draw.text((12, 334), captions[scene], fill=(255, 255, 255), font=_font(17))
        clock = f"{int(second):02d}.{number % VIDEO_RATE:02d}"
        draw.text((628, 334), clock, fill=(255, 255, 255), font=_font(17), anchor="ra")
        image.paste(strip, (0, 0))
        yield image


def _time(seconds: float) -> Samples:
    return np.asarray(np.arange(int(seconds * SOUND_RATE)) / SOUND_RATE, dtype=np.float32)


def room_tone() -> Samples:
    """Return the video's sound: a low hum and a soft step at each change of scene."""
    t = _time(VIDEO_SECONDS)
    hum = 0.06 * np.sin(2 * np.pi * 100 * t) + 0.03 * np.sin(2 * np.pi * 150 * t)
    since = t % 5
    step = 0.25 * np.exp(-6 * since) * np.sin(2 * np.pi * 440 * since)
    return np.asarray(hum + step, dtype=np.float32)


#: International Morse code (ITU-R M.1677-1) of the letters needed.
MORSE = {"S": "...", "T": "-", "A": ".-", "N": "-.", "D": "-..", "-": "-....-", "I": ".."}
DOT = 0.055  # seconds


def _keyed(text: str) -> Iterator[tuple[float, bool]]:
    """Yield (seconds, whether the tone is on) of ``text`` in Morse code."""
    for letter in text:
        for sign in MORSE[letter]:
            yield (DOT if sign == "." else 3 * DOT), True
            yield DOT, False
        yield 2 * DOT, False


def spoken_tones() -> Samples:
    """Return the oral statement: "STAND-IN" in Morse code, then two voices without words."""
    parts = [np.zeros(SOUND_RATE // 4, dtype=np.float32)]
    for seconds, sounding in _keyed("STAND-IN"):
        t = _time(seconds)
        edge = np.minimum(1, np.minimum(t, seconds - t) / 0.005)
        parts.append(np.asarray(0.3 * sounding * edge * np.sin(2 * np.pi * 660 * t), np.float32))
    code = np.concatenate(parts)
    t = _time(SPOKEN_SECONDS - code.size / SOUND_RATE)
    # The declarant's turn, then the interpreter's, a fifth higher: two seconds each.
    pitch = np.where((t // 2) % 2 == 0, 130.0, 195.0)
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.06 * np.sin(2 * np.pi * 0.9 * t))) / SOUND_RATE
    voice = np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.25 * np.sin(3 * phase)
    syllables = np.maximum(0, np.sin(2 * np.pi * 2.3 * t)) * np.minimum(1, (t % 2) * 8)
    return np.concatenate([code, np.asarray(0.15 * voice * syllables, np.float32)])


def _sound(
    container: av.container.OutputContainer, samples: Samples, *, bit_rate: int
) -> Iterator[float]:
    """Add an AAC stream and write it block by block; yield the time reached, in seconds."""
    stream = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
    stream.bit_rate = bit_rate
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    yield 0.0
    for start in range(0, samples.size, 1024):
        block = np.ascontiguousarray(samples[None, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate = SOUND_RATE
        frame.pts = start
        frame.time_base = Fraction(1, SOUND_RATE)
        container.mux(stream.encode(frame))
        yield (start + block.shape[1]) / SOUND_RATE
    container.mux(stream.encode(None))


def _tags(title: str) -> dict[str, str]:
    return {"title": f"{BAND}: {title}", "comment": MADE_UP}


def make_video(path: Path) -> None:
    """Write the service's video: H.264 and AAC in MP4, one thread so that its bytes repeat."""
    options = {"fflags": "+bitexact", "movflags": "+faststart"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        container.metadata.update(
            _tags("the service's video") | {"creation_time": "2025-01-11T12:00:00Z"}
        )
        stream = container.add_stream("libx264", rate=VIDEO_RATE)
        stream.width, stream.height = VIDEO_SIZE
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "26", "preset": "medium", "g": "48", "threads": "1"}
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        sound = _sound(container, room_tone(), bit_rate=64_000)
        heard = next(sound)
        for number, image in enumerate(frames()):
            # Sound goes beside its pictures, or a player must read the whole file to start.
            while heard < number / VIDEO_RATE:
                heard = next(sound)
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            frame.pts = number
            frame.time_base = Fraction(1, VIDEO_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for _ in sound:
            pass


def make_speech(path: Path) -> None:
    """Write the oral statement: AAC in an M4A file."""
    options = {"fflags": "+bitexact", "movflags": "+faststart"}
    with av.open(str(path), "w", format="ipod", options=options) as container:
        container.metadata.update(_tags("the oral statement, interpreted; tones only"))
        for _ in _sound(container, spoken_tones(), bit_rate=64_000):
            pass


def _document(name: str, heading: str) -> bytes:
    """Return the words of ``words/NAME.txt`` as a PDF."""
    words = (WORDS / f"{name}.txt").read_text(encoding="utf-8").strip()
    notice = (
        "This file was made for Muniment's example case. It is not the document it stands for; "
        "the words below are our own and quote nobody."
    )
    paragraphs = [
        Paragraph(heading, size=18, bold=True),
        Paragraph(notice, bold=True),
        *(Paragraph(text) for text in words.split("\n\n")),
    ]
    return pdf(paragraphs, title=heading, band=BAND)


def president_post() -> dict[str, Any]:
    """Return the web capture of the post: its frame, and its sense in our own words."""
    return {
        "stand_in": BAND,
        "format": "example web capture 1",
        "platform": "X",
        "account": "the president of Ukraine",
        "url": None,
        "url_note": "The report gives no address.",
        "published": {
            "text": "2025-01-11",
            "precision": "day",
            "offset": None,
            "basis": "claimed: the report speaks of the Saturday",
        },
        "captured": {"at": "2025-01-11T19:40:00+02:00", "basis": "made up for the example"},
        "http_status": None,
        "text": {
            "kind": "paraphrase",
            "language": "en",
            "note": "Our own words for what the report says that the post says; quotes nobody.",
            "sentences": [
                "Two wounded North Korean soldiers were captured in the Kursk region.",
                "They were taken to Kyiv, where they are treated and questioned.",
                "Capture was hard: the wounded are usually killed to hide the involvement.",
                "Journalists are to be given access to the prisoners.",
            ],
        },
        "original_text": None,
        "original_language": "und",
        "replies": None,
        "counts": None,
        "media": [],
        "media_note": "The report does not say whether the post carried images.",
    }


def transcript() -> dict[str, Any]:
    """Return the oral statement's transcript: each segment in each layer of language."""
    korean = [
        "그는 북한군에서 복무했다고 말한다.",
        "그는 싸우러 가는 것이 아니라 훈련하러 가는 줄 알았다고 말한다.",
    ]
    english = [
        "He says that he served in the North Korean army.",
        "He says that he thought that he was being sent to train, not to fight.",
    ]
    return {
        "stand_in": BAND,
        "format": "example transcript 1",
        "statement_file": "oral-statement.m4a",
        "declarant": {"among": ["POW-A", "POW-B"], "which": "undetermined"},
        "layers": [
            {
                "order": 0,
                "language": "ko",
                "mode": "original",
                "mediator": None,
                "original_not_available": True,
                "note": "The report gives no Korean words. These are ours, put back from the "
                "English to show the layer; each segment says so.",
            },
            {
                "order": 1,
                "language": "und",
                "mode": "unknown",
                "mediator": "South Korea's NIS",
                "affiliation_interest": "unknown",
                "note": "The report says that the NIS helps to communicate, but not into which "
                "language, nor how.",
            },
            {
                "order": 2,
                "language": "en",
                "mode": "summary",
                "mediator": "the press, retold by us",
                "affiliation_interest": "unknown",
                "note": "Our own words for the report's.",
            },
        ],
        "segments": [
            {
                "order": number,
                "speaker": "declarant",
                "locator": {"from_seconds": start, "to_seconds": start + 4, "basis": "made up"},
                "texts": [
                    {"layer": 0, "text": original, "basis": "made up: put back from layer 2"},
                    {"layer": 1, "text": None, "basis": "not available"},
                    {"layer": 2, "text": retold, "basis": "report, in our own words"},
                ],
            }
            for number, start, original, retold in zip(
                (0, 1), (5, 10), korean, english, strict=True
            )
        ],
    }


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def texts() -> dict[str, bytes]:
    """Return the files that are made of words: the same bytes on every machine."""
    return {
        "president-post.json": _json(president_post()),
        "oral-statement-transcript.json": _json(transcript()),
        "press-report.pdf": _document("press-report", "Press report, retold (stand-in)"),
        "journalists-access.pdf": _document(
            "journalists-access", "Access for journalists (stand-in)"
        ),
    }


def _make_pictures(folder: Path) -> None:
    kursk = {"latitude": Fraction("51.2"), "longitude": Fraction("35.3")}  # rounded to 0.1 degree
    shots = {
        "written-statement-pow-a.jpg": (
            written_page(),
            Shot("2025:01:11 09:30:00", "+02:00", **kursk),
        ),
        "military-id-card.jpg": (
            military_card(),
            Shot("2025:01:10 14:05:00", "+02:00", **kursk),
        ),
        # This camera did not know its zone: the time must stay a time without one.
        "recovered-document-1.jpg": (
            recovered_document(1),
            Shot("2025:01:05 11:12:13", None, **kursk),
        ),
    }
    for name, (image, shot) in shots.items():
        exif = _exif(shot, description=f"{BAND.replace(chr(0x2014), '-')}. {MADE_UP}")
        image.save(folder / name, "JPEG", quality=80, subsampling=2, exif=exif)
    # A picture that tells nothing of itself, as most that reach an archive.
    recovered_document(2).quantize(64, dither=Image.Dither.NONE).save(
        folder / "recovered-document-2.png", "PNG", optimize=True
    )


def make(folder: Path) -> None:
    """Write all media and their SHA256SUMS into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in texts().items():
        (folder / name).write_bytes(data)
    _make_pictures(folder)
    make_video(folder / "service-video.mp4")
    make_speech(folder / "oral-statement.m4a")
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="ascii")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else MEDIA)
