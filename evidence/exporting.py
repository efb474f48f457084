"""Exports: choose, say for whom and why, write in the background, verify, then offer.

Only a bundle that our own verifier passed can be downloaded.  That it was asked for, written, or
not, and each download, are entries.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.storage import FileSystemStorage, storages
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from archive import (
    bundling,
    checkpoints,
    cosigning,
    custody,
    custody_files,
    durable,
    outbox,
    safe_names,
    signing,
    timestamping,
)
from archive.custody import Actor
from archive.models.bundle import Bundle
from archive.models.job import Job
from archive.proof import events, notes
from archive.proof.entries import Entry
from archive.signing import Signing
from evidence import access, dispatch, formats, profiles, releasing, selecting
from evidence.formats.records import BundleRecord
from evidence.models.export import Export
from evidence.models.item import EvidenceItem
from evidence.models.levels import Level
from evidence.models.release import ReleaseDecision

#: Items named by one ``export.created`` entry; an entry holds at most 65,535 bytes.
ITEMS_PER_ENTRY = 300
REMEMBERED = 50  # earlier bundles of a case to which a new one proves that it is consistent


class ExportError(Exception):
    """The export can't be made as asked; the message says what to do."""


class ExportForm(forms.Form):
    """For whom and why: both go into the custody ledger as salted digests."""

    recipient = forms.CharField(
        max_length=300, help_text=_lazy("Who gets the bundle: the court, archive, or person.")
    )
    profile = forms.ChoiceField(
        label=_lazy("How much leaves"),
        choices=profiles.choices,
        widget=forms.HiddenInput,
        required=False,
    )
    purpose = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=2000,
        help_text=_lazy("Why it leaves, and on what authority."),
    )

    def clean_profile(self) -> str:
        return self.cleaned_data["profile"] or "full"


def export(
    items: Sequence[EvidenceItem],
    *,
    purpose: str,
    recipient: str,
    user: User,
    now: datetime,
    release: ReleaseDecision | None = None,
    profile: str = "full",
) -> Export:
    """Ask for a bundle of ``items``, all of one case.  A worker writes and verifies it.

    The ``profile`` says how much of them leaves; a release brings its own.

    What is restricted or shows prisoners leaves by a ``release`` that another person authorised.
    Raises ExportError when items are missing, of several cases, not the user's to export, or
    without the release that they need.
    """
    if not items:
        raise ExportError(_("Choose at least one item."))
    case = items[0].case
    if any(item.case_id != case.pk for item in items):
        raise ExportError(_("A bundle holds items of one case; export each case by itself."))
    ids = {item.pk for item in items}
    allowed = access.visible_to(user, "export").filter(pk__in=ids).values_list("pk", flat=True)
    if set(allowed) != ids:
        raise ExportError(_("Some of these items can't be exported by you."))
    if release is None:
        _offered(profile)
    else:
        profile = releasing.profile_of(release.request)
    _check_release(release, items, recipient, now=now)
    actor = access.actor_of(user, case)
    with custody.recording(actor=actor, now=now) as log:
        bundle = Bundle.objects.create(profile=profile, requested_by=actor.id, created_at=now)
        made = Export.objects.create(
            bundle=bundle,
            case=case,
            purpose=purpose,
            recipient=recipient,
            release=release,
            requested_by=user,
            requested_at=now,
        )
        made.items.set(items)
        log.add(
            events.ExportRequested(
                bundle=str(bundle.pk),
                case=str(case.pk),
                items=tuple(sorted(str(pk) for pk in ids)[:ITEMS_PER_ENTRY]),
                profile=bundle.profile,
                purpose=purpose,
                recipient=recipient,
                release=str(release.request_id) if release else None,
            )
        )
        job = outbox.add("evidence.export", str(bundle.pk))
        dispatch.after_commit(job.pk)
    return made


def _offered(profile: str) -> None:
    try:
        profiles.must_be_offered(profile)
    except profiles.ProfileError as error:
        raise ExportError(str(error)) from error


