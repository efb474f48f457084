"""A quorum of witnesses, and how lately they cosigned, as the reader's own policy demands."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.proof import ml_dsa, notes, trust_policy
from archive.proof.__main__ import main
from archive.proof.errors import MalformedError
from archive.proof.examination import Policy
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, UNTRUSTED, Report
from archive.proof.verify import verify
from tests import adversary

NOW = 1_800_000_000
HOUR, DAY = 3600, 86400
WITNESSES = {f"w{number}": adversary.key(10 + number) for number in (1, 2, 3)}
ML_DSA = notes.vkey("w4.example", b"\1" * 1312, notes.ML_DSA_44)


def vkey(name: str) -> str:
    public = adversary.public(WITNESSES[name])
    return notes.vkey(f"{name}.example", public, notes.COSIGNATURE)


def cosign(note: str, name: str, when: int) -> str:
    """Add a witness's line (C2SP tlog-cosignature, Ed25519)."""
    text = notes.split_note(note)[0]
    signature = WITNESSES[name].sign(f"cosignature/v1\ntime {when}\n{text}".encode())
    public = adversary.public(WITNESSES[name])
    stated = struct.pack(">Q", when) + signature
    return note + notes.signature_line(f"{name}.example", public, stated, notes.COSIGNATURE)


def quorum(lines: str) -> trust_policy.Quorum | None:
    return trust_policy.parse(lines).quorum


TWO_OF_THREE = quorum(
    "".join(f"witness {name} {vkey(name)}\n" for name in WITNESSES)
    + "group enough 2 w1 w2 w3\nquorum enough\n"
)


def judged(folder: Path, note: str, policy: Policy) -> Report:
    """Verify the true bundle whose checkpoint is ``note``, in the checkpoint and each proof."""
    files = adversary.true_bundle()
    old = files["data/custody/checkpoint"]
    files = {
        path: content.replace(old, note.encode()) if path.startswith("data/custody/") else content
        for path, content in files.items()
    }
    path = folder / "bundle.zip"
    path.write_bytes(adversary.as_zip(adversary.sealed(files)))
    return verify(path, policy)


@pytest.fixture(scope="module")
def plain() -> str:
    return adversary.true_bundle()["data/custody/checkpoint"].decode()


@pytest.fixture
def policy() -> Policy:
    return Policy(vkeys=(adversary.VKEY,), quorum=TWO_OF_THREE, max_age=DAY, now=NOW)


def test_a_quorum_that_saw_it_lately_is_a_grade_of_its_own(plain, policy, tmp_path):
    note = cosign(cosign(plain, "w1", NOW - HOUR), "w3", NOW - 2 * HOUR)

    report = judged(tmp_path, note, policy)

    assert report.exit_code == 0, report.as_text()
    assert "witnessed" in report.grades
    assert report.has("fresh", PASSED)
    assert not report.has("not-witnessed")
    assert "2 of 3 witnesses have cosigned" in report.as_text()


@pytest.mark.parametrize("names", [(), ("w2",)])
def test_fewer_than_the_quorum_is_not_relied_on(plain, policy, tmp_path, names):
    note = plain
    for name in names:
        note = cosign(note, name, NOW)

    report = judged(tmp_path, note, policy)

    assert report.exit_code == 3
    assert report.has("quorum-missing", UNTRUSTED)
    assert "witnessed" not in report.grades


def test_one_witness_twice_is_one_witness(plain, policy, tmp_path):
    note = cosign(cosign(plain, "w1", NOW), "w1", NOW - 1)

    assert judged(tmp_path, note, policy).has("quorum-missing", UNTRUSTED)


def test_of_two_lines_of_one_witness_the_newer_counts_wherever_it_stands(plain, policy, tmp_path):
    only = replace(policy, quorum=quorum(f"witness w1 {vkey('w1')}\nquorum w1\n"))
    old_first = cosign(cosign(plain, "w1", NOW - 3 * DAY), "w1", NOW)
    new_first = cosign(cosign(plain, "w1", NOW), "w1", NOW - 3 * DAY)

    assert judged(tmp_path, old_first, only).has("fresh", PASSED)
    assert judged(tmp_path, new_first, only).has("fresh", PASSED)


