"""The bytes say what a file is; the name and the sender are only compared with them."""

from __future__ import annotations

import io
import random
import zipfile

import pytest
from PIL import Image

from tests.evidence.extractors.made import ask, film, jpeg
from tests.evidence.texts import LANGUAGES


def picture(name):
    out = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(out, format=name)
    return out.getvalue()


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", "hello")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("AVIF", "image/avif"),
    ],
)
def test_pictures_are_known_and_whole(name, media_type):
    result = ask("type", picture(name)).result

    assert result["media_type"] == media_type
    assert result["findings"] == []


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7\n1 0 obj", "application/pdf"),
        (b'{"a": 1}', "application/json"),
        ("Письмове свідчення".encode(), "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"<!DOCTYPE html><title>x</title>", "text/html"),
        (b"\x00\x01\x02\x03\xfe\xff" * 20, "application/octet-stream"),
        (archive(), "application/zip"),
    ],
)
def test_other_files_are_known(content, media_type):
    assert ask("type", content).result["media_type"] == media_type


def test_films_are_known_and_whole():
    result = ask("type", film(1), declared="video/mp4").result

    assert (result["media_type"], result["pronom"]) == ("video/mp4", "fmt/199")
    assert result["findings"] == []


def codes(outcome):
    return {finding["code"] for finding in outcome.result["findings"]}


def test_a_declared_type_that_differs_is_a_finding():
    assert codes(ask("type", picture("PNG"), declared="image/jpeg")) == {"declared_type_differs"}
    assert codes(ask("type", picture("JPEG"), declared="image/jpg")) == set()


def test_an_archive_behind_a_picture_is_a_finding():
    outcome = ask("type", jpeg() + archive())

    assert outcome.result["media_type"] == "image/jpeg"
    assert codes(outcome) == {"trailing_data", "polyglot"}


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_bytes_behind_the_end_are_a_finding(name):
    outcome = ask("type", picture(name) + b"more than there should be")

    assert codes(outcome) == {"trailing_data"}


def test_a_script_in_a_comment_is_a_finding():
    content = jpeg()
    comment = b"<script>alert(1)</script>"
    planted = content[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    planted += content[2:]

    assert "polyglot" in codes(ask("type", planted))


def test_a_cut_picture_is_a_finding():
    assert "truncated" in codes(ask("type", jpeg()[:-400]))


def test_an_empty_file_is_a_finding():
    assert codes(ask("type", b"")) == {"empty"}


@pytest.mark.parametrize("size", [1, 3, 7, 11, 13, 27, 40])
def test_the_first_bytes_of_a_film_alone_are_no_failure(size):
    assert ask("type", film(1)[:size]).outcome == "ok"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16", "utf-16-be", "cp1251", "koi8-r", "cp866", "cp949", "iso8859-5"]
)
def test_texts_in_the_encodings_of_their_region_are_texts(encoding):
    text = " ".join(LANGUAGES["ko" if encoding == "cp949" else "ru"]) * 2
    mark = "\ufeff" if encoding == "utf-16-be" else ""

    assert ask("type", (mark + text).encode(encoding)).result["media_type"] == "text/plain"


@pytest.mark.parametrize("seed", range(20))
def test_bytes_at_random_are_no_text(seed):
    content = random.Random(seed).randbytes(100 + 20 * seed)

    for head in (b"", b"\xff\xfe"):
        assert not ask("type", head + content).result["media_type"].startswith("text/")
