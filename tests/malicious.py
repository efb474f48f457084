"""Bundles, bags and ZIP files made to do harm, and a trial of what an import does with each.

``main`` tries them all inside an archive and prints, as JSON, what each came to, how
long it took, the most memory, and what was written.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from archive import receiving
from evidence import importing
from evidence.models.case import Case
from tests import adversary

Files = adversary.Files
#: Writes what is to be imported into a folder that is empty, and returns its path.
Make = Callable[[Path], Path]

NAMES = (
    "../evil", "../../evil", "data/../../evil", "data/../../../tmp/evil", "/etc/evil", "//evil",
    "data//evil", "./evil", "data/./evil", "data/..", "data/evil/", "C:\\evil", "C:/evil",
    "data\\..\\..\\evil", "\\\\host\\share", "data/a:b", "data/a|b", "data/a?b", "data/a*b",
    "data/a<b", "data/a>b", 'data/a"b', "data/CON", "data/nul.txt", "data/com1", "data/LPT9.doc",
    "data/aux/evil", "data/evil.", "data/evil ", "data/ evil", "data/evil./x", "data/a%2e%2e",
    "data/a%0Ab", "data/a\nb", "data/a\rb", "data/a\tb", "data/a\x00b", "data/a\x1bb",
    "data/a\x7fb", "data/e\u0301", "data/" + "x" * 300, "data/" + "x/" * 600 + "y", "~/evil/../..",
    "data/conin$", "bundle-secret/../../evil",
)  # fmt: skip


def _folder(files: Files) -> Make:
    return lambda folder: adversary.as_folder(files, folder / adversary.TOP)


def _file(content: bytes) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "bundle.zip"
        path.write_bytes(content)
        return path

    return make


def bag(
    files: Files | None = None,
    *,
    algorithms: tuple[str, ...] = ("sha256",),
    sender: str = "Somebody",
) -> Files:
    """A plain BagIt bag that is whole."""
    data = files or {"data/one.txt": b"one\n", "data/sub/two.bin": bytes(range(256))}
    tags = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": (
            f"Source-Organization: {sender}\nPayload-Oxum: ".encode()
            + f"{sum(map(len, data.values()))}.{len(data)}\n".encode()
        ),
    }
    tags |= {f"manifest-{each}.txt": adversary.manifest(data, each) for each in algorithms}
    tags |= {f"tagmanifest-{each}.txt": adversary.manifest(tags, each) for each in algorithms}
    return data | tags


def _loose(files: Files) -> Files:
    """Without tag manifests, so that what was changed in the manifests is not seen by them."""
    return {path: each for path, each in files.items() if not path.startswith("tagmanifest")}


def everything() -> Iterator[tuple[str, Make]]:
    """Yield each attack with its name."""
    yield from _tampered()
    yield from _names()
    yield from _special()
    yield from _zips()
    yield from _bags()
    yield from _said()


def _tampered() -> Iterator[tuple[str, Make]]:
    true = adversary.true_bundle()
    for name, one in adversary.TAMPERINGS.items():
        if one.exit_code in {1, 2}:
            yield f"zip: {name}", _file(adversary.as_zip(one.act(dict(true))))
    for name, harm in adversary.ZIP_TAMPERINGS.items():
        yield f"zip: {name}", _file(harm.act(dict(true)))


def _with_member(files: Files, name: str, **how: Any) -> bytes:
    """A ZIP file with one member more, called just so."""
    into = io.BytesIO(adversary.as_zip(files))
    with zipfile.ZipFile(into, "a", zipfile.ZIP_STORED) as file:
        info = zipfile.ZipInfo("placeholder")
        info.filename = f"{adversary.TOP}/{name}" if not name.startswith("/") else name
        info.external_attr = how.get("mode", 0o100644) << 16
        info.compress_type = how.get("method", zipfile.ZIP_STORED)
        file.writestr(info, how.get("content", b"evil"))
    return into.getvalue()


def _names() -> Iterator[tuple[str, Make]]:
    for name in NAMES:
        yield f"zip member {name[:40]!r}", _file(_with_member(adversary.true_bundle(), name))
        yield f"bag, zip member {name[:40]!r}", _file(_with_member(bag(), name))
        line = f"{hashlib.sha256(b'evil').hexdigest()}  {name}\n".encode()
        listed = _loose(bag())
        listed["manifest-sha256.txt"] += line
        yield f"bag, listed {name[:40]!r}", _folder(listed)


def _special() -> Iterator[tuple[str, Make]]:
    def put(kind: str, where: str, files: Files) -> Make:
        def make(folder: Path) -> Path:
            top = adversary.as_folder(files, folder / adversary.TOP)
            path = top / where
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            _SPECIAL[kind](path, folder)
            return top

        return make

    for kind in _SPECIAL:
        for where in ("data/evil", "evil", "signatures/evil", adversary.ORIGINAL):
            yield f"{kind} as {where}", put(kind, where, adversary.true_bundle())
        for where in ("data/one.txt", "data/evil", "bag-info.txt"):
            yield f"bag, {kind} as {where}", put(kind, where, bag())


def _socket(path: Path, folder: Path) -> None:
    """A path of a socket may not be long: it is made by a short name and put there."""
    here = os.open(folder, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"/proc/self/fd/{here}/s")
    finally:
        os.close(here)
    (folder / "s").rename(path)


def _hard_link(path: Path, folder: Path) -> None:
    (folder / "outside").write_bytes(b"secret")
    path.hardlink_to(folder / "outside")


_SPECIAL: dict[str, Callable[[Path, Path], None]] = {
    "a link to a file": lambda path, _: path.symlink_to("/etc/hostname"),
    "a link to a folder": lambda path, _: path.symlink_to("/etc"),
    "a link to nothing": lambda path, _: path.symlink_to("nowhere"),
    "a link to itself": lambda path, _: path.symlink_to(path.name),
    "a link upwards": lambda path, _: path.symlink_to(".."),
    "a pipe": lambda path, _: os.mkfifo(path),
    "a socket": _socket,
    "a hard link": _hard_link,
}


def _zips() -> Iterator[tuple[str, Make]]:
    true = adversary.as_zip(adversary.true_bundle())
    for number in range(20):
        cut = len(true) * (number + 1) // 21
        yield f"zip cut at {number + 1}/21", _file(true[:cut])
        yield f"zip without its first {number + 1}/21", _file(true[cut:])
    for name, content in (
        ("nothing", b""), ("a mark alone", b"PK\x05\x06"), ("zeroes", bytes(100_000)),
        ("an end alone", b"PK\x05\x06" + bytes(18)),
        ("an end that counts 65535", b"PK\x05\x06" + bytes(4) + b"\xff" * 4 + bytes(10)),
        ("text", b"Not a ZIP file.\n" * 100), ("twice itself", true + true),
        ("with a comment", true[:-2] + b"\x04\x00evil"),
    ):  # fmt: skip
        yield f"zip: {name}", _file(content)
    for field in range(10):  # of the end record: disks, counts, lengths
        changed = bytearray(true)
        changed[len(true) - 22 + 4 + field] ^= 0x7F
        yield f"zip: end record, byte {field}", _file(bytes(changed))
    at = true.index(b"PK\x01\x02")
    for field in (4, 6, 8, 10, 16, 20, 24, 28, 30, 32, 34, 42):
        changed = bytearray(true)
        changed[at + field] ^= 0x5A
        # Flags and versions that say nothing about the content are no attack on a reader.
        if field not in {4, 6}:
            yield f"zip: directory, byte {field}", _file(bytes(changed))
    yield (
        "zip: a bomb of one member",
        _file(
            _with_member(
                adversary.true_bundle(),
                "data/bomb",
                content=bytes(50_000_000),
                method=zipfile.ZIP_DEFLATED,
            )
        ),
    )
    yield (
        "zip: a bomb in a bag",
        _file(
            _with_member(bag(), "data/bomb", content=bytes(50_000_000), method=zipfile.ZIP_BZIP2)
        ),
    )
    yield "zip: overlapping members", _file(_overlapping(20_000))
    yield "zip: a directory that counts a hundred million", _file(_zip64(10**8, 2**20))
    yield "zip: a directory of a terabyte", _file(_zip64(10, 2**40))
    yield "zip: a member of an exabyte", _file(_huge_member())
    for kind, mode in (("link", 0o120777), ("pipe", 0o010644), ("device", 0o060644)):
        yield f"zip: {kind}", _file(_with_member(bag(), "data/evil", mode=mode, content=b"/etc"))


def _overlapping(number: int) -> bytes:
    """One stored kernel that ``number`` members claim (the quoted-overlap bomb's idea)."""
    name, content = b"b/data/x", zlib.compress(bytes(1_000_000))
    local = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(content), 10**6, len(name), 0
    )
    body = local + name + content
    entries = b""
    for each in range(number):
        own = b"b/data/%06d" % each
        entries += struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(content), 10**6,
            len(own), 0, 0, 0, 0, 0, 0,
        ) + own  # fmt: skip
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, number, number, len(entries), len(body), 0)
    return body + entries + end


