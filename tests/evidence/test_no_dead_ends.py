"""No page offers somebody a way that is closed to them: every link, followed as each role."""

from __future__ import annotations

import re
from collections import Counter, deque
from html import unescape
from urllib.parse import urljoin

import pytest
from django.test import Client

from tests.evidence.worlds import ROLES, World

pytestmark = pytest.mark.django_db

OF_EACH = 3  # pages of one shape: one item is like another
NO_PAGE = re.compile(r"/(static|logout|language)/|/accounts/2fa/|^(data|mailto|https?):")
#: What is known to answer otherwise in this world: its derivatives are one byte long.
STANDS_IN = re.compile(r"/(derivative|rendition|original|download)/")
LEAST = {"researcher": 40, "lead": 40, "release_officer": 30, "administrator": 12, "auditor": 12}


def shape_of(url: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)[0-9]+(?=/)", "*", url)


@pytest.mark.parametrize("role", ROLES)
def test_every_link_that_a_role_is_shown_is_open_to_it(opened_log, role):
    client, world = Client(), World()
    client.force_login(world.people[role])
    waiting, known = deque([("/admin/", "the beginning")]), {"/admin/"}
    shapes, closed = Counter[str](), []
    while waiting:
        url, seen_on = waiting.popleft()
        shape = shape_of(url.partition("?")[0])
        shapes[shape] += 1
        if shapes[shape] > OF_EACH or STANDS_IN.search(url):
            continue
        answer = client.get(url)
        if answer.status_code not in {200, 301, 302}:
            closed.append((answer.status_code, url, seen_on))
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        for link in re.findall(r'<a\b[^>]*?\bhref="([^"#]+)', answer.content.decode()):
            address = urljoin(url, unescape(link))
            if address not in known and not NO_PAGE.search(address):
                known.add(address)
                waiting.append((address, url))
    assert closed == []
    assert len(shapes) >= LEAST.get(role, 5), sorted(shapes)
