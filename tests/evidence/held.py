"""A case with what prisoners show and say, and the bundles that leave of it."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass

from django.core.files.storage import storages

from archive import custody, outbox, signing
from archive.models.bundle import Bundle
from archive.models.job import Job
from archive.proof.examination import Policy
from archive.proof.verify import verify
from evidence import assessing, classifying, exporting, identifying, redacting, releasing, tasks
from evidence.models.case import CaseMembership
from evidence.models.item import EvidenceItem
from tests import papers, people
from tests.evidence import sayings
from tests.evidence.extractors.made import jpeg, scene
from tests.evidence.worked import worked_out

BOX = {"left": 100, "top": 100, "right": 500, "bottom": 500, "style": "fill"}
FACE = "CANARY-TITLE of a face"


@dataclass
class Held:
    """A case with a prisoner's picture and its redacted rendition, a statement, a card."""

    said: sayings.Sayings
    picture: EvidenceItem

    @property
    def cast(self):
        return self.said.cast

    def items(self):
        return list(EvidenceItem.objects.filter(case=self.cast.case).order_by("exhibit_number"))


def worked(job):
    outbox.run(job, tasks.HANDLERS, on_quarantine=tasks._set_aside)


def make() -> Held:
    """Have it taken in, described, redacted and assessed; the database must commit."""
    custody.open_log()
    cast = people.make_cast()
    by = {"user": cast.researcher, "now": people.NOW}
    CaseMembership.objects.create(case=cast.case, user=cast.outsider, role="redactor")
    said = sayings.make(cast)
    identifying.describe(said.card, document_type="military_id", inscribed_name="CANARY-NAME", **by)
    picture = worked_out(
        jpeg(scene(320, 240)), cast.case, cast.researcher, "type",
        filename="CANARY-FILE.jpg", media_type="image/jpeg",
    )  # fmt: skip
    EvidenceItem.objects.filter(pk=picture.pk).update(title=FACE)
    picture.refresh_from_db()
    asked = redacting.ask(
        picture, regions=[BOX], sound="mute", phrases=[], reason="A face.", user=cast.outsider,
        now=people.NOW,
    )  # fmt: skip
    worked(Job.objects.get(pk=asked.job).pk)
    for item in (picture, said.statement, said.card):
        classifying.raise_to(
            item, level="restricted", markers=["identifiable_pow"], reason="So it is.", **by
        )
    assessing.assess(
        said.claim, case=cast.case, status="uncorroborated", method="source_analysis",
        rationale="CANARY-RATIONALE", **by,
    )  # fmt: skip
    return Held(said, EvidenceItem.objects.get(pk=picture.pk))


def released(held, profile, *, recipient_class="court", public_interest=""):
    asked = releasing.request(
        held.items(), recipient="Somebody", purpose="A test", recipient_class=recipient_class,
        profile=profile, user=held.cast.researcher, now=people.NOW,
    )  # fmt: skip
    return releasing.decide(
        asked, authorised=True, reason="It may.", public_interest=public_interest,
        user=held.cast.release_officer, now=people.NOW,
    )  # fmt: skip


def bundle(held, tmp_path, profile, **more):
    """Have a bundle of the whole case written; return its path and the names in it."""
    decision = released(held, profile, **more)
    made = exporting.export(
        held.items(), purpose="A test", recipient="Somebody", user=held.cast.release_officer,
        now=people.NOW, release=decision,
    )  # fmt: skip
    worked(Job.objects.get(kind="evidence.export", subject=str(made.pk)).pk)
    bundle = Bundle.objects.get(pk=made.pk)
    assert bundle.state == Bundle.State.VERIFIED, bundle.reason
    path = tmp_path / f"{profile}.zip"
    with storages["bundles"].open(bundle.storage_name) as file:
        path.write_bytes(file.read())
    return path


def verified(path, **more):
    return verify(path, Policy(vkeys=(signing.the_signer().vkey,), **more))


def within(path, folder, name):
    with zipfile.ZipFile(path) as archive:
        (found,) = [one for one in archive.namelist() if f"/{folder}/{name}" in one]
        return archive.read(found)


def json_of(path, folder, name="item.json"):
    return json.loads(within(path, folder, name))


def everything(path):
    with zipfile.ZipFile(path) as archive:
        return papers.words_in(archive)
