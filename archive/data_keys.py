"""Personal values are enciphered in the database; their keys are in a folder of their own.

    sealed = seal(text, "the place of this value")
    opened(sealed, "the place of this value")   # None when its key was destroyed
    destroy(["the place of this value"])        # in every copy of the database, too

Each value has a key of its own (AES-256-GCM), worked out from the secret in ``settings.KEYS_DIR``
(archive.key_tree).  So one value can be made unreadable in every backup of the database that was
ever made, by changing one small file outside all of them.  Nothing else in the folder changes: its
copy, made once, serves until something is erased.

A name of a file is its number and eight random digits; the highest seals what is new.
"""

from __future__ import annotations

import re
import secrets
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from archive import durable, locks
from archive.key_tree import PLACE, KeyTree

_NAME = re.compile(r"[0-9]{4}-[0-9a-f]{8}", re.ASCII)
_SEALED = re.compile(r"sealed:([0-9]{4}-[0-9a-f]{8}):([A-Za-z0-9_-]+={0,2})", re.ASCII)
_HEADER = "muniment data keys 1"
_NONCE = 12
_TAG = 16


class DataKeyError(Exception):
    """The keys can't be used; the message says what to do."""


class DataKeyMissingError(DataKeyError):
    """The key that a value was sealed with is not in the folder."""


class AlteredError(DataKeyError):
    """A sealed value is not what was sealed, or was sealed for another place."""


class _Cache(threading.local):
    """What this thread has read, for as long as the files look the same."""

    def __init__(self) -> None:
        self.trees: dict[Path, tuple[tuple[int, int, int], KeyTree]] = {}
        self.names: dict[Path, tuple[int, list[str]]] = {}


_cache = _Cache()


def is_sealed(text: str) -> bool:
    """Whether this is the form that ``seal`` gives."""
    return _SEALED.fullmatch(text) is not None


def seal(text: str, place: str) -> str:
    """Return the text, enciphered under the key of that place and bound to it.

    Raises DataKeyMissingError when there is no key, and DataKeyError when the place's was
    destroyed.
    """
    found = _names()
    if not found:
        raise DataKeyMissingError(_no_keys())
    key = _tree(found[-1]).key(_place(place))
    if key is None:
        raise DataKeyError("The key for this value was destroyed; nothing can be sealed there.")
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), place.encode())
    return f"sealed:{found[-1]}:{urlsafe_b64encode(nonce + sealed).decode()}"


def opened(sealed: str, place: str) -> str | None:
    """Return the text that was sealed for that place; None when its key was destroyed.

    Raises DataKeyMissingError when the key's file is not here, and AlteredError.
    """
    parts = _SEALED.fullmatch(sealed)
    if parts is None:
        raise AlteredError("this is not a sealed value")
    name, content = parts.groups()
    if name not in _names():
        raise DataKeyMissingError(
            f"The data key {name} is not in {settings.KEYS_DIR}. Put the folder back from its copy."
        )
    key = _tree(name).key(_place(place))
    if key is None:
        return None
    try:
        raw = urlsafe_b64decode(content)
        if len(raw) < _NONCE + _TAG:
            raise AlteredError("a sealed value was cut short")
        return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], place.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise AlteredError("a sealed value was changed") from error


def destroy(places: Collection[str]) -> None:
    """No key is left for these places, in any file of the folder; doing it again changes nothing.

    The new file is on disk before the old one is gone, so a crash leaves one or the other whole.
    """
    if not places:
        return
    folder = settings.KEYS_DIR
    if not _names():
        raise DataKeyMissingError(_no_keys())
    gone = [_place(one) for one in places]
    with locks.alone(folder):
        for name in _names():
            tree = _read(folder / f"{name}.key")
            if any(tree.key(place) is not None for place in gone):
                durable.write(folder / f"{name}.key", _written(tree.without(gone)))
    _cache.trees.clear()


def kept(places: Iterable[str]) -> list[str]:
    """Return those of the places that a key is still there for."""
    trees = [_tree(name) for name in _names()]
    return [place for place in places if any(tree.key(_place(place)) is not None for tree in trees)]


def names() -> list[str]:
    """Return the names of the keys in the folder, oldest first."""
    return list(_names(afresh=True))


def exist() -> bool:
    """Whether the folder holds any key."""
    return bool(_names())


def create(*, another: bool = False) -> str:
    """Return the name of the key that seals what is new; make it if there is none, or another.

    What was sealed with an older key stays readable as long as that key is kept.
    """
    folder = settings.KEYS_DIR
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locks.alone(folder):
        found = _names(afresh=True)
        if found and not another:
            return found[-1]
        number = int(found[-1][:4]) + 1 if found else 1
        name = f"{number:04}-{secrets.token_hex(4)}"
        durable.write(folder / f"{name}.key", _written(KeyTree.new()))
        _cache.names.clear()
    return name


def _no_keys() -> str:
    return (
        f"There are no data keys in {settings.KEYS_DIR}, and personal values can be neither kept "
        "nor read without them. Put the folder back from its copy, or set MUNIMENT_KEYS_DIR."
    )


def _place(place: str) -> bytes:
    return sha256(place.encode()).digest()[:PLACE]


def _names(*, afresh: bool = False) -> list[str]:
    """Return the keys' names, oldest first; a folder that has not changed is not read again."""
    folder = settings.KEYS_DIR
    try:
        changed = folder.stat().st_mtime_ns
    except FileNotFoundError:
        return []
    known = _cache.names.get(folder)
    if known is None or known[0] != changed or afresh:
        found = sorted(one.stem for one in folder.glob("*.key") if _NAME.fullmatch(one.stem))
        known = _cache.names[folder] = (changed, found)
    return known[1]


def _tree(name: str) -> KeyTree:
    path = settings.KEYS_DIR / f"{name}.key"
    status = path.stat()
    looks = (status.st_ino, status.st_size, status.st_mtime_ns)
    known = _cache.trees.get(path)
    if known is None or known[0] != looks:
        known = _cache.trees[path] = (looks, _read(path))
    return known[1]


def _read(path: Path) -> KeyTree:
    """Read a file of keys: a header, then each seed with the way that leads to it."""
    try:
        header, *lines = path.read_text(encoding="ascii").splitlines()
        if header != _HEADER:
            raise ValueError("it has another header")
        pairs = (line.split(" ") for line in lines)
        return KeyTree({bytes(map(int, way[1:])): bytes.fromhex(seed) for way, seed in pairs})
    except (OSError, ValueError) as error:
        raise DataKeyError(f"The data key {path} can't be read: {error}") from error


def _written(tree: KeyTree) -> bytes:
    lines = (f"/{''.join(map(str, way))} {seed.hex()}" for way, seed in sorted(tree.seeds.items()))
    return "".join(f"{line}\n" for line in (_HEADER, *lines)).encode("ascii")
