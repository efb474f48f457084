"""Each setting that must not be is said by a check, and the settings as they are pass."""

from __future__ import annotations

import errno
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import checks as django_checks
from django.utils import timezone

from archive import custody
from archive.proof.events import CaseOpened
from config import checks

pytestmark = pytest.mark.django_db

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")


def _ids(*, deploy: bool = False) -> set[str]:
    found = django_checks.run_checks(tags=[checks.TAG], include_deployment_checks=deploy)
    return {one.id for one in found if one.id != "muniment.W007"}


@pytest.fixture(autouse=True)
def store(settings):
    (settings.STORE_DIR / "tmp").mkdir(parents=True, exist_ok=True)


def test_the_settings_as_they_are_pass():
    assert _ids() == set()


def _bucket(**options: object) -> dict[str, object]:
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"file_overwrite": False, "querystring_expire": 300}, set()),
        ({"file_overwrite": True, "querystring_expire": 300}, {"muniment.E001"}),
        ({"querystring_expire": 300}, {"muniment.E001"}),
        ({"file_overwrite": False}, {"muniment.E001"}),
    ],
)
def test_a_bucket_that_overwrites_or_links_for_long(settings, options, expected):
    settings.STORAGES = {**settings.STORAGES, "bundles": _bucket(**options)}

    assert _ids() == expected


def test_a_store_on_two_file_systems(settings):
    other = Path("/dev/shm")
    if other.stat().st_dev == settings.STORE_DIR.stat().st_dev:
        pytest.skip("there is but one file system here")
    (settings.STORE_DIR / "tmp").rmdir()
    (settings.STORE_DIR / "tmp").symlink_to(other)

    assert _ids() == {"muniment.E002"}


def test_a_disk_that_makes_nothing_durable(monkeypatch):
    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("config.checks.os.fsync", broken)

    assert _ids() == {"muniment.W003"}


@pytest.mark.parametrize("timeout", [0, None, 60])
def test_a_broker_that_may_keep_uploads_waiting(settings, timeout):
    options = dict(settings.CELERY_BROKER_TRANSPORT_OPTIONS)
    if timeout is None:
        del options["socket_timeout"]
    else:
        options["socket_timeout"] = timeout
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = options

    assert _ids() == {"muniment.E005"}


def test_a_clock_that_was_put_back(opened_log):
    with custody.recording(actor=ACTOR, now=timezone.now() + timedelta(days=3)) as log:
        log.add(CaseOpened(case="c", reference="K", title="T"))

    assert _ids() == {"muniment.W006"}


def test_little_room(monkeypatch):
    monkeypatch.setattr(checks, "ROOM", 2**62)

    found = django_checks.run_checks(tags=[checks.TAG])

    assert [one.id for one in found] == ["muniment.W007"]


def test_what_a_site_in_the_open_must_have(settings):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["archive.example"]
    settings.SECOND_FACTOR_REQUIRED = settings.SESSION_COOKIE_SECURE = True
    assert _ids(deploy=True) == set()

    settings.ALLOWED_HOSTS = ["*"]
    assert _ids(deploy=True) == {"muniment.E004"}
    settings.ALLOWED_HOSTS, settings.DEBUG = ["archive.example"], True
    assert _ids(deploy=True) == {"muniment.E004"}
    settings.DEBUG = settings.SECOND_FACTOR_REQUIRED = settings.SESSION_COOKIE_SECURE = False
    assert _ids(deploy=True) == {"muniment.W008", "muniment.W009"}


@pytest.mark.parametrize(
    ("level", "expected"), [("landlock7+seccomp+rlimits", set()), ("rlimits", {"muniment.W010"})]
)
def test_parsers_that_are_not_confined(settings, monkeypatch, level, expected):
    settings.SECOND_FACTOR_REQUIRED = settings.SESSION_COOKIE_SECURE = True
    monkeypatch.setattr("config.checks.sandbox.isolation", lambda: level)

    assert _ids(deploy=True) == expected
