"""The main job with originals, previews and bundles in an S3 bucket instead of on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.journeys.by_command import EXAMPLE, Archive, opened, stranger

pytestmark = pytest.mark.processes

BUCKET = "evidence"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def bucket(endpoint: str) -> Any:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture(scope="module")
def archive(endpoint: str, bucket: Any, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    ready = opened(
        tmp_path_factory.mktemp("s3"),
        {
            "S3_BUCKET": BUCKET,
            "S3_ENDPOINT_URL": endpoint,
            "S3_REGION": "us-east-1",
            "S3_ACCESS_KEY_ID": "test",
            "S3_SECRET_ACCESS_KEY": "test",
        },
    )
    ready.manage("load_example")
    ready.manage("process")
    return ready


def _keys(bucket: Any, folder: str) -> list[str]:
    pages = bucket.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=folder)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


def test_the_example_is_processed_audited_exported_and_verified(archive, bucket):
    assert not archive.unfinished()
    code, report = archive.audit()
    assert code == 0, report

    bundle = archive.export(EXAMPLE)

    verdict = stranger(bundle, "--key", archive.vkey())
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert len([key for key in _keys(bucket, "bundles/") if key.endswith(".zip")]) == 1


def test_nothing_of_the_evidence_lies_on_the_disk(archive, bucket):
    originals = [key for key in _keys(bucket, "originals/") if not key.endswith(".json")]

    assert len(originals) == 10
    assert len(_keys(bucket, "originals/")) == 20  # each with its sidecar
    assert _keys(bucket, "derivatives/")
    for key in originals:
        content = bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        assert hashlib.sha256(content).hexdigest() == key.rpartition("/")[2]
        assert not list(archive.folder.rglob(key.rpartition("/")[2] + "*"))


def test_an_original_changed_in_the_bucket_is_named_by_the_audit(archive, bucket):
    key = next(key for key in _keys(bucket, "originals/") if not key.endswith(".json"))
    content = bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    bucket.put_object(Bucket=BUCKET, Key=key, Body=bytes([content[0] ^ 1]) + content[1:])
    try:
        code, report = archive.audit()
    finally:
        bucket.put_object(Bucket=BUCKET, Key=key, Body=content)

    assert code == 1
    assert key.rpartition("/")[2] in report
