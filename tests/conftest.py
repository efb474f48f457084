"""What every test has: a signer, anchors and a store of its own, and a log when it asks for one."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from archive import custody
from archive.models.ledger import Log

pytest_plugins = ["tests.browsers", "tests.servers"]


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> Path:
    """The signer, the anchors and the store of this test alone."""
    signer = tmp_path / "signer"
    signer.mkdir(mode=0o700)
    settings.SIGNER_DIR = signer
    settings.ANCHOR_FILES = [tmp_path / "anchors.txt"]
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.STORE_DIR = settings.DATA_DIR / "store"
    return tmp_path


@pytest.fixture
def opened_log(db: None) -> Log:
    """The custody log with its first entry, rolled back with the test."""
    return custody.open_log()


@dataclass(frozen=True)
class CommittedDatabase:
    """A database file whose commits are real; other processes may open it with ``environment``."""

    path: Path
    environment: dict[str, str]

    @contextmanager
    def insider(self) -> Iterator[sqlite3.Connection]:
        """A connection past Django, as somebody with the file has."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            yield connection


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Path:
    """An SQLite file with every migration applied, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "archive.sqlite3"
    with django_db_blocker.unblock(), _database_at(path):
        call_command("migrate", verbosity=0)
    return path


@pytest.fixture
def committed_database(
    migrated_file: Path, folders: Path, settings: Any, django_db_blocker: Any
) -> Iterator[CommittedDatabase]:
    """An SQLite file of the test's own, thrown away afterwards: triggers forbid emptying one."""
    path = settings.DATA_DIR / "archive.sqlite3"
    shutil.copyfile(migrated_file, path)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "MUNIMENT_DATA_DIR": str(settings.DATA_DIR),
        "MUNIMENT_SIGNER_DIR": str(settings.SIGNER_DIR),
        "MUNIMENT_RUN_DIR": str(folders / "run"),
        "MUNIMENT_ORIGIN": settings.LOG_ORIGIN,
    }
    settings.ANCHOR_FILES = [settings.SIGNER_DIR / "anchors.txt"]
    with django_db_blocker.unblock(), _database_at(path):
        yield CommittedDatabase(path=path, environment=environment)


class _database_at:  # noqa: N801  reads as a verb where it is used
    """Django's default database is the SQLite file at ``path``, with the product's options."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._settings = connections.settings["default"]
        self._connection = connections["default"]
        connections.settings["default"] = {
            **self._settings,
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(self._path),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                    "PRAGMA secure_delete=ON;"
                ),
            },
        }
        del connections["default"]

    def __exit__(self, *_: object) -> None:
        connections["default"].close()
        connections["default"] = self._connection
        connections.settings["default"] = self._settings
