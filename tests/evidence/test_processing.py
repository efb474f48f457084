"""Analyses: a tool that is given up on says so, in the ledger too, and can be asked again."""

from __future__ import annotations

import hashlib

import pytest
from django.db import transaction

from archive import custody, outbox
from archive.models.job import Job
from archive.proof.entries import Entry
from evidence import processing, sandbox, tasks
from evidence.models.analysis import Analysis, Fingerprint
from evidence.models.file import EvidenceFile
from tests.people import NOW, make_cast, upload


@pytest.fixture
def receipt(committed_database):
    custody.open_log()
    cast = make_cast()
    return upload(cast.case, cast.researcher)


def _run(analysis):
    Job.objects.filter(pk=analysis.job).update(not_before=None)
    return outbox.run(analysis.job, tasks.HANDLERS, on_quarantine=tasks._set_aside)


def _last(receipt):
    return Entry.decode(custody.history_of(receipt.item).last().body.encode())


def test_a_tools_answer_is_kept_and_recorded_once(receipt):
    analysis = Analysis.objects.get(file__item=receipt.item, tool="type")

    assert _run(analysis) is outbox.Outcome.DONE
    assert _run(analysis) is outbox.Outcome.NOT_OURS

    analysis.refresh_from_db()
    assert (analysis.state, analysis.result["media_type"]) == ("done", "text/plain")
    kinds = [row.kind for row in custody.history_of(receipt.item)]
    assert kinds.count("media.format_identified") == 1
    assert _last(receipt).data["outcome"] == "success"


def test_work_that_fails_three_times_is_given_up_recorded_and_can_be_retried(receipt, monkeypatch):
    analysis = Analysis.objects.get(file__item=receipt.item, tool="type")

    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "run", fail)
        outcomes = [_run(analysis) for _ in range(3)]

    failed, quarantined = outbox.Outcome.FAILED, outbox.Outcome.QUARANTINED
    assert outcomes == [failed, failed, quarantined]
    analysis.refresh_from_db()
    assert (analysis.state, analysis.outcome) == ("failed", "quarantined")
    assert "No space left" in analysis.reason
    entry = _last(receipt)
    assert (entry.kind, entry.data["outcome"]) == ("media.format_identified", "failure")
    assert "No space left" in entry.data["reason"]

    processing.retry(analysis)
    assert _run(analysis) is outbox.Outcome.DONE

    analysis.refresh_from_db()
    assert (analysis.state, analysis.reason) == ("done", "")
    assert _last(receipt).data["outcome"] == "success"


def moments(**changed):
    """What a parser says of two frames, whose bytes are all zero, and a lie in it."""
    said = {
        "algorithm": "pdq",
        "version": "1",
        "variant": "base",
        "form": "moments",
        "number": 2,
        "start": 0,
        "size": 74,
        "sha256": hashlib.sha256(bytes(74)).hexdigest(),
    }
    return {"parts": [{**said, **changed}]}


PICTURE = {"algorithm": "pdq", "version": "1", "variant": "base", "quality": 1}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"fingerprints": [{**PICTURE, "value": "0" * 62}]}, "length"),
        ({"fingerprints": [{**PICTURE, "value": "x" * 64}]}, "length"),
        (moments(number=3), "longer or shorter"),
        (moments(size=73), "not what its answer says"),
        (moments(sha256="0" * 64), "not what its answer says"),
        (moments(form="items", quality=9), "length"),
    ],
)
def test_what_is_no_fingerprint_is_not_kept_and_is_in_no_searchs_way(
    receipt, monkeypatch, answer, reason
):
    file = EvidenceFile.objects.get(item=receipt.item)
    analysis = Analysis(file=file, tool="pdq", version="9", created_at=NOW)
    with transaction.atomic():
        analysis.job = outbox.add("evidence.analyse", str(analysis.pk)).pk
        analysis.save()

    def taken_over(*_args, output, **_kwargs):
        output.write(bytes(74))
        return sandbox.Outcome("ok", result=answer)

    monkeypatch.setattr(sandbox, "run", taken_over)

    outcomes = [_run(analysis) for _ in range(3)]

    assert outcomes[-1] is outbox.Outcome.QUARANTINED
    analysis.refresh_from_db()
    assert reason in analysis.reason
    assert not Fingerprint.objects.exists()