def test_a_wrong_line_fails_also_when_a_right_one_stands_before_it(plain, policy, tmp_path):
    note = cosign(cosign(plain, "w1", NOW), "w2", NOW)
    public = adversary.public(WITNESSES["w1"])
    note += notes.signature_line("w1.example", public, b"\0" * 72, notes.COSIGNATURE)

    assert judged(tmp_path, note, policy).has("cosignature-wrong", FAILED)


def test_an_old_state_put_back_is_stale_however_well_it_was_witnessed(plain, policy, tmp_path):
    note = cosign(cosign(plain, "w1", NOW - 3 * DAY), "w2", NOW - 3 * DAY)

    report = judged(tmp_path, note, policy)

    assert report.exit_code == 3
    assert report.has("stale", UNTRUSTED)


def test_one_lively_witness_does_not_make_an_old_quorum_fresh(plain, policy, tmp_path):
    note = cosign(cosign(plain, "w1", NOW), "w2", NOW - 3 * DAY)

    assert judged(tmp_path, note, policy).has("stale", UNTRUSTED)


def test_a_cosignature_from_the_future_is_not_fresh(plain, policy, tmp_path):
    note = cosign(cosign(plain, "w1", NOW + DAY), "w2", 2**64 - 1)

    report = judged(tmp_path, note, policy)

    assert report.exit_code == 3
    assert report.has("witnessed-in-the-future", UNTRUSTED)


def test_without_an_age_to_compare_the_report_says_what_stays_open(plain, policy, tmp_path):
    note = cosign(cosign(plain, "w1", NOW), "w2", NOW)

    report = judged(tmp_path, note, replace(policy, max_age=None))

    assert report.exit_code == 0
    assert report.has("freshness-not-asked", NOT_CHECKED)


def test_a_wrong_cosignature_of_a_named_witness_fails(plain, policy, tmp_path):
    note = cosign(cosign(plain, "w1", NOW), "w2", NOW)
    forged = note.replace(cosign(plain, "w2", NOW)[len(plain) :], "")
    line = notes.split_note(note)[1][-1]
    spoilt = line.signature[:-1] + bytes([line.signature[-1] ^ 1])
    public = adversary.public(WITNESSES["w2"])
    forged += notes.signature_line("w2.example", public, spoilt, notes.COSIGNATURE)

    report = judged(tmp_path, forged, policy)

    assert report.exit_code == 1
    assert report.has("cosignature-wrong", FAILED)


def test_the_line_of_a_witness_whom_nobody_named_counts_for_nothing(plain, policy, tmp_path):
    only_two = quorum(f"witness w2 {vkey('w2')}\nquorum w2\n")
    note = cosign(plain, "w1", NOW)

    report = judged(tmp_path, note, replace(policy, quorum=only_two))

    assert report.has("quorum-missing", UNTRUSTED)


def test_a_post_quantum_line_that_can_not_be_checked_is_said_and_not_counted(
    plain, policy, tmp_path, monkeypatch
):
    monkeypatch.setattr(ml_dsa, "_module", lambda: None)
    key = notes.parse_vkey(ML_DSA)
    note = plain + notes.signature_line(key.name, key.public, b"\0" * 2428, notes.ML_DSA_44)
    asked = replace(policy, quorum=quorum(f"witness w4 {ML_DSA}\nquorum w4\n"))

    report = judged(tmp_path, note, asked)

    assert report.exit_code == 3
    assert report.has("cosignature-not-checked", NOT_CHECKED)
    assert report.has("quorum-missing", UNTRUSTED)


def test_the_command_takes_a_policy_and_an_age(plain, tmp_path, capsys):
    note = cosign(cosign(plain, "w1", int(time.time()) - HOUR), "w2", int(time.time()) - 5 * HOUR)
    judged(tmp_path, note, Policy())
    (tmp_path / "policy").write_text(
        f"log {adversary.VKEY} https://log.example\n"
        + "".join(f"witness {name}\t{vkey(name)}\n" for name in WITNESSES)
        + "group enough 2 w1 w2 w3\n# as agreed\nquorum enough\n"
    )
    common = ["--policy", str(tmp_path / "policy"), str(tmp_path / "bundle.zip")]

    assert main(["--max-age", "6h", *common]) == 0
    assert main(["--max-age", "4h", *common]) == 3
    assert "[stale]" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="64"):
        main(["--max-age", "soon", *common])


