"""The one writer of the custody ledger, and its reader.

    with recording(actor=actor, now=now) as log:
        ...                              # the act's own rows
        pending = log.add(event, item=item.pk)
    pending.seq, pending.hash            # known after the block

An act and its entries are committed together or not at all.  Entries get their numbers, times and
hashes in the block's last statements, while the log's head row is locked, so that writers wait for
each other only then.  On SQLite a lock file lets them in one after another: without it some wait
for seconds while others go again and again.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, QuerySet, Subquery
from django.utils import timezone

from archive import anchors, data_keys, disclosures, locks, signer, signing
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry, Log, LogHead
from archive.proof import entries as proof_entries
from archive.proof.errors import ProofError
from archive.proof.events import ClockAnomaly, Event, LogCreated
from archive.proof.merkle import Frontier, Prover, leaf_hash

SIGNED_WITH = {1: "ed25519", 2: "ed25519 ml-dsa-44"}  # by how many keys the signer has
CLOCK_TOLERANCE = timedelta(seconds=5)  # what time synchronisation may step back unremarked
_MOST_PARAMETERS = 500  # SQLite before 3.32 took 999 in one statement

_ACTOR = re.compile(r"a-[0-9a-f]{32}")

SPECIFICATION = Path("docs") / "formats" / "ledger.md"


class CustodyError(Exception):
    """The ledger can't be written now; the message says what to do."""


class NotOpenedError(CustodyError):
    """The archive's log was not opened yet."""


class OlderDatabaseError(CustodyError):
    """The database does not hold what was signed or anchored."""


class DamagedLedgerError(CustodyError):
    """Parts of the tree are missing from the database."""


@dataclass(frozen=True)
class Actor:
    """Who acts: an opaque id, ``a-`` and 32 hexadecimal digits, and the role they act in."""

    id: str
    role: str

    def __post_init__(self) -> None:
        if not _ACTOR.fullmatch(self.id):
            raise TypeError(f"not an actor's id: {self.id!r}")


#: The archive itself, for what no person does.
ARCHIVE = Actor(id="a-" + "0" * 32, role="archive")


class Pending:
    """An entry's place, time and hash; known when its block has ended."""

    def __init__(self) -> None:
        self._written: tuple[int, bytes, datetime] | None = None

    def _settle(self, seq: int, leaf: bytes, time: datetime) -> None:
        self._written = (seq, leaf, time)

    def _known(self) -> tuple[int, bytes, datetime]:
        if self._written is None:
            raise RuntimeError("The entry is written when its recording() block ends, not before.")
        return self._written

    @property
    def seq(self) -> int:
        return self._known()[0]

    @property
    def leaf(self) -> bytes:
        return self._known()[1]

    @property
    def hash(self) -> str:
        """The leaf hash in hexadecimal."""
        return self._known()[1].hex()

    @property
    def time(self) -> datetime:
        return self._known()[2]


class _Draft(NamedTuple):
    event: Event
    item: str | None
    pending: Pending


class Recording:
    """What one block adds to the log; use it through ``recording()``."""

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self._open = True

    def add(self, event: Event, *, item: uuid.UUID | str | None = None) -> Pending:
        """Have ``event`` recorded at the end of the block, in the history of ``item`` if given."""
        if not self._open:
            raise RuntimeError("This recording has ended; begin another.")
        if not isinstance(event, Event) or not event.kind:
            raise TypeError(f"not an event of archive.proof.events: {event!r}")
        pending = Pending()
        self._drafts.append(_Draft(event, _id_of(item), pending))
        return pending

    def _close(self) -> list[_Draft]:
        self._open = False
        return self._drafts


def _id_of(item: uuid.UUID | str | None) -> str | None:
    if item is None:
        return None
    return str(item if isinstance(item, uuid.UUID) else uuid.UUID(str(item)))


