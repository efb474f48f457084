"""The tus server: nothing answered is lost, nothing foreign is reached, no half truths."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from archive import custody, store
from archive.proof import events
from evidence import arriving, intake, uploads
from evidence.models.case import Case
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.upload import Upload
from tests import people

pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


def _as(user, *, csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=csrf, headers={"tus-resumable": "1.0.0"})
    client.force_login(user)
    return client


@pytest.fixture
def client(cast) -> Client:
    return _as(cast.researcher)


def _pairs(**metadata: str) -> str:
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items()
    )


def _announce(client: Client, case: Case, /, *, length: int = len(CONTENT), **metadata: str):
    said = {"filename": "clip.mp4", "filetype": "video/mp4", "case": str(case.pk), **metadata}
    return client.post(
        reverse("evidence:upload_files"),
        headers={"upload-length": str(length), "upload-metadata": _pairs(**said)},
    )


def _begin(client: Client, case: Case, **metadata: Any) -> str:
    answer = _announce(client, case, **metadata)
    assert answer.status_code == 201, answer.content
    return str(answer["Location"])


def _send(client: Client, url: str, offset: int, chunk: bytes, **headers: str):
    if not chunk:  # the test client leaves these out of a request without a body
        headers = {"content-type": uploads.CHUNK, "content-length": "0", **headers}
    return client.patch(
        url,
        chunk,
        content_type=uploads.CHUNK,
        headers={"upload-offset": str(offset), **headers},
    )


def _row(url: str) -> Upload:
    return Upload.objects.get(pk=url.rstrip("/").rsplit("/", 1)[-1])


def _kept(sha256: str) -> bytes:
    with store.open(sha256) as file:
        return file.read()


def test_a_file_sent_in_chunks_becomes_an_item_with_a_receipt(client, cast):
    fields = json.dumps({"title": "The clip", "kind": "video", "method": "download"})

    url = _begin(client, cast.case, sha256=SHA256, fields=fields, filename="фото/\u202eclip.mp4")
    first = _send(client, url, 0, CONTENT[:5000])
    second = _send(client, url, 5000, CONTENT[5000:])
    state = client.get(f"{url}state/").json()

    assert (first.status_code, first["Upload-Offset"]) == (204, "5000")
    assert (second.status_code, second["Upload-Offset"]) == (204, str(len(CONTENT)))
    assert state["state"] == "received"
    file = EvidenceFile.objects.get(item=state["receipt"]["item"])
    assert _kept(file.sha256) == CONTENT
    assert file.original_filename == "фото/\u202eclip.mp4"
    assert file.declared_match == "match"
    assert file.item.title == "The clip"
    assert state["receipt"]["sha256"] == SHA256
    (entry,) = custody.entries(kind=events.MediaIngested.kind, item=file.item_id)
    assert state["receipt"]["entry_hash"] == bytes(entry.leaf).hex()


def test_the_head_says_what_is_durable_and_the_length(client, cast):
    url = _begin(client, cast.case)
    _send(client, url, 0, CONTENT[:700])

    answer = client.head(url)

    assert answer.status_code == 200
    assert answer["Upload-Offset"] == "700"
    assert answer["Upload-Length"] == str(len(CONTENT))
    assert answer["Tus-Resumable"] == "1.0.0"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Upload-Expires"].endswith("GMT")


def test_the_server_says_which_protocol_it_speaks(client, cast):
    answer = client.options(reverse("evidence:upload_files"))

    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert set(answer["Tus-Extension"].split(",")) == {
        "creation",
        "expiration",
        "checksum",
        "termination",
    }
    assert answer["Tus-Checksum-Algorithm"] == "sha256"


def test_a_client_of_another_version_is_told_so_and_changes_nothing(cast):
    client = _as(cast.researcher)
    client.defaults["HTTP_TUS_RESUMABLE"] = "0.2.2"

    answer = _announce(client, cast.case)

    assert answer.status_code == 412
    assert answer["Tus-Version"] == "1.0.0"
    assert not Upload.objects.exists()


def test_bytes_beyond_what_was_answered_are_cut_off_before_the_next_chunk(client, cast):
    url = _begin(client, cast.case, sha256=SHA256)
    _send(client, url, 0, CONTENT[:1000])
    with _row(url).path.open("ab") as file:
        file.write(b"half a chunk that a killed server had written")

    offset = int(client.head(url)["Upload-Offset"])
    answer = _send(client, url, offset, CONTENT[offset:])

    assert offset == 1000
    assert answer.status_code == 204
    assert client.get(f"{url}state/").json()["receipt"]["sha256"] == SHA256


def test_a_chunk_that_changed_on_its_way_does_not_count(client, cast):
    url = _begin(client, cast.case)
    right = base64.b64encode(hashlib.sha256(CONTENT[:100]).digest()).decode()

    wrong = _send(client, url, 0, b"x" * 100, **{"upload-checksum": f"sha256 {right}"})
    offset_after_wrong = client.head(url)["Upload-Offset"]
    good = _send(client, url, 0, CONTENT[:100], **{"upload-checksum": f"sha256 {right}"})

    assert wrong.status_code == 460
    assert offset_after_wrong == "0"
    assert good.status_code == 204
    assert _row(url).path.read_bytes() == CONTENT[:100]


@pytest.mark.parametrize(
    ("offset", "chunk", "headers", "status"),
    [
        (7, b"abc", {}, 409),
        (0, b"x" * (len(CONTENT) + 1), {}, 413),
        (0, b"abc", {"upload-checksum": "md5 abc"}, 400),
        ("x", b"abc", {}, 400),
        ("-1", b"abc", {}, 400),
        ("9" * 30, b"abc", {}, 400),
    ],
)
def test_a_chunk_that_does_not_fit_is_refused_and_not_kept(
    client, cast, offset, chunk, headers, status
):
    url = _begin(client, cast.case)

    answer = _send(client, url, offset, chunk, **headers)

    assert answer.status_code == status
    assert client.head(url)["Upload-Offset"] == "0"
    assert _row(url).path.stat().st_size == 0


def test_a_chunk_of_another_content_type_is_refused(client, cast):
    url = _begin(client, cast.case)

    answer = client.patch(
        url, b"abc", content_type="application/octet-stream", headers={"upload-offset": "0"}
    )

    assert answer.status_code == 415


def test_two_connections_cannot_send_one_file_at_once(client, cast):
    url = _begin(client, cast.case)

    with _row(url).path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        answer = _send(client, url, 0, b"abc")

    assert answer.status_code == 423
    assert _send(client, url, 0, b"abc").status_code == 204


def test_without_the_csrf_token_nothing_is_announced_sent_or_deleted(cast):
    open_client = _as(cast.researcher)
    url = _begin(open_client, cast.case)
    client = _as(cast.researcher, csrf=True)

    answers = [_announce(client, cast.case), _send(client, url, 0, b"abc"), client.delete(url)]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert Upload.objects.get().offset == 0


def _told(answer) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in answer.headers.items() if name != "Vary"}
    return answer.status_code, answer.content, headers


@pytest.mark.parametrize("method", ["head", "patch", "delete", "get_state"])
@pytest.mark.parametrize("who", ["stranger", "outsider", "root"])
def test_a_foreign_upload_is_told_like_one_that_does_not_exist(cast, method, who):
    url = _begin(_as(cast.researcher), cast.case)
    nowhere = reverse("evidence:upload_file", args=["00000000-0000-4000-8000-000000000000"])
    client = _as(getattr(cast, who))

    def ask(address: str):
        if method == "patch":
            return _send(client, address, 0, b"abc")
        if method == "get_state":
            return client.get(f"{address}state/")
        return getattr(client, method)(address)

    foreign, missing = ask(url), ask(nowhere)

    assert foreign.status_code == 404
    assert _told(foreign) == _told(missing)
    assert Upload.objects.get().offset == 0
    assert Upload.objects.get().state == Upload.State.ARRIVING


def test_a_colleague_in_the_same_case_does_not_reach_an_upload(cast):
    url = _begin(_as(cast.researcher), cast.case)
    colleague = people._person("colleague", "researcher")
    cast.case.memberships.create(user=colleague, role="researcher")

    assert _as(colleague).head(url).status_code == 404
    assert _as(colleague).get(reverse("evidence:upload_files")).json() == {"uploads": []}


def test_whose_membership_has_ended_sends_no_more(client, cast):
    url = _begin(client, cast.case)
    cast.case.memberships.filter(user=cast.researcher).update(
        until=timezone.now() - timedelta(minutes=1)
    )

    assert _send(client, url, 0, CONTENT).status_code == 404
    assert not EvidenceItem.objects.exists()


def test_a_foreign_case_is_told_like_one_that_does_not_exist(client, cast):
    foreign = _announce(client, cast.other_case)
    missing = _announce(client, cast.case, case="00000000-0000-4000-8000-000000000000")
    garbled = _announce(client, cast.case, case="' OR 1=1")

    assert foreign.status_code == 404
    assert _told(foreign) == _told(missing) == _told(garbled)
    assert not Upload.objects.exists()


@pytest.mark.parametrize("who", ["auditor", "release_officer", "administrator"])
def test_other_roles_may_not_upload(cast, who):
    client = _as(getattr(cast, who))

    assert client.get(reverse("evidence:upload")).status_code == 403
    assert _announce(client, cast.case).status_code == 403


def test_a_session_that_ended_is_said_in_a_sentence_not_by_a_redirect(cast):
    answer = _announce(Client(headers={"tus-resumable": "1.0.0"}), cast.case)

    assert answer.status_code == 401
    assert b"Log in again" in answer.content


@pytest.mark.parametrize(
    ("length", "metadata", "status"),
    [
        (0, {}, 400),
        (10**17, {}, 413),
        (10, {"filename": ""}, 400),
        (10, {"filename": "a\x00b"}, 400),
        (10, {"sha256": "xyz"}, 400),
        (10, {"fields": "[1]"}, 400),
        (10, {"fields": '{"created_by": "1"}'}, 400),
        (10, {"fields": '{"kind": "spaceship"}'}, 400),
        (10, {"fields": '{"level": "secret"}'}, 400),
        (10, {"fields": '{"title": "%s"}' % ("x" * 301)}, 400),
        (10, {"fields": '{"source": "00000000-0000-4000-8000-000000000000"}'}, 400),
    ],
)
def test_what_could_not_be_kept_is_refused_before_a_byte_is_sent(
    client, cast, length, metadata, status
):
    answer = _announce(client, cast.case, length=length, **metadata)

    assert answer.status_code == status
    assert answer.content.decode().endswith(".")
    assert not Upload.objects.exists()


def test_a_full_disk_is_said_before_a_byte_is_sent(client, cast, monkeypatch):
    monkeypatch.setattr(arriving, "MARGIN", 2**62)

    answer = _announce(client, cast.case)

    assert answer.status_code == 507
    assert b"no room" in answer.content


def test_a_case_takes_as_much_as_it_has_room_for(client, cast):
    Case.objects.filter(pk=cast.case.pk).update(room_gib=2)
    assert _announce(client, cast.case, length=2**30).status_code == 201
    assert _announce(client, cast.case, length=2**30 + 1).status_code == 507  # two are coming
    people.upload(cast.case, cast.researcher)
    answer = _announce(client, cast.case, length=2**30)
    assert answer.status_code == 507
    assert b"room for 2 GiB" in answer.content
    Case.objects.filter(pk=cast.case.pk).update(room_gib=3)
    assert _announce(client, cast.case, length=2**30).status_code == 201
    Case.objects.filter(pk=cast.case.pk).update(room_gib=0)
    assert _announce(client, cast.case, length=1).status_code == 507


def test_an_empty_chunk_at_the_end_asks_again_for_what_failed(client, cast, monkeypatch):
    url = _begin(client, cast.case, sha256=SHA256)

    def full(upload: Upload, *, now: object) -> None:
        Upload.objects.filter(pk=upload.pk).update(state="failed", reason="The disk is full.")
        raise store.StoreError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(intake, "seal_upload", full)
        failed = _send(client, url, 0, CONTENT)
    state_after = client.get(f"{url}state/").json()
    again = _send(client, url, len(CONTENT), b"")
    repeated = _send(client, url, len(CONTENT), b"")

    assert failed.status_code == 507
    assert state_after["state"] == "failed"
    assert state_after["reason"] == "The disk is full."
    assert again.status_code == 204
    assert repeated.status_code == 204
    assert client.get(f"{url}state/").json()["state"] == "received"
    assert EvidenceItem.objects.count() == 1


def test_a_file_that_would_outlast_a_request_is_sealed_by_a_job(client, cast, settings):
    settings.SEAL_INLINE = 100
    url = _begin(client, cast.case)

    answer = _send(client, url, 0, CONTENT)
    state = client.get(f"{url}state/").json()

    assert answer.status_code == 204
    assert state["state"] == "sealing"
    assert "receipt" not in state
    assert not EvidenceItem.objects.exists()


def test_a_digest_that_differs_from_the_browsers_is_shown(client, cast):
    url = _begin(client, cast.case, sha256="0" * 64)

    _send(client, url, 0, CONTENT)

    receipt = client.get(f"{url}state/").json()["receipt"]
    assert receipt["declared_match"] == "mismatch"
    assert receipt["sha256"] == SHA256


def test_what_the_owner_cancels_is_gone_and_what_was_received_stays(client, cast):
    cancelled = _begin(client, cast.case)
    path = _row(cancelled).path
    received = _begin(client, cast.case)
    _send(client, received, 0, CONTENT)

    answers = [client.delete(cancelled), client.delete(received)]

    assert answers[0].status_code == 204
    assert not path.exists()
    assert client.head(cancelled).status_code == 404
    assert answers[1].status_code in {403, 410}
    assert client.get(f"{received}state/").json()["state"] == "received"
    assert _kept(SHA256) == CONTENT


def test_only_stale_uploads_are_abandoned(client, cast):
    urls = [_begin(client, cast.case) for _ in range(3)]
    stale, fresh, sealing = (_row(url) for url in urls)
    long_ago = timezone.now() - arriving.KEPT_FOR - timedelta(hours=1)
    Upload.objects.filter(pk=stale.pk).update(updated_at=long_ago)
    Upload.objects.filter(pk=sealing.pk).update(updated_at=long_ago, state="sealing")

    count = arriving.abandon_stale(now=timezone.now())

    assert count == 1
    assert [row.path.exists() for row in (stale, fresh, sealing)] == [False, True, True]
    assert client.head(urls[0]).status_code == 404
    assert client.head(urls[1]).status_code == 200


def test_the_list_names_what_is_unfinished(client, cast):
    url = _begin(client, cast.case, filename="a.mov", sha256=SHA256)
    _send(client, url, 0, CONTENT[:9])
    done = _begin(client, cast.case)
    _send(client, done, 0, CONTENT)

    (one,) = client.get(reverse("evidence:upload_files")).json()["uploads"]

    assert one["url"] == url
    assert (one["filename"], one["offset"], one["length"]) == ("a.mov", 9, len(CONTENT))
    assert one["sha256"] == SHA256


def test_what_is_held_already_is_told_only_to_who_may_see_it(cast):
    receipt = people.upload(cast.case, cast.researcher, content=CONTENT)
    address = reverse("evidence:upload_held") + f"?sha256={SHA256},{'0' * 64},nonsense"

    told = {
        name: _as(getattr(cast, name)).get(address).json()
        for name in ("researcher", "stranger", "outsider")
    }

    (held,) = told["researcher"]["held"][SHA256]
    assert held["reference"] == receipt.reference
    assert told["stranger"] == told["outsider"] == {"held": {}}


def test_the_page_offers_only_open_cases_of_ones_own(client, cast):
    shown = client.get(reverse("evidence:upload")).content.decode()
    cast.case.status = Case.Status.CLOSED
    cast.case.save()
    after = client.get(reverse("evidence:upload")).content.decode()

    assert str(cast.case.pk) in shown
    assert str(cast.other_case.pk) not in shown
    assert str(cast.case.pk) not in after
    assert "nowhere to upload to" in after
    assert _announce(client, cast.case).status_code == 404


def test_a_body_is_read_by_pieces_and_never_whole(client, cast, monkeypatch):
    asked: list[int] = []
    original = arriving._write

    def watched(file, piece):
        asked.append(len(piece))
        return original(file, piece)

    monkeypatch.setattr(arriving, "_write", watched)
    body = b"\x00" * (3 * arriving.PIECE + 5)
    url = _announce(client, cast.case, length=len(body) + 1)["Location"]

    answer = _send(client, url, 0, body)

    assert answer.status_code == 204
    assert max(asked) <= arriving.PIECE
    assert sum(asked) == len(body)
