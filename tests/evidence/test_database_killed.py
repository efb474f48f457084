"""The database goes away at each commit of an upload: before it, or with its answer.

Between the program and PostgreSQL stands a proxy that cuts the connection at the chosen commit:
nothing of it was done then, or all of it, and the program can't know which.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest

from archive import auditing, custody
from archive.proof.report import Verdict
from evidence import sidecars
from evidence.models.item import EvidenceItem
from tests import people

pytestmark = pytest.mark.processes

UPLOADER = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import User
from evidence.models.case import Case
from tests import people
receipt = people.upload(
    Case.objects.get(pk=sys.argv[1]), User.objects.get(username="researcher"),
    content=b"said in writing " + sys.argv[2].encode(), key=sys.argv[2],
)
print(json.dumps([str(receipt.item), receipt.sha256]))
"""


class Cutting:
    """A proxy before PostgreSQL that cuts every connection at the n-th commit."""

    def __init__(self, target: tuple[str, int], *, at: int, is_done: bool) -> None:
        self.target, self.at, self.is_done = target, at, is_done
        self.commits = 0
        self.has_cut = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.has_cut:
                    client.close()
                    continue
                server = socket.create_connection(self.target)
                for act in (self._ask, self._answer):
                    threading.Thread(target=act, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if b"COMMIT" in data:
                    self.commits += 1
                    if self.commits == self.at:
                        self.has_cut = True
                        if self.is_done:
                            server.sendall(data)
                            server.settimeout(10)
                            self.received = server.recv(65536)  # it is done; nobody is told
                        break
                server.sendall(data)
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not self.has_cut and (data := server.recv(65536)):
                if self.has_cut:
                    return
                client.sendall(data)


@pytest.mark.parametrize("is_done", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("committed_database", ["postgresql"], indirect=True)
def test_an_upload_whose_answer_never_came_is_there_once_when_it_is_asked_for_again(
    committed_database, is_done
):
    custody.open_log()
    cast = people.make_cast()
    parts = urlsplit(committed_database.environment["DATABASE_URL"])
    cuts = 0
    for at in range(1, 30):
        key = f"key-{at}"
        proxy = Cutting((parts.hostname, parts.port or 5432), at=at, is_done=is_done)
        there = f"{parts.username}@127.0.0.1:{proxy.port}"
        cut_off = f"{parts.scheme}://{there}{parts.path}"
        told = _upload(committed_database, cast.case, key, DATABASE_URL=cut_off)
        proxy.close()
        if not proxy.has_cut:
            assert told.returncode == 0, told.stderr
            break
        cuts += 1
        if told.returncode == 0:  # what was cut came after the receipt was sure
            assert EvidenceItem.objects.filter(intake_key=key).count() == 1

        again = _upload(committed_database, cast.case, key)

        assert again.returncode == 0, again.stderr
        item = EvidenceItem.objects.get(intake_key=key)
        assert json.loads(again.stdout.splitlines()[-1])[0] == str(item.pk)
        assert custody.entries(kind="media.ingested", item=item.pk).count() == 1
    else:
        raise AssertionError("there was no end of commits")

    assert cuts >= 1
    sidecars.restore()
    report = auditing.examine()
    assert report.verdict is Verdict.VERIFIED, report.as_text()


def _upload(database, case, key, **more):
    return subprocess.run(
        [sys.executable, "-c", UPLOADER, str(case.pk), key],
        env={**database.environment, **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
