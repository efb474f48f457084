"""Loads the example case through the front door, so that its custody is as true as any other's.

The case is opened, each file received and each member added by the acts that people's doors call;
nothing is written to the ledger from here.  What the YAML says and no table holds yet goes into the
descriptions word for word, below KEPT, as YAML that can be read back.

Media and words lie in ``seeds/kursk_2025``; its README says what is reported and what is made up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import User

from evidence import describing
from evidence.intake import AcquisitionFacts, Description, instant_of, receive
from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.case import Case, CaseMembership
from evidence.models.item import EvidenceItem
from evidence.models.protected_text import with_text
from evidence.models.source import Source
from seeds.sayings import Teller, is_said, say

KURSK = Path(__file__).parent / "kursk_2025"
LOADER = "example-loader"
KEPT = "Kept for tables still to come:"
#: What of an item is recorded as a statement, a chain or a document.
TOLD = frozenset({"statement", "mediation", "identity_document"})
#: How the YAML says that nobody knows.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Loaded:
    """What a run did: the case, and how many items it took in or found there."""

    case: Case
    received: int
    held: int


def read(path: Path) -> dict[str, Any]:
    """Return a YAML file's mapping."""
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def read_items(folder: Path = KURSK) -> list[dict[str, Any]]:
    """Return what is said of each item, in the order of its exhibit numbers."""
    return [read(path) for path in sorted((folder / "items").glob("*.yaml"))]


def with_kept(description: str, kept: dict[str, Any]) -> str:
    """Return ``description`` with what no table holds below it; kept_in reads it back."""
    text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=88)
    return f"{description.strip()}\n\n{KEPT}\n\n{text}"


def kept_in(description: str) -> dict[str, Any]:
    """Return what with_kept put into ``description``."""
    content: dict[str, Any] = yaml.safe_load(description.partition(f"{KEPT}\n")[2])
    return content


