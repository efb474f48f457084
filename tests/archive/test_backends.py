"""The places for originals, at the machine's edge: short writes, full disks, broken fsync, S3."""

from __future__ import annotations

import errno
import hashlib
import io
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from moto.server import ThreadedMotoServer

from archive.backends import DamagedError, Kept, MissingError, StoreError, pieces, s3
from archive.backends.disk import Disk
from archive.backends.s3 import Bucket
from tests.journeys.conftest import ROOT

BYTES = random.Random(1).randbytes(3 * 1024 * 1024 + 17)
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "store")


def keep(place: Disk | Bucket, content: bytes = BYTES, *, size: int | None = None):
    return place.put([content], declared_size=size, progress=None)


def held(place: Disk | Bucket) -> list[str]:
    return [one.sha256 for one in place.survey() if one.is_original]


def nothing_is_left(disk: Disk) -> bool:
    return not held(disk) and not list(disk.temporary.glob("*"))


@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20 + 5])
@pytest.mark.parametrize("cut", [1, 2, 7])
def test_pieces_are_the_stream_again_and_never_longer_than_a_chunk(size, cut):
    content = random.Random(size).randbytes(size)
    step = max(1, size // cut)

    got = list(pieces(content[at : at + step] for at in range(0, size, step)))

    assert b"".join(got) == content
    assert all(len(piece) == 2**20 for piece in got[:-1])


def test_an_original_is_a_read_only_plain_file_under_its_digest(disk):
    kept = keep(disk)

    path = disk.path(SHA256)
    assert kept.measurement.sha256.hex() == SHA256
    assert kept.measurement.sha512 == hashlib.sha512(BYTES).digest()
    assert path.read_bytes() == BYTES
    assert path.stat().st_mode & 0o777 == 0o440
    assert path.stat().st_nlink == 1


def test_short_writes_are_continued(disk, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, view: write(fd, view[:100_001]))

    keep(disk)

    assert disk.path(SHA256).read_bytes() == BYTES


def test_a_write_that_lies_about_its_length_is_found_before_the_name_appears(disk, monkeypatch):
    write = os.write
    lies: list[int] = []

    def lie(fd, view):
        if not lies:
            lies.append(len(view))
            return len(view)
        return write(fd, view)

    monkeypatch.setattr(os, "write", lie)

    with pytest.raises(StoreError, match="but the file has"):
        keep(disk)

    assert lies
    assert nothing_is_left(disk)


@pytest.mark.parametrize("size", [len(BYTES) - 1, len(BYTES) + 1])
def test_another_length_than_announced_is_refused(disk, size):
    with pytest.raises(StoreError, match="announced"):
        keep(disk, size=size)

    assert nothing_is_left(disk)


def test_a_failed_fsync_is_final_and_never_tried_again(disk, monkeypatch):
    synced = []

    def broken(fd):
        synced.append(fd)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)

    with pytest.raises(StoreError, match="could not be made safe"):
        keep(disk)

    assert len(synced) == 1
    assert nothing_is_left(disk)


def test_everything_is_synced_in_order_before_put_returns(disk, monkeypatch):
    steps = []
    real = {name: getattr(os, name) for name in ("fsync", "link", "fchmod")}

    def noted(name):
        def call(*arguments, **named):
            shown = Path(f"/proc/self/fd/{arguments[0]}").readlink() if name == "fsync" else Path()
            steps.append((name, shown.name))
            return real[name](*arguments, **named)

        return call

    for name in real:
        monkeypatch.setattr(os, name, noted(name))

    keep(disk)

    assert [name for name, _ in steps[:3]] == ["fchmod", "fsync", "link"]
    folders = ["store", "blobs", SHA256[:2], SHA256[2:4]]
    assert sorted(steps[3:]) == sorted(("fsync", folder) for folder in folders)


