"""A third party certifies when a whole bundle was there: asked where one is named, and sealed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archive import bundling, timestamping
from archive.proof import stamped_bundle
from archive.proof.examination import Policy
from archive.proof.report import NOT_CHECKED, PASSED
from archive.proof.verify import verify
from tests import adversary, bundles, time_authority
from tests.archive.test_verify_page import Checker, check, opened  # noqa: F401  fixtures

PARTS = (
    stamped_bundle.STAMP,
    stamped_bundle.ROOTS,
    stamped_bundle.LIST,
    stamped_bundle.SIGNATURE,
)


UNSIGNED = (adversary.SIGNATURE, adversary.PEM)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> time_authority.Authority:
    return time_authority.make(tmp_path_factory.mktemp("tsa") / "here")


def stamped(
    files: adversary.Files, response: bytes, roots: bytes, private: Any = adversary.ARCHIVE_KEY
) -> adversary.Files:
    """Put a time-stamp beside the seals, as docs/formats/bundle.md says."""
    parts = {stamped_bundle.ROOTS: roots, stamped_bundle.STAMP: response}
    listed = "".join(
        f"{hashlib.sha512(content).hexdigest()}  {path}\n" for path, content in parts.items()
    ).encode()
    seal = {stamped_bundle.LIST: listed, stamped_bundle.SIGNATURE: private.sign(listed)}
    return files | parts | seal


@pytest.fixture(scope="module")
def true(authority: time_authority.Authority) -> adversary.Files:
    files = adversary.true_bundle()
    response = authority.stamp(files["tagmanifest-sha512.txt"])
    return stamped(files, response, authority.roots.read_bytes())


TRUSTING = Policy(vkeys=(adversary.VKEY,))


def judged(files: adversary.Files, folder: Path, policy: Policy = TRUSTING) -> Any:
    path = folder / "bundle"
    shutil.rmtree(path, ignore_errors=True)
    return verify(adversary.as_folder(files, path), policy)


def test_a_believed_authority_certifies_the_whole_bundle(true, authority, tmp_path):
    report = judged(true, tmp_path, replace(TRUSTING, time_roots=str(authority.roots)))

    assert report.verdict.is_good, report.as_text()
    assert report.has("bundle-time-certified", PASSED)


def test_without_a_believed_authority_it_counts_for_nothing_and_says_so(true, tmp_path):
    other = time_authority.make(tmp_path / "other")
    for policy in (TRUSTING, replace(TRUSTING, time_roots=str(other.roots))):
        report = judged(true, tmp_path, policy)
        assert report.verdict.is_good
        assert report.has("stamp-not-checked", NOT_CHECKED)
        assert not report.has("bundle-time-certified")


def test_openssl_says_the_same_of_it(true, tmp_path):
    folder = adversary.as_folder(true, tmp_path / "bundle")

    said = time_authority.openssl(
        *("ts", "-verify", "-data", folder / "tagmanifest-sha512.txt"),
        *("-in", folder / stamped_bundle.STAMP, "-CAfile", folder / stamped_bundle.ROOTS),
    )

    assert b"Verification: OK" in said.stdout + said.stderr


def harmed(files: adversary.Files, authority: Any) -> Iterator[tuple[str, str, adversary.Files]]:
    """Yield what may be done to a time-stamp: a name, the finding it must give, the files."""
    for path, code in zip(
        PARTS, ("stamp-altered", "stamp-altered", "stamp-seal-wrong", "stamp-seal-wrong"),
        strict=True,
    ):  # fmt: skip
        content = files[path]
        for at in (0, len(content) // 2, len(content) - 1):
            flipped = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            yield f"flip {at} of {path}", code, files | {path: flipped}
        yield f"cut {path}", code, files | {path: content[:-1]}
        rest = {name: each for name, each in files.items() if name != path}
        yield f"delete {path}", "stamp-incomplete", rest
    roots = files[stamped_bundle.ROOTS]
    about_else = authority.stamp(b"something else")
    yield "about something else", "stamp-wrong", stamped(files, about_else, roots)
    yield "no time-stamp", "stamp-malformed", stamped(files, b"noise" * 30, roots)
    foreign = stamped(files, files[stamped_bundle.STAMP], roots, adversary.FOREIGN_KEY)
    yield "sealed by a stranger", "stamp-seal-wrong", foreign
    more = files[stamped_bundle.LIST] + b"0" * 128 + b"  signatures/more\n"
    yield (
        "a line more",
        "stamp-malformed",
        files
        | {
            stamped_bundle.LIST: more,
            stamped_bundle.SIGNATURE: adversary.ARCHIVE_KEY.sign(more),
        },
    )
    yield (
        "another authority's roots",
        "file-unexpected",
        files | {"signatures/other.tsa.pem": roots},
    )


def test_each_harm_to_a_time_stamp_is_named(true, authority, tmp_path):
    tried = 0
    for name, code, files in harmed(true, authority):
        report = judged(files, tmp_path)
        assert not report.verdict.is_good, name
        assert report.has(code), (name, report.as_text())
        tried += 1
    assert tried > 20


def test_a_time_stamp_that_no_key_seals_is_refused_also_where_a_signature_may_lack(true, tmp_path):
    files = {path: each for path, each in true.items() if path not in UNSIGNED}

    report = judged(files, tmp_path, replace(TRUSTING, unsigned=True))

    assert report.has("stamp-seal-wrong"), report.as_text()


@pytest.mark.processes
def test_the_page_refuses_each_of_them_too(check, true, authority):  # noqa: F811
    assert check(adversary.as_zip(true))["verdict"] == "verified"
    for name, code, files in harmed(true, authority):
        report = check(adversary.as_zip(files))
        assert report["verdict"] != "verified", name
        codes = {one["code"] for one in report["findings"]}
        # The page reads no ASN.1: what is no time-stamp is to it one about something else.
        assert code in codes or (name, "stamp-wrong" in codes) == ("no time-stamp", True), name


# What the archive writes


@pytest.fixture
def named(settings: Any, tmp_path: Path, authority: time_authority.Authority) -> Iterator[str]:
    settings.TIME_AUTHORITIES = tmp_path / "authorities"
    with time_authority.listening(authority.answer) as url:
        settings.TIME_AUTHORITIES.write_text(f"authority tests {url} {authority.roots}\n")
        yield url


def stamping(signed: bytes) -> bundling.Stamp | None:
    found = timestamping.stamp(signed)
    return found and bundling.Stamp(found[0], found[1].roots.read_bytes())


@pytest.mark.django_db
def test_a_bundle_is_stamped_where_an_authority_is_named(named, authority, settings, tmp_path):
    bundles.register()
    bundles.export()
    bundles.checkpoints.checkpoint()

    files, policy = bundles.files(settings, stamping)

    assert set(PARTS) <= files.keys()
    report = judged(files, tmp_path, replace(policy, time_roots=str(authority.roots)))
    assert report.has("bundle-time-certified", PASSED), report.as_text()


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["not named", "not there", "of others", "no answer"])
def test_who_does_not_stamp_holds_no_bundle_up(fault, settings, tmp_path, authority, caplog):
    bundles.register()
    bundles.export()
    bundles.checkpoints.checkpoint()
    answer = {
        "of others": time_authority.make(tmp_path / "others").answer,
        "no answer": lambda _: b"no",
    }.get(fault, authority.answer)
    settings.TIME_AUTHORITIES = None
    with time_authority.listening(answer) as url:
        if fault != "not named":
            settings.TIME_AUTHORITIES = tmp_path / "authorities"
            where = "http://127.0.0.1:1/" if fault == "not there" else url
            settings.TIME_AUTHORITIES.write_text(f"authority tests {where} {authority.roots}\n")
        files, policy = bundles.files(settings, stamping)

    assert not set(PARTS) & files.keys()
    assert judged(files, tmp_path, policy).verdict.is_good
    assert ("time authority tests" in caplog.text) is (fault != "not named")
