"""How long each page of the admin takes with a million items and five million entries.

    [TMPDIR=FOLDER] [BENCHMARK_ARCHIVE=FOLDER] [BENCHMARK_POSTGRESQL_URL=URL]
        python -m benchmarks.scale [ITEMS] [sqlite|postgresql] [ROUNDS]

Makes an archive of so many items in 200 cases, with five entries, a file, an original and two
analyses each, and what is said in a tenth of them; only the bytes are left out. Then asks for each
page that a researcher and an auditor use, as one who may see every case, in turn within each round,
and gives the median of the server's time. An archive in BENCHMARK_ARCHIVE is kept, and used when it
is there; on PostgreSQL in the database of BENCHMARK_POSTGRESQL_URL. Targets: 150 ms on PostgreSQL,
300 ms on SQLite, each.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django

if "BENCHMARK_ARCHIVE" in os.environ:
    _FOLDER = Path(os.environ["BENCHMARK_ARCHIVE"]).absolute()
    _FOLDER.mkdir(parents=True, exist_ok=True)
else:
    _FOLDER = Path(tempfile.mkdtemp(prefix="muniment-scale-"))
    atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
_STACK = ExitStack()
atexit.register(_STACK.close)
ITEMS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
VENDOR = sys.argv[2] if len(sys.argv) > 2 else "sqlite"
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
os.environ.pop("DATABASE_URL", None)
os.environ.update(
    DJANGO_SETTINGS_MODULE="config.settings",
    MUNIMENT_DATA_DIR=str(_FOLDER / "data"),
    MUNIMENT_SIGNER_DIR=str(_FOLDER / "signer"),
    MUNIMENT_KEYS_DIR=str(_FOLDER / "keys"),
    MUNIMENT_RUN_DIR=str(_FOLDER / "run"),
    MUNIMENT_ORIGIN="benchmarks.invalid/scale",
    MUNIMENT_HOSTS="testserver,127.0.0.1",
)
for _part in ("data", "signer", "run"):
    (_FOLDER / _part).mkdir(mode=0o700, exist_ok=True)
if VENDOR == "postgresql" and "BENCHMARK_POSTGRESQL_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["BENCHMARK_POSTGRESQL_URL"]
elif VENDOR == "postgresql":
    from tests import services

    _server = _STACK.enter_context(services.durable_postgresql())
    os.environ["DATABASE_URL"] = _STACK.enter_context(_server.database())
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - needs the settings
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from archive import checkpoints, custody  # noqa: E402
from archive.models.stored_object import StoredObject  # noqa: E402
from archive.proof import events  # noqa: E402
from evidence import searching  # noqa: E402
from evidence.models.agent import Agent  # noqa: E402
from evidence.models.analysis import Analysis  # noqa: E402
from evidence.models.case import Case, CaseMembership  # noqa: E402
from evidence.models.file import EvidenceFile  # noqa: E402
from evidence.models.item import EvidenceItem  # noqa: E402
from evidence.models.search_text import SearchContent  # noqa: E402

CASES = 200
AT_ONCE = 2_000
START = datetime(2025, 1, 11, tzinfo=UTC)
KINDS = ["video", "image", "document", "statement", "identity_document", "social_post"]
LEVELS = ["public", "internal", "internal", "restricted"]
COMMON = ["interview", "полонений", "документ", "포로"]  # each in a quarter of the titles
SAYING = 10  # each of so many items has a statement
SAID = [  # each in a quarter of the statements
    "I thought that I was going to train, not to fight.",
    "Він каже, що п'ять днів життя минули в полоні",
    "Говорит, что военный билет получил в Тыве осенью",
    "저는 훈련을 받으러 가는 줄 알았습니다 북한 병사",
]
TARGET = {"sqlite": 300.0, "postgresql": 150.0}  # ms


def fill() -> User:
    """Make the archive, or what is missing of it; say how fast."""
    call_command("migrate", verbosity=0)
    call_command("make_roles", verbosity=0, stdout=io.StringIO())
    custody.open_log()
    made = EvidenceItem.objects.count() // AT_ONCE * AT_ONCE
    if made >= ITEMS:
        return User.objects.get(username="reader")
    if made:  # an earlier run was stopped
        user = User.objects.get(username="reader")
        actor = custody.Actor(id=Agent.objects.get(user=user).opaque_id, role="researcher")
        return _go_on(made, list(Case.objects.order_by("reference")), user, actor)
    user = User.objects.create_superuser("reader", "", uuid.uuid4().hex)
    agent = Agent.objects.create(user=user, kind="person", label="reader", is_protected=True)
    actor = custody.Actor(id=agent.opaque_id, role="researcher")
    cases = Case.objects.bulk_create(
        Case(
            reference=f"KUR-{number:04d}",
            title=f"Case {number}",
            opened_at=START,
            exhibits_given=ITEMS // CASES,
        )
        for number in range(CASES)
    )
    CaseMembership.objects.bulk_create(
        CaseMembership(case=case, user=user, role=role)
        for case in cases
        for role in ("researcher", "auditor", "release_officer")
    )
    return _go_on(0, cases, user, actor)


def _go_on(made: int, cases: list[Case], user: User, actor: custody.Actor) -> User:
    begun = time.monotonic()
    for start in range(made, ITEMS, AT_ONCE):
        _add(range(start, min(ITEMS, start + AT_ONCE)), cases, user, actor)
        if start and start % (AT_ONCE * 50) == 0:
            rate = (start - made) / (time.monotonic() - begun)
            print(f"  {start} items, {rate:.0f} a second", flush=True)
    checkpoints.checkpoint()
    if VENDOR == "postgresql":  # as its autovacuum does by itself after a while
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return user


def _add(numbers: range, cases: list[Case], user: User, actor: custody.Actor) -> None:
    items, stored, files, analyses, planned = [], [], [], [], []
    for number in numbers:
        case, kind = cases[number * 7 % CASES], KINDS[number % len(KINDS)]
        level, moment = LEVELS[number % 4], START + timedelta(seconds=30 * number)
        sha256 = hashlib.sha256(b"%d" % number).hexdigest()
        item = EvidenceItem(
            case=case,
            exhibit_number=f"{case.reference}-{number:07d}",
            kind=kind,
            title=f"{COMMON[number % 4]} number {number} w{number % 5003}",
            level=level,
            effective_level=level,
            created_by=user,
            created_at=moment,
        )
        original = StoredObject(
            sha256=sha256, sha512=sha256 * 2, size=1_000 + number, crc32=1, first_stored_at=moment
        )
        file = EvidenceFile(
            item=item,
            role="evidentiary",
            stored=original,
            sha256=sha256,
            size=original.size,
            media_type="video/mp4",
            original_filename=f"clip-{number}.mp4",
            created_at=moment,
        )
        items.append(item)
        stored.append(original)
        files.append(file)
        analyses += [
            Analysis(file=file, tool=tool, version="1", state="done", created_at=moment)
            for tool in ("type", "exif")
        ]
        planned += [(item, event) for event in _events(item, file)]
    EvidenceItem.objects.bulk_create(items)
    StoredObject.objects.bulk_create(stored)
    EvidenceFile.objects.bulk_create(files)
    Analysis.objects.bulk_create(analyses)
    searching.index(items)
    SearchContent.objects.bulk_create(
        SearchContent(item=item, words=" ".join(sorted(searching.words_of(text))))
        for item, text in zip(items, _said(numbers), strict=True)
        if text
    )
    with custody.recording(actor=actor, now=START + timedelta(seconds=30 * numbers[-1])) as log:
        for item, event in planned:
            log.add(event, item=item.pk)


def _said(numbers: range) -> Iterator[str]:
    """Yield what is said in an item; of nine in ten, nothing."""
    for number in numbers:
        said = SAID[number // SAYING % len(SAID)]
        yield f"{said} s{number // SAYING % 5003}" if number % SAYING == 0 else ""


def _events(item: EvidenceItem, file: EvidenceFile) -> Iterator[events.Event]:
    case = str(item.case_id)
    yield events.ItemRegistered(
        case=case, exhibit_number=item.exhibit_number, item_kind=item.kind, level=item.level
    )
    yield events.ItemAcquired(case=case, method="download", hash_computed_by="archive")
    yield events.MediaIngested(
        case=case,
        file=str(file.pk),
        sha256=file.sha256,
        sha512=file.sha256 * 2,
        size=file.size,
        crc32=1,
        media_type=file.media_type,
    )
    for number in range(2):
        yield events.ItemExported(case=case, bundle=case, next_item_seq=number)


def pages() -> dict[str, str]:
    """Name each page with its address."""
    items = "/admin/evidence/evidenceitem/"
    ledger = "/admin/archive/entry/"
    case = Case.objects.order_by("reference")[CASES // 2]
    item = EvidenceItem.objects.order_by("created_at")[0]
    timeline = f"/cases/{case.pk}/timeline/"
    last = min(10_000, ITEMS) // 50
    last_of_kind = min(10_000, ITEMS // len(KINDS)) // 50
    last_found = min(searching.MOST, ITEMS // len(COMMON)) // 50
    return {
        "home": "/admin/",
        "items": items,
        "items, last page": f"{items}?p={last}",
        "items, oldest first": f"{items}?o=7",
        "items, by exhibit": f"{items}?o=1",
        "items of a kind": f"{items}?kind__exact=statement",
        "items of a kind, last page": f"{items}?kind__exact=statement&p={last_of_kind}",
        "items of a level": f"{items}?effective_level__exact=restricted",
        "items of a level that none has": f"{items}?effective_level__exact=sealed",
        "items of a case": f"{items}?case={case.pk}",
        "items of a status that none has": f"{items}?status__exact=disposed",
        "search, a rare word": f"{items}?q=w77",
        "search, one item": f"{items}?q={item.exhibit_number}",
        "search, a file name": f"{items}?q=clip-{ITEMS // 2}.mp4",
        "search, a digest": f"{items}?q={hashlib.sha256(b'5').hexdigest()}",
        "search, a common word": f"{items}?q=interview",
        "search, a common word, last page": f"{items}?q=interview&p={last_found}",
        "search, two words": f"{items}?q=interview+w77",
        "search, a beginning": f"{items}?q=інтер",
        "search, in Korean": f"{items}?q=포로",
        "search, a word that none has": f"{items}?q=absent",
        "search, said in English": f"{items}?q=fight",
        "search, said in Ukrainian": f"{items}?q=ЖИТТЯ",
        "search, said in Russian": f"{items}?q=билет+осен",
        "search, said in Korean": f"{items}?q=병사",
        "search, said and rare": f"{items}?q=s77",
        "search, said, of a case": f"{items}?q=fight&case={case.pk}",
        "timeline of a case": timeline,
        "timeline of a case, a day": f"{timeline}?since=2025-01-20&until=2025-01-20",
        "map of a case": f"/cases/{case.pk}/map/",
        "claims of a case": f"/cases/{case.pk}/claims/",
        "relations of a case": f"/cases/{case.pk}/relations/",
        "people of a case": f"/cases/{case.pk}/people/",
        "a case": f"/cases/{case.pk}/",
        "profiles": "/exports/profiles/",
        "releases": "/releases/",
        "search and filter": f"{items}?q=interview&kind__exact=video&case={case.pk}",
        "item": f"{items}{item.pk}/change/",
        "upload": "/upload/",
        "exports": "/exports/",
        "cases": "/admin/evidence/case/",
        "sources": "/admin/evidence/source/",
        "agents": "/admin/evidence/agent/",
        "users": "/admin/auth/user/",
        "fixity": "/admin/archive/storedobject/",
        "ledger": ledger,
        "ledger, the oldest": f"{ledger}?before=50",
        "ledger of a kind": f"{ledger}?kind=media.ingested",
        "ledger of a kind that is rare": f"{ledger}?kind=log.created",
        "ledger of a case": f"{ledger}?case={case.pk}",
        "ledger of a case and a kind": f"{ledger}?case={case.pk}&kind=item.exported",
        "ledger of an exhibit": f"{ledger}?exhibit={item.exhibit_number}",
        "ledger until the first days": f"{ledger}?until=2025-01-12",
        "ledger of a day": f"{ledger}?since=2025-02-01&until=2025-02-01",
        "ledger of a kind in the first days": f"{ledger}?kind=item.exported&until=2025-01-12",
    }


def main() -> int:
    begun = time.monotonic()
    user = fill()
    print(f"{ITEMS} items, {custody.head().size} entries made in {time.monotonic() - begun:.0f} s")
    client = Client()
    client.force_login(user)
    addresses = pages()
    taken: dict[str, list[float]] = {name: [] for name in addresses}
    for round_ in range(ROUNDS + 1):
        for name, address in addresses.items():
            began = time.monotonic()
            answer = client.get(address)
            answer.getvalue()
            took = 1000 * (time.monotonic() - began)
            if answer.status_code != 200:
                raise RuntimeError(f"{name}: {answer.status_code}")
            if round_:  # the first fills caches
                taken[name].append(took)
    return _report(taken)


def _report(taken: dict[str, list[float]]) -> int:
    target, missed = TARGET[VENDOR], 0
    for name, times in taken.items():
        median = statistics.median(times)
        missed += median > target
        mark = "  NOT met" if median > target else ""
        print(f"{name:40} {median:8.1f} ms  (at most {max(times):.1f}){mark}")
    peak: Any = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"target {target:.0f} ms on {VENDOR}: {missed} of {len(taken)} missed; peak {peak} MiB")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
