"""A new version of a tool looks at everything again; what an earlier one said is kept."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from archive import custody, outbox
from archive.models.job import Job
from evidence import processing, registry, tasks
from evidence.models.analysis import Analysis, Fingerprint
from tests import people
from tests.evidence.extractors.made import jpeg, scene


@pytest.fixture
def items(committed_database):
    custody.open_log()
    cast = people.make_cast()
    for seed in range(3):
        people.upload(cast.case, cast.researcher, content=jpeg(scene(160, 120, seed=seed)))
    people.upload(cast.other_case, cast.stranger, content=b"some words, and a few more of them")
    work()


def work():
    while waiting := list(Job.objects.filter(state="waiting").values_list("pk", flat=True)):
        for job in waiting:
            tasks.work(str(job))


def analyse(*arguments):
    out = io.StringIO()
    call_command("analyse", *arguments, stdout=out)
    return out.getvalue().strip().splitlines()


def upgraded(monkeypatch, name, version="99"):
    """Have a tool of the product be of another version."""
    tools = registry.registry()._tools
    monkeypatch.setitem(tools, name, replace(tools[name], version=version))


def test_nothing_is_planned_while_every_tool_has_looked(items):
    assert analyse() == ["4 files looked through, 0 looks planned"]
    assert not Job.objects.filter(state="waiting").exists()


def test_a_new_version_looks_again_and_the_old_answers_stay(items, monkeypatch):
    before = {one.pk: one.result for one in Analysis.objects.filter(tool="pdq")}
    rows = Fingerprint.objects.filter(algorithm="pdq").count()
    upgraded(monkeypatch, "pdq")
    monkeypatch.setattr(processing, "_AT_A_TIME", 2)

    said = analyse()

    assert said[-1] == "4 files looked through, 3 looks planned"
    assert len(said) == 2
    assert analyse()[-1] == "4 files looked through, 0 looks planned"
    work()
    assert Analysis.objects.filter(tool="pdq", version="99", state="done").count() == 3
    for pk, result in before.items():
        assert Analysis.objects.get(pk=pk).result == result
    assert Fingerprint.objects.filter(algorithm="pdq").count() == 2 * rows


def test_a_new_version_of_the_first_tool_brings_the_others_with_it(items, monkeypatch):
    upgraded(monkeypatch, "type")
    upgraded(monkeypatch, "digests")

    assert analyse()[-1] == "4 files looked through, 4 looks planned"
    work()

    assert Analysis.objects.filter(tool="type", version="99", state="done").count() == 4
    assert Analysis.objects.filter(tool="digests", version="99", state="done").count() == 4


def test_one_tool_or_one_case_may_be_asked_for(items, monkeypatch):
    upgraded(monkeypatch, "pdq")
    upgraded(monkeypatch, "digests")

    assert analyse("--case", "TEST-002", "--tool", "digests")[-1].endswith("1 looks planned")
    assert analyse("--tool", "pdq")[-1].endswith("3 looks planned")
    assert analyse()[-1].endswith("3 looks planned")
    with pytest.raises(CommandError, match="no tool nothing"):
        analyse("--tool", "nothing")
    with pytest.raises(CommandError, match="no case NONE"):
        analyse("--case", "NONE")


def test_progress_is_shown_until_all_is_done(items, monkeypatch):
    upgraded(monkeypatch, "digests")
    monkeypatch.setattr("evidence.management.commands.analyse.time.sleep", lambda _seconds: work())

    said = analyse("--wait")

    assert said[1].startswith("4 to do; ")
    assert said[-1].startswith("0 to do; ")
    assert said[-1].endswith("0 failed")


def test_an_answer_is_named_by_the_version_that_gives_it(items, monkeypatch):
    upgraded(monkeypatch, "digests", "98")
    analyse()
    upgraded(monkeypatch, "digests", "99")  # before a worker came to it
    one, other, *_ = Analysis.objects.filter(tool="digests", version="98")
    Analysis.objects.create(
        file=other.file, tool="digests", version="99", created_at=people.NOW, state="done"
    )

    for each in (one, other):
        assert outbox.run(each.job, tasks.HANDLERS) is outbox.Outcome.DONE

    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.version, one.state) == ("99", "done")
    assert (other.version, other.state) == ("98", "unsupported")
    assert "Version 99" in other.reason