def must_still_leave(made: Export, *, now: datetime) -> None:
    """See that what let a bundle be written still lets it leave.

    Raises ExportError, which says what changed: a release that was revoked or ended, a profile that
    was withdrawn, an item that has come to need a release.
    """
    try:
        releasing.check(made.release, made.items.all(), now=now)
        profiles.must_be_in_force(made.bundle.profile)
    except (releasing.ReleaseError, profiles.ProfileError) as error:
        raise ExportError(str(error)) from error


def _check_release(
    release: ReleaseDecision | None,
    items: Sequence[EvidenceItem],
    recipient: str,
    *,
    now: datetime,
) -> None:
    try:
        releasing.check(release, items, now=now)
    except releasing.ReleaseError as error:
        raise ExportError(str(error)) from error
    if release is not None and recipient != release.request.recipient:
        raise ExportError(_("This release is to somebody else."))


def preview(items: Iterable[EvidenceItem], profile: str = "full") -> dict[str, Any]:
    """Return what would leave of each item, what would not and why, and how much it is.

    Raises ProfileError where there is no such profile.
    """
    chosen = profiles.named(profile)
    plans = [selecting.plan(item, chosen) for item in items]
    return {
        "profile": chosen,
        "plans": plans,
        "size": sum(planned.size for planned in plans),
        "sensitive": sum(
            planned.item.effective_level in {Level.RESTRICTED, Level.SEALED} for planned in plans
        ),
        "withheld": sum(len(planned.withheld) for planned in plans),
    }


def produce(job: Job, progress: Callable[[int, int], None]) -> Callable[[], None]:
    """The outbox's handler for ``evidence.export``: write, verify, and only then offer.

    A run that was killed is begun again; what it recorded of the attempt stays, with the same
    bundle's id, and the newest heads count.
    """
    made = Export.objects.select_related("bundle", "case", "requested_by", "release__request").get(
        pk=uuid.UUID(job.subject)
    )
    bundle = made.bundle
    if bundle.state == Bundle.State.VERIFIED:
        return lambda: None
    Bundle.objects.filter(pk=bundle.pk).update(state=Bundle.State.WRITING)
    actor = Actor(id=bundle.requested_by, role="release_officer")
    items = list(made.items.select_related("case", "source").order_by("exhibit_number"))
    if not access.exports_for(made.requested_by).filter(pk=made.pk).exists():
        # What was allowed when it was asked for may have been sealed or ended since.
        raise outbox.QuarantineError(_("You may no longer export all of these items."))
    try:
        must_still_leave(made, now=timezone.now())
    except ExportError as error:
        raise outbox.QuarantineError(str(error)) from error
    _record_heads(made, items, actor=actor, now=timezone.now())
    checkpoint = checkpoints.checkpoint()
    # Who does not answer now is missing from the bundle, which says so; nobody waits for long.
    cosigning.gather(now=timezone.now())
    timestamping.gather(now=timezone.now(), at_once=True)
    note = cosigning.cosigned_note(checkpoint)
    signer = signing.the_signer()
    staging = Path(settings.DATA_DIR) / "staging"
    staging.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        contents = _contents(made, items, note=note, size=checkpoint.size, signer=signer)
        written = bundling.write(
            contents,
            staging / f"{bundle.pk}.zip",
            signer=signer,
            progress=progress,
            stamping=_stamp,
        )
    except bundling.OriginalChangedError as error:
        # No further attempt can mend a file; the person who asked must know which one.
        raise outbox.QuarantineError(str(error)) from error
    name = _offer(bundle, written)

    def finish() -> None:
        now = timezone.now()
        with custody.recording(actor=actor, now=now) as log:
            Bundle.objects.filter(pk=bundle.pk).update(
                state=Bundle.State.VERIFIED,
                sha256=written.sha256,
                size=written.size,
                file_count=written.file_count,
                storage_name=name,
                checkpoint_size=checkpoint.size,
                verdict=str(written.report.verdict),
                finished_at=now,
            )
            log.add(
                events.ExportCompleted(
                    bundle=str(bundle.pk), sha256=written.sha256, size=written.size
                )
            )

    return finish