@contextmanager
def recording(*, actor: Actor, now: datetime | None = None) -> Iterator[Recording]:
    """A transaction whose last statements write the entries that the block added.

    An exception in the block leaves neither rows nor entries.  Inside another transaction the
    entries stand or fall with that one, and the head stays locked until it ends.  An entry's time
    is ``now`` (the clock's when None), but never before the entry in front of it.

    Raises NotOpenedError, and OlderDatabaseError when entries that were signed or anchored are not
    in the database.
    """
    if not isinstance(actor, Actor):
        raise TypeError(f"not an Actor: {actor!r}")
    if now is not None and timezone.is_naive(now):
        raise TypeError("now has no time zone")
    with writing():
        log = Recording()
        try:
            yield log
        finally:
            drafts = log._close()  # noqa: SLF001  both are this module's
        if drafts:
            _append(drafts, actor=actor, now=now)


@contextmanager
def writing() -> Iterator[None]:
    """A transaction for which writers on SQLite queue up before they begin it.

    Who is already in a transaction holds SQLite's own lock, and must not wait for the queue.
    """
    database = connections[DEFAULT_DB_ALIAS]
    if database.in_atomic_block or not _has_queue(database):
        with transaction.atomic():
            yield
        return
    turn = _Turn(f"{database.settings_dict['NAME']}.ledger.lock")
    try:
        turn.wait()
        with transaction.atomic():
            # The first to run after the commit, so that no other hook keeps the queue waiting.
            database.on_commit(turn.leave)
            yield
    finally:
        turn.leave()


def is_in_memory() -> bool:
    """Whether the database is SQLite's in memory, which no other process writes."""
    return _is_in_memory(connections[DEFAULT_DB_ALIAS])


def _is_in_memory(database: BaseDatabaseWrapper) -> bool:
    name = str(database.settings_dict["NAME"])
    return database.vendor == "sqlite" and ("mode=memory" in name or name == ":memory:")


def _has_queue(database: BaseDatabaseWrapper) -> bool:
    return database.vendor == "sqlite" and not _is_in_memory(database)


class _Turn:
    """One place in the queue of writers.

    Each opens the lock file for itself: a descriptor shared by two threads would let both in.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    def wait(self) -> None:
        if self._file is not None:
            try:
                locks.take(self._file, self._path)
            except TimeoutError as error:
                raise OperationalError(f"The database is locked: {error}") from error

    def leave(self) -> None:
        """Let the next one in; leaving twice must not close what got the same number since."""
        file, self._file = self._file, None
        if file is not None:
            fcntl.flock(file, fcntl.LOCK_UN)  # a child forked meanwhile would keep it
            # What was written is committed by now; nothing is in this file that could be lost.
            with suppress(OSError):
                os.close(file)


def _append(drafts: Sequence[_Draft], *, actor: Actor, now: datetime | None) -> None:
    """Write the entries at the log's end, with the head locked from here to the commit."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor != "sqlite":
        with database.cursor() as cursor:
            _append_through(cursor, drafts, actor=actor, now=now)
        return
    with database.wrap_database_errors, closing(database.connection.cursor()) as own:
        _append_through(_OwnCursor(own), drafts, actor=actor, now=now)


class _Cursor(Protocol):
    """What an append needs of a cursor."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, query: str, values: Sequence[Any] = ..., /) -> object: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...


class _OwnCursor:
    """SQLite's own cursor, with Django's marks: per statement Django takes longer than SQLite."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self.fetchone = cursor.fetchone
        self.fetchall = cursor.fetchall

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def execute(self, query: str, values: Sequence[Any] = ()) -> None:
        self._cursor.execute(_with_own_marks(query), values)


@lru_cache(maxsize=256)
def _with_own_marks(query: str) -> str:
    return query.replace("%s", "?")


