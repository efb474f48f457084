"""The scan for known weaknesses says "none" only when it could have said otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.house import advisories

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def _write(folder: Path, name: str, package: str, events: list[dict[str, str]], **more: object):
    said = {
        "id": name,
        "modified": (NOW - timedelta(days=1)).isoformat(),
        "affected": [
            {
                "package": {"name": package, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
                "versions": [],
            }
        ],
        **more,
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(said), "utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(advisories, "FEWEST", 3)
    _write(tmp_path, "A-1", "Django", [{"introduced": "4.2"}, {"fixed": "4.2.1"}])
    _write(tmp_path, "A-2", "pillow", [{"introduced": "0"}, {"fixed": "9.0.1"}])
    _write(tmp_path, "A-3", "Some_Package", [{"introduced": "1.0"}, {"last_affected": "1.5"}])
    return tmp_path


def _scan(folder, **pinned):
    hits, _, _ = advisories.scan(folder, pinned, now=NOW)
    return [hit.advisory for hit in hits]


def test_ranges_and_names_are_understood(folder):
    assert _scan(folder, **{"some-package": "1.5"}) == ["A-3"]
    assert _scan(folder, **{"some-package": "1.6"}) == []
    assert _scan(folder, **{"some-package": "0.9"}) == []
    assert _scan(folder, django="4.2.0", pillow="9.0.0") == ["A-1", "A-2"]


def test_a_withdrawn_one_is_no_hit(folder):
    _write(folder, "A-4", "redis", [{"introduced": "0"}], withdrawn="2026-01-01T00:00:00Z")

    assert _scan(folder, redis="8.1.0") == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "A-3.yaml").unlink(), "no whole copy"),
        (lambda folder: (folder / "A-3.yaml").write_text("{", "utf-8"), "can't be understood"),
        (lambda folder: _write(folder, "A-1", "other", [{"introduced": "0"}]), "known to be weak"),
    ],
)
def test_what_can_not_be_decided_fails(folder, spoil, words):
    spoil(folder)

    with pytest.raises(advisories.UndecidedError, match=words):
        _scan(folder)


def test_an_old_copy_fails(folder):
    with pytest.raises(advisories.UndecidedError, match="fetch a new copy"):
        advisories.scan(folder, {}, now=NOW + timedelta(days=30))


def test_without_a_copy_it_fails(capsys):
    assert advisories.main("/nowhere") == 2
    assert "Not decided" in capsys.readouterr().err


def test_every_pinned_package_is_seen():
    pinned = advisories.pins((advisories.ROOT / "requirements.txt").read_text("utf-8"))

    assert pinned["django"].startswith("5.2")
    assert len(pinned) > 30
