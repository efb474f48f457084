"""Everything can be brought to a bucket and back, from wherever the last attempt stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from moto.server import ThreadedMotoServer

from archive import auditing, outbox, store
from archive.models.stored_object import StoredObject
from archive.proof.report import Verdict
from evidence import moving, sidecars, tasks
from evidence.models.file import EvidenceFile
from tests import people

pytestmark = pytest.mark.django_db

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "item.png"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint, settings, tmp_path):
    """A new bucket, as the settings would name it."""
    name = f"b{abs(hash(str(tmp_path))):x}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )
    client.create_bucket(Bucket=name)
    keys = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    settings.STORE_S3 = {
        "bucket": name, "aws_access_key_id": "x", "aws_secret_access_key": "y", **keys,
    }  # fmt: skip
    settings.S3_FILES = {
        "bucket_name": name, "access_key": "x", "secret_key": "y", "file_overwrite": False, **keys,
    }  # fmt: skip
    return name


@pytest.fixture
def archive(opened_log):
    cast = people.make_cast()
    people.upload(cast.case, cast.researcher, content=PICTURE.read_bytes(), filename="a.png")
    for number in range(3):
        people.upload(cast.case, cast.researcher, content=b"x" * number, filename=f"{number}.bin")
    while due := outbox.due():
        for job in due:
            tasks.work(str(job))
    sidecars.restore()
    assert EvidenceFile.objects.filter(role="derivative").exists()


def _move(to: moving.Holding) -> Iterator[moving.Moved]:
    return moving.move(moving.here(), to, read_again=True)


def _in_use(settings, name: str) -> None:
    settings.STORE_BACKEND = "s3"
    settings.STORAGES = {
        **settings.STORAGES,
        **{
            folder: {
                "BACKEND": "storages.backends.s3.S3Storage",
                "OPTIONS": {**settings.S3_FILES, "location": folder},
            }
            for folder in ("derivatives", "bundles")
        },
    }


def _bytes() -> dict[str, bytes]:
    held = {}
    for one in StoredObject.objects.all():
        with store.open(one.sha256) as file:
            held[one.sha256] = file.read()
    for name in EvidenceFile.objects.exclude(storage_name="").values_list(
        "storage_name", flat=True
    ):
        with storages["derivatives"].open(name) as file:
            held[name] = file.read()
    return held


def test_to_a_bucket_and_back_nothing_is_lost_and_the_audit_holds(
    archive, bucket, settings, tmp_path, capsys
):
    before = _bytes()

    call_command("move_store", to=f"s3://{bucket}")
    assert ", 0 there already, 0 at fault." in capsys.readouterr().out
    _in_use(settings, bucket)

    assert _bytes() == before
    report = auditing.examine()
    assert report.verdict is Verdict.VERIFIED, report.as_text()

    back = tmp_path / "back"
    back.mkdir()
    call_command("move_store", to=str(back))
    settings.STORE_BACKEND = "disk"
    settings.STORE_DIR = back / "store"
    settings.STORAGES = {
        **settings.STORAGES,
        "derivatives": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": back / "derivatives"},
        },
    }

    assert _bytes() == before
    report = auditing.examine()
    assert report.verdict is Verdict.VERIFIED, report.as_text()


def test_a_move_that_stops_after_any_thing_is_ended_by_the_next(archive, bucket, capsys):
    to = moving.at(f"s3://{bucket}")
    whole = len(list(_move(moving.at(_empty(bucket, "first")))))
    for done in range(whole):
        attempt = _move(to)
        for _ in range(done + 1):
            next(attempt)
        attempt.close()

    again = list(_move(to))

    assert len(again) == whole
    assert not [one for one in again if one.fault or one.is_new]


def _empty(bucket: str, more: str) -> str:
    client = store.place_at(f"s3://{bucket}").client
    client.create_bucket(Bucket=f"{bucket}-{more}")
    return f"s3://{bucket}-{more}"


def test_damaged_bytes_do_not_move_and_are_named(archive, tmp_path, capsys):
    sha256 = StoredObject.objects.order_by("-size")[0].sha256
    path = store.path(sha256)
    path.chmod(0o640)
    path.write_bytes(b"other")
    new = tmp_path / "new"
    new.mkdir()

    with pytest.raises(SystemExit) as ended:
        call_command("move_store", to=str(new))

    assert ended.value.code == 1
    told = capsys.readouterr()
    assert f"original sha256:{sha256}: " in told.err
    assert "Do not change the settings yet." in told.err
    assert {path.name for path in (new / "store" / "blobs").rglob("*") if len(path.name) == 64} == {
        one.sha256 for one in StoredObject.objects.exclude(pk=sha256)
    }


def test_half_files_at_the_new_place_are_made_whole(archive, tmp_path):
    new = tmp_path / "new"
    new.mkdir()
    list(_move(moving.at(str(new))))
    whole = {path: path.read_bytes() for path in new.rglob("*") if path.is_file()}
    for path, content in whole.items():
        path.chmod(0o640)
        path.write_bytes(content[: len(content) // 2])

    moved = list(_move(moving.at(str(new))))

    assert not [one for one in moved if one.fault]
    assert {path: path.read_bytes() for path in whole} == whole


def test_the_old_place_is_only_read(archive, tmp_path, settings):
    before = tmp_path / "before"
    shutil.copytree(settings.STORE_DIR, before)
    new = tmp_path / "new"
    new.mkdir()

    list(_move(moving.at(str(new))))

    names = {path.relative_to(before) for path in before.rglob("*")}
    root = Path(settings.STORE_DIR)
    assert {path.relative_to(root) for path in root.rglob("*")} == names
