"""What the machine must offer before the archive starts; what is missing is told in one sentence.

Each check raises NotReadyError, whose text says what is wrong and what to do about it.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import socket
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OLDEST_SQLITE = (3, 31, 0)  # generated columns
LONGEST_SOCKET_PATH = 100  # bytes; the system's limit is 107 on Linux, 103 on macOS
SHORT_PLACE = Path("/tmp")  # noqa: S108 - the folder made in it is ours alone, and checked


class NotReadyError(Exception):
    """The archive can't start; the message says why and what to do."""


def check_sqlite() -> None:
    """Refuse an SQLite that lacks what the tables are built with."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise NotReadyError(
            f"This Python has SQLite {sqlite3.sqlite_version}; 3.31 or newer is needed. "
            "Use a newer Python, or set DATABASE_URL to a PostgreSQL database."
        )
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("SELECT json_extract('{\"a\": 1}', '$.a')")
    except sqlite3.OperationalError as error:
        raise NotReadyError(
            "This Python's SQLite was built without its JSON functions. "
            "Use another Python, or set DATABASE_URL to a PostgreSQL database."
        ) from error
    finally:
        connection.close()


def make_folder(folder: Path, *, variable: str) -> None:
    """Make ``folder`` for this user alone, and prove by writing that it can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise NotReadyError(
            f"The folder {folder} can't be written ({error.strerror}). "
            f"Let this user write there, or set {variable} to a folder that can be written."
        ) from error


def socket_path(folder: Path) -> Path:
    """Return the broker's socket: in ``folder``, or in a short place if that path is too long."""
    path = folder / "valkey" / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return SHORT_PLACE / f"muniment-{os.getuid()}-{name}" / "valkey.sock"


def make_private(folder: Path) -> None:
    """Make ``folder`` for this user alone; refuse one that another user made or can enter.

    In a place that anybody can write to, somebody else could have made it first.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise NotReadyError(
            f"{folder} is not a folder of this user alone. Remove it, or run: chmod 700 {folder}"
        )


@contextmanager
def only_one(folder: Path) -> Iterator[bool]:
    """Hold the lock of ``folder``; yield whether the last holder ended without giving it back."""
    path = folder / "up.lock"
    with path.open("a+", encoding="ascii") as file:
        file.seek(0)
        last = file.read().strip()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotReadyError(
                f"The archive already runs from this folder, as process {last or 'unknown'}. "
                f"Stop it first: Ctrl-C in its window, or kill {last}"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield bool(last)
        finally:
            file.truncate(0)


def check_address(host: str, port: int) -> None:
    """Refuse an address that can't be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
    except OverflowError as error:
        raise NotReadyError(f"{port} is not a port; choose one from 1024 to 65535.") from error
    except socket.gaierror as error:
        raise NotReadyError(
            f"{host!r} is not an address of this machine; set MUNIMENT_HOST to one or leave it out."
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise NotReadyError(
                f"Port {port} is taken by another program. "
                f"Choose another, for example: manage.py up --port {port + 1}"
            ) from error
        raise NotReadyError(
            f"Nothing can listen on {host}, port {port} ({error.strerror}). "
            "Choose another with --port (1024 or above) or MUNIMENT_HOST."
        ) from error
