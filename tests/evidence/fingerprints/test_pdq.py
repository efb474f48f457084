"""PDQ: fixed width, stable under what a platform does to a picture, far between pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from evidence.fingerprints.pdq import distance, luma, pdq
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

    [found] = ask("pdq", turned).result["fingerprints"]

    assert distance(found["value"], of(image)) <= SAME


@pytest.mark.parametrize("size", [(1, 1), (4, 600), (5, 5), (64, 64), (511, 3)])
def test_small_pictures_have_a_fingerprint_of_full_width_or_none(size):
    value, quality = pdq(np.full(size, 7, np.float32))

    assert len(value) == 64
    assert quality == 0


def test_a_flat_picture_is_of_no_quality():
    [found] = ask("pdq", jpeg(Image.new("RGB", (300, 300), "grey"))).result["fingerprints"]

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
