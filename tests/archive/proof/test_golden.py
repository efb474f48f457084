"""Bundles that were made once are judged today as they were then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archive.proof import trust_policy
from archive.proof.examination import Policy
from archive.proof.verify import verify

GOLDEN = Path(__file__).parents[2] / "golden"
VERSIONS = sorted(path for path in GOLDEN.iterdir() if (path / "bad").exists())
GOOD = [path for version in VERSIONS for path in sorted(version.glob("good/*.zip"))]
BAD = [path for version in VERSIONS for path in sorted(version.glob("bad/*.zip"))]


def trusting(bundle: Path, said: dict[str, Any] | None = None) -> Policy:
    """The policy that a bundle is judged by: its version's key, or its own."""
    if said is None:
        key = (bundle.parents[1] / "vkey.txt").read_text(encoding="utf-8").strip()
        return Policy(vkeys=(key,))
    made: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in said.items()
    }
    made["keys"] = tuple(bytes.fromhex(key) for key in said.get("keys", ()))
    if "quorum" in said:
        made["quorum"] = trust_policy.parse(said["quorum"]).quorum
    return Policy(**made)


@pytest.mark.parametrize("bundle", GOOD, ids=lambda path: path.stem)
def test_a_good_bundle_is_still_good(bundle):
    report = verify(bundle, trusting(bundle))

    assert report.exit_code == 0, report.as_text()


@pytest.mark.parametrize("bundle", BAD, ids=lambda path: path.stem)
def test_a_bad_bundle_is_still_bad_for_the_same_reason(bundle):
    expected = json.loads(
        (bundle.parents[1] / f"expected/{bundle.stem}.json").read_text(encoding="utf-8")
    )

    report = verify(bundle, trusting(bundle, expected.get("policy")))

    assert report.exit_code == expected["exit_code"]
    named = [each.subject for each in report.findings if each.code == expected["code"]]
    assert any(expected["names"] in subject for subject in named), report.as_text()
