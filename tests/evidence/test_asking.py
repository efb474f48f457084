"""A file that one only asks about finds what is like it, and nothing of it is kept."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image, ImageOps

from archive import custody
from archive.models.ledger import Entry
from archive.models.stored_object import StoredObject
from evidence import asking, sandbox
from evidence.fingerprints import PDQ, WORDING
from evidence.matching import kept, pictures, sounds, texts
from evidence.models.analysis import Fingerprint
from evidence.models.item import EvidenceItem
from tests import people
from tests.evidence.extractors.made import jpeg, refilmed, scene
from tests.evidence.sounds import recording, speech
from tests.evidence.test_matching_films import original
from tests.evidence.texts import LANGUAGES
from tests.evidence.worked import worked_out


@pytest.fixture(autouse=True)
def index(monkeypatch):
    """Each test begins like a new process."""
    monkeypatch.setattr(pictures, "KEPT", kept.Kept())
    monkeypatch.setattr(sounds, "KEPT", sounds.KeptSounds())
    monkeypatch.setattr(texts, "KEPT", texts.KeptTexts())


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return people.make_cast()


def asked(client, content, name="asked.bin"):
    answer = client.post(reverse("evidence:ask"), {"file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def kept_now():
    return [model.objects.count() for model in (EvidenceItem, Fingerprint, StoredObject, Entry)]


def test_each_kind_of_file_finds_what_is_like_it_and_leaves_nothing(cast, client, settings):
    voice = speech(3, 15)
    said = LANGUAGES["uk"][0]
    made = [
        ("picture.jpg", "image/jpeg", jpeg(scene(320, 240)), (PDQ,)),
        ("film.mp4", "video/mp4", original(), ("frames",)),
        ("sound.wav", "audio/wav", recording(voice), ("chromaprint",)),
        ("said.txt", "text/plain", said.encode(), (WORDING,)),
    ]
    items = [
        worked_out(content, cast.case, cast.researcher, *tools, filename=name, media_type=kind)
        for name, kind, content, tools in made
    ]
    mirrored = scene(320, 240).transpose(Image.Transpose.FLIP_LEFT_RIGHT)

    copies = [
        jpeg(mirrored),
        refilmed(original(), ImageOps.mirror, begin=5, end=12),
        recording(voice[44_100 * 4 :], "mp3", "mp3", bit_rate=48_000),
        said.upper().encode("utf-16"),
    ]
    client.force_login(cast.researcher)
    before, files = kept_now(), sorted(Path(settings.DATA_DIR).rglob("*"))

    for item, copy in zip(items, copies, strict=True):
        page = asked(client, copy)
        assert item.exhibit_number in page
        assert "strong lead" in page
        assert "in no item that you may see" in page
        assert sum(other.exhibit_number in page for other in items) == 1
    assert items[0].exhibit_number in asked(client, made[0][2])
    assert "the same bytes" in asked(client, made[0][2])

    assert kept_now() == before
    assert sorted(Path(settings.DATA_DIR).rglob("*")) == files


def test_what_one_may_not_view_is_not_told(cast, client):
    picture = jpeg(scene(320, 240))
    theirs = worked_out(
        picture, cast.other_case, cast.stranger, PDQ, filename="p.jpg", media_type="image/jpeg"
    )
    client.force_login(cast.researcher)

    page = asked(client, picture)

    assert theirs.exhibit_number not in page
    assert "0 leads by what one sees" in page
    client.force_login(cast.auditor)
    assert client.get(reverse("evidence:ask")).status_code == 403


def test_files_that_are_nothing_too_large_slow_or_missing_are_answered_in_words(
    cast, client, monkeypatch
):
    client.force_login(cast.researcher)
    address = reverse("evidence:ask")

    assert "nothing by which it could be compared" in asked(client, b"\0" * 100)
    assert "nothing by which it could be compared" in asked(client, b"%PDF-1.7 broken" * 9)
    assert client.post(address).status_code == 400
    with monkeypatch.context() as patched:
        patched.setattr(asking, "BYTES", 10)
        answer = client.post(address, {"file": SimpleUploadedFile("a", b"x" * 11)})
        assert (answer.status_code, "may have" in answer.content.decode()) == (400, True)
    with monkeypatch.context() as patched:
        late = sandbox.Outcome("limit(wall)", reason="The parsing process gave no answer in time.")
        real = sandbox.run_with

        def slow(helper, tool, *rest, **given):
            assert helper is not sandbox._helper
            assert tool.name == "type" or tool.budget.wall_seconds == asking.SECONDS
            return late if tool.name == PDQ else real(helper, tool, *rest, **given)

        patched.setattr(sandbox, "run_with", slow)
        page = asked(client, jpeg(scene(320, 240)))
        assert "Not compared: pdq: The parsing process gave no answer in time." in page


def test_a_file_is_read_from_its_beginning_wherever_it_stands():
    file = io.BytesIO(jpeg(scene(320, 240)))
    file.seek(50)

    answer = asking.about(file)

    assert (answer.media_type, answer.problems) == ("image/jpeg", ())
    assert any(one.variant == "base" for one in answer.asked.fingerprints)