@pytest.fixture
def offered(tmp_path) -> list[Path]:
    """Seven files; two have the same bytes."""
    folder = tmp_path / "offered"
    folder.mkdir()
    for number in range(7):
        (folder / f"{number}").write_bytes(f"file {number % 6}".encode() * 50_000)
    return sorted(folder.iterdir())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sha256(kept: object) -> str:
    assert isinstance(kept, Kept), kept
    return kept.measurement.sha256.hex()


def test_many_are_kept_together_and_told_in_their_order(disk, offered):
    keep(disk, offered[2].read_bytes())

    kept = disk.put_some(offered)

    assert [_sha256(one) for one in kept] == [_digest(path) for path in offered]
    assert [one.already_held for one in kept] == [False, False, True, False, False, False, True]
    assert held(disk) == sorted({_digest(path) for path in offered})
    assert all(disk.path(_digest(path)).read_bytes() == path.read_bytes() for path in offered)
    assert not list(disk.temporary.iterdir())
    assert disk.put_some([]) == []


@pytest.mark.parametrize("at_once", [1, 2, 3, 7])
def test_many_batches_are_kept_by_other_processes_and_told_in_their_order(
    disk, offered, tmp_path, at_once
):
    offered.insert(3, tmp_path / "gone")
    batches = [offered[at : at + at_once] for at in range(0, len(offered), at_once)]

    kept = list(disk.put_all(batches))

    assert [len(some) for some in kept] == [len(some) for some in batches]
    told = [one for some in kept for one in some]
    assert "gone can't be read" in str(told.pop(3))
    del offered[3]
    assert [_sha256(one) for one in told] == [_digest(path) for path in offered]
    assert held(disk) == sorted({_digest(path) for path in offered})
    assert not multiprocessing.active_children()


def test_no_batches_keep_nothing(disk):
    assert list(disk.put_all([])) == []
    assert nothing_is_left(disk)


def test_a_process_that_keeps_files_and_is_killed_is_said(disk, offered):
    several = disk.put_all([[path] for path in offered])
    next(several)
    for child in multiprocessing.active_children():
        child.kill()

    with pytest.raises(StoreError, match="has ended"):
        list(several)

    assert [_sha256(one) for some in disk.put_all([offered]) for one in some] == [
        _digest(path) for path in offered
    ]


