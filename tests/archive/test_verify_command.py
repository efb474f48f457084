"""`manage.py verify`: exit codes that can't be mistaken, and nothing that is written."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from archive import custody, store
from archive.audits import originals
from archive.models.job import Job
from archive.models.ledger import Entry
from tests import people


@pytest.fixture
def item(committed_database):
    custody.open_log()
    cast = people.make_cast()
    return people.upload(cast.case, cast.researcher)


def verify(*arguments: str) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("verify", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_a_whole_archive_ends_in_0_and_nothing_is_written(item):
    before = Entry.objects.count()

    code, out, _ = verify("--json")

    report = json.loads(out)
    assert (code, report["exit_code"], report["verdict"]) == (0, 0, "verified")
    assert "store-holds-nothing-else" in {one["code"] for one in report["findings"]}
    assert report["facts"]["work"]["outstanding"] == Job.objects.filter(state="waiting").count() > 0
    assert Entry.objects.count() == before


def test_a_damaged_original_ends_in_1_and_is_named(item):
    path = store.path(item.sha256)
    path.chmod(0o600)
    path.write_bytes(b"other")

    code, out, _ = verify("--json")

    faults = [one for one in json.loads(out)["findings"] if one["outcome"] == "failed"]
    assert code == 1
    assert [(one["code"], one["subject"]) for one in faults] == [
        ("original-damaged", f"original sha256:{item.sha256}")
    ]


def test_a_check_that_breaks_off_ends_in_2_without_a_report(item, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake in the check")

    monkeypatch.setattr(originals, "_original", broken)

    code, out, err = verify("--json")

    assert (code, out) == (2, "")
    assert "broke off" in err
    assert "ZeroDivisionError" in err


def test_without_a_ledger_it_ends_in_2(committed_database):
    code, out, err = verify()

    assert (code, out) == (2, "")
    assert "open_archive" in err


def test_a_store_that_cannot_be_listed_ends_in_2(item, monkeypatch):
    def unlisted() -> None:
        raise store.StoreError("blobs can't be listed: Input/output error.")

    monkeypatch.setattr(store, "survey", unlisted)

    code, out, _ = verify("--json")

    assert code == 2
    assert {
        one["code"] for one in json.loads(out)["findings"] if one["outcome"] == "unreadable"
    } == {
        "store-unlisted",
        "sidecars-unlisted",
    }
