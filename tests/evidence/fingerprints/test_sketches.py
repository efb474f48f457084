"""Texts in four languages are found by their wording, changed and quoted; unrelated are not."""

from __future__ import annotations

import itertools
import random

import pytest

from evidence.fingerprints.sketches import MOST, Sketch, Sketches, likeness, normal, sketch
from evidence.matching.texts import QUOTES, REVIEW, STRONG
from tests.evidence.extractors.made import ask, parts
from tests.evidence.texts import LANGUAGES

UKRAINIAN, RUSSIAN = LANGUAGES["uk"], LANGUAGES["ru"]
ALL = [text for several in LANGUAGES.values() for text in several]


def misread(text, share, seed=1):
    """As a machine reads a bad scan: letters are lost, doubled or taken for others."""
    chance = random.Random(seed)
    out = []
    for one in text:
        if one.isalpha() and chance.random() < share:
            out.append(chance.choice(["", one + one, chance.choice(text)]))
        else:
            out.append(one)
    return "".join(out)


@pytest.mark.parametrize("text", ALL)
@pytest.mark.parametrize(
    ("change", "least"),
    [
        (lambda text: text.upper().replace(",", " —").replace(" ", "\n"), 1.0),
        (lambda text: misread(text, 0.01), STRONG),
        (lambda text: misread(text, 0.03), REVIEW),
        (lambda text: " ".join(text.split()[::-1][len(text.split()) // 10 :][::-1]), STRONG),
    ],
    ids=["case and signs", "misread 1 %", "misread 3 %", "a tenth left out"],
)
def test_a_changed_text_is_like_its_original(text, change, least):
    assert likeness(sketch(text), sketch(change(text))).jaccard >= least


def test_unrelated_texts_are_not_alike_in_any_language():
    for one, other in itertools.combinations(ALL, 2):
        alike = likeness(sketch(one), sketch(other))
        assert alike.jaccard < REVIEW / 2
        assert alike.quoted < QUOTES / 2


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_quotation_within_a_long_text_is_found_and_told(language):
    several = LANGUAGES[language]
    long = " ".join(misread(text, 0.4, seed) for seed in range(12) for text in several[1:])
    middle = several[0][len(several[0]) // 4 : -len(several[0]) // 4]
    report = f"{long[: len(long) // 2]} {middle} {long[len(long) // 2 :]}"

    alike = likeness(sketch(middle), sketch(report))

    assert alike.quoted > 0.9
    assert alike.jaccard < REVIEW


def test_sketches_of_long_texts_are_samples_that_stay_comparable():
    chance = random.Random(3)
    words = ["".join(chance.choice("абвгдежзиклмнопрст") for _ in range(6)) for _ in range(9_000)]
    whole, half = sketch(" ".join(words)), sketch(" ".join(words[:4_500]))

    assert len(whole.hashes) <= MOST
    assert whole.halvings > half.halvings > 0
    alike = likeness(whole, half)
    assert alike.quoted > 0.97
    assert alike.jaccard == pytest.approx(0.5, abs=0.05)
    assert Sketch.from_hex(whole.to_hex()).hashes.tolist() == whole.hashes.tolist()
    assert Sketch.from_hex(whole.to_hex()).halvings == whole.halvings


def test_what_has_most_in_common_is_found_first_among_thousands():
    chance = random.Random(4)
    kept = Sketches()
    kept.add((number, sketch(misread(chance.choice(ALL), 0.9, number))) for number in range(2_000))
    kept.add([(5_000, sketch(UKRAINIAN[0])), (5_001, sketch(RUSSIAN[1]))])

    assert kept.places(sketch(misread(UKRAINIAN[0], 0.02)))[0] == 5_000
    kept.add([(5_002, sketch(UKRAINIAN[0] + RUSSIAN[0]))])
    assert kept.places(sketch(UKRAINIAN[0]))[:2] == [5_000, 5_002]
    assert kept.places(sketch("")) == []


def test_letters_are_taken_apart_and_signs_left_out():
    assert normal("Й, Ї!") == normal("и\u0306 і\u0308") == "иі"
    assert normal("\uac01") == "\u1100\u1161\u11a8"
    assert normal("ＡＢＣ ①") == "abc1"
    assert len(sketch("a b").hashes) == 0


@pytest.mark.parametrize(
    ("encoding", "basis"),
    [
        ("utf-8", "read as UTF-8"),
        ("utf-8-sig", "read as UTF-8"),
        ("utf-16", "read as UTF-16"),
        ("cp1251", "a guess"),
        ("koi8-r", "a guess"),
    ],
)
def test_a_text_is_read_in_the_encodings_of_its_region(encoding, basis):
    outcome, [found] = parts("wording", " ".join(RUSSIAN).encode(encoding))

    assert basis in outcome.result["basis"]
    assert found.value == sketch(" ".join(RUSSIAN)).to_hex()


def test_korean_in_its_old_encoding_the_strings_of_json_and_too_little_text():
    korean = " ".join(LANGUAGES["ko"])
    _, [found] = parts("wording", korean.encode("cp949"))
    assert found.value == sketch(korean).to_hex()
    post = f'{{"id": 17, "text": "{RUSSIAN[0]}", "tags": ["{RUSSIAN[1]}"]}}'.encode()
    _, [found] = parts("wording", post)
    assert found.value == sketch(RUSSIAN[0] + RUSSIAN[1]).to_hex()
    deep = ask("wording", b"[" * 100_000)
    assert deep.outcome in {"ok", "unsupported"}
    assert ask("wording", b"No.").outcome == "unsupported"
