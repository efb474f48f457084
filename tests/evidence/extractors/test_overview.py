"""A contact sheet from the whole length of a film, and a waveform of its sound."""

from __future__ import annotations

import io
import tempfile

import numpy as np
import pytest
from PIL import Image

from seeds.kursk_2025.make_media import MEDIA
from tests.evidence.extractors.made import ask, film, refilmed
from tests.evidence.sounds import RATE, recording, speech


def overview(content):
    """Return the outcome and the pictures by what they are."""
    with tempfile.TemporaryFile() as output:
        outcome = ask("overview", content, output=output)
        made = {}
        for one in (outcome.result or {}).get("outputs", []):
            output.seek(one["start"])
            made[one["derivation"]] = Image.open(io.BytesIO(output.read(one["size"]))).convert("L")
    return outcome, made


def inked(image, begin, end):
    """How much of a part of a waveform is drawn on, by columns from begin to end (0 to 1)."""
    pixels = np.asarray(image)[:, int(begin * image.width) : int(end * image.width)]
    return float((pixels < 160).mean())


def test_a_film_has_frames_from_its_whole_length_and_its_sound():
    outcome, made = overview((MEDIA / "service-video.mp4").read_bytes())

    assert outcome.outcome == "ok", outcome.reason
    assert outcome.result["warnings"] == []
    sheet = made["contact sheet"]
    assert sheet.size == (4 * 320, 2 * (180 + 18))
    frames = [
        np.asarray(sheet.crop((x * 320, y * 198 + 40, x * 320 + 320, y * 198 + 150)), np.float32)
        for y in range(2)
        for x in range(4)
    ]
    assert all(frame.std() > 5 for frame in frames)
    assert max(np.abs(frames[0] - other).mean() for other in frames[1:]) > 2
    assert made["waveform"].size == (1_280, 160)


def test_the_waveform_is_high_where_it_is_loud():
    loud = speech(1, 6)
    silence = np.zeros(RATE * 6)
    outcome, made = overview(recording(np.concatenate([silence, loud])))

    assert outcome.outcome == "ok", outcome.reason
    assert set(made) == {"waveform"}
    assert inked(made["waveform"], 0, 0.48) < 0.02
    assert inked(made["waveform"], 0.52, 1) > 0.1


@pytest.mark.parametrize("degrees", [90, 270])
def test_frames_of_a_turned_film_stand_upright(degrees):
    upright = overview(film(3, sound=False))[1]["contact sheet"]
    lying = refilmed(
        film(3, sound=False), lambda image: image.rotate(degrees, expand=True), turn=degrees
    )

    made = overview(lying)[1]["contact sheet"]

    small = [
        np.asarray(one.crop((0, 0, 320, 180)).resize((32, 18)), np.float32)
        for one in (upright, made.resize(upright.size))
    ]
    assert np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1] > 0.9


def test_broken_films_give_what_can_be_had_and_others_say_why():
    whole = film(6, rate=10)
    cut, made = overview(whole[: len(whole) * 2 // 3])

    assert cut.outcome in {"ok", "malformed"}
    assert cut.outcome == "malformed" or cut.result["warnings"] or made
    assert ask("overview", b"no film" * 50).outcome in {"malformed", "unsupported"}
    assert ask("overview", film(2)).outcome == "unsupported"  # with nowhere to write