def _append_through(
    cursor: _Cursor, drafts: Sequence[_Draft], *, actor: Actor, now: datetime | None
) -> None:
    items = {draft.item for draft in drafts if draft.item}
    head, last, chains = _locked(cursor, items)
    frontier = Frontier(head.size, head.peaks)
    _require_what_was_signed(head.origin, log=head.log, size=head.size)
    clock = timezone.now()
    before = _time_of(last) if head.size else None
    time = max(now or clock, before) if before else now or clock
    if before and before - clock > CLOCK_TOLERANCE and not _is_noted(head.log, before):
        anomaly = ClockAnomaly(went_back_us=proof_entries.microseconds(before - clock))
        drafts = [_Draft(event=anomaly, item=None, pending=Pending()), *drafts]

    known = frozenset(chains)
    write = proof_entries.Writer(log=head.origin, actor=actor.id, time=time).write
    rows: list[tuple[int, int, bytes, str]] = []
    nodes: list[tuple[int, int, int, bytes]] = []
    hidden: list[tuple[int, str, int, str | None, str, str]] = []
    settled: list[tuple[Pending, int, bytes]] = []
    for draft in drafts:
        seq = frontier.size
        private = draft.event.private()
        sealed = _sealed(private) if private else []
        next_seq, prev = chains.get(draft.item, (0, None)) if draft.item else (None, None)
        body = write(
            seq,
            draft.event.kind,
            draft.event.public(),
            sorted(one.digest for one in sealed),
            draft.item,
            next_seq,
            prev.hex() if prev else None,
        )
        leaf = leaf_hash(body)
        rows.append((head.log, seq, leaf, body.decode()))
        nodes.extend((head.log, *node) for node in frontier.append(leaf))
        hidden.extend((head.log, one.digest, seq, draft.item, one.name, one.text) for one in sealed)
        if draft.item and next_seq is not None:
            chains[draft.item] = (next_seq + 1, leaf)
        settled.append((draft.pending, seq, leaf))

    _write(cursor, head, frontier, _Written(rows, nodes, hidden, chains, known))
    for pending, seq, leaf in settled:
        pending._settle(seq, leaf, time)  # noqa: SLF001  both are this module's


class _Written(NamedTuple):
    """What one append puts into the ledger's tables."""

    rows: list[tuple[int, int, bytes, str]]
    nodes: list[tuple[int, int, int, bytes]]
    hidden: list[tuple[int, str, int, str | None, str, str]]
    chains: dict[str, tuple[int, bytes]]  # where each item's chain stands afterwards
    known: frozenset[str]  # the items that had one before


def _write(cursor: _Cursor, head: _Found, frontier: Frontier, new: _Written) -> None:
    _insert(cursor, "archive_entry", ("log_id", "seq", "leaf", "body"), new.rows)
    _insert(cursor, "archive_node", ("log_id", "level", '"index"', "hash"), new.nodes)
    _insert(
        cursor,
        "archive_disclosure",
        ("log_id", "digest", "entry_seq", "item", "name", "text"),
        new.hidden,
    )
    for item, (next_seq, leaf) in new.chains.items():
        if item in new.known:
            cursor.execute(
                "UPDATE archive_itemhead SET next_seq = %s, leaf = %s WHERE item = %s",
                (next_seq, leaf, item),
            )
    begun = [
        (item, head.log, next_seq, leaf)
        for item, (next_seq, leaf) in new.chains.items()
        if item not in new.known
    ]
    _insert(cursor, "archive_itemhead", ("item", "log_id", "next_seq", "leaf"), begun)
    cursor.execute(
        "UPDATE archive_loghead SET size = %s, peaks = %s WHERE log_id = %s AND size = %s",
        [frontier.size, bytes(frontier), head.log, head.size],
    )
    if cursor.rowcount != 1:
        raise CustodyError("The log's head moved while it was locked; nothing was recorded.")