def test_the_processes_end_with_the_one_that_is_killed(disk, offered):
    program = """
import sys
from pathlib import Path
from archive.backends.disk import Disk
if __name__ == "__main__":
    several = Disk(Path(sys.argv[1])).put_all([[Path(one)] for one in sys.argv[2:]])
    next(several)
    import multiprocessing
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    sys.stdin.read()
"""
    script = disk.root.parent / "keeps.py"
    script.write_text(program)
    with subprocess.Popen(
        [sys.executable, str(script), str(disk.root), *map(str, offered)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        children = [int(one) for one in process.stdout.readline().split()]
        assert len(children) == 2
        process.kill()

    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_of_many_the_damaged_are_healed(disk, offered):
    disk.put_some(offered)
    path = disk.path(_digest(offered[3]))
    path.unlink()
    path.write_bytes(b"other")

    kept = disk.put_some(offered)

    assert [one.healed for one in kept] == [number == 3 for number in range(7)]
    assert path.read_bytes() == offered[3].read_bytes()


def test_one_that_cannot_be_read_keeps_no_other_out(disk, offered, tmp_path):
    gone = tmp_path / "gone"

    kept = disk.put_some([offered[0], gone, tmp_path, offered[1]])

    assert isinstance(kept[1], StoreError)
    assert "gone can't be read: No such file" in str(kept[1])
    assert isinstance(kept[2], StoreError)
    assert [_sha256(kept[0]), _sha256(kept[3])] == [_digest(path) for path in offered[:2]]
    assert not list(disk.temporary.iterdir())


def test_of_many_each_is_synced_before_its_name_and_each_folder_after_all_names(
    disk, offered, monkeypatch
):
    steps: list[tuple[str, str]] = []
    sync, link = os.fsync, os.link

    def noted_sync(fd):
        steps.append(("sync", str(Path(f"/proc/self/fd/{fd}").readlink())))
        sync(fd)

    def noted_link(source, target, **options):
        steps.append(("link", f"{source} {target}"))
        link(source, target, **options)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "link", noted_link)

    disk.put_some(offered)

    links = [at for at, (name, _) in enumerate(steps) if name == "link"]
    synced = {what: at for at, (name, what) in enumerate(steps) if name == "sync"}
    assert len(links) == 7
    for at in links:
        source, target = steps[at][1].split(" ")
        assert synced[source] < links[0]
        for folder in list(Path(target).parents)[:4]:
            assert synced[str(folder)] > links[-1], folder
    assert len(synced) == sum(name == "sync" for name, _ in steps), "something was synced twice"


@pytest.mark.parametrize("broken", ["tmp", "blobs"])
def test_of_many_only_those_that_were_synced_are_kept(disk, offered, monkeypatch, broken):
    sync = os.fsync
    refused: list[Path] = []

    def fails_once(fd):
        path = Path(f"/proc/self/fd/{fd}").readlink()
        is_shard = len(path.relative_to(disk.root).parts) == 3
        if not refused and (path.parent.name == "tmp" if broken == "tmp" else is_shard):
            refused.append(path)
            raise OSError(errno.EIO, "Input/output error")
        sync(fd)

    monkeypatch.setattr(os, "fsync", fails_once)

    kept = disk.put_some(offered[:6])

    errors = [one for one in kept if isinstance(one, StoreError)]
    assert len(errors) == len(refused) == 1
    assert "could not be made safe" in str(errors[0])
    if broken == "blobs":
        at = kept.index(errors[0])
        assert disk.path(_digest(offered[at])).parent == refused[0]
    assert not list(disk.temporary.iterdir())
    again = disk.put_some(offered[:6])
    assert [_sha256(one) for one in again] == [_digest(path) for path in offered[:6]]


def test_a_full_disk_is_said_and_leaves_nothing_and_the_next_put_goes_well(tmp_path):
    program = """
import errno, resource, sys
from pathlib import Path
from archive.backends import StoreFullError
from archive.backends.disk import Disk
disk = Disk(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
try:
    disk.put([b"x" * 5_000_000], declared_size=None, progress=None)
except StoreFullError as error:
    print("full", error.__cause__.errno == errno.EFBIG, list(disk.temporary.glob("*")))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
disk.put([b"x" * 5_000_000], declared_size=None, progress=None)
print(len(list(disk.survey())))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split("\n")[:2] == ["full True []", "1"]


def test_a_really_full_file_system_is_said_and_leaves_nothing(tmp_path):
    program = """
import sys
from pathlib import Path
from archive.backends import StoreFullError
from archive.backends.disk import Disk
disk = Disk(Path(sys.argv[1]))
try:
    disk.put([b"x" * 5_000_000], declared_size=None, progress=None)
except StoreFullError as error:
    print(error.__cause__.errno, len(list(disk.temporary.glob("*"))), len(list(disk.survey())))
disk.put([b"x" * 1_000_000], declared_size=None, progress=None)
print(len(list(disk.survey())))
"""
    place = tmp_path / "small"
    place.mkdir()
    script = f'mount -t tmpfs -o size=4m none "{place}" && exec "$0" -c "$1" "{place}"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, sys.executable, program],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no small file system here: {done.stderr.strip()}")

    assert done.stdout.split() == [str(errno.ENOSPC), "0", "0", "1"], done.stderr


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"", lambda b: b"\x00" + b[1:]]
)
def test_a_damaged_original_is_healed_and_the_damaged_bytes_are_kept(disk, damage):
    keep(disk)
    path = disk.path(SHA256)
    path.unlink()
    path.write_bytes(damage(BYTES))
    assert path.read_bytes() != BYTES

    kept = keep(disk)

    assert (kept.already_held, kept.healed) == (False, True)
    assert path.read_bytes() == BYTES
    assert [one.read_bytes() for one in disk.damaged.iterdir()] == [damage(BYTES)]
    assert not list(disk.temporary.iterdir())


def test_a_healthy_original_is_not_touched_by_the_same_bytes(disk):
    keep(disk)
    before = disk.path(SHA256).stat()

    kept = keep(disk)

    after = disk.path(SHA256).stat()
    assert (kept.already_held, kept.healed) == (True, False)
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_plain_file_is_neither_followed_nor_replaced(disk, tmp_path, kind):
    keep(disk)
    path = disk.path(SHA256)
    path.unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(BYTES)
    path.symlink_to(elsewhere) if kind == "link" else path.mkdir()

    with pytest.raises(DamagedError):
        keep(disk)
    with pytest.raises((DamagedError, StoreError)):
        disk.open(SHA256)

    assert path.is_symlink() if kind == "link" else path.is_dir()


def test_eight_processes_with_the_same_bytes_leave_one_original(disk, tmp_path):
    program = """
import sys
from pathlib import Path
from archive.backends.disk import Disk
content = Path(sys.argv[2]).read_bytes()
sys.stdin.readline()
print(Disk(Path(sys.argv[1])).put([content], declared_size=None, progress=None).already_held)
"""
    (tmp_path / "content").write_bytes(BYTES)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(disk.root), str(tmp_path / "content")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]

    answers = sorted(process.communicate()[0].strip() for process in _started(processes))

    assert answers == ["False"] + ["True"] * 7
    assert held(disk) == [SHA256]
    assert disk.path(SHA256).read_bytes() == BYTES
    assert not list(disk.temporary.iterdir())


def _started(processes: list[subprocess.Popen]) -> list[subprocess.Popen]:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def test_an_upload_is_sealed_without_a_copy_and_its_name_stays(disk):
    disk.uploads.mkdir(parents=True)
    upload = disk.uploads / "u"
    upload.write_bytes(BYTES)
    told = []

    kept = disk.put_file(upload, progress=lambda done, total: told.append((done, total)))

    assert disk.path(SHA256).samefile(upload)
    assert kept.already_held is False
    assert told[-1] == (len(BYTES), len(BYTES))
    assert disk.put_file(upload, progress=None).measurement == kept.measurement


def test_an_upload_heals_a_damaged_original(disk):
    keep(disk)
    disk.path(SHA256).unlink()
    disk.path(SHA256).write_bytes(b"damaged")
    disk.uploads.mkdir(parents=True)
    upload = disk.uploads / "u"
    upload.write_bytes(BYTES)

    kept = disk.put_file(upload, progress=None)

    assert kept.healed
    assert disk.path(SHA256).read_bytes() == upload.read_bytes() == BYTES


def test_an_upload_still_written_to_is_refused(disk):
    disk.uploads.mkdir(parents=True)
    upload = disk.uploads / "u"
    upload.write_bytes(BYTES)

    def write_on(done, total):
        with upload.open("ab") as file:
            file.write(b"more")

    with pytest.raises(StoreError, match="written to"):
        disk.put_file(upload, progress=write_on)

    assert not held(disk)


def test_an_upload_that_is_a_link_or_lies_elsewhere_is_refused(disk, tmp_path):
    disk.uploads.mkdir(parents=True)
    (tmp_path / "secret").write_bytes(BYTES)
    (disk.uploads / "u").symlink_to(tmp_path / "secret")

    with pytest.raises(StoreError):
        disk.put_file(disk.uploads / "u", progress=None)
    with pytest.raises(ValueError, match="uploads"):
        disk.put_file(tmp_path / "secret", progress=None)

    assert not held(disk)


def test_the_sweep_takes_old_leftovers_and_sealed_names_and_nothing_else(disk):
    keep(disk)
    disk.uploads.mkdir()
    sealed, arriving = disk.uploads / "sealed", disk.uploads / "arriving"
    sealed.write_bytes(b"sealed")
    disk.put_file(sealed, progress=None)
    arriving.write_bytes(b"arri")
    (disk.temporary / "left").write_bytes(b"half")

    young = disk.sweep_temporary(timedelta(hours=1))
    old = disk.sweep_temporary(timedelta(seconds=-1))

    assert (young, old) == (0, 2)
    assert arriving.exists()
    assert not sealed.exists()
    assert len(held(disk)) == 2


def test_a_process_killed_while_writing_leaves_no_original_and_a_retry_goes_well(disk):
    program = """
import os, signal, sys
from pathlib import Path
from archive.backends.disk import Disk
def chunks():
    yield b"x" * 2_000_000
    os.kill(os.getpid(), signal.SIGKILL)
Disk(Path(sys.argv[1])).put(chunks(), declared_size=None, progress=None)
"""
    done = subprocess.run([sys.executable, "-c", program, str(disk.root)], check=False)
    left = list(disk.temporary.iterdir())
    kept = keep(disk)

    assert done.returncode == -9
    assert len(left) == 1
    assert held(disk) == [kept.measurement.sha256.hex()]
    assert disk.sweep_temporary(timedelta(seconds=-1)) == 1


def test_memory_stays_bounded_whatever_the_length(disk):
    program = """
import sys
from pathlib import Path
from archive.backends.disk import Disk
chunk = bytes(65_536)
Disk(Path(sys.argv[1])).put((chunk for _ in range(4_000)), declared_size=None, progress=None)
status = Path('/proc/self/status').read_text()  # ru_maxrss would count the parent's memory
print(status.partition('VmHWM:')[2].split()[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(disk.root)], check=True, capture_output=True, text=True
    )

    assert int(done.stdout) < 80_000  # KiB; the stream has 256,000


# S3


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, disk: Disk, request: pytest.FixtureRequest) -> Bucket:
    name = f"b{hashlib.sha256(request.node.name.encode()).hexdigest()[:20]}"
    options = {
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": "x",
        "aws_secret_access_key": "y",
    }
    place = Bucket(disk, bucket=name, **options)
    place.client.create_bucket(Bucket=name)
    return place


