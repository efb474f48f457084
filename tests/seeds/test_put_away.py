"""The example is put away: nobody sees it, the ledger still proves it, and it can come back."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from archive.models.ledger import Entry
from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from tests import people

pytestmark = pytest.mark.django_db


def shown(client):
    pages = [
        reverse("admin:index"),
        reverse("admin:evidence_evidenceitem_changelist"),
        reverse("admin:evidence_source_changelist"),
        reverse("evidence:releases"),
        reverse("evidence:upload"),
        reverse("evidence:find") + "?q=KUR-2025-001",
    ]
    return " ".join(client.get(page).content.decode() for page in pages)


def test_nobody_sees_the_example_after_it_was_put_away(opened_log, client, capsys):
    cast = people.make_cast()
    call_command("load_example", member=[cast.researcher.username])
    client.force_login(cast.researcher)
    assert "KUR-2025-001" in shown(client)
    items, entries = EvidenceItem.objects.count(), Entry.objects.count()
    address = reverse(
        "admin:evidence_evidenceitem_change",
        args=[EvidenceItem.objects.filter(case__reference="KUR-2025-001").first().pk],
    )
    assert client.get(address).status_code == 200

    call_command("remove_example")

    assert "KUR-2025-001" not in shown(client)
    assert client.get(address).status_code in {302, 404}
    assert EvidenceItem.objects.count() == items
    kinds = Entry.objects.filter(seq__gte=entries).values_list("kind", flat=True)
    assert {"case.member_ended", "case.changed"} <= set(kinds)
    call_command("remove_example")  # again: nothing is left to end
    assert "0 memberships" in capsys.readouterr().out

    call_command("load_example", member=[cast.researcher.username])
    assert "KUR-2025-001" in shown(client)
    assert Case.objects.get(reference="KUR-2025-001").status == Case.Status.OPEN
    assert EvidenceItem.objects.count() == items


def test_where_there_is_none_that_is_said(opened_log):
    with pytest.raises(CommandError, match="There is no case KUR-2025-001"):
        call_command("remove_example")