def _stamp(signed: bytes) -> bundling.Stamp | None:
    """Have a tag manifest time-stamped, if an operator named an authority and one answers."""
    stamped = timestamping.stamp(signed)
    if stamped is None:
        return None
    response, authority = stamped
    return bundling.Stamp(response, authority.roots.read_bytes())


def give_up(job: Job) -> None:
    """Say on the bundle, and in the ledger, why it did not come; in that transaction."""
    bundle = Bundle.objects.get(pk=job.subject)
    reason = job.last_error or _("The worker was lost.")
    now = timezone.now()
    actor = Actor(id=bundle.requested_by, role="release_officer")
    with custody.recording(actor=actor, now=now) as log:
        Bundle.objects.filter(pk=bundle.pk).update(
            state=Bundle.State.FAILED, reason=reason, finished_at=now
        )
        log.add(events.ExportFailed(bundle=str(bundle.pk), reason=reason[:1000]))


def _record_heads(
    made: Export, items: Sequence[EvidenceItem], *, actor: Actor, now: datetime
) -> None:
    """Record the export on each item, then all heads together: no last entry can be dropped."""
    bundle = str(made.pk)
    exported = []
    with custody.recording(actor=actor, now=now) as log:
        known = custody_files.heads([str(item.pk) for item in items])
        for item in items:
            following = known[str(item.pk)][0] + 1
            event = events.ItemExported(
                case=str(item.case_id), bundle=bundle, next_item_seq=following
            )
            exported.append((item, following, log.add(event, item=item.pk)))
    with custody.recording(actor=actor, now=now) as log:
        for start in range(0, len(exported), ITEMS_PER_ENTRY):
            log.add(
                events.ExportCreated(
                    bundle=bundle,
                    items=tuple(
                        events.ExportedItem(
                            item=str(item.pk), next_item_seq=following, head=pending.hash
                        )
                        for item, following, pending in exported[start : start + ITEMS_PER_ENTRY]
                    ),
                    profile=made.bundle.profile,
                )
            )


def _contents(
    made: Export, items: Sequence[EvidenceItem], *, note: str, size: int, signer: Signing
) -> bundling.BundleContents:
    profile = profiles.named(made.bundle.profile)
    level = custody_files.Level.FULL if profile.discloses else custody_files.Level.HEADER
    selection = custody_files.choose(
        items={str(item.pk): level for item in items},
        bundle=str(made.pk),
        checkpoint=note,
        vkey=signer.vkey,
        prover=custody.prover(size=size),
        witnesses=cosigning.advice(),
        remembered=_handed_out(made, size),
    )
    folders = safe_names.safe_names(item.exhibit_number for item in items)
    told = custody_files.disclosed(selection.entries)
    chronicles: dict[str, list[tuple[Entry, bytes, Mapping[str, object]]]] = {}
    for one in selection.entries:
        written = Entry.decode(one.body)
        if written.item:
            row = (written, one.leaf, told.get(one.seq, {}))
            chronicles.setdefault(written.item, []).append(row)
    inside = frozenset(item.pk for item in items)
    parts = []
    for item, folder in zip(items, folders, strict=True):
        chronicle = selecting.Chronicle(tuple(chronicles.get(str(item.pk), ())))
        planned = selecting.plan(item, profile, chronicle)
        parts.append(
            selecting.of(planned, folder, chronicle, user=made.requested_by, inside=inside)
        )
    record = BundleRecord(
        identifier=str(made.pk),
        folder=bundling.bag_folder(str(made.pk)),
        created_at=made.requested_at,
        organisation=settings.ORGANISATION,
        contact=settings.CONTACT,
        origin=settings.LOG_ORIGIN,
        log_size=size,
        vkey=signer.vkey,
        key_fingerprint=notes.fingerprint(signer.public),
        items=tuple(record for record, _ in parts),
        purpose=made.purpose,
        recipient=made.recipient,
        profile=profile.name,
        profile_rules=profile.rules() if profile.version else None,
    )
    return bundling.BundleContents(
        identifier=str(made.pk),
        created_at=made.requested_at,
        organisation=settings.ORGANISATION,
        contact=settings.CONTACT,
        description=f"{len(items)} items of evidence with their custody",
        items=tuple(part for _, part in parts),
        documents=formats.documents(record),
        custody=selection,
    )


