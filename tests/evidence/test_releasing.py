"""Nothing sensitive leaves by one person's word; prisoners only where that is justified."""

from __future__ import annotations

from datetime import timedelta

import pytest

from archive import custody, outbox
from archive.models.bundle import Bundle
from archive.models.job import Job
from archive.proof.entries import Entry
from evidence import access, agreeing, classifying, exporting, releasing, tasks
from evidence.models.release import ReleaseReceipt
from tests import people
from tests.evidence import sayings

NOW = people.NOW


@pytest.fixture
def cast(committed_database) -> people.Cast:
    custody.open_log()
    return people.make_cast()


@pytest.fixture
def item(cast):
    return sayings.item(cast)


def by(user):
    return {"user": user, "now": NOW}


def marked(cast, item, *markers, level="internal"):
    return classifying.raise_to(
        item, level=level, markers=markers, reason="Seen.", **by(cast.researcher)
    )


def asked(cast, *items, to="court", user=None):
    return releasing.request(
        items, recipient="Somebody", purpose="Needed.", recipient_class=to,
        **by(user or cast.researcher),
    )  # fmt: skip


def authorised(cast, request, **more):
    facts = {"authorised": True, "reason": "Checked.", **more}
    return releasing.decide(request, **facts, **by(cast.release_officer))


def leave(cast, item, decision=None, **more):
    facts = {"purpose": "Needed.", "recipient": "Somebody", **by(cast.release_officer), **more}
    return exporting.export([item], release=decision, **facts)


def entries(kind):
    return [Entry.decode(row.body.encode()) for row in custody.entries(kind=kind)]


@pytest.mark.parametrize(
    ("markers", "level"),
    [(["identifiable_pow"], "internal"), ([], "restricted"), (["medical"], "internal")],
)
def test_what_is_sensitive_does_not_leave_by_one_persons_word(cast, item, markers, level):
    found = marked(cast, item, *markers, level=level)

    with pytest.raises(exporting.ExportError, match="only by a release that another person"):
        leave(cast, found)

    assert not Bundle.objects.exists()
    assert entries("export.requested") == []


def test_what_is_not_sensitive_leaves_by_a_release_officers(cast, item):
    assert leave(cast, item).release is None


def test_who_asks_does_not_authorise(cast, item):
    request = asked(cast, item, user=cast.release_officer)

    with pytest.raises(releasing.SamePersonError):
        authorised(cast, request)
    assert entries("release.authorised") == []


def test_two_release_and_the_ledger_names_both(cast, item):
    found = marked(cast, item, "medical")
    request = asked(cast, found)
    decision = authorised(cast, request, conditions="In camera.")

    made = leave(cast, found, decision)

    (entry,) = entries("release.authorised")
    assert entry.actor == access.agent_of(cast.release_officer).opaque_id
    assert entry.data["requested_by"] == access.agent_of(cast.researcher).opaque_id
    (export,) = entries("export.requested")
    assert export.data["release"] == str(request.pk)
    assert made.release == decision
    text = "".join(row.body for row in custody.entries())
    assert "Somebody" not in text
    assert "Needed." not in text
    assert [one.code for one in agreeing.findings()] == [agreeing.AGREES]


def test_a_prisoner_who_can_be_recognised_needs_the_public_interest_written_down(cast, item):
    request = asked(cast, marked(cast, item, "identifiable_pow"))
    with pytest.raises(releasing.ReleaseError, match="public interest written down"):
        authorised(cast, request, public_interest="  ")

    decision = authorised(cast, request, public_interest="A commander who is sought for crimes.")

    assert leave(cast, releasing.items_of(request)[0], decision)


@pytest.mark.parametrize("to", ["media", "public"])
def test_what_humiliates_never_goes_to_everybody_whatever_the_interest(cast, item, to):
    found = marked(cast, item, "humiliating_or_degrading")
    with pytest.raises(releasing.ReleaseError, match="never goes to media"):
        authorised(cast, asked(cast, found, to=to), public_interest="Great.")

    assert authorised(cast, asked(cast, found, to="court"), public_interest="A court asks.")


