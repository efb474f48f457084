"""Content Credentials: trusted, untrusted, tampered, absent, elsewhere; and nobody is asked."""

from __future__ import annotations

import io
import socket
import threading

import pytest

from archive import custody
from evidence import presenting
from evidence.extractors import credentials
from tests import people
from tests.evidence.extractors.made import ask, film, jpeg, scene
from tests.evidence.signed import Authority
from tests.evidence.worked import worked_out

OURS, OTHERS = Authority(), Authority("Somebody else")


def png():
    out = io.BytesIO()
    scene(200, 150).save(out, format="PNG")
    return out.getvalue()


def webp():
    out = io.BytesIO()
    scene(200, 150).save(out, format="WEBP")
    return out.getvalue()


MADE = {
    "image/jpeg": lambda: jpeg(scene(320, 240)),
    "image/png": png,
    "image/webp": webp,
    "video/mp4": lambda: film(2),
}


def parsed(content, **parameters):
    outcome = ask("c2pa", content, **parameters)
    assert outcome.outcome == "ok", outcome.reason
    return outcome.result["parsed"]


@pytest.mark.parametrize("media_type", sorted(MADE))
def test_a_signature_is_trusted_by_its_own_list_only(media_type):
    signed = OURS.signed(MADE[media_type](), media_type)

    own, other, none = (
        parsed(signed, trust_anchors=OURS.anchor),
        parsed(signed, trust_anchors=OTHERS.anchor),
        parsed(signed),
    )

    assert (own["verdict"], own["failures"]) == ("trusted", [])
    for one in (other, none):
        assert (one["verdict"], one["failures"]) == ("untrusted", ["signingCredential.untrusted"])
        assert "does not know" in one["in_words"]
    assert own["signed_by"]["name"] == "Test camera"
    assert own["made_with"] == ["Test camera 1"]
    assert own["actions"][0].startswith("c2pa.created")
    assert own["trust_list"]["anchors"] == 1
    assert own["trust_list"]["sha256"] != other["trust_list"]["sha256"]
    assert none["trust_list"] == {"anchors": 0, "sha256": None}


@pytest.mark.parametrize("media_type", sorted(MADE))
def test_what_was_changed_after_it_was_signed_is_tampered_whoever_signed(media_type):
    content = bytearray(OURS.signed(MADE[media_type](), media_type))
    content[content.index(b"mdat") + 200 if media_type == "video/mp4" else -60] ^= 1

    for anchors in (OURS.anchor, ""):
        found = parsed(bytes(content), trust_anchors=anchors)
        assert found["verdict"] == "tampered"
        assert any("mismatch" in code for code in found["failures"])


def test_a_manifest_cut_out_and_put_into_another_picture_is_tampered():
    signed, other = OURS.signed(jpeg(scene(320, 240))), jpeg(scene(320, 240, seed=9))
    begin = end = signed.index(b"\xff\xeb")
    while signed[end : end + 2] == b"\xff\xeb":
        end += 2 + int.from_bytes(signed[end + 2 : end + 4], "big")

    found = parsed(other[:2] + signed[begin:end] + other[2:], trust_anchors=OURS.anchor)

    assert found["verdict"] == "tampered"


def test_a_file_without_them_and_one_whose_manifest_lies_elsewhere():
    assert parsed(MADE["image/jpeg"]())["verdict"] == "absent"
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        door.settimeout(2)
        came = []

        def wait():
            try:
                came.append(door.accept())
            except TimeoutError:
                return

        waiting = threading.Thread(target=wait)
        waiting.start()
        address = f"http://127.0.0.1:{door.getsockname()[1]}/manifest.c2pa"
        remote = OURS.signed(MADE["image/jpeg"](), remote=address)
        # In the sandbox, and in a process that could have asked.
        sandboxed = parsed(remote, trust_anchors=OURS.anchor)
        here = credentials.read(io.BytesIO(remote), {})["parsed"]
        waiting.join()

    assert (sandboxed["verdict"], sandboxed["address"]) == ("elsewhere", address)
    assert here["verdict"] == "elsewhere"
    assert came == []


def test_bytes_that_are_no_picture_have_their_outcome():
    signed = OURS.signed(MADE["image/jpeg"]())

    assert ask("c2pa", signed[: len(signed) // 3]).outcome in {"malformed", "ok"}
    assert ask("c2pa", b"just words, no picture at all").outcome == "unsupported"
    assert ask("c2pa", b"\xff\xd8\xff" + bytes(500)).outcome in {"malformed", "ok"}


def test_the_verdict_is_on_the_items_page_and_no_sign_calls_an_unknown_signer_good(
    committed_database, client, settings, tmp_path
):
    custody.open_log()
    cast = people.make_cast()
    settings.C2PA_TRUST_LIST = tmp_path / "anchors.pem"
    settings.C2PA_TRUST_LIST.write_text(OURS.anchor)

    def received(content):
        return worked_out(
            content,
            cast.case,
            cast.researcher,
            "c2pa",
            filename="signed.jpg",
            media_type="image/jpeg",
        )

    known = received(OURS.signed(MADE["image/jpeg"]()))
    unknown = received(OTHERS.signed(jpeg(scene(320, 240, seed=3))))
    verdicts = {
        item: dict(next(one for one in presenting.answers(item) if "C2PA" in one.tool).rows)
        for item in (known, unknown)
    }

    assert verdicts[known]["verdict"] == "trusted"
    assert verdicts[unknown]["verdict"] == "untrusted"
    client.force_login(cast.researcher)
    page = client.get(f"/admin/evidence/evidenceitem/{unknown.pk}/change/").content.decode()
    assert "somebody whom this archive&#x27;s list does not know" in page
