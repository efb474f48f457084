"""The page that checks a bundle in a browser, from a local file, beside verify.pyz.

Every tampering that verify.pyz is tried with goes through the page too: both refuse, both find what
was done.  What a file of the bundle may suffer is done to each file in turn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archive import verify_page
from archive.proof.examination import Policy
from archive.proof.verify import verify
from tests import adversary

pytestmark = pytest.mark.processes  # a browser of its own, where there is one

KEY = adversary.VKEY


class Checker:
    """The page, opened once from a file; each bundle is dropped on it."""

    def __init__(self, page: Any, folder: Path) -> None:
        self._page, self._folder, self._number = page, folder, 0

    def __call__(self, content: bytes, key: str = KEY) -> dict[str, Any]:
        self._number += 1
        path = self._folder / f"bundle-{self._number}.zip"
        path.write_bytes(content)
        self._page.fill("#key", key)
        self._page.set_input_files("#file", path)
        self._page.wait_for_selector("#verdict[data-verdict]", timeout=30_000)
        report: dict[str, Any] = self._page.evaluate("window.lastReport")
        return report


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """The page from a file, with every request and every complaint of its policy kept."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "verify.html").write_bytes(verify_page.page())
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    page, seen = context.new_page(), []
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.goto((folder / "verify.html").as_uri())
    yield page, seen, folder
    context.close()


@pytest.fixture(scope="module")
def check(opened) -> Checker:
    page, _, folder = opened
    return Checker(page, folder)


def _by_pyz(content: bytes, folder: Path, key: str = KEY) -> Any:
    path = folder / "same.zip"
    path.write_bytes(content)
    return verify(path, Policy(vkeys=(key,)))


def _failed(report: dict[str, Any]) -> list[str]:
    return [
        f"{one['code']} {one['subject']}: {one['detail']}"
        for one in report["findings"]
        if one["outcome"] in {"failed", "unreadable"}
    ]


def test_a_true_bundle_is_verified_and_nothing_is_asked_of_anybody(opened, check):
    page, seen, folder = opened
    report = check(adversary.as_zip(adversary.true_bundle()))
    assert report["verdict"] == "verified", report["findings"]
    assert "Nothing was altered" in page.inner_text("#verdict")
    assert seen == [(folder / "verify.html").as_uri()]


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        adversary.notes.ed25519_pem(adversary.public(adversary.ARCHIVE_KEY)),
        adversary.notes.fingerprint(adversary.public(adversary.ARCHIVE_KEY)),
        adversary.notes.fingerprint(adversary.public(adversary.ARCHIVE_KEY)).upper(),
    ],
)
def test_the_key_may_be_given_in_three_forms(check, key):
    report = check(adversary.as_zip(adversary.true_bundle()), key)
    assert report["verdict"] == "verified"


@pytest.mark.parametrize(
    ("key", "verdict"),
    [
        ("", "untrusted"),
        (adversary.notes.vkey("x", adversary.public(adversary.FOREIGN_KEY)), "untrusted"),
        ("nonsense", "unreadable"),
        (KEY[:-4] + "AAAA", "unreadable"),
    ],
)
def test_without_the_right_key_nothing_is_called_verified(check, key, verdict):
    report = check(adversary.as_zip(adversary.true_bundle()), key)
    assert report["verdict"] == verdict


@pytest.mark.parametrize("name", adversary.TAMPERINGS)
def test_the_page_refuses_what_the_program_refuses(check, tmp_path, name):
    tampering = adversary.TAMPERINGS[name]
    content = adversary.as_zip(tampering.act(adversary.true_bundle()))
    program, page = _by_pyz(content, tmp_path), check(content)
    assert (page["verdict"] == "verified") is program.verdict.is_good, page["findings"]
    if tampering.exit_code == 0:
        return  # what this does is no harm, and both say so
    assert page["verdict"] != "verified"
    found = [one for one in page["findings"] if one["outcome"] not in {"passed", "not_checked"}]
    assert tampering.code in {one["code"] for one in found}, found


@pytest.mark.parametrize("name", adversary.ZIP_TAMPERINGS)
def test_the_page_refuses_zip_files_that_the_program_refuses(check, tmp_path, name):
    tampering = adversary.ZIP_TAMPERINGS[name]
    content = tampering.act(adversary.true_bundle())
    program, page = _by_pyz(content, tmp_path), check(content)
    assert (page["verdict"] == "verified") is program.verdict.is_good, page["findings"]
    assert page["verdict"] != "verified"
    assert _failed(page)


def _suffering(files: adversary.Files, path: str, other: str) -> dict[str, adversary.Files]:
    """Return what may happen to a file: by name, the files of the bundle afterwards."""
    content = files[path]
    rest = {name: value for name, value in files.items() if name != path}
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    return {
        "flip": files | {path: flipped},
        "cut": files | {path: content[:-1]},
        "delete": rest,
        "add": files | {f"{path}.more": b"more"},
        "rename": rest | {f"{path}.renamed": content},
        "swap": files | {path: files[other], other: content},
    }


def test_whatever_happens_to_a_file_both_say_so_and_name_it(check, tmp_path):
    files = adversary.true_bundle()
    paths = [path for path in sorted(files) if files[path]]
    tried = 0
    for number, path in enumerate(paths):
        other = paths[number - 1]
        for what, changed in _suffering(files, path, other).items():
            if changed == files:
                continue  # two files of the same bytes were swapped
            content = adversary.as_zip(changed)
            program, page = _by_pyz(content, tmp_path), check(content)
            assert not program.verdict.is_good, (what, path)
            assert page["verdict"] != "verified", (what, path)
            named = {path, other} if what == "swap" else {path}
            for told in (" ".join(map(str, program.findings)), " ".join(_failed(page))):
                assert any(name in told for name in named), (what, path, told)
            tried += 1
    assert tried > 100


@pytest.mark.parametrize("language", ["en", "uk", "ko"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_speaks_three_languages_on_any_screen(opened, check, language, width):
    page, _, _ = opened
    check(adversary.as_zip(adversary.true_bundle()), "")
    page.set_viewport_size({"width": width, "height": 800})
    page.click(f"[data-language={language}]")
    assert page.get_attribute("html", "lang") == language
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    words = page.evaluate(f"WORDS.{language}")
    assert page.inner_text("h1") == words["title"]
    assert words["verdicts"]["untrusted"][0] in page.inner_text("#verdict")
    page.click("[data-language=en]")


def test_every_language_has_every_word(opened):
    page, _, _ = opened
    words = page.evaluate("WORDS")
    for language in ("uk", "ko"):
        assert words[language].keys() == words["en"].keys()
        for name in ("verdicts", "groups"):
            assert words[language][name].keys() == words["en"][name].keys()
    assert words["uk"]["codes"].keys() == words["ko"]["codes"].keys()


def test_foreign_text_is_never_markup(opened, check):
    page, seen, _ = opened
    before = len(seen)
    files = adversary.true_bundle() | {"data/<img src=x onerror=alert(1)>": b"x"}
    check(adversary.as_zip(files))
    assert "<img src=x onerror=alert(1)>" in page.inner_text("#findings")
    assert page.query_selector("#findings img") is None
    assert len(seen) == before


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18), b"x" * 100_000])
def test_what_is_no_bundle_is_unreadable(check, content):
    assert check(content)["verdict"] == "unreadable"
