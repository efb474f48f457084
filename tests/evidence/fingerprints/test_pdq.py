"""PDQ: fixed width, stable under what a platform does to a picture, far between pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from evidence.fingerprints.packed import distance
from evidence.fingerprints.pdq import luma, pdq, trimmed, turns, variants
from tests.evidence.extractors.made import ask, jpeg, scene

SAME = 31  # bits; the published threshold


def of(image):
    return pdq(luma(image))[0]


def encoded(image, **options):
    out = io.BytesIO()
    image.save(out, format="JPEG", **options)
    out.seek(0)
    return Image.open(out)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "change",
    [
        lambda image: encoded(image, quality=10),
        lambda image: image.resize((160, 120)),
        lambda image: ImageEnhance.Brightness(image).enhance(1.2),
        lambda image: image.convert("L").convert("RGB"),
    ],
    ids=["jpeg at quality 10", "half the size", "brighter", "without colour"],
)
def test_a_changed_copy_stays_near(seed, change):
    image = scene(320, 240, seed=seed)

    assert distance(of(image), of(change(image))) <= SAME


def test_different_pictures_are_far_apart():
    found = [of(scene(256, 192, seed=seed)) for seed in range(12)]

    apart = [distance(a, b) for number, a in enumerate(found) for b in found[:number]]

    assert min(apart) > 64


def test_half_of_the_bits_are_set():
    value, quality = pdq(luma(scene(512, 384)))

    assert int(value, 16).bit_count() == 128
    assert 0 <= quality <= 100


def test_the_turn_that_exif_asks_for_is_made_first():
    image = scene(400, 300)
    turned = jpeg(image.rotate(90, expand=True), tags={0x0112: 6})

    [found, *_] = ask("pdq", turned).result["fingerprints"]

    assert distance(found["value"], of(image)) <= SAME


@pytest.mark.parametrize("size", [(1, 1), (4, 600), (5, 5), (64, 64), (511, 3)])
def test_small_pictures_have_a_fingerprint_of_full_width_or_none(size):
    value, quality = pdq(np.full(size, 7, np.float32))

    assert len(value) == 64
    assert quality == 0


def test_a_flat_picture_is_of_no_quality():
    [found, *_] = ask("pdq", jpeg(Image.new("RGB", (300, 300), "grey"))).result["fingerprints"]

    assert (len(found["value"]), found["quality"]) == (64, 0)


def test_a_known_picture_keeps_its_fingerprint():
    # Not separable, and no frequency near the median: the order in which a processor adds up
    # its single floats moves no bit of it.
    row, column = np.arange(128)[:, None], np.arange(96)[None, :]
    picture = (3 * row**2 + 5 * row * column + 7 * column**2) // 64 % 251

    value, quality = pdq(picture.astype(np.float32))

    # Computed once; the change of a single bit would be a new version of the algorithm.
    assert (value, quality) == (
        "105fefaab80067fd9c05b3ffaf002c3f49ff59805b0f531f533c723852705260",
        100,
    )


TURNED = {
    "mirrored": Image.Transpose.FLIP_LEFT_RIGHT,
    "upside_down": Image.Transpose.FLIP_TOP_BOTTOM,
    "rotate_90": Image.Transpose.ROTATE_90,
    "rotate_180": Image.Transpose.ROTATE_180,
    "rotate_270": Image.Transpose.ROTATE_270,
    "transposed": Image.Transpose.TRANSPOSE,
    "transversed": Image.Transpose.TRANSVERSE,
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", TURNED)
def test_a_turned_picture_is_known_by_the_fingerprint_of_that_turn(seed, name):
    image = scene(320, 240, seed=seed)
    values, _ = turns(luma(image))

    there = of(image.transpose(TURNED[name]))

    apart = {turn: distance(there, value) for turn, value in values.items()}
    assert apart.pop(name) <= SAME  # the grid is not taken from the same points
    assert min(apart.values()) > 64


def test_the_picture_as_it_is_has_the_fingerprint_that_it_always_had():
    brightness = luma(scene(320, 240))

    assert turns(brightness)[0][""] == pdq(brightness)[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "change",
    [
        lambda image: bordered(image, 20, 15),
        lambda image: bordered(image, 0, 40),
        lambda image: bordered(image, 30, 0, "white"),
        lambda image: encoded(bordered(image, 24, 24), quality=40),
    ],
    ids=["border", "letterbox", "white pillars", "border, encoded anew"],
)
def test_a_border_is_seen_and_left_out(seed, change):
    image = scene(320, 240, seed=seed)

    inside = trimmed(luma(change(image)))

    assert inside is not None
    assert distance(pdq(inside)[0], of(image)) <= SAME


def bordered(image, width, height, colour="black"):
    size = (image.width + 2 * width, image.height + 2 * height)
    frame = Image.new("RGB", size, colour)
    frame.paste(image, (width, height))
    return frame


def test_a_picture_without_a_border_or_of_nothing_else_has_none_to_leave_out():
    assert trimmed(luma(scene(320, 240))) is None
    assert trimmed(np.zeros((300, 300), np.float32)) is None


@pytest.mark.parametrize("percent", [95, 90, 85, 80])
def test_the_middle_of_a_picture_is_known(percent):
    image = scene(400, 300, seed=2)
    width, height = round(400 * percent / 100), round(300 * percent / 100)
    left, top = (400 - width) // 2, (300 - height) // 2

    there = of(image.crop((left, top, left + width, top + height)))

    assert min(distance(there, value) for _, value, _ in variants(luma(image))) <= SAME
