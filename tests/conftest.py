"""What every test has: a signer, keys, anchors and a store of its own, and a log when it asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from archive import custody, data_keys
from archive.models.ledger import Log

pytest_plugins = ["tests.browsers", "tests.databases", "tests.servers"]


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> Path:
    """The signer, the data keys, the anchors and the store of this test alone."""
    signer = tmp_path / "signer"
    signer.mkdir(mode=0o700)
    settings.SIGNER_DIR = signer
    settings.KEYS_DIR = tmp_path / "keys"
    data_keys.create()
    settings.ANCHOR_FILES = [tmp_path / "anchors.txt"]
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    settings.STORE_DIR = settings.DATA_DIR / "store"
    return tmp_path


@pytest.fixture(autouse=True)
def speaking_english() -> None:
    """English at first: a request in another language leaves it to the thread."""
    translation.activate("en")


@pytest.fixture
def opened_log(db: None) -> Log:
    """The custody log with its first entry, rolled back with the test."""
    return custody.open_log()
