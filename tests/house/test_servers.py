"""The tests' own servers are real, and end with the tests however those end."""

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest
import redis

from config.environment import ROOT
from tests.services import PostgreSQL, Valkey

START = (
    "import time; from tests import services as s; "
    "p = s.postgresql(); v = s.valkey(); "
    "c = v.client(); print(p.url, v.url, c.info('server')['process_id'], flush=True); "
    "c.close(); time.sleep(600)"
)


@pytest.mark.processes
def test_servers_end_with_a_killed_test_run() -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
    with subprocess.Popen(
        [sys.executable, "-c", START], cwd=ROOT, env=bare, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        url, _, valkey = run.stdout.readline().split()
        with psycopg.connect(url) as connection:
            row = connection.execute("SHOW server_version").fetchone()
            assert row is not None
            assert int(row[0].split(".")[0]) >= 17
        os.kill(int(valkey), 0)

        run.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 8
    while _answers(url) or _runs(int(valkey)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.processes
def test_a_frozen_valkey_keeps_silent_and_comes_back(own_valkey: Valkey) -> None:
    with own_valkey.client() as client:
        assert client.ping()

        own_valkey.freeze()
        with pytest.raises(TimeoutError):
            _ask_within(own_valkey, 0.5)
        own_valkey.thaw()

        assert client.ping()


@pytest.mark.processes
def test_each_test_gets_a_database_of_its_own(postgresql: PostgreSQL) -> None:
    with postgresql.database() as first, postgresql.database() as second:
        with psycopg.connect(first) as connection:
            connection.execute("CREATE TABLE only_here (id int)")
        with (
            psycopg.connect(second) as connection,
            pytest.raises(psycopg.errors.UndefinedTable),
        ):
            connection.execute("SELECT * FROM only_here")
    assert not _answers(first)


def _ask_within(server: Valkey, seconds: float) -> None:
    try:
        with redis.Redis.from_url(
            server.url.replace("redis+socket://", "unix://"), socket_timeout=seconds, retry=None
        ) as client:
            client.ping()
    except redis.TimeoutError as error:
        raise TimeoutError from error


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _runs(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True
