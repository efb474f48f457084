"""Eight processes take files in at once: every receipt leads to its own bytes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest

from archive import auditing, custody, store
from archive.models.stored_object import StoredObject
from archive.proof.report import Verdict
from evidence import sidecars
from evidence.models.file import EvidenceFile
from tests import people
from tests.databases import on_both

pytestmark = pytest.mark.processes

UPLOADERS = 8
EACH = 5

UPLOADER = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import User
from evidence.models.case import Case
from tests import people
number, each, same_bytes = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "same"
case, user = Case.objects.get(pk=sys.argv[4]), User.objects.get(username="researcher")
print("ready", flush=True)
sys.stdin.readline()
done = []
for turn in range(each):
    content = (b"%d" % turn if same_bytes else b"%d of %d" % (turn, number)) * 30_000
    receipt = people.upload(case, user, content=content, filename="video.mp4")
    done.append([str(receipt.item), receipt.sha256, receipt.reference])
print(json.dumps(done))
"""


@on_both
@pytest.mark.parametrize("kind", ["same", "different"])
def test_each_receipt_leads_to_its_own_bytes_under_its_own_number(committed_database, kind):
    custody.open_log()
    cast = people.make_cast()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", UPLOADER, str(number), str(EACH), kind, str(cast.case.pk)],
            env=committed_database.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(UPLOADERS)
    ]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [one.communicate(timeout=180)[0] for one in running]
    assert [one.returncode for one in running] == [0] * UPLOADERS

    receipts = [
        (number, turn, *said)
        for number, text in enumerate(told)
        for turn, said in enumerate(json.loads(text))
    ]
    assert len({item for _, _, item, _, _ in receipts}) == UPLOADERS * EACH
    assert len({reference for *_, reference in receipts}) == UPLOADERS * EACH
    for number, turn, item, sha256, _ in receipts:
        content = (b"%d" % turn if kind == "same" else b"%d of %d" % (turn, number)) * 30_000
        assert hashlib.sha256(content).hexdigest() == sha256
        with store.open(sha256) as file:
            assert file.read() == content
        row = EvidenceFile.objects.get(item=item, role=EvidenceFile.Role.EVIDENTIARY)
        assert (row.sha256, row.original_filename) == (sha256, "video.mp4")
    assert StoredObject.objects.count() == (EACH if kind == "same" else UPLOADERS * EACH)
    assert custody.entries(kind="media.ingested").count() == UPLOADERS * EACH
    sidecars.restore()
    report = auditing.examine()
    assert report.verdict is Verdict.VERIFIED, report.as_text()
