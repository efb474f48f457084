"""Saved export profiles: what they keep back, that none changes, that each can be ended."""

from __future__ import annotations

import json

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from archive.models.bundle import Bundle
from archive.models.job import Job
from archive.models.ledger import Entry
from evidence import agreeing, exporting, profiles, records, releasing
from evidence.models.analysis import Analysis
from evidence.models.export import Export
from evidence.models.export_profile import ExportProfile, Given, Part
from evidence.models.item import EvidenceItem
from evidence.models.source import Source
from tests import papers, people
from tests.evidence import sayings
from tests.evidence.held import FACE, bundle, everything, json_of, make, verified, within, worked

NAME = "CANARY-PROFILE for a person"
CONTENT = {
    Part.DESCRIPTION: (FACE, "CANARY-PLACE"),
    Part.CIRCUMSTANCES: ("CANARY-SOURCE",),
    Part.WORDS: (sayings.ENGLISH, sayings.KOREAN),
    Part.CLAIMS: ("CANARY-RATIONALE", "He thought"),
    Part.FINDINGS: ("CANARY-FINDING",),
}


@pytest.fixture
def held(committed_database):
    made = make()
    EvidenceItem.objects.filter(pk=made.picture.pk).update(place_text="CANARY-PLACE")
    Source.objects.update(name="CANARY-SOURCE")
    Analysis.objects.filter(file__item=made.picture, tool="type").update(
        result={"pronom": "fmt/43", "device": "CANARY-FINDING"}
    )
    return made


def saved(held, **more):
    said = {
        "name": NAME, "sensitive": "whole", "other": "whole", "discloses": False,
        "leaves_out": [], "reason": "A test.", **more,
    }  # fmt: skip
    return profiles.save(user=held.cast.release_officer, now=people.NOW, **said)


def asked_by(held, profile):
    return releasing.request(
        held.items(), recipient="Somebody", purpose="A test", recipient_class="court",
        profile=str(profile.pk), user=held.cast.researcher, now=people.NOW,
    )  # fmt: skip


def decided(held, asked, **more):
    return releasing.decide(
        asked, authorised=True, reason="It may.", public_interest="It is.",
        user=held.cast.release_officer, now=people.NOW, **more,
    )  # fmt: skip


def exported(held, decision):
    return exporting.export(
        held.items(), purpose="A test", recipient="Somebody", user=held.cast.release_officer,
        now=people.NOW, release=decision,
    )  # fmt: skip


def written(made):
    worked(Job.objects.get(kind="evidence.export", subject=str(made.pk)).pk)
    return Bundle.objects.get(pk=made.pk)


# What it keeps back


def test_each_part_that_is_left_out_is_nowhere_in_the_bundle(held, tmp_path):
    for part in CONTENT:
        profile = saved(held, name=f"without {part}", leaves_out=[part])
        path = bundle(held, tmp_path, str(profile.pk), public_interest="It is.")
        report = verified(path)
        assert report.verdict.is_good, (part, report.findings)
        content = everything(path)
        for other, canaries in CONTENT.items():
            for canary in canaries:
                assert papers.tells(content, canary) == (other != part), (part, canary)
        rows = json.loads(within(path, "data", "withheld.json"))["withheld"]
        assert len([row for row in rows if row["what"] == part.label]) == len(held.items())


def test_what_is_left_out_together_leaves_files_and_their_custody(held, tmp_path):
    profile = saved(held, leaves_out=list(Part))
    path = bundle(held, tmp_path, str(profile.pk), public_interest="It is.")
    assert verified(path).verdict.is_good
    said = json_of(path, held.said.statement.exhibit_number)
    assert (said["title"], said["said"], said["acquisition"]) == ("", {}, {})
    picture = json_of(path, held.picture.exhibit_number)
    (original,) = picture["files"]  # its rendition is left out, too
    assert original["analyses"] == []
    rows = json.loads(within(path, "data", "withheld.json"))["withheld"]
    rendition = held.picture.files.get(role="redacted")
    (row,) = [one for one in rows if one["file"] == str(rendition.pk)]
    assert row["commitment"]["sha256"] == rendition.sha256


def test_of_what_is_sensitive_less_leaves_than_of_the_rest(held, tmp_path):
    profile = saved(held, sensitive="custody", other="redacted")
    path = bundle(held, tmp_path, str(profile.pk))
    content = everything(path)
    for canary in (FACE, "CANARY-FILE", sayings.KOREAN, "CANARY-RATIONALE"):
        assert not papers.tells(content, canary), canary


