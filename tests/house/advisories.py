"""`python -m tests.house.advisories FOLDER`: the pinned packages against known weaknesses.

FOLDER is a copy of the Python Packaging Advisory Database (github.com/pypa/advisory-database), as
old as its newest entry.  Whatever could not be decided fails: a scanner that can't reach its data
and says "none known" is worse than none.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[2]
OLDEST = timedelta(days=14)
FEWEST = 1_000  # advisories; fewer is no copy of the database
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
#: Releases that must be found wanting, or the scan proves nothing.
CANARIES = {"django": "4.2.0", "pillow": "9.0.0"}


class Hit(NamedTuple):
    package: str
    version: str
    advisory: str


class UndecidedError(Exception):
    """The scan says nothing; the message says why."""


def pins(text: str) -> dict[str, str]:
    """Return each pinned package of a requirements file with its version."""
    return {canonicalize_name(name): version for name, version in _PIN.findall(text)}


def scan(folder: Path, pinned: dict[str, str], *, now: datetime) -> tuple[list[Hit], datetime, int]:
    """Return the hits, the date of the newest advisory, and how many were read.

    Raises UndecidedError when the copy is too old, too small, unreadable, or misses the canaries.
    """
    newest = datetime.min.replace(tzinfo=UTC)
    number = 0
    hits: list[Hit] = []
    canaries: set[str] = set()
    for path in sorted(folder.rglob("*.yaml")):
        try:
            said = yaml.safe_load(path.read_text("utf-8"))
            modified = _time(said["modified"])
            for package, affects in _affected(said):
                if package in CANARIES and affects(CANARIES[package]):
                    canaries.add(package)
                if package in pinned and not said.get("withdrawn") and affects(pinned[package]):
                    hits.append(Hit(package, pinned[package], str(said["id"])))
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            raise UndecidedError(f"{path} can't be understood: {error!r}") from error
        newest = max(newest, modified)
        number += 1
    if number < FEWEST:
        raise UndecidedError(f"{folder} holds {number} advisories; that is no whole copy.")
    if now - newest > OLDEST:
        raise UndecidedError(f"The newest advisory is of {newest:%Y-%m-%d}; fetch a new copy.")
    if missing := CANARIES.keys() - canaries:
        raise UndecidedError(f"Releases known to be weak were not found: {sorted(missing)}.")
    return sorted(set(hits)), newest, number


def _time(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _affected(said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for one in said.get("affected", []):
        if one["package"]["ecosystem"] == "PyPI":
            yield canonicalize_name(one["package"]["name"]), _Affects(one)


class _Affects:
    """Whether a version is affected: listed, or in one of the ranges."""

    def __init__(self, one: dict[str, Any]) -> None:
        self.listed = {str(version) for version in one.get("versions", [])}
        self.ranges = [each["events"] for each in one.get("ranges", []) if each["type"] != "GIT"]

    def __call__(self, version: str) -> bool:
        if version in self.listed:
            return True
        try:
            asked = Version(version)
            return any(_within(asked, events) for events in self.ranges)
        except InvalidVersion as error:
            raise ValueError(str(error)) from error


def _within(asked: Version, events: list[dict[str, str]]) -> bool:
    affected = False
    for event in events:
        if "introduced" in event and (
            event["introduced"] == "0" or asked >= Version(event["introduced"])
        ):
            affected = True
        if "fixed" in event and asked >= Version(event["fixed"]):
            affected = False
        if "last_affected" in event and asked > Version(event["last_affected"]):
            affected = False
    return affected


def main(folder: str) -> int:
    pinned = pins((ROOT / "requirements.txt").read_text("utf-8"))
    try:
        hits, newest, number = scan(Path(folder), pinned, now=datetime.now(UTC))
    except UndecidedError as error:
        print(f"Not decided: {error}", file=sys.stderr)
        return 2
    for hit in hits:
        print(f"{hit.package} {hit.version}: {hit.advisory}")
    print(
        f"{len(hits)} hits for {len(pinned)} packages; {number} advisories, the newest of "
        f"{newest:%Y-%m-%d}."
    )
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [""]))