def _handed_out(made: Export, size: int) -> list[int]:
    """Return the sizes of the checkpoints in this case's earlier bundles, the newest of them.

    A proof to each goes along: whoever holds one can see that nothing was rewritten since.
    """
    earlier = Bundle.objects.filter(
        export__case=made.case, state=Bundle.State.VERIFIED, checkpoint_size__lt=size
    )
    sizes = earlier.order_by("-checkpoint_size").values_list("checkpoint_size", flat=True)
    return [one for one in sizes[:REMEMBERED] if one]


class _Staged(File):  # type: ignore[type-arg]
    """A finished file that a storage on the same disk may simply take."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb"), name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        return str(self._path)


def _offer(bundle: Bundle, written: bundling.Written) -> str:
    """Put the verified file into the bundles' storage; insist that the storage holds its bytes."""
    bundles = storages["bundles"]
    with _Staged(written.path) as file:
        name = bundles.save(f"{bundle.pk}.zip", file)
    if isinstance(bundles, FileSystemStorage):
        durable.sync(Path(bundles.path(name)))  # saving alone leaves it to the kernel
    with bundles.open(name) as held:
        found = hashlib.file_digest(held, "sha256").hexdigest()
    if found != written.sha256:
        raise bundling.BundlingError(_("The storage does not hold the bytes that were verified."))
    written.path.unlink(missing_ok=True)
    return str(name)


def progress(made: Export) -> dict[str, Any]:
    """Return how far a bundle is, for the page that waits for it: one query."""
    bundle = made.bundle
    words = {
        Bundle.State.REQUESTED: _("Waiting for a worker"),
        Bundle.State.WRITING: _("Being written and verified"),
        Bundle.State.VERIFIED: _("Written, and passed by our own verifier"),
        Bundle.State.FAILED: _("Not written"),
    }
    job = Job.objects.filter(kind="evidence.export", subject=str(bundle.pk)).first()
    percent = 0
    if bundle.state == Bundle.State.VERIFIED:
        percent = 100
    elif job is not None and job.progress_total:
        percent = min(99, 100 * job.progress_done // job.progress_total)
    return {"state": bundle.state, "percent": percent, "words": words[Bundle.State(bundle.state)]}


#: A later part of a bundle belongs to the download that the same person began within this time.
RESUMED = timedelta(days=1)


def downloaded(made: Export, *, user: User, continued: bool = False, now: datetime) -> None:
    """Record that a bundle leaves by download; ``continued`` parts of one are not."""
    actor = access.actor_of(user, made.case)
    if continued:
        recent = custody.entries(
            kind=events.ExportDownloaded.kind, actor=actor.id, since=now - RESUMED
        )
        if recent.filter(body__contains=str(made.pk)).exists():
            return
    with custody.recording(actor=actor, now=now) as log:
        log.add(events.ExportDownloaded(bundle=str(made.pk), sha256=made.bundle.sha256))


def filename(made: Export) -> str:
    """Return the name under which a bundle is saved."""
    return f"{bundling.bag_folder(str(made.pk))}.zip"


def public_key() -> str:
    """Return the archive's verifier key in C2SP form, to hand over apart from the bundle."""
    return signing.the_signer().vkey
