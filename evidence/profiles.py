"""Export profiles: how much leaves for a kind of recipient.  Some are built in, others are saved.

A saved profile is never changed.  A new version takes its place for what is asked from then on;
what was authorised by an earlier one leaves as it was authorised.  A withdrawn one lets nothing
leave, whatever was authorised.  No name of one stands in the ledger or in a bundle: people may
have put a recipient's name into it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from archive import custody
from archive.proof import events
from evidence import access, records
from evidence.models.export_profile import UNTOLD_BY_ENTRIES, ExportProfile, Given, Part

MOST = 100  # saved profiles that are offered


class ProfileError(ValueError):
    """The profile can't be saved or used so; the message says what to do."""


@dataclass(frozen=True)
class Profile:
    """What a kind of recipient gets: of what is sensitive, of the rest, and of the ledger.

    ``name`` is what rows, entries and bundles know it by: a word, or the id of a saved version.
    """

    name: str
    label: str | Promise
    sensitive: Given
    other: Given
    #: Whether personal values in the entries leave, too.
    discloses: bool
    leaves_out: frozenset[Part] = frozenset()
    version: int = 0  # of a saved one
    title: str = ""  # the name that a saved one has for people

    @property
    def leaves_whole(self) -> bool:
        """Say whether what is sensitive leaves as it is, not as redacted renditions or custody."""
        return self.sensitive == Given.WHOLE

    @property
    def tells(self) -> frozenset[Part]:
        """Return the parts of an item that leave with it where it leaves whole."""
        return frozenset(Part) - self.leaves_out

    def rules(self) -> Mapping[str, Any]:
        """Return what it says, in plain values: for ``withheld.json`` and for programs."""
        return {
            "sensitive": str(self.sensitive),
            "other": str(self.other),
            "discloses": self.discloses,
            "leaves_out": [str(part) for part in Part if part in self.leaves_out],
        }


#: The profiles that every archive has.
BUILT_IN: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("full", _lazy("Everything, for a court"), Given.WHOLE, Given.WHOLE, discloses=True),
        Profile(
            "archive",
            _lazy("Everything, for another archive"),
            Given.WHOLE,
            Given.WHOLE,
            discloses=True,
        ),
        Profile(
            "journalist",
            _lazy("For a journalist: of what is sensitive, only redacted renditions"),
            Given.REDACTED,
            Given.WHOLE,
            discloses=False,
        ),
        Profile(
            "custody_only",
            _lazy("Custody only: no file, no name, the ledger's proofs"),
            Given.CUSTODY,
            Given.CUSTODY,
            discloses=False,
        ),
    )
}


def offered() -> Iterator[Profile]:
    """Yield the profiles that can be asked for now: those built in, then the saved ones by name."""
    yield from BUILT_IN.values()
    rows = ExportProfile.standing().filter(withdrawn=False).order_by("name", "recorded_at")
    for row in rows[:MOST]:
        yield read(row)


def choices() -> list[tuple[str, str | Promise]]:
    """Return the profiles on offer as a form lists them."""
    return [(one.name, one.label) for one in offered()]


def named(name: str) -> Profile:
    """Return the profile that a row or an entry names, whatever became of it since.

    Raises ProfileError.
    """
    return BUILT_IN.get(name) or read(_row(name))


