"""The project's settings, with every folder in a temporary one that goes with the test run."""

import atexit
import shutil
import tempfile
from pathlib import Path

from config.settings import *  # noqa: F403  the tests run on the product's settings

_FOLDER = Path(tempfile.mkdtemp(prefix="muniment-tests-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)

DATA_DIR = _FOLDER / "data"
RUN_DIR = _FOLDER / "run"
SIGNER_DIR = _FOLDER / "signer"
for folder in (DATA_DIR, RUN_DIR, SIGNER_DIR):
    folder.mkdir(mode=0o700)
STORE_DIR = DATA_DIR / "store"
ANCHOR_FILES = [SIGNER_DIR / "anchors.txt"]
LOG_ORIGIN = "tests.invalid/archive"
STATIC_ROOT = DATA_DIR / "static"
VALKEY_SOCKET = RUN_DIR / "valkey.sock"
for alias in ("derivatives", "bundles"):
    if "location" in STORAGES[alias]["OPTIONS"]:  # noqa: F405
        STORAGES[alias]["OPTIONS"]["location"] = DATA_DIR / alias  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["NAME"] = DATA_DIR / "archive.sqlite3"  # noqa: F405
# Argon2 is slow on purpose; no test is about guessing passwords.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
