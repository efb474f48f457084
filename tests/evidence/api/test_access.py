"""Every operation of the API, for every role and scope, about an own, a foreign, a missing thing.

The operations are read from the API's own schema, so that a new one is asked too.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from archive.models.ledger import Entry
from evidence import access, tokens
from evidence.api.whole import api
from evidence.models.case import CaseMembership
from evidence.models.item import EvidenceItem
from evidence.models.token import ApiToken, Scope
from tests import people
from tests.evidence.worlds import ROLES, World

pytestmark = pytest.mark.django_db

#: What each operation needs, where it needs a right in the case that a thing is in.
RIGHTS = {
    "GET /api/v1/cases/{case}": "view",
    "GET /api/v1/cases/{case}/timeline": "view",
    "GET /api/v1/cases/{case}/places": "view",
    "GET /api/v1/cases/{case}/relations": "view",
    "GET /api/v1/cases/{case}/clusters": "view",
    "GET /api/v1/cases/{case}/sources": "see",
    "GET /api/v1/cases/{case}/imports": "see",
    "GET /api/v1/cases/{case}/imports/{made}": "see",
    "GET /api/v1/cases/{case}/claims": "view",
    "GET /api/v1/cases/{case}/people": "view",
    "GET /api/v1/claims/{claim}": "view",
    "GET /api/v1/items/{item}": "see",
    "GET /api/v1/items/{item}/history": "see",
    "GET /api/v1/items/{item}/receipt": "see",
    "GET /api/v1/items/{item}/analyses": "view",
    "GET /api/v1/items/{item}/facts": "view",
    "GET /api/v1/items/{item}/similar": "view",
    "GET /api/v1/items/{item}/statement": "view",
    "GET /api/v1/items/{item}/document": "view",
    "GET /api/v1/items/{item}/protection": "see",
    "GET /api/v1/items/{item}/redactions": "redact",
    "GET /api/v1/items/{item}/disposal": "see",
    "POST /api/v1/items/{item}/looks": "view",
    "POST /api/v1/items/{item}/holds": "hold",
}
#: Bodies for what has to be asked with one.
BODIES: dict[str, Any] = {
    "POST /api/v1/items/{item}/looks": {"purpose": "to see"},
    "POST /api/v1/items/{item}/holds": {"reason": "x", "authority": "a court"},
}


@cache
def operations() -> dict[str, tuple[str, str]]:
    schema = api.get_openapi_schema()
    return {
        f"{method.upper()} {path}": (method, path)
        for path, methods in schema["paths"].items()
        for method in methods
    }


#: The ledger is one, and auditors read all of it; “form” names no thing.
NAMES_ONE = [label for label in operations() if "{" in label and "{form}" not in label]
PARTS = {"made": "import", "file": "original", "passage": "item", "which": "item",
         "asked": "item", "proposal": "item", "upload": "upload", "run": "entry",
         "profile": "item", "kept": "item"}  # fmt: skip


#: An administrator knows every case by name, and nothing that is in it.
CASE_FILES = "/api/v1/administration/"


@pytest.fixture
def world(opened_log) -> World:
    return World()


def bearer(user: User, *scopes: str) -> dict[str, str]:
    now = timezone.now()
    _, secret = tokens.issue(
        user,
        label="test",
        scopes=scopes or Scope.values,
        expires_at=now + timedelta(days=1),
        now=now,
    )
    return {"Authorization": f"Bearer {secret}"}


def asked(
    label: str, things: dict[str, Any], headers: dict[str, str], body: Any = None
) -> tuple[int, str]:
    method, path = operations()[label]
    names = re.findall(r"{(\w+)}", path)
    values = {name: str(things.get(PARTS.get(name, name), "csv")) for name in names}
    url = path.format(**values)
    more: dict[str, Any] = {}
    if method in {"post", "patch"}:
        more = {"data": json.dumps(body or {}), "content_type": "application/json"}
    answer = getattr(Client(), method)(url, headers=headers, **more)
    text = (b"".join(answer) if answer.streaming else answer.content).decode("utf-8", "replace")
    for value in values.values():
        text = text.replace(value, "<id>")
    return answer.status_code, text


@pytest.mark.parametrize("role", ROLES)
def test_a_foreign_thing_is_like_one_that_does_not_exist(world, role):
    headers = bearer(world.people[role])
    missing = {name: uuid.uuid4() for name in world.own}
    for label in NAMES_ONE:
        if CASE_FILES in label and role in {"administrator", "root"}:
            continue
        for body in ({}, BODIES.get(label)):
            foreign = asked(label, world.foreign, headers, body)
            assert foreign == asked(label, missing, headers, body), label
            assert foreign[0] in {403, 404, 422}, (label, foreign)
            assert "foreign" not in foreign[1], label


@pytest.mark.parametrize("role", ROLES)
def test_ones_own_thing_is_opened_exactly_by_the_rights_of_the_role(world, role):
    headers = bearer(world.people[role])
    rights = access.RIGHTS.get(role, frozenset())
    for label, act in RIGHTS.items():
        status, text = asked(label, world.own, headers, BODIES.get(label))
        assert (status == 200) == (act in rights), (label, status, text[:200])


@pytest.mark.parametrize("role", ROLES)
def test_lists_name_nothing_of_another_case(world, role):
    headers = bearer(world.people[role])
    for label in operations():
        of_all = "/ledger/" in label or (CASE_FILES in label and role in {"administrator", "root"})
        if label.startswith("GET") and "{" not in label and not of_all:
            status, text = asked(label, {}, headers)
            assert "foreign" not in text, label
            for thing in ("item", "case", "upload", "bundle", "release"):
                assert str(world.foreign[thing]) not in text, (label, thing)
            assert status in {200, 403}, label


def test_without_its_scope_a_token_does_nothing(world):
    """Each operation, with a token of every scope but the one that it needs."""
    user = world.people["root"]
    CaseMembership.objects.create(case=world.cast.case, user=user, role="lead")
    by_scope = {scope: bearer(user, *(set(Scope.values) - {scope})) for scope in Scope.values}
    open_to_all = set()
    for label in operations():
        before = Entry.objects.exclude(kind="access.denied").count()
        refused = [
            scope
            for scope, headers in by_scope.items()
            if label != "DELETE /api/v1/me/token"
            and "needs the scope" in asked(label, world.own, headers, BODIES.get(label))[1]
        ]
        assert len(refused) <= 1, (label, refused)
        if not refused:
            open_to_all.add(label)
        assert before <= Entry.objects.exclude(kind="access.denied").count()
    assert open_to_all == {"GET /api/v1/me", "GET /api/v1/me/rights", "DELETE /api/v1/me/token"}


def test_a_session_of_the_pages_opens_nothing_here(world):
    client = Client()
    client.force_login(world.people["lead"])
    for label, (method, path) in operations().items():
        url = re.sub(r"{(\w+)}", str(world.own["item"]), path)
        answer = getattr(client, method)(url)
        assert answer.status_code == 401, label
        assert answer["WWW-Authenticate"] == "Bearer"
        assert set(answer.json()) == {"detail", "fields"}


@pytest.mark.parametrize("reason", ["expired", "revoked", "inactive", "not staff", "wrong"])
def test_a_token_that_is_over_opens_nothing(world, reason):
    user = world.people["researcher"]
    headers = bearer(user)
    assert Client().get("/api/v1/me", headers=headers).status_code == 200
    rows = ApiToken.objects.filter(owner=user)
    if reason == "expired":
        rows.update(expires_at=timezone.now())
    elif reason == "revoked":
        assert Client().delete("/api/v1/me/token", headers=headers).status_code == 200
    elif reason == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif reason == "not staff":
        User.objects.filter(pk=user.pk).update(is_staff=False)
    else:
        headers = {"Authorization": headers["Authorization"][:-1]}
    assert Client().get("/api/v1/me", headers=headers).status_code == 401


def test_where_a_second_factor_is_required_a_token_needs_its_owner_to_have_one(world, settings):
    headers = bearer(world.people["researcher"])
    settings.SECOND_FACTOR_REQUIRED = True
    assert Client().get("/api/v1/me", headers=headers).status_code == 401


def test_a_secret_stands_nowhere(world, caplog):
    headers = bearer(world.people["researcher"])
    secret = headers["Authorization"].removeprefix("Bearer ")
    Client().get("/api/v1/me", headers=headers)
    Client().get("/api/v1/items", headers={"Authorization": f"Bearer {secret}x"})
    assert secret not in "".join(map(str, ApiToken.objects.values_list()))
    assert secret not in "".join(Entry.objects.values_list("body", flat=True))
    assert secret not in caplog.text


def test_an_error_does_not_say_what_was_sent(world):
    headers = bearer(world.people["lead"])
    name = "Kim Chol-su of Hamhung"
    status, text = asked(
        "POST /api/v1/cases/{case}/people", world.own, headers,
        {"pseudonym": [name], "protected_status": name, name: name},
    )  # fmt: skip
    assert status == 422
    assert "Hamhung" not in text.replace("people." + name, "").replace(f'"{name}"', "")


def test_issuing_and_revoking_are_entries(world):
    user = world.people["researcher"]
    headers = bearer(user, "read", "upload")
    Client().delete("/api/v1/me/token", headers=headers)
    issued, revoked = Entry.objects.filter(kind__startswith="token.").order_by("seq")
    assert json.loads(issued.body)["data"]["scopes"] == ["read", "upload"]
    assert json.loads(revoked.body)["kind"] == "token.revoked"
    assert json.loads(issued.body)["data"]["token"] == json.loads(revoked.body)["data"]["token"]


def announced(world, headers, **said):
    body = {
        "case": str(world.cast.case.pk),
        "filename": "a.txt",
        "length": 3,
        "sha256": "0" * 64,
        "key": "a" * 64,
        **said,
    }
    return Client().post("/api/v1/uploads", body, content_type="application/json", headers=headers)


def test_an_upload_that_is_announced_again_is_the_same_and_a_key_is_for_one_file(world):
    headers = bearer(world.people["researcher"], "upload")
    first, second = (announced(world, headers).json()["id"] for _ in range(2))
    assert first == second
    assert announced(world, headers, length=4).status_code == 409
    assert announced(world, headers, key="b" * 64).json()["id"] != first
    other = bearer(world.people["lead"], "upload")
    assert announced(world, other).json()["id"] != first  # another person's key is another's
    assert Client().delete(f"/api/v1/uploads/{first}", headers=headers).status_code == 200
    assert announced(world, headers).json()["id"] != first


def test_a_program_corrects_a_description_over_nobody_s(world):
    headers = bearer(world.people["researcher"], "read", "describe")
    address = f"/api/v1/items/{world.own['item']}"

    def put(**said):
        return Client().put(
            f"{address}/description", said, content_type="application/json", headers=headers
        )

    now = Client().get(address, headers=headers).json()
    said = {"title": "By a program", "authored_basis": "unknown", "place_basis": "unknown",
            "reason": "a typing error", "seen": now["seen"]}  # fmt: skip
    assert put(**said).json()["title"] == "By a program"
    stale = put(**{**said, "title": "Again"})
    assert stale.status_code == 409
    assert stale.json()["fields"]["title"] == ["By a program", "Again"]
    assert put(**{**said, "reason": ""}).status_code == 422


def test_a_list_is_read_page_by_page_without_a_gap_or_a_repeat(world):
    """Many came in at the same instant: the order among them is their numbers'."""
    for number in range(7):
        people.upload(world.cast.case, world.people["researcher"], content=b"%d" % number)
    headers = bearer(world.people["researcher"], "read")
    found, after = [], ""
    while True:
        page = Client().get("/api/v1/items", {"limit": 2, "after": after}, headers=headers).json()
        found += [one["exhibit_number"] for one in page["items"]]
        if not page["following"]:
            break
        after = page["following"]
    mine = EvidenceItem.objects.filter(case=world.cast.case)
    assert sorted(found) == sorted(mine.values_list("exhibit_number", flat=True))
    assert found == list(
        mine.order_by("-created_at", "-exhibit_number").values_list("exhibit_number", flat=True)
    )
    for wrong in ("x", "2026-01-01_a", f"{people.NOW.isoformat()}_", "_"):
        assert Client().get("/api/v1/items", {"after": wrong}, headers=headers).status_code == 422
