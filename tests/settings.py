"""The project's settings, with every folder in a temporary one that goes with the test run.

SQLite by default; ``TEST_DATABASE=postgresql`` starts a real PostgreSQL and uses that.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests import services

_FOLDER = Path(tempfile.mkdtemp(prefix="muniment-tests-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)

# An operator's shell must not lend its archive to the tests.
for _name in [name for name in os.environ if name.startswith(("MUNIMENT_", "S3_"))]:
    del os.environ[_name]
for _name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
    os.environ.pop(_name, None)
os.environ["MUNIMENT_RUN_DIR"] = str(_FOLDER / "run")
if os.environ.get("TEST_DATABASE") == "postgresql":
    os.environ["DATABASE_URL"] = services.postgresql().url

from config.settings import *  # noqa: E402, F403  the tests run on the product's settings

# Processes that a test starts choose their own.
os.environ.pop("DATABASE_URL", None)
del os.environ["MUNIMENT_RUN_DIR"]

DATA_DIR = _FOLDER / "data"
RUN_DIR = _FOLDER / "run"
SIGNER_DIR = _FOLDER / "signer"
KEYS_DIR = _FOLDER / "keys"
for folder in (DATA_DIR, RUN_DIR, SIGNER_DIR, KEYS_DIR):
    folder.mkdir(mode=0o700, exist_ok=True)
STORE_DIR = DATA_DIR / "store"
ANCHOR_FILES = [SIGNER_DIR / "anchors.txt"]
LOG_ORIGIN = "tests.invalid/archive"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir()
VALKEY_SOCKET = RUN_DIR / "valkey.sock"
for alias in ("derivatives", "bundles"):
    if "location" in STORAGES[alias]["OPTIONS"]:  # noqa: F405
        STORAGES[alias]["OPTIONS"]["location"] = DATA_DIR / alias  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["NAME"] = DATA_DIR / "archive.sqlite3"  # noqa: F405
# Argon2 is slow on purpose; no test is about guessing passwords.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
