"""All words of the example, wherever they stand, and what in them looks like a person's name."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import av
from PIL import Image

KURSK = Path(__file__).resolve().parents[2] / "seeds" / "kursk_2025"
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "use" / "example-case.md"

#: Two capitalised words in a row that name no person.
NO_NAMES = {
    "North Korean",
    "South Korea",
    "Third Geneva Convention",
    "Stand-in Camera",
    "Example Model",
    "The Korean",
    "The Ukrainian",
    "Some North Korean",
    "On Saturday",
}
#: SHA-256 of surnames, in small letters, that the public reports of these days carry.  They are
#: looked for without being written here.
KNOWN = {
    "1dc04031aa563d2386180dfba7aac0127b10856e84dfe5c624de2178cacb3360",
    "54454805afb040fa6e1b821492bc1cdff12c72f336be4cec4b0a69b6cce4a4bc",
    "6baaf936cb3268886b1f5b574dcedd41dd4207c7e585f3e6f9dad2b4d581b819",
    "70aa6d9faacf691b3e7f5c798dd56e886867e6dffbc8f772e7aaac7ace40aadd",
    "7797d5f3a8a14966e9a44756f7140486ad48578ed35c75e0a3cf87209e245597",
    "b07dba5074c9b06a9e94d608ee0ff56b4658d8ca43f784b5fb941a326c76b0db",
    "cce20f3fa662b876dd2ec4a3f62a820eb24ddd8eb681039415e4639b0215541f",
    "e236db12cb79ccaf2afad70089c1c82e5851712ee4e906210ff255add3582a1f",
    "ebf1cce064da7d55332ebc443a3598172344057d32977862aac173131f366dfe",
    "f0f390dd4c25a2d7df12f77c7a1587634df8170256ff3e6433b0ffc182f5195e",
    "fc6b57d8005123e38fa567ecb165632847197a3616b5e26b8640cf9fe879b4f2",
}
_CAPITALISED = re.compile(r"\b[A-Z][a-z]+(?:-[a-z]+)?(?: [A-Z][a-z]+(?:-[a-z]+)?)+\b")
_PATRONYMIC = re.compile(r"\b\w+(?:ovich|evich|ovych|evych|ovna|evna|ivna)\b", re.IGNORECASE)
_CYRILLIC = re.compile(r"[\u0400-\u04ff]+")
_LITERAL = re.compile(rb"\(((?:[^\\()]|\\.)*)\) Tj")


def names_in(text: str) -> set[str]:
    """Return what could be a person's name in ``text``."""
    flat = re.sub(r"\s+", " ", text)
    pairs = {pair for pair in _CAPITALISED.findall(flat) if pair not in NO_NAMES}
    words = re.findall(r"\w+", flat.lower())
    known = {word for word in words if hashlib.sha256(word.encode()).hexdigest() in KNOWN}
    return pairs | known | set(_PATRONYMIC.findall(flat)) | set(_CYRILLIC.findall(flat))


def words_of_pdf(data: bytes) -> str:
    """Return the text that a PDF of ours shows, line by line."""
    lines = (re.sub(rb"\\(.)", rb"\1", literal) for literal in _LITERAL.findall(data))
    return "\n".join(line.decode("cp1252") for line in lines)


def words_of(path: Path) -> str:
    """Return the words of one file of the example: its text, or what its metadata says."""
    if path.suffix == ".pdf":
        return words_of_pdf(path.read_bytes())
    if path.suffix in {".jpg", ".png"}:
        with Image.open(path) as image:
            return ";\n".join(str(value) for value in image.getexif().values())
    if path.suffix in {".mp4", ".m4a"}:
        with av.open(str(path)) as container:
            return ";\n".join(container.metadata.values())
    return path.read_text(encoding="utf-8")


def all_files() -> list[Path]:
    """Return the example's files that hold words: not its programs, not its digests."""
    files = [path for path in sorted(KURSK.rglob("*")) if path.is_file()]
    return [
        path
        for path in [*files, DOCUMENT]
        if path.suffix not in {".py", ".pyc"} and path.name != "SHA256SUMS"
    ]