def test_a_bundle_says_its_rules_and_no_name_of_the_profile(held, tmp_path):
    profile = saved(held, leaves_out=[Part.CLAIMS])
    path = bundle(held, tmp_path, str(profile.pk), public_interest="It is.")
    said = json.loads(within(path, "data", "withheld.json"))
    assert said["profile"] == str(profile.pk)
    assert said["profile_rules"] == {
        "sensitive": "whole", "other": "whole", "discloses": False, "leaves_out": ["claims"],
    }  # fmt: skip
    assert not papers.tells(everything(path), NAME)
    assert not [one for one in Entry.objects.values_list("body", flat=True) if NAME in one]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"sensitive": "whole", "other": "redacted"}, "more of what is sensitive"),
        ({"sensitive": "redacted", "other": "custody"}, "more of what is sensitive"),
        ({"sensitive": "redacted", "discloses": True}, "Names and notes"),
        ({"leaves_out": ["description"], "discloses": True}, "Names and notes"),
        ({"leaves_out": ["names"]}, "Choose among"),
        ({"sensitive": "all"}, "Choose among"),
        ({"name": "  "}, "a name"),
        ({"reason": " "}, "what it is for"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(held, rules, words):
    with pytest.raises(profiles.ProfileError, match=words):
        saved(held, **rules)
    assert not ExportProfile.objects.exists()


def test_names_leave_with_everything_only_even_past_the_act(held):
    row = records.made(
        ExportProfile, user=held.cast.release_officer, now=people.NOW, version=1, name="Another",
        sensitive=Given.REDACTED, other=Given.WHOLE, discloses=True, reason="A test.",
    )  # fmt: skip
    with pytest.raises(DatabaseError, match="profile_names_leave"), transaction.atomic():
        row.save()


# That it stays as it was


def test_a_version_is_never_changed(held):
    row = saved(held)
    for statement in (
        "UPDATE evidence_exportprofile SET sensitive = 'whole'",
        "DELETE FROM evidence_exportprofile",
    ):
        with (
            pytest.raises(DatabaseError, match=r"written once|not authorized"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert ExportProfile.objects.get().sha256() == row.sha256()
    assert row.sha256() in Entry.objects.order_by("-seq").first().body


def test_what_was_authorised_leaves_as_it_was_authorised(held):
    first = saved(held, leaves_out=[Part.CLAIMS])
    decision = decided(held, asked_by(held, first))
    saved(held, leaves_out=[], instead_of=first)
    made = exported(held, decision)
    assert made.bundle.profile == str(first.pk)
    assert written(made).state == Bundle.State.VERIFIED
    assert exporting.preview(held.items(), str(first.pk))["profile"].leaves_out == {Part.CLAIMS}


def test_what_was_not_decided_yet_is_asked_anew_by_the_newer_version(held):
    first = saved(held)
    asked = asked_by(held, first)
    saved(held, leaves_out=[Part.CLAIMS], instead_of=first)
    with pytest.raises(releasing.ReleaseError, match="newer version"):
        decided(held, asked)
    with pytest.raises(releasing.ReleaseError, match="newer version"):
        asked_by(held, first)


def test_of_two_who_save_the_next_version_one_is_told(held):
    first = saved(held)
    second = saved(held, reason="More.", instead_of=first, name="Renamed")
    assert second.version == 2
    with pytest.raises(records.SupersededError):
        saved(held, reason="Less.", instead_of=first)
    assert [row.version for row in profiles.versions(first)] == [2, 1]


def test_two_profiles_have_two_names(held):
    saved(held)
    with pytest.raises(profiles.ProfileError, match="has this name"):
        saved(held)


# That it can be ended


def test_nothing_leaves_by_a_withdrawn_profile_whatever_was_authorised(held, client):
    by = {"user": held.cast.release_officer, "now": people.NOW}
    first = saved(held)
    decision = decided(held, asked_by(held, first))
    ready, waiting = exported(held, decision), exported(held, decision)
    assert written(ready).state == Bundle.State.VERIFIED
    profiles.withdraw(first, reason="It tells too much.", **by)

    assert written(waiting).state == Bundle.State.FAILED
    with pytest.raises(exporting.ExportError, match="was withdrawn"):
        exported(held, decision)
    with pytest.raises(profiles.ProfileError, match="was withdrawn"):
        profiles.must_be_offered(str(first.pk))
    assert str(first.pk) not in dict(profiles.choices())
    client.force_login(held.cast.release_officer)
    answer = client.get(reverse("evidence:export_download", args=[ready.pk]), follow=True)
    assert "was withdrawn" in answer.content.decode()
    assert not Entry.objects.filter(kind="export.downloaded").exists()
    with pytest.raises(profiles.ProfileError, match="was withdrawn"):
        profiles.withdraw(profiles.newest_of(first), reason="Again.", **by)


def test_a_bundle_of_a_revoked_release_is_not_handed_out(held, client):
    decision = decided(held, asked_by(held, saved(held)))
    made = exported(held, decision)
    assert written(made).state == Bundle.State.VERIFIED
    client.force_login(held.cast.release_officer)
    address = reverse("evidence:export_download", args=[made.pk])
    size = Bundle.objects.get(pk=made.pk).size
    assert len(b"".join(client.get(address).streaming_content)) == size
    releasing.revoke(decision, reason="No.", user=held.cast.release_officer, now=people.NOW)
    answer = client.get(address, follow=True)
    assert "was revoked" in answer.content.decode()
    assert not answer.streaming


# Doors


def test_the_pages_save_a_version_show_what_changed_and_withdraw(held, client):
    client.force_login(held.cast.release_officer)
    said = {"name": "Lawyers", "sensitive": "redacted", "other": "whole", "reason": "A test."}
    answer = client.post(reverse("evidence:profile_new"), said, follow=True)
    assert answer.status_code == 200
    first = ExportProfile.objects.get()
    here = reverse("evidence:profile", args=[first.pk])
    wrong = client.post(here, {**said, "act": "save", "discloses": "on", "reason": "More."})
    assert wrong.status_code == 400
    assert "Names and notes" in wrong.content.decode()
    more = {**said, "act": "save", "leaves_out": ["words", "claims"], "reason": "Less."}
    text = client.post(here, more, follow=True).content.decode()
    assert "Version 2" in text
    assert text.count("changed</span>") == 1
    second = ExportProfile.standing().get()
    assert second.leaves_out == ["words", "claims"]
    ended = reverse("evidence:profile", args=[second.pk])
    client.post(ended, {"act": "withdraw", "reason": "Done with it."})
    assert not [one for one in profiles.offered() if one.version]
    assert "Done with it." in client.get(reverse("evidence:profiles")).content.decode()


def test_whoever_does_not_export_saves_nothing(held, client):
    first = saved(held)
    said = {"name": "Mine", "sensitive": "whole", "other": "whole", "reason": "A test."}
    for user, may_read in ((held.cast.researcher, True), (held.cast.auditor, False)):
        client.force_login(user)
        one = reverse("evidence:profile", args=[first.pk])
        assert client.get(one).status_code == (200 if may_read else 403)
        assert client.get(reverse("evidence:profiles")).status_code == (200 if may_read else 403)
        assert client.post(reverse("evidence:profile_new"), said).status_code == 403
        assert client.post(one, {**said, "act": "save"}).status_code == 403
        assert client.post(one, {"act": "withdraw", "reason": "x"}).status_code == 403
    assert ExportProfile.objects.count() == 1


def test_the_command_takes_a_profile_by_its_name(held, tmp_path):
    saved(held, name="Lawyers", sensitive="redacted")
    open_items = [one for one in held.items() if not releasing.needs_release(one)]
    assert open_items
    exhibits = [one.exhibit_number for one in open_items]
    words = {
        "case": held.cast.case.reference, "user": held.cast.release_officer.username,
        "recipient": "Somebody", "purpose": "A test",
    }  # fmt: skip
    out = tmp_path / "out.zip"
    call_command("export_bundle", *exhibits, profile="Lawyers", out=out, **words)
    made = Export.objects.get()
    assert profiles.named(made.bundle.profile).title == "Lawyers"
    with storages["bundles"].open(made.bundle.storage_name) as file:
        assert file.read() == out.read_bytes()
    with pytest.raises(CommandError, match=r"no profile 'Layers'.*Lawyers"):
        call_command("export_bundle", *exhibits, profile="Layers", out=tmp_path / "2.zip", **words)


def test_a_rule_changed_behind_the_programs_back_is_named_by_the_audit(held):
    saved(held, sensitive="redacted")
    assert [one.code for one in agreeing.findings()] == [agreeing.AGREES]
    if connection.vendor == "sqlite":
        connection.connection.set_authorizer(None)  # another program has none
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER evidence_exportprofile_no_update")
        else:
            cursor.execute("ALTER TABLE evidence_exportprofile DISABLE TRIGGER USER")
        cursor.execute("UPDATE evidence_exportprofile SET sensitive = 'whole'")
    (found,) = agreeing.findings()
    assert found.code != agreeing.AGREES