@pytest.mark.parametrize("part", [1024 * 1024 * 16, 5 * 1024 * 1024])
def test_a_bucket_gives_back_what_was_put_and_can_be_read_anywhere(bucket, monkeypatch, part):
    monkeypatch.setattr(s3, "PART", part)
    content = random.Random(2).randbytes(6 * 1024 * 1024)
    digest = hashlib.sha256(content).hexdigest()

    first, second = keep(bucket, content), keep(bucket, content)

    assert (first.already_held, second.already_held) == (False, True)
    assert held(bucket) == [digest]
    with bucket.open(digest) as file:
        assert file.read() == content
        assert file.seek(-10, io.SEEK_END) == len(content) - 10
        assert file.read() == content[-10:]
        file.seek(5_000_000)
        assert file.read(5) == content[5_000_000:5_000_005]
        file.seek(len(content) + 5)
        assert file.read() == b""
    assert not list(bucket.disk.temporary.iterdir())


def test_a_bucket_keeps_many_and_says_which_it_could_not(bucket, offered, tmp_path):
    (kept,) = bucket.put_all([[*offered, tmp_path / "gone"]])

    assert [_sha256(one) for one in kept[:-1]] == [_digest(path) for path in offered]
    assert "gone can't be read" in str(kept[-1])
    assert held(bucket) == sorted({_digest(path) for path in offered})


