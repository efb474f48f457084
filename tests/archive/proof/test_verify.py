"""A true bundle passes, and every tampering of it is found and named."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.proof import events, notes
from archive.proof.examination import Policy
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Report
from archive.proof.verify import verify
from tests import adversary

TRUSTING = Policy(vkeys=(adversary.VKEY,))


@pytest.fixture(scope="module")
def true_bundle() -> adversary.Files:
    return adversary.true_bundle()


def verify_zip(content: bytes, folder: Path, policy: Policy = TRUSTING) -> Report:
    path = folder / "bundle.zip"
    path.write_bytes(content)
    return verify(path, policy)


def test_a_true_bundle_is_verified_as_a_zip_and_as_a_folder(true_bundle, tmp_path):
    as_zip = verify_zip(adversary.as_zip(true_bundle), tmp_path)
    as_folder = verify(adversary.as_folder(true_bundle, tmp_path / "folder"), TRUSTING)

    for report in (as_zip, as_folder):
        assert report.verdict.is_good, report.as_text()
        assert report.exit_code == 0
        assert report.grades == ("intact", "signed by a key you trust")
        assert {finding.code for finding in report.of(PASSED)} == {
            "payload-oxum", "files-listed", "files-unaltered", "signer-trusted",
            "checkpoint-signed", "entries-proven", "chains-complete", "disclosures-proven",
            "originals-as-taken-in",
        }  # fmt: skip
        assert report.facts["items"] == 2


@pytest.mark.parametrize("name", adversary.TAMPERINGS)
@pytest.mark.parametrize("form", ["zip", "folder"])
def test_each_tampering_is_found_and_named(true_bundle, tmp_path, name, form):
    tampering = adversary.TAMPERINGS[name]
    files = tampering.act(true_bundle)

    if form == "zip":
        report = verify_zip(adversary.as_zip(files), tmp_path)
    else:
        report = verify(adversary.as_folder(files, tmp_path / "folder"), TRUSTING)

    assert report.exit_code == tampering.exit_code, report.as_text()
    if tampering.code:
        named = [each.subject for each in report.findings if each.code == tampering.code]
        assert any(tampering.names in subject for subject in named), report.as_text()


@pytest.mark.parametrize("name", adversary.ZIP_TAMPERINGS)
def test_each_tampering_with_the_zip_file_is_found_and_named(true_bundle, tmp_path, name):
    tampering = adversary.ZIP_TAMPERINGS[name]

    report = verify_zip(tampering.act(true_bundle), tmp_path)

    assert report.exit_code == tampering.exit_code, report.as_text()
    named = [each.subject for each in report.findings if each.code == tampering.code]
    assert any(tampering.names in subject for subject in named), report.as_text()


def test_all_faults_are_reported_and_not_only_the_first(true_bundle, tmp_path):
    files = true_bundle | {"data/extra.txt": b"x", adversary.ORIGINAL: b"y"}
    del files["data/README.txt"]

    report = verify_zip(adversary.as_zip(files), tmp_path)

    found = {(finding.code, finding.subject) for finding in report.of(FAILED)}
    assert found >= {
        ("file-unexpected", "data/extra.txt"),
        ("file-altered", adversary.ORIGINAL),
        ("file-missing", "data/README.txt"),
    }


def test_only_the_altered_file_is_named(true_bundle, tmp_path):
    files = true_bundle | {adversary.ORIGINAL: true_bundle[adversary.ORIGINAL][:-1] + b"?"}

    report = verify_zip(adversary.as_zip(files), tmp_path)

    assert [(each.code, each.subject) for each in report.of(FAILED)] == [
        ("file-altered", adversary.ORIGINAL)
    ]


def test_without_a_key_the_bundle_is_consistent_and_not_proven(true_bundle, tmp_path):
    report = verify_zip(adversary.as_zip(true_bundle), tmp_path, Policy())

    assert report.exit_code == 3
    assert report.has("signer-unknown")
    assert report.has("checkpoint-unknown-signer")
    fingerprint = notes.fingerprint(adversary.public(adversary.ARCHIVE_KEY))
    assert fingerprint in report.as_text()


def test_a_raw_key_is_trusted_for_bundle_and_ledger(true_bundle, tmp_path):
    policy = Policy(keys=(adversary.public(adversary.ARCHIVE_KEY),))

    assert verify_zip(adversary.as_zip(true_bundle), tmp_path, policy).exit_code == 0


def test_an_unsigned_bundle_passes_for_consistent_only_if_asked(true_bundle, tmp_path):
    unsigned = adversary.as_zip(
        {path: true_bundle[path] for path in true_bundle if path != adversary.SIGNATURE}
    )

    assert verify_zip(unsigned, tmp_path).exit_code == 1
    allowed = Policy(vkeys=(adversary.VKEY,), unsigned=True)
    assert verify_zip(unsigned, tmp_path, allowed).exit_code == 3


def test_entries_withheld_as_hashes_and_values_withheld_do_not_fail(tmp_path):
    log = adversary.true_log()
    files = adversary.payload(log)
    lines = files[adversary.LINES].splitlines(keepends=True)
    files[adversary.LINES] = b"".join(lines[:4] + lines[5:])
    files["data/custody/withheld.txt"] = f"4 {log.leaves[4].hex()}\n".encode()
    files["data/custody/disclosures.txt"] = b""

    report = verify_zip(adversary.as_zip(adversary.sealed(files)), tmp_path)

    assert report.exit_code == 0, report.as_text()
    assert report.has("values-withheld", NOT_CHECKED)


def test_an_item_withheld_as_hashes_alone_does_not_fail(tmp_path):
    log = adversary.true_log()
    files = adversary.payload(log)
    lines = files[adversary.LINES].splitlines(keepends=True)
    hidden = (5, 6, 7, 9)  # all of the second item's
    files[adversary.LINES] = b"".join(lines[n] for n in range(len(lines)) if n not in hidden)
    files["data/custody/withheld.txt"] = "".join(
        f"{n} {log.leaves[n].hex()}\n" for n in hidden
    ).encode()
    files["data/custody/disclosures.txt"] = b""
    for path in [path for path in files if "EX-0002" in path]:
        del files[path]

    report = verify_zip(adversary.as_zip(adversary.sealed(files)), tmp_path)

    assert report.exit_code == 0, report.as_text()


def test_an_earlier_state_that_was_seen_is_proven_to_be_the_beginning(true_bundle, tmp_path):
    seen = adversary.true_log().note(size=5)
    policy = Policy(vkeys=(adversary.VKEY,), remembered=(seen,))

    report = verify_zip(adversary.as_zip(true_bundle), tmp_path, policy)

    assert report.exit_code == 0
    assert report.has("consistent-with-remembered", PASSED)
    assert "consistent with what you saw before" in report.grades


def test_a_ledger_rewritten_since_it_was_seen_is_found(true_bundle, tmp_path):
    other = adversary.true_log()
    other.leaves[2] = b"\0" * 32
    policy = Policy(vkeys=(adversary.VKEY,), remembered=(other.note(size=5),))

    report = verify_zip(adversary.as_zip(true_bundle), tmp_path, policy)

    assert report.exit_code == 1
    assert report.has("consistency-broken", FAILED)


def test_two_signed_states_of_one_size_prove_a_fork(true_bundle, tmp_path):
    other = adversary.true_log()
    other.leaves[2] = b"\0" * 32
    policy = Policy(vkeys=(adversary.VKEY,), remembered=(other.note(),))

    report = verify_zip(adversary.as_zip(true_bundle), tmp_path, policy)

    assert report.exit_code == 4
    assert len(report.facts["fork"]) == 2


def test_a_ledger_cut_short_is_noticed_by_who_saw_it_longer(true_bundle, tmp_path):
    longer = adversary.true_log()
    longer.leaves.append(b"\1" * 32)
    policy = Policy(vkeys=(adversary.VKEY,), remembered=(longer.note(),))

    report = verify_zip(adversary.as_zip(true_bundle), tmp_path, policy)

    assert report.exit_code == 3
    assert report.has("older-than-remembered")


def test_the_report_always_says_what_was_not_checked(true_bundle, tmp_path):
    report = verify_zip(adversary.as_zip(true_bundle), tmp_path)

    text = report.as_text()
    assert "Not checked, and what that leaves open" in text
    assert {finding.code for finding in report.of(NOT_CHECKED)} >= {
        "nothing-remembered", "not-witnessed", "time-not-witnessed", "verifier-origin",
    }  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_links_and_pipes_in_a_folder_are_named_and_never_followed(true_bundle, tmp_path):
    folder = adversary.as_folder(true_bundle, tmp_path / "folder")
    (folder / "data/link").symlink_to("/etc/hostname")
    (folder / "data/outside").symlink_to("/etc")
    os.mkfifo(folder / "data/pipe")
    os.link(folder / "data/README.txt", tmp_path / "second name")

    report = verify(folder, TRUSTING)

    found = {(finding.code, finding.subject) for finding in report.of(FAILED)}
    assert found >= {
        ("not-a-regular-file", "data/link"),
        ("not-a-regular-file", "data/outside"),
        ("not-a-regular-file", "data/pipe"),
        ("hard-link", "data/README.txt"),
    }


def test_what_is_not_there_or_empty_is_unreadable_and_never_passes(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()

    for name in ("empty", "folder", "absent"):
        report = verify(tmp_path / name, TRUSTING)
        assert report.exit_code == 2
        assert not report.verdict.is_good


def test_a_report_without_findings_has_failed():
    report = Report("nothing", ())

    assert report.verdict.value == FAILED
    assert report.exit_code == 2


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_byte_changed_in_the_zip_file_is_found(true_bundle, tmp_path, data):
    content = bytearray(adversary.as_zip(true_bundle))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))

    report = verify_zip(bytes(content), tmp_path)

    assert report.exit_code != 0 or _means_nothing(bytes(content), place), (place, report.as_text())


def _means_nothing(content: bytes, place: int) -> bool:
    """Times and the versions of the programs that wrote the file are not part of a bundle."""
    records = [
        (b"PK\x01\x02", {4, 5, 6, 7, *range(12, 16), *range(36, 42)}),
        (b"PK\x03\x04", {4, 5, *range(10, 14)}),
    ]
    return any(
        content[place - at : place - at + 4] == mark for mark, free in records for at in free
    )


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=500), end=st.booleans())
def test_arbitrary_bytes_are_reported_and_never_pass(tmp_path, content, end):
    if end:
        content += b"PK\x05\x06" + content[:18].ljust(18, b"\0")

    assert verify_zip(content, tmp_path).exit_code == 2


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_file_of_arbitrary_bytes_is_found_although_all_manifests_fit(
    true_bundle, tmp_path, data
):
    path = data.draw(
        st.sampled_from(
            [
                "data/custody/checkpoint", adversary.LINES, "data/custody/proofs/4.tlog-proof",
                adversary.ITEM, adversary.ORIGINAL, "manifest-sha256.txt", "bagit.txt",
                "bag-info.txt", adversary.PEM, adversary.SIGNATURE,
            ]
        )
    )  # fmt: skip
    files = true_bundle | {path: data.draw(st.binary(max_size=300))}
    files = adversary.sealed(files) if path.startswith("data/") else files

    report = verify_zip(adversary.as_zip(files), tmp_path)

    assert report.exit_code in (1, 2), report.as_text()


def test_a_handover_that_the_new_key_does_not_prove_is_named(tmp_path):
    log = adversary.true_log()
    stranger = notes.vkey(adversary.ORIGIN, adversary.public(adversary.FOREIGN_KEY))
    log.add(events.KeyRotated((adversary.VKEY,), (stranger,), base64.b64encode(bytes(64)).decode()))
    files = adversary.sealed(adversary.payload(log))

    report = verify(adversary.as_folder(files, tmp_path / "bundle"), TRUSTING)

    assert report.has("handover-wrong", FAILED), report.as_text()
