"""The audit holds the catalogue against the ledger, and names row and field."""

from __future__ import annotations

import pytest
from django.db import connection

from archive import auditing
from evidence import agreeing
from evidence.models.item import EvidenceItem
from tests import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def item(opened_log) -> EvidenceItem:
    cast = people.make_cast()
    people.upload(cast.case, cast.researcher, content=b"another")
    return EvidenceItem.objects.get(pk=people.upload(cast.case, cast.researcher).item)


def _found() -> dict[str, str]:
    return {one.code: f"{one.subject} {one.detail}" for one in agreeing.findings()}


def test_an_untouched_catalogue_agrees_and_the_audit_says_so(item):
    assert auditing.audit().has(agreeing.AGREES)
    assert list(_found()) == [agreeing.AGREES]


@pytest.mark.parametrize(("field", "value"), [("exhibit_number", "OTHER-1"), ("kind", "video")])
def test_a_changed_fact_of_an_item_is_named(item, field, value):
    EvidenceItem.objects.filter(pk=item.pk).update(**{field: value})

    found = _found()

    assert list(found) == [agreeing.DIFFERS]
    assert str(item.pk) in found[agreeing.DIFFERS]
    assert value in found[agreeing.DIFFERS]


def test_an_item_moved_to_another_case_is_named(item):
    other = type(item.case).objects.exclude(pk=item.case_id).first()
    EvidenceItem.objects.filter(pk=item.pk).update(case=other)

    assert str(other.pk) in _found()[agreeing.DIFFERS]


def test_a_file_pointed_at_other_bytes_is_named(item):
    file = item.files.get()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            connection.connection.set_authorizer(None)  # as somebody who runs Python here
            cursor.execute("DROP TRIGGER evidence_evidencefile_no_update")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE evidence_evidencefile DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE evidence_evidencefile SET stored_id = (SELECT sha256 FROM archive_storedobject"
            " WHERE sha256 <> %s LIMIT 1) WHERE sha256 = %s",
            [file.sha256, file.sha256],
        )

    assert f"media {file.pk}" in _found()[agreeing.DIFFERS]
