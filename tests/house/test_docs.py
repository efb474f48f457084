"""What an operator can set, run or read is written down, and what is written down exists."""

import dataclasses
import re
import subprocess

from django.core.management import get_commands

from config.environment import ROOT, Environment
from tests.pictures import PICTURES

OURS = {"archive", "evidence", "config", "seeds"}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|work|home/[a-z]\w*|Users/[A-Za-z]\w*)/")
DOCS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
)
SETTINGS = (ROOT / "docs" / "operate" / "settings.md").read_text(encoding="utf-8")


def test_every_setting_has_its_line_with_default_unit_and_meaning() -> None:
    missing = []
    for one in dataclasses.fields(Environment):
        unit, explanation = one.metadata["unit"], one.metadata["help"]
        row = next((r for r in SETTINGS.splitlines() if r.startswith(f"| `{one.name}` |")), "")
        shown = [cell.strip() for cell in row.split("|")]
        default = str(one.default).removeprefix(f"{ROOT}/")
        if isinstance(one.default, bool):
            default = "yes" if one.default else "no"
        if shown[2:5] != [f"`{default}`" if default else "", unit, explanation]:
            missing.append(one.name)

    assert missing == []


def test_no_line_is_left_of_a_setting_that_is_gone() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", SETTINGS, re.MULTILINE))

    assert named == {one.name for one in dataclasses.fields(Environment)}


def test_nothing_but_the_environment_reads_the_environment() -> None:
    reading = re.compile(r"os\.(?:environ|getenv)")
    allowed = {"config/environment.py", "config/wsgi.py", "config/celery.py"}  # name the settings

    found = {
        str(path.relative_to(ROOT))
        for package in ("archive", "evidence", "config", "seeds")
        for path in (ROOT / package).rglob("*.py")
        if reading.search(path.read_text(encoding="utf-8"))
    }

    assert found - allowed == set()


def test_every_command_is_named_in_the_docs() -> None:
    ours = {name for name, app in get_commands().items() if str(app).partition(".")[0] in OURS}

    assert "up" in ours
    assert {name for name in ours if f"manage.py {name}" not in DOCS} == set()


def test_no_command_is_named_that_does_not_exist() -> None:
    named = set(re.findall(r"manage\.py ([a-z][a-z_]+)", DOCS))

    assert named - get_commands().keys() - {"help"} == set()


def test_every_link_between_the_docs_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]

    assert broken == []


def test_the_two_commands_of_the_readme_are_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    commands = re.findall(r"<!-- command (\d) -->\n```sh\n(.+)\n```", readme)

    assert [number for number, _ in commands] == ["1", "2"]
    assert commands[0][1].endswith(".venv/bin/python manage.py up")
    assert commands[1][1] == ".ci/test"


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name] or [
        path for path in ROOT.rglob("*") if not {".venv", "var"} & set(path.parts)
    ]
    found = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # media, or removed a moment ago
        found += [f"{path.relative_to(ROOT)}: {match}" for match in MACHINE_PATH.findall(text)]

    assert found == []


def test_every_expectation_is_shown_by_a_test_that_exists_or_a_page() -> None:
    page = (ROOT / "docs" / "develop" / "expectations.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", page)
    assert len(named) >= 25
    for path, name in named:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), (path, name)
    shown = re.findall(r"^\| (\d+)\. .+ \| .*[`\]].* \|$", page, re.MULTILINE)
    assert [int(one) for one in shown] == list(range(1, 31))


def test_every_picture_is_named_in_the_docs_and_taken_by_the_command() -> None:
    there = {path.stem for path in (ROOT / "docs" / "images").glob("*.png")}
    named = set(re.findall(r"images/([\w-]+)\.png", DOCS))
    assert there == named == set(PICTURES)