@pytest.mark.parametrize("part", [1024 * 1024 * 16, 5 * 1024 * 1024])
def test_true_bytes_replace_other_ones_in_the_bucket_which_are_kept(bucket, monkeypatch, part):
    monkeypatch.setattr(s3, "PART", part)
    content = random.Random(3).randbytes(6 * 1024 * 1024)
    digest = hashlib.sha256(content).hexdigest()
    bucket.client.put_object(Bucket=bucket.bucket, Key=bucket._key(digest), Body=b"other")

    kept = keep(bucket, content)

    assert (kept.already_held, kept.healed) == (True, True)
    with bucket.open(digest) as file:
        assert file.read() == content
    (damaged,) = bucket.client.list_objects_v2(Bucket=bucket.bucket, Prefix="damaged/")["Contents"]
    assert damaged["Key"].startswith(f"damaged/{digest}.")
    answer = bucket.client.get_object(Bucket=bucket.bucket, Key=damaged["Key"])
    assert answer["Body"].read() == b"other"
    assert held(bucket) == [digest]


def test_what_somebody_else_put_there_meanwhile_is_not_overwritten(bucket, monkeypatch):
    key = bucket._key(SHA256)
    bucket.client.put_object(Bucket=bucket.bucket, Key=key, Body=b"other")
    copy = bucket.client.copy

    def slow(*args):
        copy(*args)
        bucket.client.put_object(Bucket=bucket.bucket, Key=key, Body=b"a third")

    monkeypatch.setattr(bucket.client, "copy", slow)

    with pytest.raises(StoreError):
        keep(bucket)

    assert bucket.client.get_object(Bucket=bucket.bucket, Key=key)["Body"].read() == b"a third"


