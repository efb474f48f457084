"""Send files to a Muniment archive from a laptop: one file, Python 3.9 or newer, nothing else.

    python muniment.py cases  --server https://archive.example
    python muniment.py upload --server https://archive.example --case KUR-2025-001 FOLDER

Whatever interrupts it - a lost connection, a closed lid, a killed process - run the same command
again: it goes on where it stopped, and nothing arrives twice.  Each file's SHA-256 is worked out
here first; the archive works it out again, and the receipt says that both agree.  Receipts are
written beside nothing of yours: into the folder that --receipts names.

The token comes from the variable MUNIMENT_TOKEN, from --token-file, or is asked for.  It never
stands in the command itself, where other people of the machine could read it.
"""

from __future__ import annotations

import argparse
import base64
import getpass
import hashlib
import http.client
import json
import os
import random
import shutil
import ssl
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Optional
from urllib.parse import quote, urlsplit

VERSION = "1"
CHUNK = 8 * 2**20  # bytes of a file in one request
PIECE = 2**20  # bytes read from a disk at a time
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)  # seconds between attempts
LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: Answers after which the same request may succeed later.
LATER = (423, 429, 460, 500, 502, 503, 504)
FIELDS = (
    "title", "kind", "description", "source", "languages", "level", "method", "provided_by",
    "acquired_at_text", "place", "url", "authority", "known_gaps",
)  # fmt: skip


class RefusedError(Exception):
    """The archive says no; the message is its sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class StoppedError(Exception):
    """The person or the machine says stop; the message says what to do."""


class LostError(Exception):
    """No answer, or one that asks for patience; what was asked may have been done all the same."""


class Patience:
    """Waits between attempts, longer each time, and gives up after some seconds without success."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Begin anew, because something went well."""
        self._began, self._attempt = time.monotonic(), 0

    def wait(self, wrong: str) -> None:
        """Wait for the next attempt.  Raises StoppedError."""
        if time.monotonic() - self._began > self._seconds:
            raise StoppedError(
                "The archive does not answer (%s). Run the same command again later; "
                "it goes on where it stopped." % wrong
            )
        pause = PAUSES[min(self._attempt, len(PAUSES) - 1)]
        time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - only spreads the attempts
        self._attempt += 1


