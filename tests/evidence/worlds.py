"""Worlds for tests of access: one case full of things, one like it, somebody of each role."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from evidence import exporting, importing, persons, redacting, releasing, testimony
from evidence.models.analysis import Analysis
from evidence.models.case import Case, CaseMembership
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.upload import Upload
from tests import adversary, malicious, people
from tests.evidence import sayings
from tests.roles import GROUPS

ROLES = (*GROUPS, "administrator", "outsider", "root")


class World:
    """One case full of things, another one like it, and somebody of each role in the first."""

    def __init__(self) -> None:
        self.cast = people.make_cast()
        self.people = {name: self._person(name) for name in ROLES}
        self.own = self._things(self.cast.case, self.people["researcher"], "")
        self.foreign = self._things(self.cast.other_case, self.cast.stranger, "foreign ")

    def _person(self, name: str) -> User:
        user = User.objects.create_user(f"one-{name}", is_staff=True, is_superuser=name == "root")
        if name in GROUPS:
            CaseMembership.objects.create(case=self.cast.case, user=user, role=name)
        if name in {*GROUPS, "administrator"}:
            user.groups.add(Group.objects.get(name=GROUPS.get(name, name)))
        return user

    def _things(self, case: Case, user: User, word: str) -> dict[str, Any]:
        cast = people.Cast(**{**vars(self.cast), "case": case, "researcher": user})
        by = {"user": user, "now": people.NOW}
        item = sayings.item(cast, content=f"{word}item".encode(), group=f"{word}source")
        other = sayings.item(cast, content=f"{word}other".encode(), group=f"{word}source")
        person = persons.describe(case, pseudonym=f"{word}POW", protected_status="pow", **by)
        testimony.record(item, form="oral", declarant=person.person, **by)
        ((words,),) = testimony.write_down(
            item, [testimony.Passage({0: ("en", f"{word}words")})], **by
        )
        claim = sayings.claiming.claim(case, text=f"{word}claim", words=words, **by)
        fact = persons.keep_fact(person, kind="name", value=f"{word}name", **by)
        asked = releasing.request(
            [item], recipient=f"{word}court", purpose="x", recipient_class="court", **by
        )
        redaction = redacting.ask(item, regions=[], sound="mute", phrases=[], reason="x", **by)
        files = {role: self._file(item, role) for role in ("derivative", "redacted")}
        officer = User.objects.create_user(f"officer of {word}case", is_staff=True)
        CaseMembership.objects.create(case=case, user=officer, role="release_officer")
        export = exporting.export(
            [other], purpose="x", recipient=f"{word}court", user=officer, now=people.NOW
        )
        upload = Upload.objects.create(
            owner=user, case=case, filename=f"{word}file", length=5,
            created_at=people.NOW, updated_at=people.NOW,
        )  # fmt: skip
        assert redaction.pk
        with tempfile.TemporaryDirectory() as folder:
            bag = adversary.as_folder(malicious.bag(), Path(folder) / "bag")
            brought = importing.import_bundle(bag, case=case, user=user, now=people.NOW)
        return {
            "item": item.pk,
            "other": other.pk,
            "original": item.files.get(role="evidentiary").pk,
            "derivative": files["derivative"].pk,
            "rendition": files["redacted"].pk,
            "analysis": Analysis.objects.filter(file__item=item).first().pk,
            "case": case.pk,
            "import": brought.made.pk,
            "claim": claim.pk,
            "person": person.person,
            "fact": fact.pk,
            "release": asked.pk,
            "bundle": export.pk,
            "upload": upload.pk,
            "source": item.source_id,
            "entry": uuid.uuid4(),
        }

    def _file(self, item: EvidenceItem, role: str) -> EvidenceFile:
        row = EvidenceFile(
            item=item, role=role, sha256="0" * 64, size=1, media_type="image/png",
            derivation="thumbnail", created_at=people.NOW,
            derived_from=item.files.get(role="evidentiary"),
        )  # fmt: skip
        row.storage_name = storages["derivatives"].save(f"{item.pk}/{row.pk}", ContentFile(b"x"))
        row.save(force_insert=True)
        return row