def item_keeps(said: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of an item that no table holds."""
    kept = {
        "authored_note": said["authored"].get("note"),
        "place_note": said["place"].get("note"),
        **{name: one for name, one in said["later"].items() if name not in TOLD},
    }
    return {name: one for name, one in kept.items() if one is not None}


def case_keeps(catalogue: dict[str, Any]) -> dict[str, Any]:
    """Return what is said in the case that no table holds."""
    return {
        "undetermined": catalogue["undetermined"],
        "sources": {key: one["reliability"] for key, one in catalogue["sources"].items()},
    }


def load(*, now: datetime, members: Iterable[User] = ()) -> Loaded:
    """Open the example case, take in its items, and give ``members`` every role in it.

    Afterwards the case holds each item once: what an earlier run took in, also one that was killed,
    is left alone.  The loader's own membership ends with the run.
    """
    catalogue = read(KURSK / "case.yaml")
    loader = _loader()
    case = _case(catalogue, loader, now=now)
    if case.status == Case.Status.ARCHIVED:  # it was put away before
        _set_status(case, Case.Status.OPEN, loader, now=now)
    agents = _agents(catalogue["agents"])
    sources = _sources(catalogue["sources"], agents)
    said = read_items()
    held = _held(case, loader)
    missing = [one for one in said if _key(one) not in held]
    unsaid = not is_said(case, catalogue)
    if missing or unsaid:
        _join(case, loader, now=now)
    if missing:
        digests = _digests()
        for one in missing:
            receipt = receive(
                KURSK / "media" / one["file"],
                filename=one["file"],
                media_type=one["media_type"],
                case=case,
                user=loader,
                description=_description(one, sources, held),
                acquisition=_acquisition(one["acquisition"], agents),
                declared_sha256=digests[one["file"]],
                intake_key=_key(one),
                now=now,
            )
            held[_key(one)] = EvidenceItem.objects.get(pk=receipt.item)
    if unsaid:
        teller = Teller(
            case=case,
            user=loader,
            now=now,
            agents=agents,
            items={one["key"]: held[_key(one)] for one in said},
            claims={one["id"]: one["text"] for one in catalogue["claims"]},
        )
        say(teller, catalogue, said)
    for user in members:
        _give_all_roles(case, user, by=loader, now=now)
    _leave(case, loader, now=now)
    return Loaded(case=case, received=len(missing), held=len(said) - len(missing))


def put_away(*, now: datetime) -> int:
    """Take the example out of everybody's sight; return how many memberships ended.

    Its case is archived and its memberships end, by the acts that an administrator has for this.
    Its entries stay in the ledger, as all do; ``load`` brings the case back.  Raises LookupError
    where there is none.
    """
    reference = read(KURSK / "case.yaml")["case"]["reference"]
    case = Case.objects.filter(reference=reference).first()
    if case is None:
        raise LookupError(f"There is no case {reference}.")
    loader = _loader()
    ended = 0
    for membership in CaseMembership.objects.filter(case=case).select_related("user", "case"):
        if membership.until is None or membership.until > now:
            membership.until = now
            describing.set_membership(membership, user=loader, now=now)
            ended += 1
    _set_status(case, Case.Status.ARCHIVED, loader, now=now)
    return ended


def _set_status(case: Case, status: Case.Status, loader: User, *, now: datetime) -> None:
    if case.status != status:
        case.status = status
        describing.change_case(case, fields=["status"], user=loader, now=now)


def _loader() -> User:
    """Return the account that loads: software, with no password and no way to log in."""
    user, _ = User.objects.get_or_create(username=LOADER, defaults={"is_active": False})
    if user.has_usable_password():
        user.set_unusable_password()
        user.save(update_fields=["password"])
    Agent.objects.get_or_create(
        user=user, defaults={"kind": Agent.Kind.SOFTWARE, "label": "Loader of the example case"}
    )
    return user


def _case(catalogue: dict[str, Any], loader: User, *, now: datetime) -> Case:
    said = catalogue["case"]
    case = Case.objects.filter(reference=said["reference"]).first()
    if case is not None:
        return case
    fields = {**said, "description": with_kept(said["description"], case_keeps(catalogue))}
    return describing.open_case(Case(**fields, opened_at=now), user=loader, now=now)


def _agents(said: dict[str, Any]) -> dict[str, Agent]:
    """Return the agents by key; an organisation stands above its members."""
    agents: dict[str, Agent] = {}
    for key, one in said.items():
        fields = {name: value for name, value in one.items() if name != "label"}
        if "organisation" in fields:
            fields["organisation"] = agents[fields["organisation"]]
        agents[key] = with_text(
            Agent.objects.filter(user=None), "label", one["label"]
        ) or Agent.objects.create(label=one["label"], **fields)
    return agents


def _sources(said: dict[str, Any], agents: dict[str, Agent]) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for key, one in said.items():
        fields = {
            name: _known(value)
            for name, value in one.items()
            if name not in {"name", "agent", "reliability"}
        }
        sources[key] = with_text(
            Source.objects.all(), "name", one["name"]
        ) or Source.objects.create(name=one["name"], agent=agents[one["agent"]], **fields)
    return sources


def _held(case: Case, loader: User) -> dict[str, EvidenceItem]:
    items = EvidenceItem.objects.filter(case=case, created_by=loader, intake_key__isnull=False)
    return {str(item.intake_key): item for item in items}


def _key(said: dict[str, Any]) -> str:
    return f"seed:kursk_2025:{said['key']}"


def _digests() -> dict[str, str]:
    """Return each file's SHA-256 as its maker wrote it down; intake compares its own."""
    lines = (KURSK / "media" / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def _known(value: Any) -> Any:
    """Return ``value``, or the empty text of a column whose value is unknown."""
    return "" if value == UNKNOWN else value


def _number(value: Any) -> Any:
    return None if value == UNKNOWN else value


def _instant(value: str) -> datetime | None:
    return None if value == UNKNOWN else datetime.fromisoformat(value)


def _description(
    said: dict[str, Any],
    sources: dict[str, Source],
    held: dict[str, EvidenceItem],
) -> Description:
    authored, place = said["authored"], said["place"]
    parent = f"seed:kursk_2025:{said['parent']}" if "parent" in said else ""
    return Description(
        title=said["title"],
        kind=said["kind"],
        description=with_kept(said["description"], item_keeps(said)),
        source=sources[said["source"]],
        languages=tuple(said["languages"]),
        level=said["level"],
        markers=tuple(said["markers"]),
        authored_text=authored["text"],
        authored_earliest=_instant(authored["earliest"]),
        authored_latest=_instant(authored["latest"]),
        authored_basis=authored["basis"],
        place_text=place["text"],
        latitude=_number(place["latitude"]),
        longitude=_number(place["longitude"]),
        precision_m=_number(place["precision_m"]),
        place_basis=place["basis"],
        parent=held[parent] if parent else None,
        derivation=said.get("derivation", ""),
    )


def _acquisition(said: dict[str, Any], agents: dict[str, Agent]) -> AcquisitionFacts:
    text = _known(said["acquired_at"])
    instant, basis = instant_of(text)
    provider = said["provided_by"]
    return AcquisitionFacts(
        method=Acquisition.Method(said["method"]),
        provided_by=None if provider == UNKNOWN else agents[provider],
        acquired_at=instant,
        acquired_at_text=text,
        tz_basis=basis,
        clock_source=said["clock_source"],
        place=_known(said["place"]),
        url=_known(said["url"]),
        context_note=said["context_note"],
        authority=_known(said["authority"]),
        known_gaps=said["known_gaps"],
    )


def _join(case: Case, loader: User, *, now: datetime) -> None:
    """Make the loader a researcher of the case, the role in which its entries are recorded."""
    role = CaseMembership.Role.RESEARCHER
    membership = CaseMembership.objects.filter(case=case, user=loader, role=role).first()
    if membership is not None and membership.until is None:
        return
    membership = membership or CaseMembership(case=case, user=loader, role=role)
    membership.until = None
    describing.set_membership(membership, user=loader, now=now)


def _leave(case: Case, loader: User, *, now: datetime) -> None:
    for membership in CaseMembership.objects.filter(case=case, user=loader, until=None):
        membership.until = now
        describing.set_membership(membership, user=loader, now=now)


def _give_all_roles(case: Case, user: User, *, by: User, now: datetime) -> None:
    """Let ``user`` try everything in the example; in a real case nobody holds all roles."""
    held = {one.role: one for one in CaseMembership.objects.filter(case=case, user=user)}
    for role in CaseMembership.Role.values:
        membership = held.get(role)
        if membership is not None and (membership.until is None or membership.until > now):
            continue
        if membership is None:
            membership = CaseMembership(case=case, user=user, role=role, actions=["view_sealed"])
        membership.until = None
        describing.set_membership(membership, user=by, now=now)
