"""The upright fingerprints of all pictures and frames, as each process keeps them.

Rows are the truth.  What was added is taken in before each search, and what is found is compared
with the rows again by whoever asks.  What has grown long is sealed: written to files that are
mapped by all processes of a machine and found by bands.  The files hold nothing but what the rows
say; whoever removes them loses some seconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import shutil
import threading
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models import Max, QuerySet

from archive import durable
from evidence.fingerprints import PDQ, PDQ_VERSION
from evidence.fingerprints.banded import Banded, DamagedError
from evidence.fingerprints.packed import Packed
from evidence.matching.leads import QUALITY
from evidence.models.analysis import Fingerprint

logger = logging.getLogger(__name__)

BATCH = 500
#: Rows that are read again before each search: transactions do not end in the order of their ids.
AGAIN = 2_000
SEALED_AT = 250_000  # fingerprints that are compared one by one before they are sealed
_SAME_SIZE = 4  # a part is merged with the one before, unless that is so many times as long
_SAMPLES = 16  # rows that are compared with a part before it is believed
_READ = 20_000  # rows taken from the database at a time
#: What the parts are of; parts of something else are not these.
OF = f"{PDQ} {PDQ_VERSION}, upright, quality {QUALITY} and more"


class Kept:
    """The fingerprints as far as they were read: sealed parts, and the rest."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._sealing: threading.Thread | None = None
        self._start()

    def _start(self) -> None:
        self._parts: dict[str, Banded] = {}
        self._said = ""  # the list of parts as last read
        self._rest = Packed()
        self._last = 0
        self._recent: set[int] = set()

    def within(self, values: Iterable[str], radius: int) -> tuple[set[int], int]:
        """Return the ids of rows that may be that near to a value, and how many rows there are."""
        with self._lock:
            self._catch_up()
            places: list[Banded | Packed] = [*self._parts.values(), self._rest]
            if len(self._rest) >= SEALED_AT + AGAIN and not self.is_sealing:
                self._sealing = threading.Thread(
                    target=self._seal_beside, name="sealing", daemon=True
                )
                self._sealing.start()
            near = {pk for value in values for one in places for pk, _ in one.within(value, radius)}
            return near, sum(len(one) for one in places)

    @property
    def folder(self) -> Path:
        """Where the parts are."""
        return self._folder or Path(settings.DATA_DIR) / "fingerprints"

    @property
    def is_sealing(self) -> bool:
        """Whether this process is writing a part just now."""
        return self._sealing is not None and self._sealing.is_alive()

    def _catch_up(self) -> None:
        latest = Fingerprint.objects.aggregate(latest=Max("pk"))["latest"] or 0
        if latest < self._last:
            self._start()  # another database was put in this one's place
        self._take_parts()
        rows = rows_of_enough().filter(pk__gt=self._last - AGAIN).exclude(pk__in=self._recent)
        new = rows.order_by("pk").values_list("pk", "value").iterator(chunk_size=_READ)
        while some := list(islice(new, _READ)):
            self._rest.add(some)
            self._recent = {pk for pk in self._recent if pk > latest - AGAIN}
            self._recent.update(pk for pk, _ in some if pk > latest - AGAIN)
        self._last = max(self._last, latest)

    def _take_parts(self) -> None:
        """Take over what this or another process has sealed since."""
        said = self._list()
        if said == self._said:
            return
        self._said = said
        parts: dict[str, Banded] = {}
        for name in _names(said):
            try:
                parts[name] = self._parts.get(name) or Banded.read(self.folder, name)
            except DamagedError as error:
                logger.warning("Fingerprints are read from the rows again: %s", error)
                return
        if not all(_is_of_these_rows(one) for one in parts.values()):
            logger.warning("The sealed fingerprints are not of this database; rows are read again.")
            return
        self._parts = parts
        numbers = [one.numbers for one in parts.values()]
        sealed = np.concatenate(numbers) if numbers else np.zeros(0, np.int64)
        rest = Packed()
        open_ = ~np.isin(self._rest.numbers, sealed)
        rest.put(self._rest.columns[:, open_], self._rest.numbers[open_])
        self._rest = rest
        last = int(sealed.max(initial=0))
        if last > self._last:
            self._last = last
            self._recent = set(sealed[sealed > last - AGAIN].tolist())

    def _list(self) -> str:
        try:
            return (self.folder / "parts.json").read_text("utf-8")
        except FileNotFoundError:
            return ""

    def _seal_beside(self) -> None:
        """Seal in a thread of its own, which leaves no connection behind; searches go on."""
        try:
            self.seal()
        except (OSError, DatabaseError) as error:
            logger.warning("Fingerprints were not sealed; they are searched as they are: %s", error)
        finally:
            connections.close_all()

    def seal(self) -> None:
        """Write what is long and settled as a part; others of this machine use it from then on.

        Does nothing while another process is at it.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            with self._lock:
                self._take_parts()
                settled = self._rest.numbers <= self._last - AGAIN
                columns = self._rest.columns[:, settled]
                numbers = self._rest.numbers[settled]
                parts = dict(self._parts)
            if not len(numbers):
                return
            while parts and len(list(parts.values())[-1]) < _SAME_SIZE * len(numbers):
                _, before = parts.popitem()
                columns = np.concatenate([before.columns, columns], axis=1)
                numbers = np.concatenate([before.numbers, numbers])
            name = Banded.of(columns, numbers).write(self.folder)
            names = [*parts, name]
            said = json.dumps({"of": OF, "parts": names}).encode()
            durable.write(self.folder / "parts.json", said)
            self._remove_all_but(names)

    def _remove_all_but(self, names: list[str]) -> None:
        for path in self.folder.iterdir():
            if path.is_dir() and path.name not in names:
                shutil.rmtree(path, ignore_errors=True)  # mapped ones live on until they are left


KEPT = Kept()


def rows_of_enough() -> QuerySet[Fingerprint]:
    """Return the rows that can be found: upright, and with enough in them."""
    of_enough = Fingerprint.objects.filter(algorithm=PDQ, version=PDQ_VERSION, quality__gte=QUALITY)
    return of_enough.exclude(variant__contains="/")


def _names(said: str) -> list[str]:
    found: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        found = json.loads(said)
    return list(found["parts"]) if found.get("of") == OF else []


def _is_of_these_rows(part: Banded) -> bool:
    """Compare some rows with a part: it may be of a database that was there before."""
    places = np.unique(np.linspace(0, len(part) - 1, _SAMPLES).astype(int))
    said = {
        int(part.numbers[place]): "".join(f"{int(word):016x}" for word in part.columns[:, place])
        for place in places
    }
    return said == dict(rows_of_enough().filter(pk__in=said).values_list("pk", "value"))
