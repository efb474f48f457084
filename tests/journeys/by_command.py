"""An archive worked by commands alone, each a process of its own, as an operator's shell has it."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.conftest import ROOT, variables

EXAMPLE = "KUR-2025-001"
ADMINISTRATOR = "admin"


@dataclass(frozen=True)
class Archive:
    """A folder and the variables that every command gets; nothing of the shell around."""

    folder: Path
    environment: Mapping[str, str]

    def attempt(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py, and return what came of it."""
        return subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=dict(self.environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def manage(self, *arguments: str, timeout: float = 300) -> str:
        """Run a command that must succeed, and return what it printed."""
        done = self.attempt(*arguments, timeout=timeout)
        assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def run(self, program: str) -> str:
        """Run Python inside the archive, as `manage.py shell` does, and return its output."""
        return self.manage("shell", "--no-imports", "--command", textwrap.dedent(program))

    def export(self, case: str, name: str = "bundle.zip", *, profile: str = "full") -> Path:
        """Ask for a bundle of the whole case, have it written and fetch it."""
        asked = self.run(
            f"""
            from django.contrib.auth.models import User
            from django.utils import timezone
            from evidence import access, exporting, releasing
            user = User.objects.get(username={ADMINISTRATOR!r})
            items = list(access.visible_to(user, "export").filter(case__reference={case!r}))
            other, _ = User.objects.get_or_create(username="who-asks")
            now = timezone.now()
            asked = releasing.request(
                items, purpose="A test", recipient="The court", recipient_class="court",
                user=other, now=now, profile={profile!r},
            )
            decision = releasing.decide(
                asked, authorised=True, reason="A test", public_interest="A test", user=user,
                now=now,
            )
            made = exporting.export(
                items, purpose="A test", recipient="The court", user=user, now=now,
                release=decision,
            )
            print(made.pk)
            """
        )
        self.manage("process")
        path = self.folder / name
        self.run(
            f"""
            import shutil
            from django.core.files.storage import storages
            from archive.models.bundle import Bundle
            made = Bundle.objects.get(pk={asked.split()[-1]!r})
            assert made.state == "verified", made.reason
            with storages["bundles"].open(made.storage_name) as kept:
                with open({str(path)!r}, "wb") as file:
                    shutil.copyfileobj(kept, file)
            """
        )
        return path

    def vkey(self) -> str:
        """Return the public key that this archive's checkpoints are signed with."""
        return self.run(
            """
            from django.conf import settings
            from archive.signer import Signer
            print(Signer(settings.SIGNER_DIR).vkey)
            """
        ).strip()

    def audit(self) -> tuple[int, str]:
        """Check everything, and return the exit code and the report."""
        done = self.attempt("audit")
        return done.returncode, done.stdout + done.stderr

    def unfinished(self) -> list[list[str]]:
        """Return the analyses that came to no end or a bad one: exhibit, tool, state, reason."""
        found: list[list[str]] = json.loads(
            self.run(
                """
                import json
                from evidence.models.analysis import Analysis
                rows = Analysis.objects.filter(state__in=["waiting", "failed"])
                names = ("file__item__exhibit_number", "tool", "state", "reason")
                print(json.dumps([list(row) for row in rows.values_list(*names)]))
                """
            )
        )
        return found


def opened(folder: Path, extra: Mapping[str, str], *, own_key: bool = False) -> Archive:
    """Open an archive with roles and an administrator in ``folder``.

    On SQLite it is a copy of one that was opened before, key and all, unless it needs its
    ``own_key``.
    """
    if own_key or "DATABASE_URL" in extra:
        return _open(folder, extra)
    return _copied("opened", _open, folder, extra)


def with_example(folder: Path, extra: Mapping[str, str]) -> Archive:
    """Open an archive that has the example case, all of it worked out; a copy as above."""
    if "DATABASE_URL" in extra:
        return _load(folder, extra)
    return _copied("example", _load, folder, extra)


def _load(folder: Path, extra: Mapping[str, str]) -> Archive:
    archive = opened(folder, extra)
    archive.manage("load_example")
    archive.manage("process")
    return archive


_TEMPLATES: dict[tuple[object, ...], Archive] = {}


def _copied(
    state: str,
    make: Callable[[Path, Mapping[str, str]], Archive],
    folder: Path,
    extra: Mapping[str, str],
) -> Archive:
    """Return a copy of an archive in that state, which is made once in this process."""
    wanted = (state, *sorted(extra.items()))
    if wanted not in _TEMPLATES:
        place = Path(tempfile.mkdtemp(prefix="muniment-opened-"))
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        _TEMPLATES[wanted] = make(place / "archive", extra)
    template = _TEMPLATES[wanted]
    shutil.copytree(template.folder, folder, dirs_exist_ok=True, symlinks=True)
    moved = {
        name: value.replace(str(template.folder), str(folder))
        for name, value in template.environment.items()
    }
    return Archive(folder, moved)


def _open(folder: Path, extra: Mapping[str, str]) -> Archive:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**variables(folder), **extra}
    for name in (
        "MUNIMENT_DATA_DIR",
        "MUNIMENT_SIGNER_DIR",
        "MUNIMENT_KEYS_DIR",
        "MUNIMENT_RUN_DIR",
    ):
        Path(environment[name]).mkdir(mode=0o700, exist_ok=True)
    archive = Archive(
        folder,
        {
            **environment,
            "DJANGO_SUPERUSER_USERNAME": ADMINISTRATOR,
            "DJANGO_SUPERUSER_EMAIL": "admin@example.invalid",
            "DJANGO_SUPERUSER_PASSWORD": os.urandom(12).hex(),
        },
    )
    archive.manage("migrate", "--verbosity", "0")
    archive.manage("open_archive")
    archive.manage("make_roles")
    archive.manage("createsuperuser", "--noinput")
    return archive


def stranger(bundle: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Check a bundle with the verifier that it carries, and with nothing else of ours."""
    folder = bundle.parent / "stranger"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(bundle) as packed:
        name = next(name for name in packed.namelist() if name.endswith("verify.pyz"))
        with packed.open(name) as member, (folder / "verify.pyz").open("wb") as file:
            shutil.copyfileobj(member, file)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.pyz"), *arguments, str(bundle)],
        capture_output=True,
        check=False,
        text=True,
        cwd=folder,
        timeout=120,
        env={"PATH": "/nonexistent"},
    )