@pytest.mark.parametrize("part", [1024 * 1024 * 16, 5 * 1024 * 1024])
def test_a_locked_original_can_be_neither_removed_nor_lost_by_overwriting(
    endpoint, disk, monkeypatch, part
):
    monkeypatch.setattr(s3, "PART", part)
    place = Bucket(
        disk,
        bucket=f"locked-{part}",
        lock_mode="COMPLIANCE",
        lock_days=30,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )
    client = place.client
    client.create_bucket(Bucket=place.bucket, ObjectLockEnabledForBucket=True)
    content = random.Random(4).randbytes(6 * 1024 * 1024)
    key = place._key(hashlib.sha256(content).hexdigest())
    keep(place, content)
    version = client.head_object(Bucket=place.bucket, Key=key)["VersionId"]

    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket=place.bucket, Key=key, VersionId=version)
    client.put_object(Bucket=place.bucket, Key=key, Body=b"over it")

    held_still = client.get_object(Bucket=place.bucket, Key=key, VersionId=version)
    assert held_still["Body"].read() == content
    assert keep(place, content).healed
    with place.open(hashlib.sha256(content).hexdigest()) as file:
        assert file.read() == content


def test_a_failed_part_aborts_the_whole_and_shows_nothing(bucket, monkeypatch):
    monkeypatch.setattr(s3, "PART", 5 * 1024 * 1024)
    upload_part = bucket.client.upload_part
    asked = []

    def broken(**named):
        asked.append(named["PartNumber"])
        if named["PartNumber"] == 2:
            raise BotoCoreError
        return upload_part(**named)

    monkeypatch.setattr(bucket.client, "upload_part", broken)

    with pytest.raises(StoreError):
        keep(bucket, bytes(6 * 1024 * 1024))

    assert asked == [1, 2]
    assert not held(bucket)
    assert not bucket.client.list_multipart_uploads(Bucket=bucket.bucket).get("Uploads")


def test_an_unreachable_bucket_is_said_within_bounds(disk):
    place = Bucket(
        disk,
        bucket="b",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )

    with pytest.raises(StoreError, match="bucket"):
        keep(place)

    assert not list(disk.temporary.iterdir())


def test_a_missing_original_is_called_missing(bucket, disk):
    for place in (bucket, disk):
        with pytest.raises(MissingError):
            place.open(SHA256)


def test_an_upload_goes_into_the_bucket_and_stays_until_discarded(bucket):
    bucket.disk.uploads.mkdir(parents=True)
    upload = bucket.disk.uploads / "u"
    upload.write_bytes(BYTES)

    bucket.put_file(upload, progress=None)

    assert held(bucket) == [SHA256]
    assert upload.exists()
