"""Frames of published films have the fingerprints published for them.  The films stand beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.fingerprints.packed import distance
from tests.evidence.extractors.made import parts

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "real"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"there are no real files in {FOLDER.name} beside the checkout"
)

#: The vPDQ sample hashes of these films (ThreatExchange): milliseconds, quality, value.  Of each
#: second the first frame that is shown in it (both have 30 frames a second), as far as its quality
#: is 50 and more.
PUBLISHED = {
    "doorknob-hd-no-bar.mp4": [
        (0, 100, "dadb999c25266273529cadac89cb52c22324ad3bce99726c38668d93c799f07c"),
        (1000, 68, "c8feb0fc73110f830fc6307cf039e7030fc61b9cf8717cf80fce00070003fffe"),
    ],
    "chair-19-sd-bar.mp4": [
        (0, 100, "e271017837246aaccddea259648fb7d62f435c89d9e99b2497763e216c8d055c"),
        (1000, 100, "df83b48f2ad34d68169c36bc6d2f6b36ce5ed08701a301e9cba9fd12f80b8154"),
        (2000, 100, "f49a224f5b25a4b02a5e55e8ab075a6d1db6a04b5aaf35612e596667e5ebc054"),
        (3000, 100, "6d4b76c9236071244697e75e9d33d8b399c83aad638dc44dcc749cc3cbb96114"),
        (4000, 100, "ad2d989cd06c449abfb86b63d68725a7d86694da1dd6988d98f988e5c447c466"),
        (5000, 100, "54c9f04ba0d74ae356d29596eb0deb44d194c1f8835386938609be0fb65e96de"),
        (6000, 100, "929c9ca969dba78e93969d4e18a539983b8d339673be6330e6336631666620c7"),
    ],
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_frames_are_within_twelve_bits_of_what_is_published(name):
    outcome, found = parts("frames", (FOLDER / name).read_bytes())
    assert outcome.outcome == "ok", outcome.reason
    ours = [one for one in found if one.variant == "base"]

    for one, (at_ms, quality, value) in zip(ours, PUBLISHED[name], strict=False):
        assert one.at_ms == pytest.approx(at_ms, abs=15)
        assert distance(one.value, value) <= 12
        assert one.quality == pytest.approx(quality, abs=8)