@pytest.mark.parametrize("change", ["refused", "revoked", "ended", "other", "marked", "recipient"])
def test_a_release_that_does_not_hold_lets_nothing_out(cast, item, change):
    found = marked(cast, item, "medical")
    request = asked(cast, found)
    more = {"authorised": change != "refused"}
    if change == "ended":
        more["valid_until"] = NOW
    decision = authorised(cast, request, **more)
    if change == "revoked":
        releasing.revoke(decision, reason="It was wrong.", **by(cast.release_officer))
    if change == "other":
        found = marked(cast, sayings.item(cast, content=b"another"), "medical")
    if change == "marked":
        found = marked(cast, found, "medical", "identifiable_pow")
    recipient = "Somebody else" if change == "recipient" else "Somebody"

    with pytest.raises(exporting.ExportError):
        leave(cast, found, decision, recipient=recipient)

    assert not Bundle.objects.exists()


def written(made):
    job = Job.objects.get(kind="evidence.export", subject=str(made.pk))
    outcome = outbox.run(job.pk, tasks.HANDLERS, on_quarantine=tasks._set_aside)
    return outcome, Bundle.objects.get(pk=made.pk)


def test_a_release_that_is_revoked_before_the_bundle_is_written_keeps_it_from_being_written(
    cast, item
):
    decision = authorised(cast, asked(cast, marked(cast, item, "medical")))
    made = leave(cast, releasing.items_of(decision.request)[0], decision)
    releasing.revoke(decision, reason="It was wrong.", **by(cast.release_officer))

    _, bundle = written(made)

    assert bundle.state == Bundle.State.FAILED
    assert "revoked" in bundle.reason


def test_a_decision_is_made_once_and_revoked_once(cast, item):
    decision = authorised(cast, asked(cast, item))
    with pytest.raises(releasing.ReleaseError, match="decided already"):
        authorised(cast, decision.request)
    releasing.revoke(decision, reason="Wrong.", **by(cast.release_officer))
    with pytest.raises(releasing.ReleaseError, match="no authorisation"):
        releasing.revoke(decision, reason="Wrong.", **by(cast.release_officer))


def test_the_recipients_digest_is_recorded_whether_it_is_right_or_wrong(cast, item):
    decision = authorised(cast, asked(cast, marked(cast, item, "medical")))
    _, bundle = written(leave(cast, releasing.items_of(decision.request)[0], decision))
    facts = {"acknowledged_by": "A clerk", **by(cast.release_officer)}
    with pytest.raises(releasing.ReleaseError, match="64 digits"):
        releasing.acknowledge(decision, sha256="abc", **facts)

    right = releasing.acknowledge(decision, sha256=f"sha256:{bundle.sha256.upper()}", **facts)
    wrong = releasing.acknowledge(decision, sha256="0" * 64, **facts)

    assert (right.matches, wrong.matches) == (True, False)
    assert [one.data["outcome"] for one in entries("release.receipt_acknowledged")] == [
        "success",
        "failure",
    ]
    assert ReleaseReceipt.objects.count() == 2


def test_a_request_with_a_sealed_item_is_not_seen_by_who_may_not_see_that(cast, item):
    request = asked(cast, item)
    assert request in releasing.visible(cast.release_officer)
    assert not releasing.visible(cast.stranger).exists()
    marked(cast, item, "minor")

    assert not releasing.visible(cast.release_officer).exists()


def test_an_authorisation_holds_until_it_ends(cast, item):
    found = marked(cast, item, "medical")
    decision = authorised(cast, asked(cast, found), valid_until=NOW + timedelta(days=1))

    releasing.check(decision, [found], now=NOW)
    with pytest.raises(releasing.ReleaseError, match="ended on 2026-01-16"):
        releasing.check(decision, [found], now=NOW + timedelta(days=1))
