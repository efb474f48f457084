"""`manage.py up`: everything the archive needs on one machine, in one window, until Ctrl-C."""

from __future__ import annotations

import argparse
import http.client
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from celery import current_app
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, SystemCheckError
from django.db import DatabaseError, connection
from django.urls import reverse
from kombu.exceptions import OperationalError

from config import services
from config.machine import (
    NotReadyError,
    check_address,
    check_sqlite,
    make_folder,
    make_private,
    only_one,
)
from config.supervising import Running, Supervisor

ADMINISTRATOR = "admin"
STARTING = 60.0  # seconds that a service may take to be ready
AFTER_A_KILL = 10.0  # seconds that the processes of a killed `up` may take to be gone


class _StoppedError(Exception):
    """Somebody asked for the end; not a failure."""


def _stop(number: int, _frame: object) -> None:
    # One is enough: from here on the end is under way, and a second one must not cut it short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise _StoppedError(signal.Signals(number).name)


class Command(BaseCommand):
    """Starts the parts in order and tells each step; every step is safe to repeat."""

    help = "Start everything: tables, keys, accounts, broker, worker, web server. Stop with Ctrl-C."
    requires_system_checks: list[str] = []  # run below, when the folders are there

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="Address to listen on.")
        parser.add_argument("--port", type=int, default=settings.PORT, help="Port to listen on.")
        parser.add_argument(
            "--no-example", action="store_true", help="Leave the example case out of a new archive."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        if sys.stdout.encoding.lower() != "utf-8":
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup asks to outlive the window
                signal.signal(number, _stop)
        try:
            with ExitStack() as stack:
                self._run(stack, options["host"], options["port"], not options["no_example"])
        except NotReadyError as error:
            raise CommandError(str(error)) from error
        except _StoppedError:
            self._say("Stopped. Nothing of it runs any more.")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _run(self, stack: ExitStack, host: str, port: int, example: bool) -> None:
        self._prepare_machine(stack, host, port)
        password = self._prepare_archive()
        supervisor = stack.enter_context(Supervisor(self._say))
        stack.callback(self._say, "Stopping …")
        run_dir = settings.RUN_DIR
        if settings.OWN_BROKER:
            self._start_broker(supervisor)
        else:
            self._greet_broker()
        worker = supervisor.start(services.worker(run_dir))
        web = supervisor.start(services.web(host, port, run_dir))
        self._await(worker, lambda: " ready." in worker.written())
        self._say(f"Worker      takes work; log: {worker.service.log}")
        self._await(web, lambda: _answers(host, port))
        self._say(f"Web server  answers; log: {web.service.log}")
        if example:
            self._load_example()
        shown = host if host not in {"", "0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104
        shown = f"[{shown}]" if ":" in shown else shown
        self._say("")
        self._say(f"Muniment is up:  http://{shown}:{port}/")
        if password:
            self._say(f"Log in as        {ADMINISTRATOR}  with the password  {password}")
            self._say("This password is shown once. Another: manage.py changepassword admin")
        self._say("Stop with Ctrl-C.")
        connection.close()
        while True:
            supervisor.tend()
            time.sleep(0.5)

    def _prepare_machine(self, stack: ExitStack, host: str, port: int) -> None:
        if not settings.DATABASE_IS_SERVER:
            check_sqlite()
        make_folder(settings.RUN_DIR, variable="MUNIMENT_RUN_DIR")
        make_folder(settings.DATA_DIR, variable="MUNIMENT_DATA_DIR")
        make_folder(settings.SIGNER_DIR, variable="MUNIMENT_SIGNER_DIR")
        make_folder(settings.KEYS_DIR, variable="MUNIMENT_KEYS_DIR")
        make_folder(settings.STATIC_ROOT, variable="MUNIMENT_DATA_DIR")
        was_killed = stack.enter_context(only_one(settings.RUN_DIR))
        deadline = time.monotonic() + (AFTER_A_KILL if was_killed else 0)
        while True:
            try:
                check_address(host, port)
                break
            except NotReadyError:
                # The processes of an `up` that was killed may still be on their way out.
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.2)
        self._say(
            f"Machine     Python {sys.version.split()[0]}, port {port} free, folders writable"
        )
        if os.geteuid() == 0:
            self._say("            You are root. It works; an account of its own is safer.")

    def _prepare_archive(self) -> str:
        """Bring tables, ledger, groups and the first account up to date; return a new password."""
        try:
            connection.ensure_connection()
        except DatabaseError as error:
            where = "DATABASE_URL" if settings.DATABASE_IS_SERVER else "MUNIMENT_DATA_DIR"
            raise NotReadyError(f"The database can't be used: {error}. Check {where}.") from error
        call_command("migrate", interactive=False, verbosity=0)
        self._say(f"Tables      up to date in {connection.vendor}")
        self._call("open_archive", "Ledger      ", "is not part of this version yet")
        self._call("make_roles", "Roles       ", "are not part of this version yet")
        try:
            call_command("check", stdout=_Labelled(self._say, "Checks      "))
        except SystemCheckError as error:
            raise NotReadyError(str(error)) from error
        return self._make_administrator()

    def _call(self, command: str, label: str, otherwise: str) -> None:
        """Run another command that is safe to repeat, and show what it says in one place."""
        if command not in get_commands():
            self._say(label + otherwise)
            return
        call_command(command, stdout=_Labelled(self._say, label))

    def _make_administrator(self) -> str:
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            self._say(
                f"Account     {ADMINISTRATOR} exists; forgotten: manage.py changepassword admin"
            )
            return ""
        password = secrets.token_urlsafe(15)
        user = users.create_superuser(ADMINISTRATOR, password=password)
        user.groups.set(Group.objects.filter(name="administrator"))
        self._say(f"Account     {ADMINISTRATOR} made")
        return password

    def _start_broker(self, supervisor: Supervisor) -> None:
        folder = settings.RUN_DIR / "valkey"
        make_private(folder)
        make_private(settings.VALKEY_SOCKET.parent)
        service = services.broker(settings.VALKEY_SOCKET, folder, settings.RUN_DIR / "valkey.log")
        running = supervisor.start(service)
        try:
            self._await(running, lambda: _opens(settings.VALKEY_SOCKET))
        except NotReadyError:
            # A damaged queue must not keep the archive shut: it is only a doorbell.
            aside = settings.RUN_DIR / f"valkey-set-aside-{time.time_ns()}"
            supervisor.drop(running)
            folder.rename(aside)
            make_private(folder)
            make_private(settings.VALKEY_SOCKET.parent)
            self._await(supervisor.start(service), lambda: _opens(settings.VALKEY_SOCKET))
            self._say(f"Broker      its queue could not be read; it is set aside as {aside}")
        self._say(f"Broker      Valkey on {settings.VALKEY_SOCKET}")

    def _greet_broker(self) -> None:
        try:
            with current_app.connection_for_write() as broker:
                broker.ensure_connection(max_retries=1, interval_start=0, timeout=3)
        except (OperationalError, OSError):
            self._say("Broker      the one of REDIS_URL does not answer; work waits until it does")
        else:
            self._say("Broker      the one of REDIS_URL answers")

    def _load_example(self) -> None:
        """Load the example into an archive that has no case, or finish what was broken off."""
        if "load_example" not in get_commands():
            self._say("Example     is not part of this version yet; nothing loaded")
            return
        begun: Path = settings.DATA_DIR / "example-being-loaded"
        if apps.get_model("evidence", "Case").objects.exists() and not begun.exists():
            self._say("Example     not loaded: the archive has cases already")
            return
        begun.touch()
        started = time.monotonic()
        call_command("load_example", stdout=_Labelled(self._say, "Example     "))
        begun.unlink()
        self._say(f"Example     case loaded in {time.monotonic() - started:.1f} s")

    def _await(self, running: Running, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + STARTING
        while not ready():
            alive = running.is_alive()
            if not alive or time.monotonic() > deadline:
                happened = "did not get ready in time" if alive else "ended at once"
                last = "\n".join(running.written().splitlines()[-12:])
                name, log = running.service.name, running.service.log
                raise NotReadyError(f"The {name} {happened}. The end of {log}:\n{last}")
            time.sleep(0.05)


class _Labelled:
    """A stream that shows each line of another command beside the name of its step."""

    def __init__(self, say: Callable[[str], None], label: str) -> None:
        self._say, self._label = say, label

    def write(self, text: str) -> None:
        for line in text.splitlines():
            if line.strip():
                self._say(self._label + line)
                self._label = " " * len(self._label)

    def flush(self) -> None:
        """Nothing is held back."""


def _opens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as trial:
        trial.settimeout(1)
        try:
            trial.connect(str(path))
            trial.sendall(b"PING\r\n")
            return trial.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _answers(host: str, port: int) -> bool:
    """Ask for the login page as a browser behind the configured name would."""
    target = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    name = next((one.lstrip(".") for one in settings.ALLOWED_HOSTS if one != "*"), "localhost")
    http_connection = http.client.HTTPConnection(target, port, timeout=10)
    try:
        http_connection.request(
            "GET", reverse("account_login"), headers={"Host": name, "X-Forwarded-Proto": "https"}
        )
        return http_connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        http_connection.close()