def put_back(bodies: Sequence[bytes], *, promised: signer.Signed) -> None:
    """Entries that an older database lacks are in it again, byte for byte, up to a signed tree.

    ``bodies`` go on from the database's last entry.  Raises DamagedLedgerError, and changes
    nothing, unless they lead to the tree that was ``promised``.
    """
    with writing(), connection.cursor() as cursor:
        try:
            written = [proof_entries.Entry.decode(body) for body in bodies]
        except ProofError as error:
            raise DamagedLedgerError(f"These are not entries of a ledger: {error}.") from error
        head, _, chains = _locked(cursor, {one.item for one in written if one.item})
        known = frozenset(chains)
        frontier = Frontier(head.size, head.peaks)
        nodes: list[tuple[int, int, int, bytes]] = []
        rows: list[tuple[int, int, bytes, str]] = []
        for one, body in zip(written, bodies, strict=True):
            leaf = leaf_hash(body)
            rows.append((head.log, frontier.size, leaf, body.decode()))
            nodes.extend((head.log, *node) for node in frontier.append(leaf))
            if one.item:
                chains[one.item] = ((one.item_seq or 0) + 1, leaf)
        if frontier.size != promised.size or frontier.root() != promised.root:
            raise DamagedLedgerError(
                f"With these entries the database does not become the tree of {promised.size} "
                "entries that was signed; nothing was put back."
            )
        _write(cursor, head, frontier, _Written(rows, nodes, [], chains, known))


def bodies(log: Log, start: int, end: int) -> Iterator[bytes]:
    """Give the bytes of the entries from one place up to another."""
    rows = Entry.objects.filter(log=log, seq__gte=start, seq__lt=end).order_by("seq")
    return (body.encode() for body in rows.values_list("body", flat=True).iterator())


def _sealed(private: Mapping[str, Any]) -> list[disclosures.Sealed]:
    try:
        return disclosures.seal(private)
    except data_keys.DataKeyError as error:
        raise CustodyError(f"{error} Nothing was recorded.") from error


@dataclass(frozen=True)
class _Found:
    """The head as it was found; when it was locked, nobody else moves it before the commit."""

    log: int
    origin: str
    size: int
    peaks: bytes


# Plain SQL on the way of every append, through one cursor: what Django does around each statement
# takes as long as SQLite takes over it, and the disk no more than a few of them.
_HEAD = (
    "SELECT h.log_id, l.origin, h.size, h.peaks FROM archive_loghead h "
    "JOIN archive_log l ON l.id = h.log_id WHERE l.origin = %s"
)
_LAST = "SELECT body FROM archive_entry WHERE log_id = %s AND seq = %s"
_AT_ONCE = (
    "SELECT h.log_id, l.origin, h.size, h.peaks, e.body, i.next_seq, i.leaf "
    "FROM archive_loghead h JOIN archive_log l ON l.id = h.log_id "
    "LEFT JOIN archive_entry e ON e.log_id = h.log_id AND e.seq = h.size - 1 "
    "LEFT JOIN archive_itemhead i ON i.item = %s WHERE l.origin = %s"
)


def _locked(
    cursor: _Cursor, items: set[str]
) -> tuple[_Found, str | None, dict[str, tuple[int, bytes]]]:
    """Return the head, locked, the last entry's bytes if they are there, and the items' chains.

    On a server writers wait for each other in the first statement.  PostgreSQL then reads the
    head's row again, but joins to it what was there before it waited: so the rest is asked after.
    """
    if connections[DEFAULT_DB_ALIAS].features.has_select_for_update:
        cursor.execute(f"{_HEAD} FOR UPDATE OF h", [settings.LOG_ORIGIN])
        head = _found(cursor.fetchone())
        cursor.execute(_LAST, [head.log, head.size - 1])
        last = cursor.fetchone()
        return head, last and last[0], _chains(cursor, items)
    item = next(iter(items)) if len(items) == 1 else None
    cursor.execute(_AT_ONCE, [item, settings.LOG_ORIGIN])
    row = cursor.fetchone()
    head = _found(row)
    if item is None:
        return head, row[4], _chains(cursor, items)
    return head, row[4], {} if row[5] is None else {item: (row[5], bytes(row[6]))}


