"""Hostile and broken files, made anew each time: the same ones for the same seed."""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.evidence.extractors.made import film, gps_tags, jpeg, png_bomb, scene
from tests.evidence.signed import Authority
from tests.evidence.sounds import recording, speech

SEEDS = Path(__file__).resolve().parents[2] / "seeds" / "kursk_2025" / "media"


def _picture(name: str, **more) -> bytes:
    out = io.BytesIO()
    scene(96, 72, seed=5).save(out, format=name, **more)
    return out.getvalue()


def _tagged() -> bytes:
    made: bytes = jpeg(
        scene(96, 72),
        tags={271: "Maker", 272: "Model", 306: "2025:01:11 10:00:00"},
        exif={36867: "2025:01:11 10:00:00", 36881: "+03:00"},
        gps=gps_tags(((51, 1), (7, 1), (30, 1)), "N", ((35, 1), (12, 1), (1, 1)), "E"),
    )
    return made


#: Whole files of each kind that is read, from which broken ones are made.
WHOLE: dict[str, Callable[[], bytes]] = {
    "picture.jpg": _tagged,
    "signed.jpg": lambda: Authority().signed(_tagged()),
    "picture.png": lambda: _picture("PNG"),
    "picture.gif": lambda: _picture("GIF"),
    "picture.webp": lambda: _picture("WEBP"),
    "picture.tif": lambda: _picture("TIFF", compression="tiff_lzw"),
    "picture.bmp": lambda: _picture("BMP"),
    "picture.avif": lambda: _picture("AVIF"),
    "film.mp4": lambda: film(1, size=(160, 90)),
    "film.mkv": lambda: _film("matroska"),
    "film.ts": lambda: _film("mpegts"),
    "sound.wav": lambda: recording(speech(1, 3)),
    "sound.mp3": lambda: recording(speech(1, 3), "mp3", "mp3", bit_rate=64_000),
    "sound.ogg": lambda: recording(speech(1, 3), "libopus", "ogg", rate=48_000),
    "sound.flac": lambda: recording(speech(1, 3), "flac", "flac"),
    "document.pdf": (SEEDS / "press-report.pdf").read_bytes,
    "scan.pdf": lambda: _picture("PDF"),
    "post.json": (SEEDS / "president-post.json").read_bytes,
    "statement.txt": lambda: "Він сказав, що не знав, куди їде. ".encode() * 40,
}


def _film(form: str) -> bytes:
    out = io.BytesIO()
    with av.open(io.BytesIO(film(1, size=(160, 90)))) as source, av.open(out, "w", form) as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return out.getvalue()


@cache
def whole(name: str) -> bytes:
    """Return a whole file; each is made once."""
    return WHOLE[name]()


def _cut(content: bytearray, chance: random.Random) -> bytearray:
    return content[: chance.randrange(len(content))]


def _turned(content: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice([1, 3, 10, 100])):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return content


def _turned_early(content: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice([1, 2, 5, 20])):
        content[chance.randrange(min(len(content), 512))] = chance.choice([0, 1, 127, 128, 255])
    return content


def _lengths(content: bytearray, chance: random.Random) -> bytearray:
    """Numbers that may be lengths or offsets become very large, negative or nothing."""
    for _ in range(chance.choice([1, 2, 4])):
        at = chance.randrange(max(1, len(content) - 4))
        extreme = chance.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE])
        content[at : at + 4] = struct.pack(chance.choice([">I", "<I"]), extreme)
    return content


def _moved(content: bytearray, chance: random.Random) -> bytearray:
    begin, to = chance.randrange(len(content)), chance.randrange(len(content))
    length = chance.randrange(1, 4096)
    piece = content[begin : begin + length]
    return content[:to] + piece * chance.choice([1, 2, 50]) + content[to:]


def _emptied(content: bytearray, chance: random.Random) -> bytearray:
    begin = chance.randrange(len(content))
    length = min(chance.randrange(1, 8192), len(content) - begin)
    content[begin : begin + length] = bytes(length)
    return content


def _joined(content: bytearray, chance: random.Random) -> bytearray:
    other = whole(chance.choice(sorted(WHOLE)))
    return content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]


_ACTS = (_cut, _turned, _turned_early, _lengths, _moved, _emptied, _joined)


