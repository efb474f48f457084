"""`manage.py witness`: a C2SP tlog-witness for other archives' logs, by HTTP or by file."""

from __future__ import annotations

import argparse
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from archive.witness import (
    LOGS,
    LONGEST_REQUEST,
    ConflictError,
    RefusedError,
    Witness,
    WitnessError,
)

PATIENCE = 10.0  # seconds that a request may take to arrive


class Command(BaseCommand):
    help = "Cosign other archives' checkpoints: answer add-checkpoint requests until stopped."
    requires_system_checks: list[str] = []  # it needs neither the database nor the archive

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--name", help="Make the witness of this name, if it is not there yet.")
        parser.add_argument("--file", type=Path, help="Answer the one request in this file.")
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on.")
        parser.add_argument("--port", type=int, default=8090, help="Port; 0 takes a free one.")

    def handle(self, *_: Any, **options: Any) -> None:
        folder = settings.WITNESS_DIR
        try:
            if options["name"]:
                witness = Witness.create(folder, name=options["name"])
            else:
                witness = Witness(folder)
            if options["file"] is not None:
                self._answer_file(witness, options["file"])
                return
        except (WitnessError, RefusedError, OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        try:
            server = _Server((options["host"], options["port"]), _Handler)
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} can't be used ({error.strerror}); choose another with "
                "--port."
            ) from error
        server.witness = witness
        self.stdout.write(f"Witness key  {witness.vkey}")
        self.stdout.write(f"Logs         {folder / LOGS}, a line “log KEY” each")
        self.stdout.write(
            f"Answers      http://{options['host']}:{server.server_port}/add-checkpoint"
        )
        self.stdout.flush()
        with server:
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                self.stdout.write("Stopped.")

    def _answer_file(self, witness: Witness, path: Path) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            request = file.read(LONGEST_REQUEST + 1)
        self.stdout.write(witness.add_checkpoint(request, now=int(time.time())), ending="")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    witness: Witness


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        if not self.path.endswith("/add-checkpoint"):
            self._answer(404, "There is only add-checkpoint here.\n")
            return
        length, *others = self.headers.get_all("Content-Length", [""])
        if others or "Transfer-Encoding" in self.headers:
            self._answer(400, "Say once how long the request is, and in no other way.\n")
            return
        if not (length.isascii() and length.isdecimal()):
            self._answer(411, "Say how long the request is.\n")
            return
        if len(length) > 9 or int(length) > LONGEST_REQUEST:
            self._answer(413, f"{LONGEST_REQUEST} bytes are the most.\n")
            return
        try:
            request = self.rfile.read(int(length)).decode("utf-8")
            line = self.server.witness.add_checkpoint(request, now=int(time.time()))
        except ConflictError as error:
            self._answer(error.status, f"{error.size}\n", kind="text/x.tlog.size")
        except RefusedError as error:
            self._answer(error.status, f"{error}\n")
        except UnicodeDecodeError:
            self._answer(400, "This is not UTF-8.\n")
        except (WitnessError, OSError) as error:
            self.log_error("%s", error)
            self._answer(500, "The witness can't answer; its operator finds the reason.\n")
        else:
            self._answer(200, line)

    def _answer(self, status: int, text: str, *, kind: str = "text/plain; charset=utf-8") -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        # What is left of a request that was not read must not be taken for the next one.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "-"  # who asks is nobody's business, not even the log file's
