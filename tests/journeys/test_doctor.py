"""An archive as a new user starts it is well once it has a backup, and the doctor says so."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.processes


def test_an_archive_that_runs_and_has_a_backup_is_well(site):
    site.manage("backup", "--to", str(site.folder / "backup"))
    said = site.manage("doctor")  # which would fail with 1
    assert "WRONG" not in said
    for part in ("Broker: answers", "Workers: 1 at work", "Database: SQLite", "Last backup: just"):
        assert f"ok     {part}" in said, said
