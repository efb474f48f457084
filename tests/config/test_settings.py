"""The settings hold the promises that the archive's guarantees rest on."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from config.environment import ROOT
from tests.config.running import variables

SHOW = "import json; from config import settings as s; print(json.dumps({}, default=str))"


def settings_of(folder: Path, expression: str, **others: str) -> Any:
    """Return what ``expression`` over the settings is in a process with these variables."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(expression)],
        cwd=ROOT,
        env=variables(folder, **others),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def manage(folder: Path, *arguments: str, **others: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *arguments],
        env=variables(folder, **others),
        capture_output=True,
        text=True,
        check=False,
    )


def test_sqlite_survives_power_loss_and_lets_writers_wait_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(exist_ok=True)
    ask = (
        "from django.db import connection as c; k = c.cursor(); "
        "print([k.execute('PRAGMA ' + p).fetchone()[0] "
        "for p in ('journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout')], "
        "c.transaction_mode)"
    )

    done = manage(tmp_path, "shell", "-v0", "-c", ask)

    assert done.stdout.strip() == "['wal', 2, 1, 20000] IMMEDIATE", done.stderr


def test_the_deployment_checks_have_nothing_to_say_behind_tls(tmp_path: Path) -> None:
    for name in ("data", "signer"):
        (tmp_path / name).mkdir(mode=0o700, exist_ok=True)
    assert manage(tmp_path, "migrate", "-v0").returncode == 0

    done = manage(
        tmp_path,
        *("check", "--deploy", "--fail-level", "WARNING"),
        MUNIMENT_HTTPS="yes",
        MUNIMENT_SECOND_FACTOR_REQUIRED="yes",
        MUNIMENT_HOSTS="archive.example",
    )

    assert done.returncode == 0, done.stderr


def test_processes_that_start_at_once_agree_on_the_key_they_make(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", SHOW.format("s.SECRET_KEY")],
            cwd=ROOT,
            env=variables(tmp_path),
            stdout=subprocess.PIPE,
        )
        for _ in range(6)
    ]

    keys = {process.communicate()[0] for process in started}

    assert len(keys) == 1
    assert len(json.loads(keys.pop())) >= 50
    assert stat.S_IMODE((tmp_path / "run" / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["secret_key"]


def test_a_socket_path_that_is_too_long_for_the_system_becomes_short(tmp_path: Path) -> None:
    deep = tmp_path / ("deep " * 30)

    path, url = settings_of(deep, "[s.VALKEY_SOCKET, s.CELERY_BROKER_URL]")
    near, _ = settings_of(Path("/t m"), "[s.VALKEY_SOCKET, 0]", MUNIMENT_SECRET_KEY="k" * 50)

    assert len(path.encode()) <= 100
    assert unquote(url) == f"redis+socket://{path}"
    assert near == "/t m/run/valkey/valkey.sock"


def test_a_broker_of_the_operator_is_used_and_none_started(tmp_path: Path) -> None:
    used = settings_of(
        tmp_path, "[s.CELERY_BROKER_URL, s.OWN_BROKER]", REDIS_URL="redis://broker.example:6379/1"
    )

    assert used == ["redis://broker.example:6379/1", False]


def test_a_frozen_broker_is_given_up_on_soon_and_messages_are_plain_data() -> None:
    from django.conf import settings  # noqa: PLC0415 - the tests' own settings

    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS

    assert options["socket_timeout"] <= 2
    assert options["socket_connect_timeout"] <= 2
    assert settings.CELERY_ACCEPT_CONTENT == ["json"]
    assert settings.CELERY_TASK_ACKS_LATE is True


def test_a_database_that_is_not_postgresql_is_refused_in_words(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", DATABASE_URL="mysql://somewhere/archive")

    assert done.returncode != 0
    assert done.stderr.startswith("Setting: DATABASE_URL must begin with postgresql://")
    assert "Traceback" not in done.stderr


def test_the_parts_of_a_database_url_are_decoded(tmp_path: Path) -> None:
    database = settings_of(
        tmp_path,
        "s.DATABASES['default']",
        DATABASE_URL="postgresql://kee%40per:p%2Fw@db.example:5433/arch%20ive?sslmode=verify-full",
    )

    assert database == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "arch ive",
        "USER": "kee@per",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": 5433,
        "OPTIONS": {
            "options": "-c lock_timeout=20s -c idle_in_transaction_session_timeout=60s",
            "sslmode": "verify-full",
        },
    }


@pytest.mark.parametrize("name", ["default", "derivatives", "bundles"])
def test_a_bucket_takes_the_place_of_the_disk_everywhere(tmp_path: Path, name: str) -> None:
    with_bucket = settings_of(tmp_path, f"s.STORAGES['{name}']['BACKEND']", S3_BUCKET="b")
    without = settings_of(tmp_path, f"s.STORAGES['{name}']['BACKEND']")

    assert with_bucket == "storages.backends.s3.S3Storage"
    assert without == "django.core.files.storage.FileSystemStorage"
