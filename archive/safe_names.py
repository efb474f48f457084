"""Names that mean the same on every system, for files whose true names came from anywhere.

A safe name is ASCII ``[A-Za-z0-9._-]``, 1 to 100 characters, no device of Windows, does not begin
with "." or "-" nor end with ".", and differs from its neighbours by more than case.  The true name
stays in the metadata; nothing is ever found or opened by it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 100  # characters
LONGEST_EXTENSION = 16  # characters, without the dot

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)
_OTHER = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_EXTENSION = re.compile(rf"\.[A-Za-z0-9]{{1,{LONGEST_EXTENSION}}}\Z", re.ASCII)
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)


def is_safe(name: str) -> bool:
    """Tell whether ``name`` may name a file or a folder of a bundle."""
    return (
        _SAFE.fullmatch(name) is not None
        and not name.endswith(".")
        and name.split(".", 1)[0].lower() not in _DEVICES
    )


def safe_names(originals: Iterable[str], *, fallback: str = "file") -> list[str]:
    """Return a safe name for each original name, all different; the same ones each time.

    Accents are dropped, anything else that is not safe becomes "_", the extension is kept.
    """
    taken: set[str] = set()
    counts: dict[str, int] = {}
    names = []
    for original in originals:
        stem, extension = _parts(original, fallback)
        first = stem[: LONGEST - len(extension)].rstrip(".") + extension
        name, number = first, counts.get(first.lower(), 1)
        while name.lower() in taken:
            number += 1
            mark = f"-{number}"
            name = stem[: LONGEST - len(extension) - len(mark)].rstrip(".") + mark + extension
        counts[first.lower()] = number
        taken.add(name.lower())
        names.append(name)
    return names


def _parts(original: str, fallback: str) -> tuple[str, str]:
    """Return a safe stem and extension; together, cut to length, they are a safe name."""
    plain = unicodedata.normalize("NFKD", original)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = _OTHER.sub("_", plain)
    found = _EXTENSION.search(plain)
    extension = found.group() if found else ""
    stem = plain[: len(plain) - len(extension)].strip("._-") or fallback
    if stem.split(".", 1)[0].lower() in _DEVICES:
        stem = f"_{stem}"
    return stem, extension
