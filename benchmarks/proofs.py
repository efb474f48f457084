"""Proofs and audits of a large ledger beside pymerkle's, on SQLite.

    [TMPDIR=FOLDER] python -m benchmarks.proofs [ENTRIES] [ROUNDS]

ENTRIES are recorded as the archive records them, and the same bytes put into a tree of pymerkle
(GPL, measured here and never shipped), which stores leaves alone and keeps subtrees in memory; both
start cold.  In turn within each round: one inclusion proof by a prover that has read nothing; the
checking of such proofs; the entries read back and hashed up to the signed root, alone and with each
parsed; the archive's own audit, which compares columns, chains, nodes and heads besides; and an
export's 300 proofs, read from their files and checked by the standard library in a process without
the archive.  A rate that has a target is the best round's, for the others measure what else the
machine was doing.  At the end the audit's memory for a tenth of the entries and for all of them, in
processes of their own.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import uuid
import zipfile
from pathlib import Path

import django
from pymerkle import SqliteTree, verify_inclusion

MEMORY_OF = "BENCHMARK_AUDIT_IN"  # set for the process that measures one audit's memory
_GIVEN = os.environ.get(MEMORY_OF)
_FOLDER = Path(_GIVEN or tempfile.mkdtemp(prefix="muniment-benchmark-"))
os.environ.pop("DATABASE_URL", None)
os.environ.update(
    DJANGO_SETTINGS_MODULE="config.settings",
    MUNIMENT_DATA_DIR=str(_FOLDER / "data"),
    MUNIMENT_SIGNER_DIR=str(_FOLDER / "signer"),
    MUNIMENT_KEYS_DIR=str(_FOLDER / "keys"),
    MUNIMENT_RUN_DIR=str(_FOLDER / "run"),
    MUNIMENT_ORIGIN="benchmarks.invalid/proofs",
)
if not _GIVEN:
    atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
    for _part in ("data", "signer", "run"):
        (_FOLDER / _part).mkdir(mode=0o700)
django.setup()

from django.core.management import call_command  # noqa: E402 - needs the settings
from django.db import connection  # noqa: E402 - needs the settings

from archive import auditing, checkpoints, custody  # noqa: E402 - needs the settings
from archive.proof import merkle, notes  # noqa: E402 - needs the settings
from archive.proof.entries import Entry  # noqa: E402 - needs the settings
from archive.proof.events import ItemExported  # noqa: E402 - needs the settings
from benchmarks import measuring  # noqa: E402 - needs the settings

COLD, CHECKED = 1e-3, 50_000  # seconds for a proof; proofs checked a second
HASHED, PARSED = 250_000, 60_000  # entries audited a second
EXPORTED, EXPORT = 300, 0.050  # proofs of one export; seconds to check them
FLAT = 1.25  # how much more memory ten times the entries may take
BATCH = 5_000
OF_AN_ITEM = 20  # entries

ACTOR = custody.Actor(id=f"a-{uuid.uuid4().hex}", role="researcher")
CASE = str(uuid.uuid4())

# What a stranger runs: the verifier's own modules and nothing else.
_STRANGER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from archive.proof import inclusion, merkle, notes
import os
folder = sys.argv[2]
with open(folder + "/checkpoint", encoding="utf-8") as file:
    note = file.read()
checkpoint = notes.Checkpoint.parse(notes.split_note(note)[0])
leaves = {}
with open(folder + "/leaves", encoding="ascii") as file:
    for line in file:
        seq, leaf = line.split()
        leaves[int(seq)] = bytes.fromhex(leaf)
best = 9.0
for _ in range(5):
    begun = time.perf_counter()
    proofs = inclusion.Inclusions(note, checkpoint)
    for seq in sorted(leaves):
        with open(f"{folder}/{seq}.tlog-proof", encoding="utf-8") as file:
            proofs.require(seq, leaves[seq], file.read())
    best = min(best, time.perf_counter() - begun)
assert "django" not in sys.modules and "cryptography" not in sys.modules
print(best)
"""


