"""Every word of pages, messages and scripts in Ukrainian and Korean, with its values in place."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from archive import custody, outbox
from evidence import profiles, script_words, selecting
from evidence.formats.report_words import SENTENCES
from evidence.models.item import EvidenceItem
from tests import languages, people

STATIC = languages.ROOT / "evidence" / "static" / "evidence"
SAID = re.compile(r'say\(\s*(?:\w+ === 1 \? )?"((?:[^"\\]|\\.)*)"(?: : "((?:[^"\\]|\\.)*)")?')
#: Helpers of English plurals: a language that builds its plurals otherwise leaves them out.
PLURAL = re.compile(r"\w+_[2-9]")
ALIKE = re.compile(r"[A-Za-z]{4,}")


def places(text: str) -> Counter[str]:
    return Counter(one or other for one, other in languages.PLACES.findall(text))


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_every_word_of_the_source_is_in_the_catalogue_and_no_other(language):
    kept = {str(one.id) for one in languages.catalogue(language) if one.id}
    assert kept == languages.in_source(), "run `python -m tests.languages`"


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_every_word_is_translated_with_its_values_and_links(language):
    for one in languages.catalogue(language):
        if not one.id:
            continue
        source, said = str(one.id), str(one.string)
        assert said.strip(), source
        assert not one.fuzzy, source
        lacking = {name for name in places(source) - places(said) if not PLURAL.fullmatch(name)}
        assert not lacking, (source, said)
        assert not places(said) - places(source), (source, said)
        for tag in ("<a ", "</a>", "<bdi>", "<code>", "<em>", "%%"):
            assert source.count(tag) == said.count(tag), (source, said)


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_what_the_archive_reads_is_what_people_wrote(language):
    compiled = (languages.folder(language) / "django.mo").read_bytes()
    assert compiled == languages.compiled(languages.catalogue(language))


def test_the_words_of_scripts_are_those_that_the_scripts_say():
    said = set()
    for path in sorted(STATIC.glob("*.js")):
        script = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert ("say(" in script) == ("/words.js" in script or path.stem == "words"), path.name
        for one, other in SAID.findall(script):
            said |= {one, other} - {""}
    assert said == set(script_words.WORDS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "word"), [("uk", "Об'єкти"), ("ko", "증거물"), ("en", "Items")]
)
def test_a_person_reads_in_the_language_that_they_choose(opened_log, language, word):
    cast = people.make_cast()
    client = Client()
    client.force_login(cast.researcher)
    chosen = client.post(reverse("set_language"), {"language": language, "next": "/admin/"})
    assert chosen["Location"] == "/admin/"
    page = client.get("/admin/").content.decode()
    assert f'<html lang="{language}"' in page
    assert word in page.replace("&#x27;", "'")
    assert ('id="words"' in page) == (language != "en")


@pytest.mark.django_db
def test_the_browser_s_language_counts_where_nobody_chose(opened_log):
    page = Client().get("/accounts/login/", headers={"accept-language": "ko-KR,ko;q=0.9"})
    assert "비밀번호" in page.content.decode()
    page = Client().get("/accounts/login/", headers={"accept-language": "fr"})
    assert "Password" in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_custody_is_told_in_the_reader_s_language_and_stands_in_one_language(opened_log, language):
    cast = people.make_cast()
    receipt = people.upload(cast.case, cast.researcher)
    client = Client(headers={"accept-language": language})
    client.force_login(cast.researcher)
    page = client.get(reverse("admin:evidence_evidenceitem_change", args=[receipt.item]))
    told = SENTENCES[language]["media.ingested"].split("{")[0].strip()
    assert told in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_drawings_have_points_and_not_commas(opened_log, language):
    cast = people.make_cast()
    for number in range(3):
        people.upload(cast.case, cast.researcher, content=b"x%d" % number)
    client = Client(headers={"accept-language": language})
    client.force_login(cast.researcher)
    page = client.get("/admin/").content.decode()
    drawn = re.findall(r'\b(?:x|y|width|height)="([^"]+)"', page)
    assert any("." in one for one in drawn)
    assert not [one for one in drawn if "," in one]


def test_errors_are_said_in_the_reader_s_language():
    with translation.override("uk"):
        assert translation.gettext("Say why.") == "Скажіть чому."
    with translation.override("ko"):
        assert ALIKE.search(translation.gettext("Say why.")) is None
    assert Path(languages.LOCALE, "uk").is_dir()


def test_what_leaves_is_in_one_language_whoever_asked_for_it(committed_database):
    custody.open_log()
    cast = people.make_cast()
    receipt = people.upload(cast.case, cast.researcher)
    item = EvidenceItem.objects.get(pk=receipt.item)
    told = []

    def why() -> str:
        return str(selecting.plan(item, profiles.BUILT_IN["custody_only"]).withheld[0].reason)

    def handler(job, progress):
        told.append(str(selecting.plan(item, profiles.BUILT_IN["custody_only"]).withheld[0].reason))
        return lambda: None

    job = outbox.add("test", "x")
    with translation.override("uk"):
        shown = why()
        outbox.run(job.pk, handler, on_quarantine=None)
    assert shown == "Цей пакет доводить збереження; вміст передається іншим експортом."
    assert told == ["This bundle proves custody; content leaves by another export."]