def test_groups_of_groups_are_counted_as_written():
    keys = {name: notes.vkey(name, adversary.public(adversary.key(30 + number)), notes.COSIGNATURE)
            for number, name in enumerate(("x1", "x2", "x3", "y1", "y2"))}  # fmt: skip
    found = quorum(
        "".join(f"witness {name} {key}\n" for name, key in keys.items())
        + "group x 2 x1 x2 x3\ngroup y any y1 y2\ngroup both all x y\nquorum both\n"
    )
    assert found is not None

    def latest(**times: int) -> int | None:
        return found.latest({keys[name]: when for name, when in times.items()})

    assert latest(x1=5, x2=7, y1=9) == 5
    assert latest(x1=5, x2=7, x3=8, y1=6, y2=3) == 6
    assert latest(x1=5, x2=7, x3=8) is None
    assert latest(x1=5, y1=6, y2=3) is None
    assert latest() is None


W1, W2 = f"witness w1 {vkey('w1')}\n", f"witness w2 {vkey('w2')}\n"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("quorum w1\n" + W1, "line 1: w1 is not defined above"),
        (W1, "the quorum is missing"),
        (W1 + "quorum w1\nquorum w1\n", "line 3: a second quorum"),
        (W1 + W1, "line 2: the key of w1.example stands here twice"),
        (W1 + f"witness w1 {vkey('w2')}\n", "line 2: the name w1 is taken"),
        (f"witness none {vkey('w1')}\n", "line 1: the name none is taken"),
        (f"witness w1 {adversary.VKEY}\n", "a key of another use"),
        (f"log {vkey('w1')}\n", "a key of another use"),
        (f"log {adversary.VKEY}\nlog {adversary.VKEY}\n", "stands here twice"),
        (W1 + "group g 0 w1\n", "0 is not all, any, or a number up to 1"),
        (W1 + "group g 2 w1\n", "2 is not all, any, or a number up to 1"),
        (W1 + "group g any none\n", "none is not defined above"),
        (W1 + "group g any g\n", "g is not defined above"),
        (W1 + W2 + "group g any w1 w1\n", "w1 belongs to a group already"),
        (W1 + W2 + "group g any w1\ngroup h any w1 w2\n", "w1 belongs to a group already"),
        (W1 + "group g any\n", "not “log KEY”"),
        ("believe everybody\n", "not “log KEY”"),
        ("log x+1+2\n", "line 1"),
        ("quorum\u00a0none\n", "not “log KEY”"),
        ("log \x07\n", "a control character"),
    ],
)
def test_a_policy_that_could_be_read_in_two_ways_is_refused(lines, reason):
    with pytest.raises(MalformedError, match=reason):
        trust_policy.parse(lines)


def test_a_policy_without_witnesses_asks_for_none():
    assert quorum("quorum none\n") is None
    assert trust_policy.parse(f"log {adversary.VKEY}\n").logs == (adversary.VKEY,)
    assert quorum(W1 + "  quorum\t none  \n\n#\n") is None


def test_the_deepest_policy_is_judged_without_a_stack_that_overflows():
    lines = [W1, "group g0 any w1\n"]
    lines += [f"group g{number} any g{number - 1}\n" for number in range(1, 255)]
    found = quorum("".join(lines) + "quorum g254\n")

    assert found is not None
    assert found.latest({vkey("w1"): 7}) == 7
    with pytest.raises(MalformedError, match="more than"):
        quorum("".join(lines) + "group g255 any g254\nquorum g255\n")


@given(
    st.lists(
        st.sampled_from(["log", "witness", "group", "quorum", "w1", "w2", "none", "all", "2", "\n",
                         " ", "#", "\ud800", "\x00", vkey("w1"), vkey("w2"), adversary.VKEY])
        | st.text(max_size=4)
    )
)  # fmt: skip
def test_any_text_is_a_policy_or_malformed(words):
    try:
        found = trust_policy.parse(" ".join(words))
    except MalformedError:
        return
    assert found.quorum is None or found.quorum.signers()