def must_be_offered(name: str) -> Profile:
    """Return a profile that something new may be asked by.  Raises ProfileError."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    row = _row(name)
    newest = newest_of(row)
    _must_not_be_withdrawn(newest)
    if newest.pk != row.pk:
        raise ProfileError(
            _("There is a newer version of this profile. Look at it, then ask by it.")
        )
    return read(row)


def must_be_in_force(name: str) -> None:
    """See that the profile by which something was authorised still lets anything leave.

    Raises ProfileError where it was withdrawn since.
    """
    if name not in BUILT_IN:
        _must_not_be_withdrawn(newest_of(_row(name)))


def save(
    *, name: str, sensitive: str, other: str, discloses: bool, leaves_out: Collection[str],
    reason: str, user: User, now: datetime, instead_of: ExportProfile | None = None,
) -> ExportProfile:  # fmt: skip
    """Save a profile, or the next version of the one that it takes the place of.

    Raises ProfileError when its rules contradict each other, SupersededError when somebody
    else saved a version meanwhile.
    """
    if not name.strip():
        raise ProfileError(_("Give the profile a name."))
    if not reason.strip():
        raise ProfileError(_("Say what it is for, or what changed in this version."))
    _check(sensitive, other, leaves_out, discloses=discloses)
    if instead_of is not None:
        _must_not_be_withdrawn(instead_of)
    row = _version(
        instead_of,
        user=user,
        now=now,
        name=name,
        sensitive=Given(sensitive),
        other=Given(other),
        discloses=discloses,
        leaves_out=[str(part) for part in Part if part in leaves_out],
        reason=reason,
    )
    with custody.recording(actor=access.actor_of(user), now=now) as log:
        _must_have_room(row.name, instead_of)
        return records.keep(
            log,
            row,
            events.ProfileSaved,
            version=row.version,
            sensitive=str(row.sensitive),
            other=str(row.other),
            discloses="yes" if row.discloses else "no",
            leaves_out=tuple(row.leaves_out),
            supersedes=str(row.supersedes_id) if row.supersedes_id else None,
        )


def withdraw(profile: ExportProfile, *, reason: str, user: User, now: datetime) -> ExportProfile:
    """Let nothing more leave by a profile, in any version, whatever was authorised by it.

    Raises ProfileError without a reason and when it was withdrawn before.
    """
    if not reason.strip():
        raise ProfileError(_("Say why it is withdrawn."))
    _must_not_be_withdrawn(profile)
    row = _version(
        profile,
        user=user,
        now=now,
        withdrawn=True,
        reason=reason,
        **{
            name: getattr(profile, name)
            for name in ("name", "sensitive", "other", "discloses", "leaves_out")
        },
    )
    with custody.recording(actor=access.actor_of(user), now=now) as log:
        return records.keep(log, row, events.ProfileWithdrawn, supersedes=str(profile.pk))


def versions(profile: ExportProfile) -> list[ExportProfile]:
    """Return all versions of the profile of which this is one, the newest first."""
    found = [newest_of(profile)]
    while found[-1].supersedes_id is not None:
        found.append(
            ExportProfile.objects.select_related("recorded_by").get(pk=found[-1].supersedes_id)
        )
    return found


def newest_of(profile: ExportProfile) -> ExportProfile:
    """Return the version that no other one supersedes."""
    newest = profile
    while later := ExportProfile.objects.filter(supersedes=newest).first():
        newest = later
    return newest


def _version(earlier: ExportProfile | None, **said: Any) -> ExportProfile:
    return records.made(
        ExportProfile,
        version=earlier.version + 1 if earlier else 1,
        supersedes=earlier,
        **said,
    )


def _row(name: str) -> ExportProfile:
    try:
        row = ExportProfile.objects.filter(pk=uuid.UUID(name)).first()
    except ValueError:
        row = None
    if row is None:
        raise ProfileError(
            _("There is no such profile. Choose one of those that are offered: ")
            + ", ".join(BUILT_IN)
            + "."
        )
    return row


def read(row: ExportProfile) -> Profile:
    """Return what a saved version says."""
    return Profile(
        name=str(row.pk),
        label=_("{name} (version {version})").format(name=row.name, version=row.version),
        sensitive=Given(row.sensitive),
        other=Given(row.other),
        discloses=row.discloses,
        leaves_out=frozenset(Part(one) for one in row.leaves_out),
        version=row.version,
        title=row.name,
    )


def _must_not_be_withdrawn(row: ExportProfile) -> None:
    if row.withdrawn:
        # Without its name: the sentence comes to the log of the worker, too.
        raise ProfileError(_("This profile was withdrawn; nothing leaves by it any more."))


def _must_have_room(name: str, instead_of: ExportProfile | None) -> None:
    others = ExportProfile.standing().filter(withdrawn=False)
    if instead_of is not None:
        others = others.exclude(pk=instead_of.pk)
    elif others.count() >= MOST:
        raise ProfileError(
            _("{MOST} profiles are saved already; withdraw one first.").format(MOST=MOST)
        )
    if others.filter(name=name).exists():
        raise ProfileError(_("Another profile has this name. Choose another name."))


def _check(sensitive: str, other: str, leaves_out: Collection[str], *, discloses: bool) -> None:
    """See that the rules can be kept together; of two readings of a rule none may leak."""
    if {sensitive, other} - set(Given.values) or set(leaves_out) - set(Part.values):
        raise ProfileError(_("Choose among the words that are offered."))
    order = list(Given.values)
    if order.index(sensitive) < order.index(other):
        raise ProfileError(
            _("It would give more of what is sensitive than of the rest. Give as much or less.")
        )
    whole = sensitive == other == Given.WHOLE
    if discloses and not (whole and set(leaves_out) <= UNTOLD_BY_ENTRIES):
        raise ProfileError(
            _(
                "Names and notes of the custody entries tell what this profile leaves out. "
                "Keep them back, or leave nothing out."
            )
        )
