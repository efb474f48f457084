"""Hundreds of hostile and broken files: kept as they are, an outcome for each, nothing harmed.

`python -m tests.hostile` looks at thousands.
"""

from __future__ import annotations

import pytest

from archive import custody, store
from archive.models.job import Job
from archive.proof.entries import Entry
from evidence import dispatch, intake, sandbox, tasks
from evidence.models.analysis import Analysis
from evidence.models.file import EvidenceFile
from tests import people
from tests.evidence import hostile_files
from tests.evidence.hostile_looks import door, look

FILES = 640
SHARES = 4


@pytest.fixture(scope="module", autouse=True)
def started():
    """The process that parses is there before the first file, and the same after the last."""
    sandbox.isolation()
    before = sandbox._helper.pid
    yield
    assert sandbox._helper.pid == before
    with dispatch._rings.mutex:
        dispatch._rings.queue.clear()  # hundreds of rings for a broker that is not there


def test_each_tool_survives_each_file_that_was_made_to_hurt():
    with door() as (port, came):
        seen = [look(name, content, with_all=True) for name, content in hostile_files.crafted(port)]

    assert [(one.name, one.wrong) for one in seen if one.wrong] == []
    assert came == []
    outcomes = {outcome for one in seen for outcome in one.outcomes.values()}
    assert {"ok", "malformed", "unsupported", "limit(pixels)"} <= outcomes
    assert len(seen) > 45


@pytest.mark.parametrize("share", range(SHARES))
def test_broken_files_of_each_kind_have_their_outcome(share):
    with door() as (port, came):
        some = list(hostile_files.files(FILES, port))[share::SHARES]
        seen = [
            look(name, content, meant=hostile_files.meant(name.partition("-")[2]))
            for name, content in some
            if "-" in name
        ]

    assert [(one.name, one.wrong) for one in seen if one.wrong] == []
    assert came == []
    assert len(seen) > 120
    assert any(outcome == "malformed" for one in seen for outcome in one.outcomes.values())


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return people.make_cast()


def test_all_of_them_are_kept_byte_for_byte(cast, tmp_path):
    offered, contents = [], {}
    for number, (name, content) in enumerate(hostile_files.files(FILES, 9)):
        path = tmp_path / f"{number}"
        path.write_bytes(content)
        contents[name] = content
        offered.append(
            intake.Offered(
                path=path,
                filename=name,
                media_type="application/octet-stream",
                description=intake.Description(title=name, kind="document"),
                acquisition=intake.AcquisitionFacts(),
                intake_key=f"hostile:{number}",
            )
        )

    received = list(
        intake.receive_all(offered, case=cast.case, user=cast.researcher, clock=lambda: people.NOW)
    )

    assert len(contents) == len(received) >= 600
    kept = dict(EvidenceFile.objects.values_list("original_filename", "sha256"))
    for one, receipt in received:
        assert isinstance(receipt, intake.Receipt), (one.filename, receipt)
        with store.open(kept[one.filename]) as file:
            assert file.read() == contents[one.filename]


def test_workers_record_an_outcome_and_its_reason_for_each(cast):
    with door() as (port, came):
        for name, content in list(hostile_files.crafted(port))[::3]:
            intake.receive(
                [content],
                filename=name,
                media_type="",
                case=cast.case,
                user=cast.researcher,
                description=intake.Description(title=name, kind="document"),
                acquisition=intake.AcquisitionFacts(),
                now=people.NOW,
            )
        while waiting := list(Job.objects.filter(state="waiting").values_list("pk", flat=True)):
            for job in waiting:
                tasks.work(str(job))

    assert came == []
    analyses = list(Analysis.objects.select_related("file"))
    assert len(analyses) > 40
    for one in analyses:
        assert one.state in {"done", "unsupported", "failed"}, one.file.original_filename
        assert one.outcome != "quarantined", (one.file.original_filename, one.tool, one.reason)
        assert one.isolation
        assert one.state == "done" or one.reason
    for file in EvidenceFile.objects.filter(role=EvidenceFile.Role.EVIDENTIARY):
        entries = [Entry.decode(row.body.encode()) for row in custody.history_of(file.item_id)]
        told = [one for one in entries if one.data.get("tool")]
        assert {one.data["tool"] for one in told} == {
            one.tool for one in analyses if one.file == file
        }
