"""Disposal takes two people and waits for holds; status and level are what the ledger says."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from archive import custody
from archive.proof.entries import Entry
from evidence import access, agreeing, classifying, disposing
from evidence.models.case import CaseMembership
from evidence.models.item import EvidenceItem
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log) -> people.Cast:
    cast = people.make_cast()
    CaseMembership.objects.create(case=cast.case, user=cast.outsider, role="lead")
    return cast


@pytest.fixture
def item(cast):
    return sayings.item(cast)


def by(user):
    return {"user": user, "now": people.NOW}


def proposed(cast, item, **more):
    facts = {"authority": "Order 7", "reason": "Returned.", "witness": "A clerk", **more}
    return disposing.propose(item, **facts, **by(cast.outsider))


def approved(cast, proposal, user=None):
    return disposing.decide(
        proposal, approved=True, reason="Agreed.", **by(user or cast.release_officer)
    )


def found():
    return [one.code for one in agreeing.findings()]


def test_nobody_disposes_alone_nor_does_the_witness_approve(cast, item):
    with pytest.raises(disposing.SamePersonError):
        approved(cast, proposed(cast, item), cast.outsider)
    with pytest.raises(disposing.SamePersonError):
        approved(cast, proposed(cast, item, witness="Officer"))

    item.refresh_from_db()
    assert item.status == "registered"
    assert not custody.entries(kind="item.disposed").exists()


def test_two_dispose_and_the_ledger_names_both(cast, item):
    after = approved(cast, proposed(cast, item))

    assert after.status == "disposed"
    (row,) = custody.entries(kind="item.disposed")
    entry = Entry.decode(row.body.encode())
    assert entry.actor == access.agent_of(cast.release_officer).opaque_id
    assert entry.data["proposed_by"] == access.agent_of(cast.outsider).opaque_id
    for user in (cast.researcher, cast.release_officer, cast.outsider):
        assert access.may(user, "see", item)
        assert not access.may(user, "view", item)
        assert not access.may(user, "download", item)
    assert found() == [agreeing.AGREES]


def test_a_hold_keeps_an_item_until_it_is_lifted(cast, item):
    proposal = proposed(cast, item)
    hold = disposing.place_hold(item, authority="A court", reason="A trial.", **by(cast.outsider))
    with pytest.raises(disposing.DisposalError, match="held"):
        approved(cast, proposal)
    with pytest.raises(disposing.DisposalError, match="held"):
        proposed(cast, item)

    disposing.lift_hold(hold, reason="The trial ended.", **by(cast.outsider))
    with pytest.raises(disposing.DisposalError, match="lifted already"):
        disposing.lift_hold(hold, reason="Again.", **by(cast.outsider))

    assert approved(cast, proposal).status == "disposed"


def test_a_proposal_is_decided_once_and_a_refusal_is_recorded(cast, item):
    proposal = proposed(cast, item)
    disposing.decide(proposal, approved=False, reason="No.", **by(cast.release_officer))

    with pytest.raises(disposing.DisposalError, match="decided already"):
        approved(cast, proposal)
    item.refresh_from_db()
    assert item.status == "registered"
    assert custody.entries(kind="item.disposal_refused").exists()


def test_a_withdrawn_item_stays_whole_and_can_be_relied_on_again(cast, item):
    disposing.withdraw(item, reason="A mistake.", **by(cast.outsider))
    with pytest.raises(disposing.DisposalError, match="withdrawn already"):
        disposing.withdraw(item, reason="A mistake.", **by(cast.outsider))
    assert access.may(cast.researcher, "view", item)
    assert found() == [agreeing.AGREES]

    assert disposing.reinstate(item, reason="None.", **by(cast.outsider)).status == "registered"


@pytest.mark.parametrize(
    ("column", "value"),
    [("status", "disposed"), ("status", "withdrawn"), ("effective_level", "public")],
)
def test_what_does_not_stand_as_the_ledger_says_is_named_and_put_right(cast, item, column, value):
    classifying.raise_to(
        sayings.item(cast, content=b"other"), level="restricted", markers=[], reason="x",
        **by(cast.researcher),
    )  # fmt: skip
    EvidenceItem.objects.filter(pk=item.pk).update(**{column: value})
    assert agreeing.DIFFERS in found()
    out = StringIO()

    call_command("rebuild_standing", stdout=out)

    assert out.getvalue().splitlines() == [
        "TEST-001-0001: registered, internal",
        "1 items did not stand as the ledger says.",
    ]
    assert found() == [agreeing.AGREES]


def test_a_classified_item_that_was_lowered_behind_the_ledgers_back_is_named(cast, item):
    classifying.raise_to(
        item, level="restricted", markers=["medical"], reason="x", **by(cast.researcher)
    )
    disposing.withdraw(item, reason="x", **by(cast.outsider))
    assert found() == [agreeing.AGREES]

    EvidenceItem.objects.filter(pk=item.pk).update(effective_level="internal")

    assert found() == [agreeing.DIFFERS]
    assert disposing.rebuild([EvidenceItem.objects.get(pk=item.pk)])
    assert found() == [agreeing.AGREES]


def test_the_page_lets_two_people_do_it_and_others_see_it_only(cast, item, client):
    url = reverse("evidence:disposal", args=[item.pk])
    propose = {"act": "propose", "authority": "Order 7", "reason": "Returned.", "witness": "Clerk"}
    client.force_login(cast.researcher)
    assert "Propose its disposal" not in client.get(url).content.decode()
    assert client.post(url, propose).status_code == 404
    client.force_login(cast.outsider)
    hold = {"act": "hold", "authority": "A court", "reason": "A trial."}
    assert client.post(url, hold).status_code == 302
    assert client.post(url, propose).status_code == 400
    lift = {"act": "lift", "which": str(disposing.holds(item).get().pk), "reason": "Over."}
    assert client.post(url, lift).status_code == 302
    assert client.post(url, propose).status_code == 302
    which = {"which": str(disposing.waiting(item).get().pk), "reason": "Agreed."}
    assert client.post(url, {"act": "approve", **which}).status_code == 400

    client.force_login(cast.release_officer)
    assert client.post(url, {"act": "approve", **which}).status_code == 302

    item.refresh_from_db()
    assert item.status == "disposed"
    assert client.post(url, {"act": "withdraw", "reason": "x"}).status_code == 404