def mutated(name: str, number: int) -> bytes:
    """Return a broken file made of a whole one; the same for the same number."""
    chance = random.Random(f"{name} {number}")
    content = bytearray(whole(name))
    for act in chance.sample(_ACTS, chance.choice([1, 1, 1, 2, 3])):
        if content:
            content = act(content, chance)
    return bytes(content)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _nested_boxes(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = _box(b"moov", inner)
    return _box(b"ftyp", b"isom\0\0\2\0isomiso2") + inner


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def _png_text_bomb() -> bytes:
    squeezed = zlib.compress(bytes(300 * 2**20), 9)
    head = _picture("PNG")
    return head[:33] + _chunk(b"zTXt", b"Comment\0\0" + squeezed) + head[33:]


def _png_pixels_bomb() -> bytes:
    out = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(out, format="PNG", optimize=False)
    return out.getvalue()


def _circle_of_directories() -> bytes:
    """A TIFF whose directories follow one another for ever, as do those within them."""
    first = struct.pack("<HHHIIHHIII", 2, 0x8769, 4, 1, 8, 0x8825, 4, 1, 8, 8)
    return b"II*\0" + struct.pack("<I", 8) + first


def _many_directories() -> bytes:
    directories = (struct.pack("<HI", 0, 8 + 6 * (number + 1)) for number in range(20_000))
    return b"II*\0" + struct.pack("<I", 8) + b"".join(directories)


def _huge_count() -> bytes:
    entry = struct.pack("<HHII", 0x010E, 2, 0xFFFFFFF0, 26)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + bytes(64)


def _large_film() -> bytes:
    out = io.BytesIO()
    with av.open(out, mode="w", format="mp4") as target:
        stream = target.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        stream.width = stream.height = 8192
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(
            np.zeros((8192 * 3 // 2, 8192), np.uint8), format="yuv420p"
        )
        target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()


def _pdf(objects: list[str], trailer: str = "") -> bytes:
    out, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{one}\nendobj\n".encode("latin-1")
    at = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer <</Size {len(objects) + 1} /Root 1 0 R {trailer}>>\n".encode()
    return out + f"startxref\n{at}\n%%EOF\n".encode()


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


#: A form that draws itself.
_FORM = (
    "<</Type/XObject /Subtype/Form /BBox [0 0 9 9] /Length 5 "
    "/Resources <</XObject <</X 5 0 R>>>>>>\nstream\n/X Do\nendstream"
)


def crafted(port: int) -> Iterator[tuple[str, bytes]]:
    """Return files that were made to hurt; those that name an address name that port of ours."""
    address = f"http://127.0.0.1:{port}"
    page = "<</Type/Page /Parent 2 0 R /MediaBox [0 0 {w} {h}] {more}>>"
    catalog = "<</Type/Catalog /Pages 2 0 R {more}>>"
    pages = "<</Type/Pages /Kids [3 0 R] /Count 1>>"

    def of_page(w="200", h="200", more="", root="", rest=()):
        return _pdf([catalog.format(more=root), pages, page.format(w=w, h=h, more=more), *rest])

    yield "empty.bin", b""
    yield "one.bin", b"\xff"
    yield "bomb.png", png_bomb()
    yield "pixels.png", _png_pixels_bomb()
    yield "text.png", _png_text_bomb()
    yield "circle.tif", _circle_of_directories()
    yield "many.tif", _many_directories()
    yield "count.tif", _huge_count()
    yield (
        "exif-circle.jpg",
        b"\xff\xd8\xff\xe1"
        + struct.pack(">H", 8 + len(_circle_of_directories()))
        + b"Exif\0\0"
        + _circle_of_directories()
        + _picture("JPEG")[2:],
    )
    yield "large.mp4", _large_film()
    yield "nested.mp4", _nested_boxes(1_000)
    yield "deep.mp4", _nested_boxes(20_000)
    yield "endless.mp4", _box(b"ftyp", b"isom\0\0\2\0") + struct.pack(">I4s", 0, b"mdat") * 5_000
    yield "riff.wav", b"RIFF\xff\xff\xff\xffWAVE" + b"LIST\0\0\0\0" * 50_000
    riff = b""
    for _ in range(1_000):
        riff = b"RIFF" + struct.pack("<I", len(riff) + 4) + b"WAVE" + riff
    yield "nested.wav", riff
    yield "playlist.mp4", f"#EXTM3U\n#EXTINF:1,\n{address}/a.ts\n#EXT-X-ENDLIST\n".encode()
    yield "net.m3u8", f"#EXTM3U\n#EXTINF:1,\n{address}/b.ts\n#EXT-X-ENDLIST\n".encode()
    yield "secrets.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    yield "concat.txt", f"ffconcat version 1.0\nfile '{address}/c.mp4'\n".encode()
    yield (
        "manifest.mpd",
        (
            f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">'
            f"<Period><AdaptationSet><Representation><BaseURL>{address}/d.mp4</BaseURL></Representation></AdaptationSet>"
            f"</Period></MPD>"
        ).encode(),
    )
    yield "session.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 9 RTP/AVP 96\n"
    yield (
        "outside.svg",
        (
            f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "{address}/e">]>'
            f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{address}/f"/>&x;</svg>'
        ).encode(),
    )
    laughs = "".join(f'<!ENTITY l{number} "{f"&l{number - 1};" * 10}">' for number in range(1, 12))
    billion = f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY l0 "ha">{laughs}]><l>&l11;</l>'
    yield "laughs.xml", billion.encode()
    packet = f"<?xpacket begin=''?>{billion[21:]}<?xpacket end='w'?>".encode()
    yield (
        "laughs.jpg",
        b"\xff\xd8\xff\xe1"
        + struct.pack(">H", len(packet) + 31)
        + (b"http://ns.adobe.com/xap/1.0/\0" + packet + _picture("JPEG")[2:]),
    )
    yield "page.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n"
    yield "deep.json", b"[" * 200_000
    yield "wide.json", json.dumps({"a" * 50: ["b"] * 300_000}).encode()
    yield "numbers.json", b"[" + b"9" * 1_000_000 + b"]"
    yield "zeros.txt", b"\0" * 1_000_000
    yield "line.txt", b"a" * 4_000_000
    yield "marks.txt", ("e" + "\u0301" * 100_000).encode()
    yield "surrogates.txt", b"\xff\xfe" + b"\x00\xd8" * 5_000
    yield (
        "html.jpg",
        _picture("JPEG")[:2]
        + b"\xff\xfe\0\x20<html><script>1</script></html>"
        + (_picture("JPEG")[2:]),
    )
    yield "zip.jpg", _picture("JPEG") + _zip({"run.sh": b"echo"})
    yield "pdf.png", _picture("PNG") + whole("scan.pdf")
    yield "script.gif", b"GIF89a/*" + _picture("GIF")[8:] + b"*/=1;alert(1)"
    yield "bomb.zip", _zip({"a": bytes(200 * 2**20)})
    yield "nested.zip", _zip({"a.zip": _zip({"b.zip": _zip({"c": bytes(2**20)})})})
    yield "up.zip", _zip({"../../etc/cron.d/x": b"* * * * * root true"})
    yield "bomb.gz", gzip.compress(bytes(100 * 2**20))
    yield "huge.pdf", of_page(w="1e9", h="1e9")
    yield "small.pdf", of_page(w="0", h="0")
    yield "minus.pdf", of_page(w="-500", h="1e-9")
    yield (
        "script.pdf",
        of_page(
            root="/OpenAction <</S/JavaScript /JS (while(1){})>>",
            more=f"/AA <</O <</S/URI /URI ({address}/g)>>>>",
        ),
    )
    yield "launch.pdf", of_page(root="/OpenAction <</S/Launch /F (/bin/true)>>")
    yield (
        "kids.pdf",
        _pdf([catalog.format(more=""), "<</Type/Pages /Kids [2 0 R 2 0 R] /Count 99999999>>"]),
    )
    yield (
        "form.pdf",
        of_page(
            more="/Contents 4 0 R /Resources <</XObject <</X 5 0 R>>>>",
            rest=(
                "<</Length 5>>\nstream\n/X Do\nendstream",
                _FORM,
            ),
        ),
    )
    deflated = zlib.compress(bytes(400 * 2**20), 9).decode("latin-1")
    yield (
        "stream.pdf",
        of_page(
            more="/Contents 4 0 R",
            rest=(
                f"<</Filter/FlateDecode /Length {len(deflated)}>>\nstream\n{deflated}\nendstream",
            ),
        ),
    )
    yield (
        "lines.pdf",
        of_page(
            w="2000",
            h="2000",
            more="/Contents 4 0 R",
            rest=(
                "<</Length 800000>>\nstream\n" + "0 0 m 2000 2000 l S " * 40_000 + "\nendstream",
            ),
        ),
    )
    yield "loop.pdf", b"%PDF-1.4\nstartxref\n9\n%%EOF" + b"trailer <</Prev 9>>\nstartxref\n9\n%%EOF"
    yield "remote.jpg", Authority().signed(_tagged(), remote=f"{address}/h.c2pa")


def files(number: int, port: int) -> Iterator[tuple[str, bytes]]:
    """Return about so many files: all that were crafted, and broken ones of each kind in turn."""
    made = 0
    for name, content in crafted(port):
        made += 1
        yield name, content
    names = sorted(WHOLE)
    for one in range(max(0, number - made)):
        name = names[one % len(names)]
        yield f"{one}-{name}", mutated(name, one)


#: What the whole files are.
_MEANT = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "tif": "image/tiff",
    "bmp": "image/bmp",
    "avif": "image/avif",
    "mp4": "video/mp4",
    "mkv": "video/x-matroska",
    "ts": "video/mp2t",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "ogg": "application/ogg",
    "flac": "audio/flac",
    "pdf": "application/pdf",
    "json": "application/json",
    "txt": "text/plain",
}


def meant(name: str) -> str:
    """Return the media type that a broken file had; nothing for one that was crafted."""
    return _MEANT.get(name.rpartition(".")[2], "") if name else ""