def _zip64(count: int, length: int) -> bytes:
    body = b"PK\x03\x04" + bytes(200)
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(body), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    return body + record + locator + end


def _huge_member() -> bytes:
    name = f"{adversary.TOP}/data/evil".encode()
    extra = struct.pack("<2H2Q", 1, 16, 2**60, 2**60)
    local = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 45, 0, 0, 0, 0, 0, 2**32 - 1, 2**32 - 1, len(name), len(extra)
    ) + name + extra  # fmt: skip
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 45, 45, 0, 0, 0, 0, 0, 2**32 - 1, 2**32 - 1,
        len(name), len(extra), 0, 0, 0, 0, 0,
    ) + name + extra  # fmt: skip
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local), 0)
    return local + entry + end


def _bags() -> Iterator[tuple[str, Make]]:
    """The matrix of bags that other readers judge wrongly, and more like them."""
    whole = bag()
    harms: dict[str, Files] = {
        "a bit flipped": whole | {"data/one.txt": b"onf\n"},
        "a file more": whole | {"data/extra": b"x"},
        "a file less": {path: each for path, each in whole.items() if path != "data/one.txt"},
        "nothing in it": bag({"data/x": b""}) | {"data/x": b"not empty"},
        "another length": whole | {"data/one.txt": b"one\n\n"},
        "a version unknown": whole
        | {"bagit.txt": b"BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n"},
        "another encoding": whole
        | {"bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-16\n"},
        "a declaration with a space": whole
        | {"bagit.txt": b"BagIt-Version : 1.0\nTag-File-Character-Encoding: UTF-8\n"},
        "something to fetch": whole | {"fetch.txt": b"http://example.invalid/x 4 data/x\n"},
        "a declaration that is no text": whole | {"bagit.txt": b"\xff\xfe"},
        "a declaration of a megabyte": whole | {"bagit.txt": b"x" * 10**6},
        "bag-info that is no text": _loose(whole) | {"bag-info.txt": b"\xff"},
    }
    loose = _loose(whole)
    lines = loose["manifest-sha256.txt"]
    for name, content in {
        "no lines": b"",
        "a line twice": lines + lines.splitlines(keepends=True)[0],
        "a line without a digest": lines + b"  data/one.txt\n",
        "a digest too short": lines.replace(lines[:64], lines[:60]),
        "a digest of no hexadecimal": lines.replace(lines[:64], b"z" * 64),
        "another digest": lines.replace(lines[:64], b"0" * 64),
        "a name that is not there": lines + b"0" * 64 + b"  data/nowhere\n",
        "a tag file in it": lines + b"0" * 64 + b"  bag-info.txt\n",
        "no text": b"\xff\xfe\x00",
        "a byte order mark": b"\xef\xbb\xbf" + lines,
        "a line of ten megabytes": lines + b"0" * 10_000_000,
    }.items():
        harms[f"a manifest with {name}"] = loose | {"manifest-sha256.txt": content}
    harms |= {
        "no manifest": {path: each for path, each in loose.items() if "manifest" not in path},
        "a manifest of an unknown digest alone": {
            **{path: each for path, each in loose.items() if "manifest" not in path},
            "manifest-shake_128.txt": lines,
        },
        "a file in one of two manifests": _loose(bag(algorithms=("md5", "sha256")))
        | {"manifest-sha256.txt": lines.splitlines(keepends=True)[0]},
        "another size stated": loose | {"bag-info.txt": b"Payload-Oxum: 1.1\n"},
        "a tag file altered": whole | {"bag-info.txt": b"Source-Organization: Else\n"},
        "a tag file missing": {
            path: each for path, each in whole.items() if path != "bag-info.txt"
        },
        "two names that differ in case": bag({"data/a": b"x", "data/A": b"y"}),
    }
    for name, files in harms.items():
        yield f"bag: {name}", _folder(files)
        yield f"bag as a zip: {name}", _file(adversary.as_zip(files))