def main(entries: int = 1_000_000, rounds: int = 5) -> int:
    """Fill both trees, run the rounds, print the tables; return 0 when every target is met."""
    call_command("migrate", verbosity=0)
    custody.open_log()
    small = None
    while custody.head().size < entries:
        with custody.recording(actor=ACTOR) as log:
            begin = custody.head().size
            for number in range(begin, min(begin + BATCH, entries)):
                item = uuid.UUID(int=number // OF_AN_ITEM)
                log.add(ItemExported(case=CASE, bundle=CASE, next_item_seq=number), item=item)
        if small is None and custody.head().size >= entries // 10:
            small = _copy("small")
    checkpoints.checkpoint()
    peer = SqliteTree(str(_FOLDER / "data" / "peer.sqlite3"))
    bodies = [row.encode() for row in custody.entries().values_list("body", flat=True).iterator()]
    for start in range(0, entries, BATCH):
        peer.append_entries(bodies[start : start + BATCH])
    del bodies
    print(f"{entries:,} entries on SQLite, {rounds} interleaved rounds")
    met = _measure(peer, entries, rounds)
    peer.close()
    met &= _measure_export(entries)
    return 0 if met & _measure_memory(small or _FOLDER, entries) else 1


def _copy(name: str) -> Path:
    """Copy the archive as it is now, signed, to a folder of its own."""
    checkpoints.checkpoint()
    connection.close()
    into = _FOLDER / name
    for part in ("data", "signer", "run"):
        shutil.copytree(_FOLDER / part, into / part)
    return into


def _measure(  # noqa: C901 - one act for each thing that is measured
    peer: SqliteTree, entries: int, rounds: int
) -> bool:
    draw = random.Random(9162)
    size, root = entries, custody.head().root
    asked = [draw.randrange(entries) for _ in range(200)]
    leaves = {seq: bytes(custody.entries().get(seq=seq).leaf) for seq in asked}
    prover = custody.prover(size=size)
    paths = {seq: prover.inclusion(seq, size) for seq in asked}
    base = {seq: peer.get_leaf(seq + 1) for seq in asked[:20]}
    theirs = {seq: peer.prove_inclusion(seq + 1) for seq in asked[:20]}
    state = peer.get_root()
    assert state == root, "the two trees differ"

    def prove() -> None:
        for seq in asked:
            custody.prover(size=size).inclusion(seq, size)

    def check() -> None:
        for _ in range(50):
            for seq in asked:
                merkle.verify_inclusion(seq, size, leaves[seq], paths[seq], root)

    def check_peer() -> None:
        for _ in range(50):
            for seq in asked[:20]:
                verify_inclusion(base[seq], state, theirs[seq])

    def audit() -> None:
        report = auditing.audit(full=False)
        assert report.verdict.is_good, report.as_text()

    def prove_peer() -> None:
        cold = SqliteTree(str(_FOLDER / "data" / "peer.sqlite3"))
        for seq in asked[:3]:
            cold.prove_inclusion(seq + 1)
        cold.close()

    times = measuring.in_turn(
        {
            "proof": prove,
            "peer proof": prove_peer,
            "check": check,
            "peer check": check_peer,
            "hash": lambda: _hash(root, size),
            "parse": lambda: _hash(root, size, parsing=True),
            "audit": audit,
        },
        rounds=rounds,
    )
    best = {name: min(all_of) for name, all_of in times.items()}
    middle = {name: statistics.median(all_of) for name, all_of in times.items()}
    ours, rival = middle["proof"] / len(asked), middle["peer proof"] / 3
    print(f"  {'inclusion proof, cold, milliseconds':<58} {ours * 1e3:8.2f}")
    print(f"  {'pymerkle, inclusion proof, cold, milliseconds':<58} {rival * 1e3:8.2f}")
    met = measuring.ratio("cold proofs beside a millisecond", COLD, ours, 1)
    measuring.ratio("cold proofs beside pymerkle", rival, ours, 1)
    checked, checked_peer = 50 * len(asked) / best["check"], 50 * 20 / best["peer check"]
    met &= measuring.rate("inclusion proofs checked", checked, CHECKED)
    print(f"  {'pymerkle, inclusion proofs checked':<58} {checked_peer:8,.0f}")
    met &= measuring.rate("entries hashed", size / best["hash"], HASHED)
    met &= measuring.rate("entries hashed and parsed", size / best["parse"], PARSED)
    print(f"  {'entries audited, everything compared':<58} {size / best['audit']:8,.0f}")
    return met


def _hash(root: bytes, size: int, *, parsing: bool = False) -> None:
    """Read every entry's bytes and hash them up to the root that was signed; parse them, too."""
    frontier = merkle.Frontier()
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM archive_entry ORDER BY seq")
        while rows := cursor.fetchmany(2_000):
            for (body,) in rows:
                if frontier.size < size:
                    encoded = body.encode()
                    seq = Entry.decode(encoded).seq if parsing else frontier.size
                    assert seq == frontier.size
                    frontier.append(merkle.leaf_hash(encoded))
    assert frontier.root() == root


def _measure_export(entries: int) -> bool:
    """An export's proofs as files, checked by a process that knows the verifier alone."""
    folder = _FOLDER / "export"
    folder.mkdir()
    newest = checkpoints.checkpoint()
    begin = random.Random(6962).randrange(entries - 10 * EXPORTED)
    chosen = sorted(random.Random(7).sample(range(begin, begin + 10 * EXPORTED), EXPORTED))
    (folder / "checkpoint").write_text(newest.note, encoding="utf-8")
    leaves = []
    for seq, path in custody.prover(size=newest.size).inclusions(iter(chosen), newest.size):
        text = notes.proof_text(seq, path, newest.note)
        (folder / f"{seq}.tlog-proof").write_text(text, encoding="utf-8")
        leaves.append(f"{seq} {bytes(custody.entries().get(seq=seq).leaf).hex()}\n")
    (folder / "leaves").write_text("".join(leaves), encoding="ascii")
    verifier = folder / "verify.zip"
    package = Path(merkle.__file__).parent
    with zipfile.ZipFile(verifier, "w") as archive:
        archive.writestr("archive/__init__.py", "")
        for module in sorted(package.glob("*.py")):
            archive.write(module, f"archive/proof/{module.name}")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _STRANGER, str(verifier), str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    taken = float(done.stdout)
    print(f"  {f'{EXPORTED} proofs of an export checked, milliseconds':<58} {taken * 1e3:8.2f}")
    return measuring.ratio(f"an export beside {EXPORT * 1e3:.0f} ms", EXPORT, taken, 1)


def _measure_memory(small: Path, entries: int) -> bool:
    connection.close()
    taken = {}
    for name, folder in (("a tenth", small), ("all", _FOLDER)):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.proofs"],
            env=os.environ | {MEMORY_OF: str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        taken[name] = json.loads(done.stdout)["kibibytes"]
        print(f"  {f'memory of an audit of {name}, MiB':<58} {taken[name] / 1024:8.1f}")
    grown = taken["all"] / taken["a tenth"]
    flat = bool(grown <= FLAT)
    words = f"memory for ten times the entries ({entries:,})"
    print(f"  {words:<58} {grown:5.2f} x  at most {FLAT} x  {'met' if flat else 'NOT met'}")
    return flat


def _audit_alone() -> int:
    assert auditing.audit(full=False).verdict.is_good
    # Not getrusage: its peak is also that of the process which started this one.
    (peak,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    )
    print(json.dumps({"kibibytes": int(peak.split()[1])}))
    return 0


if __name__ == "__main__":
    if _GIVEN:
        sys.exit(_audit_alone())
    sys.exit(main(*(int(one) for one in sys.argv[1:3])))
