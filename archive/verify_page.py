"""``verify.html``: a bundle checked in a browser, from a local file, with nothing fetched or sent.

The page is put together of the parts in ``archive/page/``.  Its own policy allows exactly its one
script and its one style, by their digests, and no connection to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

PARTS = Path(__file__).parent / "page"
SCRIPTS = ("verify.js", "words.js", "page.js")


@cache
def page() -> bytes:
    """Return the page, the same bytes each time."""
    script = "\n".join((PARTS / name).read_text("utf-8") for name in SCRIPTS)
    script = f'"use strict";\n{script}'
    style = (PARTS / "page.css").read_text("utf-8")
    if "</script" in script or "</style" in style:
        raise RuntimeError("a part of the page would end its own element")
    policy = f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}"
    text = (PARTS / "page.html").read_text("utf-8")
    for name, value in (("policy", policy), ("style", style), ("script", script)):
        text = text.replace(f"{{{name}}}", value, 1)
    return text.encode()


def _digest(part: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"
