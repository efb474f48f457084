"""The API keeps its own schema, whatever it is sent: no 5xx, no answer that the schema lacks.

Generated requests, right and wrong ones, go to every operation, about things that exist and things
that don't, with a token that may do everything.  `API_EXAMPLES=200` makes the run a long one.
"""

from __future__ import annotations

import os
import traceback
from collections import Counter
from datetime import timedelta

import pytest
import schemathesis
from django.contrib.auth.models import Group, User
from django.core.wsgi import get_wsgi_application
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from evidence import tokens
from evidence.api import (
    account,
    answers,
    bodies,
    cases,
    claims,
    doors,
    items,
    ledger,
    releases,
    uploads,
)
from evidence.api.whole import api
from evidence.models.case import CaseMembership
from evidence.models.token import Scope
from tests.evidence.worlds import GROUPS, World

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("API_EXAMPLES", "6"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@schemathesis.serializer("application/offset+octet-stream")
def as_bytes(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


def everybody(world: World) -> User:
    """Return somebody who has every role in the world's case."""
    user = User.objects.create_user("every-role", is_staff=True)
    for role, group in GROUPS.items():
        CaseMembership.objects.create(case=world.cast.case, user=user, role=role)
        user.groups.add(Group.objects.get(name=group))
    return user


def secret_of(user: User, scopes: list[str] | None = None) -> str:
    now = timezone.now()
    _, secret = tokens.issue(
        user,
        label="a test",
        scopes=scopes or Scope.values,
        expires_at=now + timedelta(days=1),
        now=now,
    )
    return secret


def test_every_operation_keeps_its_schema_whatever_it_is_sent(opened_log):
    world = World()
    headers = {"Authorization": f"Bearer {secret_of(everybody(world))}"}
    whole = schemathesis.openapi.from_dict(api.get_openapi_schema())
    whole.app = get_wsgi_application()
    real = {
        **world.own,
        "made": world.own["import"],
        "passage": world.own["item"],
        "file": world.own["original"],
    }
    asked, faults, fine = 0, {}, set()
    for found in whole.get_all_operations():
        operation = found.ok()
        if operation.label == "DELETE /api/v1/me/token":
            continue  # it would end the others

        @given(case=operation.as_strategy(), data=st.data())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def answers_as_it_says(case, data):
            nonlocal asked
            if data.draw(st.booleans(), label="about what exists"):
                for name in case.path_parameters or {}:
                    if name in real:
                        case.path_parameters[name] = str(real[name])
            response = case.call(headers=headers)
            asked += 1
            if response.status_code < 300:
                fine.add(case.operation.label)
            case.validate_response(response, checks=CHECKS, headers=headers)

        try:
            answers_as_it_says()
        except (BaseExceptionGroup, Exception) as error:  # noqa: BLE001 - all are told at the end
            faults[operation.label] = "".join(traceback.format_exception_only(error))[:600]
    assert not faults, "\n".join(f"{name}: {fault}" for name, fault in faults.items())
    assert asked >= 70 * min(EXAMPLES, 3)
    assert len(fine) >= 30, sorted(fine)  # the requests reach what is behind the doors


def test_no_two_things_have_one_name_in_the_schema():
    """The schema knows things by their names alone: a second of one name would take its place."""
    named = Counter(
        one.__name__
        for module in (
            account,
            answers,
            bodies,
            cases,
            claims,
            doors,
            items,
            ledger,
            releases,
            uploads,
        )
        for one in vars(module).values()
        if isinstance(one, type)
        and issubclass(one, BaseModel)
        and one.__module__ in {module.__name__, bodies.__name__}
        and (one.__module__ == module.__name__ or one is not bodies.Body)
    )
    assert [name for name, number in named.items() if number > 1] == []