def _said(private: Any = adversary.FOREIGN_KEY) -> Iterator[tuple[str, Make]]:
    """Bundles whose own files are made to hurt a reader, all sealed by whoever made them."""
    true = adversary.true_bundle()
    deep = b"[" * 200_000 + b"]" * 200_000
    for name, path, content in (
        ("nested deeply", adversary.ITEM, deep),
        ("no JSON", adversary.ITEM, b"{"),
        ("no text", adversary.ITEM, b"\xff\xfe"),
        ("a list", adversary.ITEM, b"[]"),
        ("a member twice", adversary.ITEM, b'{"item":1,"item":2}'),
        ("nothing", adversary.ITEM, b""),
        ("a huge number", adversary.ITEM, b'{"files":' + b"9" * 100_000 + b"}"),
        ("entries nested deeply", adversary.LINES, deep),
        ("entries that are no text", adversary.LINES, b"\xff" * 1000),
        ("a line of a megabyte", adversary.LINES, b"x" * 10**6),
        ("a checkpoint of nothing", "data/custody/checkpoint", b""),
        ("a checkpoint of noise", "data/custody/checkpoint", os.urandom(1000)),
        ("a disclosure of noise", "data/custody/disclosures.txt", os.urandom(1000)),
        ("withheld: a list", "data/withheld.json", b"[]"),
        ("withheld: nested", "data/withheld.json", deep),
        ("an RO-Crate of noise", "data/ro-crate-metadata.json", b"{{"),
        ("PREMIS with an entity bomb", "data/premis/premis.xml", _LAUGHS),
        ("PREMIS that reads a file", "data/premis/premis.xml", _READS),
    ):  # fmt: skip
        yield f"said: {name}", _folder(adversary.sealed(true | {path: content}, private))


