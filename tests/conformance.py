"""Bundles of the example case before the tools of third parties, with no network.

    python -m tests.conformance ENVIRONMENT [KIT]

ENVIRONMENT is a folder with the packages of requirements-conformance.txt (python -m venv, pip
install).  KIT is a folder with `verify.sh` and the JSON-LD contexts that rocrate-validator wants to
have in its cache; without it that tool is left out, and the summary says so.  Every step prints its
exit code; the last line is "ok" or names what failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.journeys.by_command import EXAMPLE, Archive, opened
from tests.journeys.conftest import ROOT

PROFILE = "https://muniment.invalid/profiles/evidence-bundle-1.0.json"
SCHEMA = ROOT / "tests" / "evidence" / "formats" / "premis-3.0-as-used.xsd"
PREMIS = """
import sys, xmlschema
errors = list(xmlschema.XMLSchema(sys.argv[1]).iter_errors(sys.argv[2]))
print(*[error.reason for error in errors[:5]], sep="\\n")
sys.exit(bool(errors))
"""
BY_SSH = (
    "ssh-keygen -Y verify -f signatures/allowed_signers -I archive -n file"
    " -s signatures/tagmanifest-sha512.txt.sshsig < tagmanifest-sha512.txt"
)
Step = tuple[str, list[str]]


def main(arguments: list[str]) -> int:
    """Run every tool over a bundle of each profile."""
    if not 1 <= len(arguments) <= 2:
        print(__doc__)
        return 64
    environment = Path(arguments[0]).absolute()
    kit = Path(arguments[1]).absolute() if len(arguments) > 1 else None
    failed, left_out = [], set[str]()
    with tempfile.TemporaryDirectory() as folder:
        archive = _example(Path(folder))
        for profile in ("full", "archive", "journalist", "custody_only"):
            zipped = archive.export(EXAMPLE, f"{profile}.zip", profile=profile)
            bag = _unpacked(zipped, Path(folder) / profile)
            for name, command in _steps(zipped, bag, archive.vkey(), environment, kit):
                code = _run(command, bag, environment)
                print(f"{profile:13} {name:34} {'left out' if code is None else code}", flush=True)
                failed += [f"{profile}: {name}"] if code else []
                left_out |= {name} if code is None else set()
    if kit is None:
        left_out.add("rocrate-validator (no kit)")
    print("left out:", ", ".join(sorted(left_out)) or "nothing")
    print("failed: " + ", ".join(failed) if failed else "ok")
    return 1 if failed else 0


def _example(folder: Path) -> Archive:
    archive = opened(folder / "site", {"MUNIMENT_ORGANISATION": "Example Evidence Archive"})
    archive.manage("load_example")
    archive.manage("process")
    return archive


def _unpacked(zipped: Path, folder: Path) -> Path:
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(folder)
    (bag,) = folder.iterdir()
    return bag


def _steps(
    zipped: Path, bag: Path, vkey: str, environment: Path, kit: Path | None
) -> Iterator[Step]:
    tools = environment / "bin"
    yield "sha256sum -c", ["sha256sum", "--quiet", "-c", "manifest-sha256.txt",
                           "tagmanifest-sha256.txt"]  # fmt: skip
    yield "openssl pkeyutl -verify", [
        "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "signatures/archive-ed25519.pub.pem",
        "-rawin", "-in", "tagmanifest-sha512.txt",
        "-sigfile", "signatures/tagmanifest-sha512.txt.ed25519.sig",
    ]  # fmt: skip
    yield "ssh-keygen -Y verify", ["sh", "-c", BY_SSH]
    yield "bagit.py --validate", [f"{tools}/bagit.py", "--quiet", "--validate", "."]
    yield "bagit_profile.py", [
        f"{tools}/bagit_profile.py", "--no-logfile", "--file",
        f"{ROOT}/docs/formats/evidence-bundle-1.0.json", PROFILE, ".",
    ]  # fmt: skip
    for graph in sorted(bag.glob("data/case/*.jsonld")):
        turtle = f"{zipped}.{graph.stem}.ttl"
        yield f"case_validate {graph.name}", [f"{tools}/case_validate", str(graph)]
        yield f"case_prov_rdf {graph.name}", [f"{tools}/case_prov_rdf", turtle, str(graph)]
        yield f"case_prov_check {graph.name}", [f"{tools}/case_prov_check", turtle, str(graph)]
    yield "PREMIS 3.0 schema", [
        f"{tools}/python", "-c", PREMIS, str(SCHEMA), "data/premis/premis.xml"
    ]  # fmt: skip
    for python in _pythons():
        yield f"verify.pyz, {python.parent.parent.name}", [
            str(python), "-I", "-S", "data/verify/verify.pyz", "--key", vkey, str(zipped)
        ]  # fmt: skip
    if kit is not None:
        yield "the kit's verify.sh", ["sh", f"{kit}/verify.sh", str(bag), PROFILE]


def _pythons() -> list[Path]:
    """Return the interpreters that are here, of 3.9 and later."""
    versions = Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3")
    return [
        *sorted(path for path in versions if int(path.parent.parent.name.split(".")[1]) >= 9),
        *([] if Path("~/.pyenv").expanduser().exists() else [Path(sys.executable)]),
    ]


def _run(command: list[str], bag: Path, environment: Path) -> int | None:
    """Run one tool in the bag, and return its exit code; None where it is not installed."""
    if shutil.which(command[0]) is None:
        return None
    found = {**os.environ, "PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=bag, env=found, capture_output=True, text=True, check=False, timeout=900
    )
    if done.returncode:
        print(done.stdout[-1500:], done.stderr[-1500:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