def _found_head() -> _Found:
    with connection.cursor() as cursor:
        cursor.execute(_HEAD, [settings.LOG_ORIGIN])
        return _found(cursor.fetchone())


def _found(row: Sequence[Any] | None) -> _Found:
    if row is None:
        raise NotOpenedError(
            f"The log {settings.LOG_ORIGIN} was not opened. Run `manage.py open_archive`."
        )
    return _Found(log=row[0], origin=row[1], size=row[2], peaks=bytes(row[3]))


def _time_of(body: str | None) -> datetime:
    if body is None:
        raise DamagedLedgerError("The log's last entry is missing. Run `manage.py audit`.")
    return proof_entries.parse_time(json.loads(body)["time"])


def _is_noted(log: int, time: datetime) -> bool:
    """Whether an anomaly was recorded since the clock went back; times stand still until then."""
    return Entry.objects.filter(log_id=log, kind=ClockAnomaly.kind, time__gte=time).exists()


def _chains(cursor: _Cursor, items: set[str]) -> dict[str, tuple[int, bytes]]:
    wanted = sorted(items)
    found: dict[str, tuple[int, bytes]] = {}
    for start in range(0, len(wanted), _MOST_PARAMETERS):
        some = wanted[start : start + _MOST_PARAMETERS]
        marks = ", ".join(["%s"] * len(some))
        cursor.execute(
            "SELECT item, next_seq, leaf FROM archive_itemhead "  # noqa: S608  only marks
            f"WHERE item IN ({marks})",
            some,
        )
        found.update((item, (seq, bytes(leaf))) for item, seq, leaf in cursor.fetchall())
    return found


