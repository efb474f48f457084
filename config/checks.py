"""System checks of the site: what an operator's settings and machine must not be.

What is wrong with the disk or the clock is a warning: reading and checking must go on.

muniment.E001  Previews or bundles could be overwritten, or their links stay good for too long.
muniment.E002  Half-written originals lie on another file system than the finished ones.
muniment.W003  The file system of the originals can't make bytes durable.
muniment.E004  The site would show its inside, or answer to any name (deploy).
muniment.E005  A frozen broker would keep uploads waiting.
muniment.W006  The clock is behind the ledger's newest entry.
muniment.W007  Little room is left for the ledger.
muniment.W008  The second factor is left to each person (deploy).
muniment.W009  The site is not behind TLS (deploy).
muniment.W010  Hostile files are parsed with weak confinement (deploy).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError
from django.utils import timezone

from archive.models.ledger import Entry
from archive.proof.entries import Entry as Written
from archive.proof.errors import ProofError
from evidence import sandbox

LONGEST_LINK = 300  # seconds that a signed link to a bucket may be good for
PATIENCE = 5  # seconds that a broker may keep somebody waiting
BEHIND = timedelta(minutes=5)
ROOM = 2**30  # bytes
TAG = "muniment"


@checks.register(TAG)
def files_are_not_overwritten(**_: Any) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    for name in ("derivatives", "bundles"):
        options = settings.STORAGES[name].get("OPTIONS", {})
        if not settings.STORAGES[name]["BACKEND"].startswith("storages."):
            continue
        if options.get("file_overwrite") is not False:
            found.append(
                checks.Error(
                    f"The storage {name!r} would overwrite files of the same name.",
                    hint="Set its option file_overwrite to False.",
                    id="muniment.E001",
                )
            )
        if options.get("querystring_expire", 3600) > LONGEST_LINK:
            found.append(
                checks.Error(
                    f"Links of the storage {name!r} stay good for over {LONGEST_LINK} s.",
                    id="muniment.E001",
                )
            )
    return found


@checks.register(TAG)
def bytes_can_be_made_durable(**_: Any) -> list[checks.CheckMessage]:
    root = Path(settings.STORE_DIR)
    if not root.is_dir():
        return []  # nothing was kept yet
    folders = [path for name in ("tmp", "uploads", "blobs") if (path := root / name).is_dir()]
    if len({path.stat().st_dev for path in (root, *folders)}) > 1:
        return [
            checks.Error(
                f"The folders in {root} lie on different file systems; a file can't get its name "
                "there without being copied, and a copy can be cut short.",
                hint="Mount the whole store, not a folder in it.",
                id="muniment.E002",
            )
        ]
    try:
        # Where the sweep takes away what a crash leaves behind.
        (root / "tmp").mkdir(mode=0o750, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root / "tmp") as file:
            file.write(b"muniment")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return [
            checks.Warning(
                f"Nothing can be made durable in {root}: {error.strerror}.",
                hint="Every upload would be refused. Look at the disk and its mount options.",
                id="muniment.W003",
            )
        ]
    if shutil.disk_usage(root).free < ROOM:
        return [
            checks.Warning(
                f"Less than 1 GiB is free for {root}; the ledger must always find room.",
                id="muniment.W007",
            )
        ]
    return []


@checks.register(TAG)
def a_broker_can_not_keep_uploads_waiting(**_: Any) -> list[checks.CheckMessage]:
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    for name in ("socket_timeout", "socket_connect_timeout"):
        if not 0 < options.get(name, 0) <= PATIENCE:
            return [
                checks.Error(
                    f"The broker's {name} must lie between 0 and {PATIENCE} seconds.",
                    id="muniment.E005",
                )
            ]
    return []


@checks.register(TAG)
def clock_is_not_behind_the_ledger(**_: Any) -> list[checks.CheckMessage]:
    try:
        newest = Entry.objects.order_by("-seq").values_list("body", flat=True).first()
        if newest is None:
            return []
        last = Written.decode(newest.encode()).time
    except (DatabaseError, ProofError):
        return []  # other checks say what is wrong there
    if timezone.now() + BEHIND < last:
        return [
            checks.Warning(
                f"The clock is behind the ledger's newest entry ({last:%Y-%m-%d %H:%M:%S} UTC).",
                hint="Set the clock (NTP) before anything is recorded.",
                id="muniment.W006",
            )
        ]
    return []


@checks.register(TAG, deploy=True)
def parsers_are_confined(**_: Any) -> list[checks.CheckMessage]:
    level = sandbox.isolation()
    if "landlock" in level or "seccomp" in level:
        return []
    return [
        checks.Warning(
            f"Files are parsed with the confinement {level or 'none'!r} alone: a parser that is "
            "taken over could read this machine's files and reach its network.",
            hint="Use a kernel with Landlock (5.13 or newer) or seccomp.",
            id="muniment.W010",
        )
    ]


@checks.register(TAG, deploy=True)
def site_is_closed(**_: Any) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    if settings.DEBUG or "*" in settings.ALLOWED_HOSTS:
        found.append(
            checks.Error(
                "MUNIMENT_DEBUG shows the site's inside, and MUNIMENT_HOSTS must name its hosts.",
                id="muniment.E004",
            )
        )
    if not settings.SECOND_FACTOR_REQUIRED:
        found.append(
            checks.Warning(
                "A stolen password is enough to sign in as whoever set up no second factor.",
                hint="Set MUNIMENT_SECOND_FACTOR_REQUIRED=yes.",
                id="muniment.W008",
            )
        )
    if not settings.SESSION_COOKIE_SECURE:
        found.append(
            checks.Warning(
                "Passwords and evidence cross the network in clear.",
                hint="Put a TLS proxy in front, and set MUNIMENT_HTTPS=yes.",
                id="muniment.W009",
            )
        )
    return found
