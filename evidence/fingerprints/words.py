"""The wording of a text, a document's text layer, or the strings of a JSON file, as a sketch."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from charset_normalizer import from_bytes
from charset_normalizer.constant import IANA_SUPPORTED

from evidence import documents
from evidence.fingerprints import WORDING, WORDING_VERSION
from evidence.fingerprints.blocks import Writer
from evidence.fingerprints.sketches import LEAST, normal, sketch
from evidence.registry import MalformedError, UnsupportedError

BYTES = 8 * 2**20  # of a text that are read
CHARACTERS = 4_000_000
_SAMPLE = 256 * 2**10  # bytes by which an encoding is guessed
_DEEP = 200


def fingerprint(
    stream: BinaryIO, _parameters: Mapping[str, Any], output: BinaryIO | None = None
) -> dict[str, Any]:
    """Write the sketch of a text to ``output``; return the SHA-256 of its letters and digits."""
    warnings: list[str] = []
    if stream.read(1024).find(b"%PDF-") >= 0:
        stream.seek(0)
        text, basis = _of_a_document(stream), "the document's text layer"
    else:
        stream.seek(0)
        content = stream.read(BYTES + 1)
        if len(content) > BYTES:
            content = content[:BYTES]
            warnings.append(f"Only the first {BYTES} bytes were read.")
        text, basis = _decoded(content)
        strings = _strings(text)
        if strings is not None:
            text, basis = strings, f"the strings in it, {basis}"
    if len(text) > CHARACTERS:
        text = text[:CHARACTERS]
        warnings.append(f"Only the first {CHARACTERS} characters were compared.")
    found = sketch(text)
    if len(found.hashes) < LEAST:
        raise UnsupportedError("There is too little text in it to be compared.")
    if output is None:
        raise TypeError("There is no file for the sketch.")
    writer = Writer(output)
    writer.add_items(
        bytes.fromhex(found.to_hex()),
        min(100, len(found.hashes)),
        algorithm=WORDING,
        version=WORDING_VERSION,
        variant="text",
    )
    return {
        "parts": writer.parts,
        "normal_sha256": hashlib.sha256(normal(text).encode()).hexdigest(),
        "characters": len(text),
        "basis": basis,
        "warnings": warnings,
    }


def _of_a_document(stream: BinaryIO) -> str:
    with documents.opened(stream) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def _decoded(content: bytes) -> tuple[str, str]:
    """Return the text and how its bytes were read: UTF-8, UTF-16 that says so, or a guess."""
    marked = content[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    with contextlib.suppress(UnicodeDecodeError):
        name = "utf-16" if marked else "utf-8-sig"
        return content.decode(name), f"read as {name.removesuffix('-sig').upper()}"
    guessed = from_bytes(content[:_SAMPLE]).best()
    if guessed is None:
        raise MalformedError("Its bytes are text in no encoding that is known here.")
    return content.decode(guessed.encoding, "replace"), f"read as {guessed.encoding}, a guess"


def _strings(text: str) -> str | None:
    """Return the strings of a JSON text; None for another text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return "\n".join(_all_of(json.loads(text)))
    except (ValueError, RecursionError):
        return None


def _all_of(value: Any, depth: int = 0) -> Iterator[str]:
    if depth > _DEEP:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _all_of(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from _all_of(one, depth + 1)


def warm_up() -> None:
    """Have the libraries load what they load at first use."""
    for name in ("utf-8-sig", "utf-16", "utf-32-le", *IANA_SUPPORTED):
        codecs.lookup(name)
    from_bytes(bytes(range(0xC0, 0x100)) * 20).best()
    sketch("warm up")
