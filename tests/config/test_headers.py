"""Each answer, whatever its status, carries the headers that keep hostile files and frames out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import html5lib
import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, include, path

from config.headers import CONTENT_POLICY, HEADERS


def addresses(resolver: URLResolver | None = None, before: str = "/") -> Iterator[str]:
    """Yield an address for each pattern of the site, with a made-up value for each parameter."""
    for one in (resolver or get_resolver()).url_patterns:
        route = str(one.pattern)
        made = re.sub(r"<uuid:\w+>", "11111111-1111-4111-8111-111111111111", route)
        made = re.sub(r"<int:\w+>", "1", made)
        made = re.sub(r"<(?:\w+:)?\w+>", "x", made)
        if isinstance(one, URLResolver):
            yield from addresses(one, before + made)
        elif isinstance(one, URLPattern) and not set(made) & set("^$(?\\"):
            yield before + made


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


urlpatterns = [path("broken/", broken), path("", include("config.urls"))]
ADDRESSES = sorted(set(addresses()))


def assert_closed(response: Any) -> None:
    for name, value in HEADERS.items():
        if name == "Content-Security-Policy" and name in response.headers:
            policy = response.headers[name]
            assert "'unsafe" not in policy
            assert "default-src 'none'" in policy
        else:
            assert response.headers.get(name) == value, name


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.django_db
def test_an_outsiders_answer_is_closed(client: Client, address: str) -> None:
    response = client.get(address)

    assert response.status_code < 500
    assert_closed(response)
    assert response.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("address", "extra", "status"),
    [
        ("/nothing/here", {}, 404),
        ("/accounts/login/", {"HTTP_HOST": "elsewhere.example"}, 400),
        ("/static/admin/css/base.css", {}, 200),
        ("/static/nothing.css", {}, 404),
        ("/accounts/login/", {}, 200),
        ("/", {}, 302),
    ],
)
@pytest.mark.django_db
def test_refusals_and_plain_files_are_closed_too(
    client: Client, address: str, extra: dict[str, Any], status: int
) -> None:
    response = client.get(address, **extra)

    assert response.status_code == status
    assert_closed(response)
    response.close()


@pytest.mark.urls(__name__)
@pytest.mark.django_db
def test_a_failure_is_closed_and_tells_nothing(client: Client) -> None:
    client.raise_request_exception = False

    response = client.get("/broken/")

    assert response.status_code == 500
    assert b"on purpose" not in response.content
    assert_closed(response)


@pytest.mark.parametrize("address", ["/admin/login/", "/admin/", "/admin/password_change/"])
@pytest.mark.django_db
def test_pages_have_nothing_that_the_policy_would_refuse(
    client: Client, opened_log: object, address: str
) -> None:
    keeper = get_user_model().objects.create_superuser("keeper", password="long enough for it")
    if "login" not in address:
        client.force_login(keeper)

    page = html5lib.parse(client.get(address).content, namespaceHTMLElements=False)

    refused = [
        element
        for element in page.iter()
        if isinstance(element.tag, str)
        and (
            (element.tag == "script" and "src" not in element.attrib)
            or element.tag == "style"
            or any(name == "style" or name.startswith("on") for name in element.attrib)
        )
    ]
    assert [(one.tag, one.attrib) for one in refused] == []


def test_the_policy_allows_nothing_from_elsewhere() -> None:
    sources = set(re.findall(r"(?<= )(?!\w+-)[^; ]+(?=[; ]|$)", CONTENT_POLICY))

    assert sources <= {"'none'", "'self'", "data:"}
