"""Every address, for every role, about one's own, a foreign and a missing thing.

The addresses are read from the resolver, so that a new one that is not listed here fails.  For what
is listed, a foreign thing is answered exactly like one that does not exist: status, headers, body.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from archive.models.bundle import Bundle
from evidence import (
    access,
    classifying,
)
from evidence.models.export import Export
from evidence.models.item import EvidenceItem
from tests import people
from tests.evidence.worlds import ROLES, World

pytestmark = pytest.mark.django_db


#: Address -> what its parts name, and the act that it asks for (None: any member, or no act).
NAMES_ONE: dict[str, tuple[tuple[str, ...], str | None]] = {
    "evidence:item_progress": (("item",), "view"),
    "evidence:similar": (("item",), "view"),
    "evidence:compare_items": (("item", "other"), "view"),
    "evidence:receipt": (("item",), "see"),
    "evidence:original": (("item", "original"), "download"),
    "evidence:derivative": (("item", "derivative"), "view"),
    "evidence:look": (("item",), "view"),
    "evidence:retry": (("item", "analysis"), "retry"),
    "evidence:describe": (("item",), "describe"),
    "evidence:statement": (("item",), "describe"),
    "evidence:statement_words": (("item",), "describe"),
    "evidence:document": (("item",), "describe"),
    "evidence:assess_item": (("item",), "assess"),
    "evidence:protection": (("item",), "see"),
    "evidence:disposal": (("item",), "see"),
    "evidence:redact": (("item",), "redact"),
    "evidence:rendition": (("item", "rendition"), "view"),
    "evidence:clusters": (("case",), "view"),
    "evidence:claims": (("case",), "view"),
    "evidence:case": (("case",), "view"),
    "evidence:case_timeline": (("case",), "view"),
    "evidence:case_map": (("case",), "view"),
    "evidence:imports": (("case",), "see"),
    "evidence:import": (("case", "import"), "see"),
    "evidence:claim_new": (("case",), "describe"),
    "evidence:claim": (("claim",), "view"),
    "evidence:people": (("case",), "view"),
    "evidence:keep_fact": (("case", "person"), "describe"),
    "evidence:reveal": (("case", "fact"), "reveal"),
    "evidence:case_relations": (("case",), "view"),
    "evidence:release": (("release",), None),
    "evidence:export": (("bundle",), "export"),
    "evidence:export_progress": (("bundle",), "export"),
    "evidence:export_download": (("bundle",), None),
    "evidence:upload_file": (("upload",), None),
    "evidence:upload_state": (("upload",), None),
    "admin:evidence_evidenceitem_change": (("item",), "see"),
    "admin:evidence_evidenceitem_history": (("item",), None),
    "admin:evidence_evidenceitem_delete": (("item",), None),
    "admin:evidence_case_change": (("case",), None),
    "admin:evidence_case_history": (("case",), None),
    "admin:evidence_case_delete": (("case",), None),
    "admin:evidence_source_change": (("source",), None),
    "admin:evidence_source_history": (("source",), None),
    "admin:evidence_source_delete": (("source",), None),
    "admin:archive_entry_change": (("entry",), None),
    "admin:archive_entry_history": (("entry",), None),
    "admin:archive_entry_delete": (("entry",), None),
}
#: Addresses that name nothing of one case; of the API's: tests/evidence/api/test_access.py.
NAMES_NOTHING = re.compile(
    r"set_language|api:[\w-]+|(account|mfa)_\w+|admin:(index|login|logout|password_change\w*|autocomplete|jsi18n"
    r"|view_on_site|evidence_evidenceitem_table|app_list|None|\w+_(changelist|add)|auth_user_\w+|evidence_agent_\w+"
    r"|archive_storedobject_\w+|account_\w+|mfa_\w+)|None"
    r"|evidence:(ask|upload|upload_held|upload_files|exports|export_new|profiles|profile_new|keep_filter|forget_filter|notices|profile|releases|release_new"
    r"|describe_several|items_table|api|tokens|token_revoke|verify|compare|audit|audit_progress|ledger_extract|find|session|rights)"
)
#: An administrator opens and closes cases; these pages are about the case, not what is in it.
CASE_PAGES = re.compile(r"admin:evidence_case_\w+")


def addresses():
    """Return the names of all addresses, and how many parts each has."""
    found = {}

    def walk(resolver, space=""):
        for one in resolver.url_patterns:
            if hasattr(one, "url_patterns"):
                walk(one, f"{one.namespace}:" if one.namespace else space)
            else:
                found[f"{space}{one.name}"] = one.pattern.converters

    walk(get_resolver())
    return found


def test_every_address_is_listed_here_as_naming_something_or_nothing():
    names = addresses()

    unlisted = [
        name for name in names if name not in NAMES_ONE and not NAMES_NOTHING.fullmatch(name)
    ]
    assert unlisted == []
    assert not [name for name in NAMES_ONE if name not in names]
    for name, (parts, _) in NAMES_ONE.items():
        assert len(parts) == len(names[name]), name


@pytest.fixture
def world(opened_log) -> World:
    return World()


def told(client: Client, method: str, name: str, things: dict[str, Any]):
    parts, _ = NAMES_ONE[name]
    values = [things[part] for part in parts]
    client.cookies.pop("messages", None)  # what the request before was told, not this one
    answer = getattr(client, method)(reverse(name, args=values))
    body = b"".join(answer) if answer.streaming else answer.content
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", body.decode("utf-8", "replace"))
    apart = {"Content-Length", "Expires"}  # the one follows from the body, the other from the clock
    headers = {key: value for key, value in answer.items() if key not in apart}
    for value in values:
        text = text.replace(str(value), "<id>")
        headers = {key: one.replace(str(value), "<id>") for key, one in headers.items()}
    return answer.status_code, headers, text


METHODS = ("get", "head", "post", "put", "delete")


@pytest.mark.parametrize("role", ROLES)
def test_a_foreign_thing_is_like_one_that_does_not_exist(world, role):
    client, cells = Client(), 0
    client.force_login(world.people[role])
    missing = {name: uuid.uuid4() for name in world.own}
    for name in NAMES_ONE:
        if CASE_PAGES.fullmatch(name) and role in {"administrator", "root"}:
            continue
        for method in METHODS:
            foreign, nothing = (
                told(client, method, name, things) for things in (world.foreign, missing)
            )
            cells += 2
            assert foreign[:2] == nothing[:2], (name, method)
            differ = [
                pair
                for pair in zip(foreign[2].splitlines(), nothing[2].splitlines(), strict=True)
                if pair[0] != pair[1]
            ]
            assert not differ, (name, method, differ)
            assert foreign[0] in {302, 403, 404, 405, 412}, (name, method, foreign[0])
            assert "foreign" not in foreign[2], (name, method)
    assert cells >= 350


@pytest.mark.parametrize("role", ROLES)
def test_ones_own_thing_is_opened_exactly_by_the_rights_of_the_role(world, role):
    client = Client()
    client.force_login(world.people[role])
    rights = access.RIGHTS.get(role, frozenset())
    for name, (_, act) in NAMES_ONE.items():
        if act is None:
            continue
        status, _, _ = told(client, "get", name, world.own)
        is_open = status in {200, 302, 405}
        expected = act in rights and not (
            name.startswith("evidence:export") and role != "release_officer"
        )
        if name == "evidence:reveal":
            continue  # a post; see test_statement_pages
        if status == 405:  # by post alone: refused before it is looked for
            continue
        assert is_open == expected, (name, status)


@pytest.mark.parametrize("role", ROLES)
def test_what_is_taken_in_elsewhere_changes_no_byte_of_any_page(world, role):
    """A foreign insert: items, claims, people, releases of another case."""
    client = Client()
    client.force_login(world.people[role])
    lists = [
        reverse(name)
        for name in (
            "admin:index",
            "admin:evidence_evidenceitem_changelist",
            "admin:evidence_source_changelist",
            "evidence:upload",
            "evidence:exports",
            "evidence:releases",
            "evidence:ask",
        )
    ]
    pages = [
        *lists,
        *(
            reverse(f"evidence:{name}", args=[world.own["case"]])
            for name in (
                "claims",
                "people",
                "clusters",
                "claim_new",
                "case_timeline",
                "case_map",
                "case_relations",
            )
        ),
    ]
    if role in {"administrator", "auditor", "custodian", "root"}:
        # Their home counts cases or the ledger as a whole; that is their work.
        pages.remove(reverse("admin:index"))

    def bodies():
        found = {}
        for url in pages:
            text = client.get(url, follow=True).content.decode()
            found[url] = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)
        return found

    bodies()  # what a first look records
    before = bodies()
    world._things(world.cast.other_case, world.cast.stranger, "new ")

    assert bodies() == before


def test_a_raised_level_closes_content_at_once(world):
    item = EvidenceItem.objects.get(pk=world.own["other"])
    classifying.raise_to(
        item, level="sealed", markers=[], reason="x",
        user=world.people["researcher"], now=people.NOW,
    )  # fmt: skip
    things = {**world.own, "item": item.pk, "other": world.own["item"]}
    for role in ROLES:
        client = Client()
        client.force_login(world.people[role])
        for name in ("evidence:item_progress", "evidence:receipt", "evidence:protection"):
            assert told(client, "get", name, things)[0] == 404, (role, name)
    assert Export.objects.filter(items=item).exists()
    assert Bundle.objects.exists()
