"""A rendition is made beside the original by a worker; it shows what was asked for, no more."""

from __future__ import annotations

import io
import json
from html import unescape

import numpy as np
import pytest
from django.core.files.storage import storages
from django.urls import reverse
from PIL import Image

from archive import custody, outbox, store
from archive.models.job import Job
from archive.proof.entries import Entry
from evidence import agreeing, redacting, tasks
from evidence.models.case import CaseMembership
from evidence.models.file import EvidenceFile
from evidence.models.redaction import RedactionRequest
from tests import people
from tests.evidence.extractors.made import jpeg, scene
from tests.evidence.worked import worked_out

BOX = {"left": 100, "top": 100, "right": 500, "bottom": 500, "style": "fill"}


@pytest.fixture
def cast(committed_database) -> people.Cast:
    custody.open_log()
    cast = people.make_cast()
    CaseMembership.objects.create(case=cast.case, user=cast.outsider, role="redactor")
    return cast


@pytest.fixture
def item(cast):
    return worked_out(
        jpeg(scene(320, 240)), cast.case, cast.researcher, "preview",
        filename="face.jpg", media_type="image/jpeg",
    )  # fmt: skip


def asked(cast, item, **more):
    facts = {
        "regions": [BOX], "sound": "mute", "phrases": [], "reason": "A face.",
        "user": cast.outsider, "now": people.NOW, **more,
    }  # fmt: skip
    return redacting.ask(item, **facts)


def done(request):
    request.refresh_from_db()
    outbox.run(Job.objects.get(pk=request.job).pk, tasks.HANDLERS, on_quarantine=tasks._set_aside)
    return request.redaction_result


def entries(kind):
    return [Entry.decode(row.body.encode()) for row in custody.entries(kind=kind)]


def test_a_rendition_hangs_on_its_original_which_stays_as_it_was(cast, item):
    original = item.files.get(role="evidentiary")
    with store.open(original.sha256) as file:
        before = file.read()

    result = done(asked(cast, item))

    row = result.rendition
    assert (row.role, row.derivation, row.derived_from) == ("redacted", "redaction", original)
    with store.open(original.sha256) as file:
        assert file.read() == before
    with storages["derivatives"].open(row.storage_name) as file:
        pixels = np.array(Image.open(io.BytesIO(file.read())))
    assert pixels[30:110, 40:150].max() == 0
    (entry,) = entries("item.redacted")
    assert entry.data["derived_from"] == str(original.pk)
    assert (entry.data["outcome"], entry.data["sha256"]) == ("success", row.sha256)
    assert result.isolation.startswith("landlock")
    assert [one.code for one in agreeing.findings()] == [agreeing.AGREES]


def test_what_can_not_be_made_says_why_and_leaves_no_file(cast, item):
    result = done(asked(cast, item, regions=[], sound="mute"))

    assert result.rendition is None
    assert "Mark at least one region" in result.reason
    assert entries("item.redacted")[0].data["outcome"] == "failure"
    assert not item.files.filter(role=EvidenceFile.Role.REDACTED).exists()


@pytest.mark.parametrize(
    "change", [{"reason": " "}, {"regions": [], "sound": "keep"}, {"regions": [BOX] * 501}]
)
def test_what_is_not_said_clearly_is_not_asked(cast, item, change):
    with pytest.raises(redacting.UnclearError):
        asked(cast, item, **change)
    assert not RedactionRequest.objects.exists()


def test_the_page_takes_what_was_drawn_and_shows_what_was_made(cast, item, client):
    url = reverse("evidence:redact", args=[item.pk])
    client.force_login(cast.outsider)
    assert client.get(url).status_code == 200
    sent = {"regions": json.dumps([BOX]), "sound": "mute", "phrases": "", "reason": "A face."}

    assert client.post(url, sent).status_code == 302
    assert "Being made" in client.get(url).content.decode()
    result = done(RedactionRequest.objects.get())

    page = client.get(url).content.decode()
    shown = reverse("evidence:rendition", args=[item.pk, result.rendition.pk])
    assert shown in page
    assert (
        shown
        in client.get(
            reverse("admin:evidence_evidenceitem_change", args=[item.pk])
        ).content.decode()
    )
    answer = client.get(shown + "?save")
    assert "attachment" in answer["Content-Disposition"]
    assert b"".join(answer).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "regions",
    ["{", "[1]", '[{"left": 1}]', json.dumps([{**BOX, "right": 5}]),
     json.dumps([{**BOX, "style": "x"}]), json.dumps([{**BOX, "bottom": 1001}])],
)  # fmt: skip
def test_what_is_no_region_is_said(cast, item, client, regions):
    client.force_login(cast.outsider)

    answer = client.post(
        reverse("evidence:redact", args=[item.pk]),
        {"regions": regions, "sound": "mute", "reason": "A face."},
    )

    assert answer.status_code == 400
    assert "Draw them anew" in unescape(answer.content.decode())


@pytest.mark.parametrize("who", ["researcher", "auditor", "release_officer", "stranger", "root"])
def test_only_a_redactor_makes_renditions(cast, item, client, who):
    client.force_login(getattr(cast, who))

    assert client.get(reverse("evidence:redact", args=[item.pk])).status_code == 404


@pytest.mark.parametrize("who", ["auditor", "stranger", "root"])
def test_a_rendition_is_not_for_who_may_not_view_the_item(cast, item, client, who):
    result = done(asked(cast, item))
    client.force_login(getattr(cast, who))

    url = reverse("evidence:rendition", args=[item.pk, result.rendition.pk])
    assert client.get(url).status_code == 404