_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + each, b"&%c;" % (97 + each) * 10) for each in range(9))
    + b"]><premis>&j;</premis>"
)
_READS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    b"<premis>&a;</premis>"
)


def _written(roots: list[Path]) -> dict[str, tuple[int, int]]:
    """List what lies below some folders: each name with its size and time of change."""
    found = {}
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                facts = os.lstat(f"{folder}/{name}")
                found[f"{folder}/{name}"] = (facts.st_size, facts.st_mtime_ns)
    return found


def trial(
    folder: Path, watched: list[Path], attempt: Callable[[Path], str], state: Callable[[], Any]
) -> dict[str, Any]:
    """Try each; ``attempt`` says what came of it, ``state`` what the database holds."""
    results = []
    before, there = state(), _written(watched)
    for number, (name, make) in enumerate(everything()):
        place = folder / f"{number:04d}"
        place.mkdir(parents=True)
        path = make(place)
        laid = _written([folder])
        began = time.monotonic()
        came_to = attempt(path)
        took = time.monotonic() - began
        results.append(
            {
                "name": name,
                "came_to": came_to,
                "seconds": took,
                "database": state() == before,
                "written": sorted(
                    {str(each) for each in _written(watched).items() ^ there.items()}
                    | {str(each) for each in _written([folder]).items() ^ laid.items()}
                ),
            }
        )
    return {"peak_kib": _peak(), "results": results}


def _peak() -> int:
    """The most memory of this program, in KiB; ``getrusage`` counts the parent's before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = [line for line in status if line.startswith("VmHWM:")]
    return int(line.split()[1])


def main(folder: str, case: str, username: str) -> None:
    """Try each attack on the archive of this environment; print JSON."""
    user, into = User.objects.get(username=username), Case.objects.get(reference=case)

    def attempt(path: Path) -> str:
        try:
            importing.import_bundle(
                path, case=into, user=user, trusted=(adversary.VKEY,), now=timezone.now()
            )
        except receiving.ReceivingError as error:
            return f"{type(error).__name__}: {error}"[:500]
        return "taken in"

    def state() -> int:
        """How many rows this connection ever wrote, also those that were rolled back."""
        connection.ensure_connection()
        return int(connection.connection.total_changes)

    def dump() -> str:
        lines = "\n".join(connection.connection.iterdump())
        return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()

    connection.ensure_connection()
    before = dump()
    found = trial(Path(folder), [Path(settings.DATA_DIR)], attempt, state)
    found["database"] = dump() == before
    sys.stdout.write(json.dumps(found) + "\n")