@dataclass
class Archive:
    """An archive that answers; each thread has a connection of its own."""

    url: str
    token: str
    patience: float = 600.0  # seconds for which something is tried without success
    _local: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise StoppedError("--server must be an address such as https://archive.example")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise StoppedError("A token must not travel in the clear; use https://")
        self._host, self._port = parts.hostname, parts.port
        self._secure = parts.scheme == "https"
        self._root = parts.path.rstrip("/") + "/api/v1"

    def ask(self, method: str, path: str, body: bytes = b"") -> Any:
        """Ask until there is an answer, or patience ends.  Raises RefusedError, StoppedError."""
        patience = Patience(self.patience)
        while True:
            try:
                return self.once(method, path, body)
            except LostError as error:
                patience.wait(str(error))

    def once(self, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
        """Ask once.  Raises RefusedError, and LostError where asking again may help."""
        try:
            return self._once(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self._forget()
            raise LostError(str(error) or type(error).__name__) from error
        except RefusedError as error:
            if error.status in LATER:
                raise LostError(str(error)) from error
            raise

    def _once(self, method: str, path: str, body: bytes, headers: "dict[str, str]") -> Any:
        connection = self._connection()
        connection.request(
            method,
            self._root + path,
            body=body,
            headers={
                "Authorization": "Bearer " + self.token,
                "Content-Type": "application/json",
                "Accept": "application/json",
                "User-Agent": "muniment-client/" + VERSION,
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RefusedError(answer.status, _sentence(answer.status, content))
        try:
            return json.loads(content)
        except ValueError as error:
            raise RefusedError(answer.status, "There is no archive at this address.") from error

    def _connection(self) -> http.client.HTTPConnection:
        found: Optional[http.client.HTTPConnection] = getattr(self._local, "connection", None)
        if found is None:
            if self._secure:
                found = http.client.HTTPSConnection(
                    self._host, self._port, timeout=120, context=ssl.create_default_context()
                )
            else:
                found = http.client.HTTPConnection(self._host, self._port, timeout=120)
            self._local.connection = found
        return found

    def _forget(self) -> None:
        found = getattr(self._local, "connection", None)
        if found is not None:
            found.close()
        self._local.connection = None


def _sentence(status: int, content: bytes) -> str:
    if status == 401:
        return "The token is not in force. Issue another on the archive's page “Tokens”."
    try:
        said = json.loads(content)
        wrong = ["%s: %s" % (name, " ".join(each)) for name, each in said["fields"].items()]
        return " ".join([said["detail"], *wrong])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "The archive answered %d." % status


@dataclass
class Offer:
    """A file to send: where it lies, and the name under which it goes."""

    path: Path
    name: str
    size: int


@dataclass
class Outcome:
    """What became of a file: received, held (it was there before), or failed, in words."""

    offer: Offer
    state: str
    words: str


def offers(paths: "list[str]") -> "list[Offer]":
    """Return the files at these paths, folders with all that is in them, in their order."""
    found: list[Offer] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = (one for one in sorted(path.rglob("*")) if one.is_file())
            found += [
                Offer(one, one.relative_to(path.parent).as_posix(), one.stat().st_size)
                for one in inside
                if not one.is_symlink()
            ]
        elif path.is_file():
            found.append(Offer(path, path.name, path.stat().st_size))
        else:
            raise StoppedError("There is no file or folder %s" % given)
    return found


class Progress:
    """A line that tells how much is done; where nobody watches, a line now and then."""

    def __init__(self, files: int, size: int, *, quiet: bool) -> None:
        self._lock = threading.Lock()
        self._files, self._size = files, size
        self._done_files, self._done = 0, 0
        self._began = self._said = time.monotonic()
        self._watched = sys.stderr.isatty()
        self._quiet = quiet

    def add(self, size: int) -> None:
        """Say that so many bytes more have arrived."""
        with self._lock:
            self._done += size
            self._say()

    def finish(self, outcome: Outcome) -> None:
        """Say that one more file is done with."""
        with self._lock:
            self._done_files += 1
            if outcome.state == "failed":
                self._clear()
                print("not sent: %s: %s" % (outcome.offer.name, outcome.words), file=sys.stderr)
            self._say(always=self._done_files == self._files)

    def _say(self, *, always: bool = False) -> None:
        now = time.monotonic()
        if self._quiet or (now - self._said < (0.1 if self._watched else 10) and not always):
            return
        self._said = now
        share = self._done / self._size if self._size else 1.0
        rate = self._done / max(now - self._began, 0.001)
        words = "%d of %d files, %s of %s, %s/s" % (
            self._done_files, self._files, _size(self._done), _size(self._size), _size(rate),
        )  # fmt: skip
        if self._watched:
            width = max(10, min(40, shutil.get_terminal_size().columns - len(words) - 8))
            filled = int(share * width)
            bar = "#" * filled + "." * (width - filled)
            print("\r[%s] %3d %% %s\x1b[K" % (bar, share * 100, words), end="", file=sys.stderr)
            if always:
                print(file=sys.stderr)
        else:
            print(words, file=sys.stderr)

    def _clear(self) -> None:
        if self._watched and not self._quiet:
            print("\r\x1b[K", end="", file=sys.stderr)


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return "%.0f %s" % (number, unit) if unit == "B" else "%.1f %s" % (number, unit)
        number /= 1000
    return ""


def digest_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


@dataclass
class Wish:
    """What is wanted of every file: into which case, what it is, where its receipt goes."""

    case: str
    fields: "dict[str, str]"
    receipts: Optional[Path]
    progress: Progress


def send(archive: Archive, offer: Offer, wish: Wish) -> Outcome:
    """Send one file, from where an earlier attempt left off; return what became of it."""
    if offer.size == 0:
        return Outcome(offer, "failed", "the file is empty; there is nothing to keep")
    try:
        sha256 = digest_of(offer.path)
        announced = archive.ask("POST", "/uploads", json.dumps({
            "case": wish.case,
            "filename": offer.name,
            "length": offer.size,
            "sha256": sha256,
            "fields": wish.fields,
            # The same file under the same name in the same case is the same upload, for good.
            "key": _key(wish.case, offer.name, sha256),
        }).encode())  # fmt: skip
        was_there = announced["state"] == "received"
        wish.progress.add(announced["offset"])
        state = _send_rest(archive, offer, announced, wish.progress)
        state = _until_sealed(archive, state)
        if state["receipt"]["sha256"] != sha256:
            return Outcome(offer, "failed", "the archive holds other bytes than were sent")
        if wish.receipts is not None:
            _keep_receipt(wish.receipts, state["receipt"])
    except RefusedError as error:
        return Outcome(offer, "failed", str(error))
    except OSError as error:
        return Outcome(offer, "failed", "it can't be read: %s" % error)
    return Outcome(offer, "held" if was_there else "received", state["receipt"]["reference"])


def _base64_digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _send_rest(archive: Archive, offer: Offer, state: Any, progress: Progress) -> Any:
    path, patience = "/uploads/" + state["id"], Patience(archive.patience)
    while state["state"] in ("arriving", "failed"):
        with offer.path.open("rb") as file:
            file.seek(state["offset"])
            chunk = file.read(min(CHUNK, state["length"] - state["offset"]))
        if not chunk and state["offset"] < state["length"]:
            raise RefusedError(0, "the file changed while it was sent; run the command again")
        try:
            after = archive.once(
                "PATCH", path, chunk,
                Content_Type="application/offset+octet-stream",
                Upload_Offset=str(state["offset"]),
                Upload_Checksum="sha256 " + _base64_digest(chunk),
            )  # fmt: skip
        except (LostError, RefusedError) as error:
            if isinstance(error, RefusedError) and error.status != 409:
                raise
            # An answer may have been lost on its way: how much is there decides what comes next.
            patience.wait(str(error))
            after = archive.ask("GET", path)
        if after["offset"] > state["offset"]:
            progress.add(after["offset"] - state["offset"])
            patience.renew()
        if after["state"] == "failed" and after["offset"] == after["length"]:
            raise RefusedError(0, after["reason"] or "the archive could not seal it")
        state = after
    return state


def _until_sealed(archive: Archive, state: Any) -> Any:
    pause = 0.2
    while state["state"] == "sealing":
        time.sleep(pause)
        pause = min(5.0, pause * 1.5)
        state = archive.ask("GET", "/uploads/" + state["id"])
    if state["state"] != "received":
        raise RefusedError(0, state["reason"] or "the archive could not seal it")
    return state


def _keep_receipt(folder: Path, receipt: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (quote(receipt["reference"], safe="") + "-receipt.json")
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(receipt, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    draft.replace(path)


def case_of(archive: Archive, named: str) -> str:
    """Return the id of a case that is named by its reference or its id."""
    cases = archive.ask("GET", "/uploads/cases")
    for one in cases:
        if named in (one["id"], one["reference"]):
            return str(one["id"])
    known = ", ".join(one["reference"] for one in cases) or "none"
    raise StoppedError("There is no case %s for you. Yours are: %s" % (named, known))


def upload(archive: Archive, said: argparse.Namespace) -> int:
    """Send files and folders; return 0 when all of them are in the archive."""
    case = case_of(archive, said.case)
    several = offers(said.paths)
    fields = {name: getattr(said, name) for name in FIELDS if getattr(said, name)}
    receipts = Path(said.receipts) if said.receipts else None
    progress = Progress(len(several), sum(one.size for one in several), quiet=said.quiet)
    wish = Wish(case, fields, receipts, progress)
    counts = {"received": 0, "held": 0, "failed": 0}
    with ThreadPoolExecutor(said.parallel) as pool:
        waiting = {pool.submit(send, archive, one, wish) for one in several}
        try:
            for outcome in _outcomes(waiting):
                counts[outcome.state] += 1
                progress.finish(outcome)
        except BaseException:
            for each in waiting:
                each.cancel()
            raise
    print("received: %(received)d, there before: %(held)d, not sent: %(failed)d" % counts)
    return 1 if counts["failed"] else 0


def _outcomes(waiting: Any) -> Iterator[Outcome]:
    for each in as_completed(waiting):
        yield each.result()


def cases(archive: Archive, _: argparse.Namespace) -> int:
    """List the cases that one may reach."""
    for one in archive.ask("GET", "/uploads/cases"):
        print("%s\t%s" % (one["reference"], one["title"]))
    return 0


def _token(said: argparse.Namespace) -> str:
    if said.token_file:
        return Path(said.token_file).read_text(encoding="ascii").strip()
    if os.environ.get("MUNIMENT_TOKEN"):
        return os.environ["MUNIMENT_TOKEN"].strip()
    return getpass.getpass("Token: ").strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\n")[0],
        epilog="Interrupted? Run the same command again: it goes on where it stopped.",
    )
    acts = parser.add_subparsers(dest="act", required=True)
    for name, about in (("cases", "list your cases"), ("upload", "send files and folders")):
        one = acts.add_parser(name, help=about)
        one.add_argument("--server", required=True, help="the archive's address, https://…")
        one.add_argument("--token-file", help="a file that holds the token alone")
        one.add_argument("--patience", type=float, default=600.0, metavar="SECONDS",
                         help="how long to try when the archive does not answer")  # fmt: skip
    one.add_argument("--case", required=True, help="reference or id of the case")
    one.add_argument("--receipts", help="a folder for the receipts, one a file")
    one.add_argument("--parallel", type=int, default=3, choices=range(1, 9), metavar="1-8")
    one.add_argument("--quiet", action="store_true", help="no progress")
    for name in FIELDS:
        about = "of every file: " + name.replace("_", " ")
        one.add_argument("--" + name.replace("_", "-"), default="", help=about)
    one.add_argument("paths", nargs="+", metavar="FILE|FOLDER")
    return parser


def main(arguments: "Optional[list[str]]" = None) -> int:
    """Do what the command line says; return the exit code: 0 done, 1 not all, 2 not at all."""
    said = _parser().parse_args(arguments)
    try:
        archive = Archive(said.server, _token(said), said.patience)
        return {"cases": cases, "upload": upload}[said.act](archive, said)
    except (StoppedError, RefusedError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again; it goes on.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
