"""Our fingerprints of sound are those of Chromaprint's own tool, item for item."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest

from evidence.fingerprints import SILENT_ITEM
from evidence.fingerprints.sequences import LEAST, Sequences, agreement, best
from seeds.kursk_2025.make_media import MEDIA
from tests.evidence.extractors.made import film, parts
from tests.evidence.sounds import noisy, recording, speech

#: The first items that fpcalc 1.5.1 gives for the files below.
KNOWN = {
    "speech": [2926170318, 2921975902, 3861676078, 3844571182, 3827754042, 3961710606, 3961678094,
               3898853646, 3907111726, 3907119662, 3958468158, 3942019598],
    "stereo": [3601440813, 3601572927, 1458220045, 1563094277, 1546313045, 1546339573, 1411924133,
               1411956901, 1949155491, 1962328259, 2109144257, 4290161472],
}  # fmt: skip


def items(content):
    outcome, [found] = parts("chromaprint", content)
    assert outcome.outcome == "ok", outcome.reason
    return np.frombuffer(bytes.fromhex(found.value), ">u4").astype(np.uint32)


def left_and_right():
    both = np.empty(2 * 44_100 * 8)
    both[::2], both[1::2] = speech(1, 8), speech(2, 8)
    return both


MADE = {
    "speech": lambda: recording(speech(3, 12)),
    "quiet": lambda: recording(speech(4, 8) * 0.01),
    "stereo": lambda: recording(speech(5, 8), channels=2),
    "slow": lambda: recording(speech(6, 8), rate=16_000),
    "fast": lambda: recording(speech(6, 8), rate=48_000),
    "mp3": lambda: recording(speech(7, 10), "mp3", "mp3", bit_rate=64_000),
    "aac": lambda: recording(speech(8, 10), "aac", "adts", bit_rate=48_000),
    "opus": lambda: recording(speech(9, 10), "libopus", "ogg", rate=48_000, bit_rate=16_000),
    "flac": lambda: recording(noisy(speech(10, 6), 10), "flac", "flac"),
    "silence": lambda: recording(np.zeros(44_100 * 6)),
    "film": lambda: film(6),
    "example": (MEDIA / "service-video.mp4").read_bytes,
}


@pytest.mark.skipif(not shutil.which("fpcalc"), reason="fpcalc is not installed")
@pytest.mark.parametrize("name", sorted(MADE))
def test_equals_fpcalc_item_for_item(name, tmp_path):
    content = MADE[name]()
    path = tmp_path / "sound"
    path.write_bytes(content)
    # Its exit code is 3 for whole files too, in Debian's version.
    said = subprocess.run(
        ["fpcalc", "-raw", "-json", "-length", "0", str(path)], capture_output=True, check=False
    ).stdout
    expected = np.array(json.loads(said)["fingerprint"], np.uint32)

    found = items(content)

    assert len(expected) > 10
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_equals_what_fpcalc_said_where_it_is_not_installed(name):
    assert items(MADE[name]())[: len(KNOWN[name])].tolist() == KNOWN[name]
    assert len(KNOWN[name]) >= 8


def test_silence_has_no_quality_and_too_little_sound_has_its_reason():
    silence = parts("chromaprint", MADE["silence"]())
    short = parts("chromaprint", recording(speech(1, 2)))
    mute = parts("chromaprint", film(3, sound=False))

    assert {int(one) for one in items(MADE["silence"]())} == {SILENT_ITEM}
    assert silence[1][0].quality == 0
    assert (short[0].outcome, "three seconds" in short[0].reason) == ("unsupported", True)
    assert (mute[0].outcome, "no sound" in mute[0].reason) == ("unsupported", True)


def agreed(asked, others):
    """Look for a sound among others; return by number what agrees."""
    kept = Sequences()
    for number, one in enumerate(others):
        kept.add(number, one)
    by_number = {}
    for number, offset in kept.places(asked):
        by_number.setdefault(number, []).append((others[number], offset))
    found = {number: best(asked, places) for number, places in by_number.items()}
    return {number: one for number, one in found.items() if one is not None}


@pytest.fixture(scope="module")
def spoken():
    return [speech(seed, 20) for seed in range(6)]


@pytest.fixture(scope="module")
def kept(spoken):
    return [items(recording(one)) for one in spoken]


CHANGES = {
    "mp3 of 32 kbit/s": lambda x: recording(x, "mp3", "mp3", bit_rate=32_000),
    "AAC of 24 kbit/s": lambda x: recording(x, "aac", "adts", rate=16_000, bit_rate=24_000),
    "Opus of 12 kbit/s": lambda x: recording(x, "libopus", "ogg", rate=48_000, bit_rate=12_000),
    "as by telephone": lambda x: recording(x, "pcm_mulaw", "wav", rate=8_000),
    "quieter": lambda x: recording(x * 0.2),
    "under noise": lambda x: recording(noisy(x, 10)),
    "six seconds of it": lambda x: recording(x[44_100 * 7 : 44_100 * 13]),
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_changed_recording_is_found_among_others_and_where(name, spoken, kept):
    for number in range(3):
        found = agreed(items(CHANGES[name](spoken[number])), kept)

        assert set(found) == {number}
        offset = found[number].other_begin - found[number].begin
        assert offset == pytest.approx(7 / 0.1238 if "six" in name else 0, abs=1)
        assert found[number].items >= LEAST


def test_unrelated_speech_and_silence_agree_with_nothing(kept):
    for seed in range(100, 104):
        assert agreed(items(recording(speech(seed, 20))), kept) == {}
    assert agreed(items(MADE["silence"]()), [*kept, items(MADE["silence"]())]) == {}
    for number, one in enumerate(kept):
        for other in kept[:number]:
            for offset in range(-len(one) + LEAST, len(other) - LEAST):
                assert agreement(one, other, offset) is None