def _insert(
    cursor: _Cursor, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert many rows with each statement: a statement costs as much as what it does."""
    most = _MOST_PARAMETERS // len(columns)
    one = f"({', '.join(['%s'] * len(columns))})"
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608  only this module's names
            f"VALUES {', '.join([one] * len(some))}",
            [value for row in some for value in row],
        )


# What was signed must be here.  The answer for one signed tree never changes as long as this
# database is the one that is written to, so it is asked once for each.
_agreed = threading.local()
_files = threading.local()


def _require_what_was_signed(origin: str, *, log: int, size: int) -> None:
    held: dict[str, object] = _agreed.__dict__
    database = connections[DEFAULT_DB_ALIAS].settings_dict["NAME"]
    for place, promised in outside(origin):
        if promised.size > size:
            raise OlderDatabaseError(
                f"The database is older than checkpoint {promised.size} ({place}): it holds "
                f"{size} entries. Restore the missing entries with `manage.py restore_entries`; "
                "nothing is recorded until then."
            )
        mark = (database, promised)
        if mark in held.values():  # also when it was another place that remembered this tree
            held[place] = mark
            continue
        if Prover(_stored_nodes(log), size).root(promised.size) != promised.root:
            raise OlderDatabaseError(
                f"The database contradicts checkpoint {promised.size} ({place}): its first "
                f"{promised.size} entries are not those that were signed. Run `manage.py audit`; "
                "nothing is recorded until then."
            )
        held[place] = mark


def require_what_was_signed() -> None:
    """Raise OlderDatabaseError unless the database holds every tree remembered outside it."""
    found = _found_head()
    _require_what_was_signed(found.origin, log=found.log, size=found.size)


def outside(origin: str) -> list[tuple[str, signer.Signed]]:
    """Return the newest tree that each place outside the database remembers, with its name.

    A file that has not changed is not read again: this is on the way of every append.
    """
    folder = settings.SIGNER_DIR
    found = []
    # A signer in a process of its own is asked by whoever signs, not by every append.
    if settings.SIGNER_SOCKET is None:
        last = _remembered(_state_in(folder), partial(signer.last_signed, folder))
        if last is not None:
            found.append((signing.place(), last))
    for path in settings.ANCHOR_FILES:
        newest = _remembered(path, partial(_anchored, path, origin))
        if newest is not None:
            found.append((f"the anchor {path}", newest))
    return found


@lru_cache(maxsize=8)
def _state_in(folder: Path) -> Path:
    return folder / signer.SIGNED


def _anchored(path: Path, origin: str) -> signer.Signed | None:
    newest = anchors.newest(path)
    if newest is None or newest.origin != origin:
        return None
    return signer.Signed(newest.size, newest.root)


def _remembered(path: Path, read: Callable[[], signer.Signed | None]) -> signer.Signed | None:
    """Read a file, or return what it held when it looked the same.

    The signer's state is a new file each time and an anchor grows, so both look different.
    """
    try:
        status = os.stat(path)  # noqa: PTH116  Path.stat is slower by half
    except FileNotFoundError:
        return None
    looks = (status.st_ino, status.st_size, status.st_mtime_ns)
    known: dict[str, tuple[tuple[int, int, int], signer.Signed | None]] = _files.__dict__
    name = str(path)
    if name not in known or known[name][0] != looks:
        known[name] = (looks, read())
    return known[name][1]


def open_log(*, actor: Actor = ARCHIVE, now: datetime | None = None) -> Log:
    """The log of ``settings.LOG_ORIGIN`` exists, with its keys and ``log.created`` as entry 0.

    Asking again changes nothing.  Raises SignerError when the log is there and its key is not,
    CustodyError when personal values are there and their keys are not, and OlderDatabaseError when
    the key has signed a log that the database does not hold.
    """
    origin = settings.LOG_ORIGIN
    log = Log.objects.filter(origin=origin).first()
    if log is not None:
        signing.the_signer()
        _require_data_keys()
        return log
    for place, promised in outside(origin):
        raise OlderDatabaseError(
            f"{place} remembers checkpoint {promised.size}, but the database holds no log. "
            "Restore the database or run `manage.py restore_entries`; or give a new log another "
            "origin and another signer folder."
        )
    key = signing.create(origin=origin)
    if key.origin != origin:
        raise signer.SignerError(
            f"The signer in {settings.SIGNER_DIR} signs for {key.origin}, not for {origin}."
        )
    _require_data_keys()
    with writing():
        log = Log.objects.filter(origin=origin).first()
        if log is not None:  # another process was first
            return log
        log = Log.objects.create(origin=origin)
        LogHead.objects.create(log=log, size=0, peaks=b"")
        with recording(actor=actor, now=now) as first:
            first.add(
                LogCreated(
                    organisation=settings.ORGANISATION,
                    vkeys=key.vkeys,
                    hash_algorithm="sha256",
                    signature_algorithm=SIGNED_WITH[len(key.vkeys)],
                    specification_sha256=_specification(),
                )
            )
    return log


def _require_data_keys() -> None:
    """There are keys for personal values; new ones only where none were kept so far."""
    if data_keys.exist():
        return
    if Disclosure.objects.filter(text__isnull=False).exists():
        raise CustodyError(
            f"The data keys are not in {settings.KEYS_DIR}, and the database holds personal "
            "values that were enciphered with them. Put the folder back from its copy, or set "
            "MUNIMENT_KEYS_DIR. If they are lost for ever, `manage.py data_keys --new` makes "
            "others for what is recorded from then on."
        )
    data_keys.create()


def _specification() -> str:
    """Name the text that says what the log's bytes mean; empty where it was not installed."""
    try:
        return sha256((settings.BASE_DIR / SPECIFICATION).read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def the_log() -> Log:
    """Return the archive's log.  Raises NotOpenedError."""
    try:
        return Log.objects.get(origin=settings.LOG_ORIGIN)
    except Log.DoesNotExist as error:
        raise NotOpenedError(
            f"The log {settings.LOG_ORIGIN} was not opened. Run `manage.py open_archive`."
        ) from error


def entries(
    *,
    kind: str | None = None,
    item: uuid.UUID | str | None = None,
    actor: str | None = None,
    case: uuid.UUID | str | None = None,
    since: datetime | str | None = None,
    until: datetime | str | None = None,
) -> QuerySet[Entry]:
    """Return the log's entries in its order, narrowed by what is given.

    SQLite does not know how rare a value is, and would go through the whole log in its order: there
    the log is asked for in a way that no index knows.
    """
    asked = {"kind": kind, "actor": actor, "case": case, "item": item}
    narrowed = {name: str(value) for name, value in asked.items() if value is not None}
    log = Log.objects.filter(origin=settings.LOG_ORIGIN).values("pk")[:1]
    found: QuerySet[Entry] = (
        Entry.objects.alias(of=F("log_id") + 0).filter(of=Subquery(log), **narrowed)
        if narrowed and connection.vendor == "sqlite"
        else Entry.objects.filter(log=Subquery(log), **narrowed)
    )
    if isinstance(since, datetime):
        found = found.filter(seq__gte=first_since(since))
    elif since is not None:
        found = found.filter(time__gte=since)
    if isinstance(until, datetime):
        found = found.filter(seq__lt=first_since(until))
    elif until is not None:
        found = found.filter(time__lt=until)
    return found.order_by("seq" if item is None else "item_seq")


_RECENT = 1024  # entries at the end that are looked through


def first_since(moment: datetime) -> int:
    """Return the place of the first entry that is not before ``moment``; the size if there is none.

    An entry's time is never before that of the one in front of it, so the place is found by halves;
    the end is looked through first, for the last minutes are asked for most.
    """
    size = head().size
    rows = Entry.objects.filter(log=the_log())
    recent = max(0, size - _RECENT)
    last = rows.filter(seq__gte=recent, time__gte=moment).order_by("seq")
    place = last.values_list("seq", flat=True).first()
    if place is None:
        return size
    if place > recent or recent == 0:
        return int(place)

    def is_before(place: int) -> bool:
        time = rows.filter(seq=place).values_list("time", flat=True).first()
        return time is None or time < moment

    low, high = 0, recent
    while low < high:
        middle = (low + high) // 2
        if is_before(middle):
            low = middle + 1
        else:
            high = middle
    return low


def history_of(item: uuid.UUID | str) -> QuerySet[Entry]:
    """Return an item's entries, oldest first."""
    return entries(item=item)


@dataclass(frozen=True)
class Head:
    """Where the log stands."""

    origin: str
    size: int
    root: bytes


def head() -> Head:
    """Return the log's size and root.  Raises NotOpenedError."""
    found = _found_head()
    root = Frontier(found.size, found.peaks).root()
    return Head(origin=found.origin, size=found.size, root=root)


def prover(*, size: int | None = None, log: Log | None = None) -> Prover:
    """Return a prover over the stored tree, as large as the head says unless ``size`` is given.

    It holds what it has read: one for each job.
    """
    log = log or the_log()
    if size is None:
        size = head().size
    return Prover(_stored_nodes(log.pk), size)


# Plain SQL: a checkpoint reads a dozen times, and the ORM took ten times as long over each.
_LEAVES = "SELECT leaf FROM archive_entry WHERE log_id = %s AND seq >= %s AND seq < %s ORDER BY seq"
_NODES = (
    "SELECT hash FROM archive_node WHERE log_id = %s AND level = %s "
    'AND "index" >= %s AND "index" < %s ORDER BY "index"'
)


def _stored_nodes(log: int) -> Callable[[int, int, int], list[bytes]]:
    def read(level: int, start: int, count: int) -> list[bytes]:
        end = start + count
        query, place = (_LEAVES, []) if level == 0 else (_NODES, [level])
        with connection.cursor() as cursor:
            cursor.execute(query, [log, *place, start, end])
            found = [bytes(one) for (one,) in cursor.fetchall()]
        if len(found) != count:
            raise DamagedLedgerError(
                f"Some of the ledger's hashes {start} to {end - 1} of level {level} are missing. "
                "Run `manage.py audit`."
            )
        return found

    return read
