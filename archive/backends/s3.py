"""Originals in an S3 bucket: put under a condition, read back and hashed before anybody is told.

The stream is spooled to the local disk first, because its name is its digest.  Then one
conditional put, or a multipart upload completed under the same condition, each part with its
SHA-256; then the whole object is read back.  ETags prove nothing and are used for nothing.  Waits
are bounded: a frozen endpoint ends in StoreError.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import io
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from archive.backends import (
    NAME,
    DamagedError,
    Kept,
    Lying,
    MissingError,
    Progress,
    StoreError,
    named,
    pieces_of,
    sha256_of,
)
from archive.backends.disk import Disk, measured
from archive.proof.digests import Measurement

PREFIX = "originals/"
DAMAGED = "damaged/"  # what was found under an original's name and replaced
PART = 16 * 1024 * 1024  # bytes; S3 takes at most 10,000 parts, so larger files get larger parts
MOST_PARTS = 10_000
HANDS = 4  # files under way at once, when many are kept
WINDOW = 4 * 1024 * 1024  # bytes asked for at a time when reading
_BAD_ANSWERS = (BotoCoreError, ClientError)


@functools.lru_cache(maxsize=4)
def _client(options: tuple[tuple[str, str | None], ...]) -> Any:
    given = dict(options)
    given["region_name"] = given.get("region_name") or "us-east-1"
    return boto3.client(
        "s3",
        config=Config(
            connect_timeout=3,
            read_timeout=6,
            retries={"total_max_attempts": 2, "mode": "standard"},
        ),
        **given,
    )


class Bucket:
    """The place for originals in one bucket; ``disk`` holds what is on its way."""

    def __init__(
        self,
        disk: Disk,
        *,
        bucket: str,
        lock_mode: str | None = None,
        lock_days: int | None = None,
        **options: str | None,
    ) -> None:
        """A lock is put on each original; without one the bucket's own rule holds."""
        self.disk = disk
        self.bucket = bucket
        self.lock = (lock_mode, timedelta(days=lock_days or 0)) if lock_mode else None
        self.client = _client(tuple(sorted(options.items())))

    def put(
        self, chunks: Iterable[bytes], *, declared_size: int | None, progress: Progress | None
    ) -> Kept:
        """Keep a stream; afterwards it has been read back from the bucket."""
        with (
            self.disk.telling(),
            self.disk.spooled(chunks, declared_size, progress, durable=False) as spool,
        ):
            return self._send(*spool)

    def put_all(self, batches: Iterable[Sequence[Path]]) -> Iterator[list[Kept | StoreError]]:
        """Keep copies of many files, several at a time: waiting for answers takes longest."""
        with ThreadPoolExecutor(HANDS, thread_name_prefix="bucket") as threads:
            for batch in batches:
                yield list(threads.map(self._put_or_say, batch))

    def _put_or_say(self, path: Path) -> Kept | StoreError:
        try:
            return self.put(pieces_of(path), declared_size=None, progress=None)
        except StoreError as error:
            return error

    def put_file(self, path: Path, *, progress: Progress | None) -> Kept:
        """Keep an assembled upload; its name in ``uploads/`` stays."""
        self.disk.must_be_an_upload(path)
        with self.disk.telling(), path.open("rb") as file:
            measurement = measured(file, path.stat().st_size, progress)
        return self._send(path, measurement)

    def open(self, sha256: str) -> IO[bytes]:
        """Open an original for reading; each stretch is fetched when it is needed."""
        key = self._key(sha256)
        try:
            head = self.client.head_object(Bucket=self.bucket, Key=key)
        except _BAD_ANSWERS as error:
            raise _said(error, key) from error
        reader = _Reader(self.client, self.bucket, key, head["ContentLength"], head["ETag"])
        return io.BufferedReader(reader, buffer_size=WINDOW)

    def write_sidecars(self, several: Sequence[tuple[str, str, bytes]], *, durable: bool) -> None:
        """Write ``<sha256>.<item>.json`` beside originals; what a bucket has taken is durable."""
        del durable
        for sha256, item, payload in several:
            key = f"{self._key(sha256)}.{item}.json"
            try:
                self.client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=payload,
                    ContentType="application/json",
                    ChecksumSHA256=_checksum(payload),
                )
            except _BAD_ANSWERS as error:
                raise _said(error, key) from error

    def has_sidecar(self, sha256: str, item: str) -> bool:
        """Say whether ``<sha256>.<item>.json`` lies beside the original."""
        key = f"{self._key(sha256)}.{item}.json"
        try:
            self.client.head_object(Bucket=self.bucket, Key=key)
        except _BAD_ANSWERS as error:
            said = _said(error, key)
            if isinstance(said, MissingError):
                return False
            raise said from error
        return True

    def read_sidecar(self, sha256: str, item: str) -> bytes:
        """Return a sidecar's bytes.  Raises MissingError, StoreError."""
        key = f"{self._key(sha256)}.{item}.json"
        try:
            content: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except _BAD_ANSWERS as error:
            raise _said(error, key) from error
        return content

    def survey(self) -> Iterator[Lying]:
        """Yield what lies under the originals' prefix, in the order of the names."""
        try:
            for page in self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=PREFIX
            ):
                for one in page.get("Contents", []):
                    *folders, name = one["Key"].removeprefix(PREFIX).split("/")
                    if len(folders) == 2:
                        yield named(one["Key"], (folders[0], folders[1]), name)
                    else:
                        yield Lying(one["Key"], fault="it lies outside the folders of originals")
        except _BAD_ANSWERS as error:
            raise _said(error, PREFIX) from error

    def sweep_temporary(self, older_than: timedelta) -> int:
        """Remove old spool files, and abort multipart uploads that a crash left open."""
        removed = self.disk.sweep_temporary(older_than)
        limit = datetime.now(UTC) - older_than
        try:
            for page in self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self.bucket, Prefix=PREFIX
            ):
                for one in page.get("Uploads", []):
                    if one["Initiated"] <= limit:
                        self.client.abort_multipart_upload(
                            Bucket=self.bucket, Key=one["Key"], UploadId=one["UploadId"]
                        )
                        removed += 1
        except _BAD_ANSWERS as error:
            raise _said(error, PREFIX) from error
        return removed

    def _key(self, sha256: str) -> str:
        if not NAME.fullmatch(sha256):
            raise ValueError(f"not a SHA-256 in hexadecimal: {sha256!r}")
        return f"{PREFIX}{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def _send(self, path: Path, measurement: Measurement) -> Kept:
        sha256 = measurement.sha256
        key = self._key(sha256.hex())
        already_held = False
        try:
            self._upload(key, path, measurement, {"IfNoneMatch": "*"})
        except ClientError as error:
            if error.response["ResponseMetadata"].get("HTTPStatusCode") not in {409, 412}:
                raise _said(error, key) from error
            already_held = True  # or our own first attempt, whose answer was lost
        except BotoCoreError as error:
            raise _said(error, key) from error
        healed = False
        try:
            self._must_read_back(sha256.hex())
        except DamagedError:
            if not already_held:
                raise
            self._heal(key, path, measurement)
            healed = True
        self._must_be_locked(key)
        return Kept(measurement, already_held, healed)

    def _must_be_locked(self, key: str) -> None:
        """See that the lock is on; some endpoints leave it out of uploads in parts."""
        if self.lock is None:
            return
        asked = self._locked()
        try:
            if "ObjectLockMode" not in self.client.head_object(Bucket=self.bucket, Key=key):
                self.client.put_object_retention(
                    Bucket=self.bucket,
                    Key=key,
                    Retention={
                        "Mode": asked["ObjectLockMode"],
                        "RetainUntilDate": asked["ObjectLockRetainUntilDate"],
                    },
                    ChecksumAlgorithm="SHA256",
                )
            if "ObjectLockMode" not in self.client.head_object(Bucket=self.bucket, Key=key):
                raise StoreError(f"The bucket does not lock {key}; not accepted.")
        except _BAD_ANSWERS as error:
            raise _said(error, key) from error

    def _heal(self, key: str, path: Path, measurement: Measurement) -> None:
        """Put the true bytes over damaged ones, which are kept for study under ``damaged/``.

        Only over those that were found: whoever replaced them meanwhile is not overwritten.
        """
        sha256 = measurement.sha256.hex()
        try:
            found = self.client.head_object(Bucket=self.bucket, Key=key)["ETag"]
            self.client.copy(
                {"Bucket": self.bucket, "Key": key},
                self.bucket,
                f"{DAMAGED}{sha256}.{uuid.uuid4().hex}",
            )
            self._upload(key, path, measurement, {"IfMatch": found})
        except _BAD_ANSWERS as error:
            raise _said(error, key) from error
        self._must_read_back(sha256)

    def _upload(
        self, key: str, path: Path, measurement: Measurement, condition: dict[str, str]
    ) -> None:
        if measurement.size <= PART:
            self._put_whole(key, path.read_bytes(), measurement.sha256, condition)
        else:
            self._put_in_parts(key, path, measurement.size, condition)

    def _locked(self) -> dict[str, Any]:
        if self.lock is None:
            return {}
        mode, length = self.lock
        return {
            "ObjectLockMode": mode,
            "ObjectLockRetainUntilDate": datetime.now(UTC) + length,
        }

    def _put_whole(
        self, key: str, content: bytes, sha256: bytes, condition: dict[str, str]
    ) -> None:
        self.client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=content,
            ContentType="application/octet-stream",
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(sha256).decode("ascii"),
            **condition,
            **self._locked(),
        )

    def _put_in_parts(self, key: str, path: Path, size: int, condition: dict[str, str]) -> None:
        where = {"Bucket": self.bucket, "Key": key}
        upload = self.client.create_multipart_upload(
            **where,
            ContentType="application/octet-stream",
            ChecksumAlgorithm="SHA256",
            **self._locked(),
        )["UploadId"]
        part_size = max(PART, -(-size // MOST_PARTS))
        parts: list[dict[str, Any]] = []
        try:
            with path.open("rb") as file:
                while content := file.read(part_size):
                    number = len(parts) + 1
                    checksum = _checksum(content)
                    answer = self.client.upload_part(
                        **where,
                        UploadId=upload,
                        PartNumber=number,
                        Body=content,
                        ChecksumSHA256=checksum,
                    )
                    parts.append(
                        {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}
                    )
            self.client.complete_multipart_upload(
                **where, UploadId=upload, MultipartUpload={"Parts": parts}, **condition
            )
        except BaseException:
            # If the abort fails too, the sweep does it later; the first error is the one to show.
            with contextlib.suppress(*_BAD_ANSWERS):
                self.client.abort_multipart_upload(**where, UploadId=upload)
            raise

    def _must_read_back(self, sha256: str) -> None:
        """Hash what the bucket now holds; a bad answer gets one second reading."""
        found = ""
        for is_last in (False, True):
            try:
                with self.open(sha256) as file:
                    found = sha256_of(file)
            except StoreError:
                if is_last:
                    raise
                continue
            if found == sha256:
                return
        raise DamagedError(
            f"The bucket gives other bytes under sha256:{sha256} (sha256:{found}); not accepted."
        )


class _Reader(io.RawIOBase):
    """A seekable view of one object, as it was when it was opened."""

    def __init__(self, client: Any, bucket: str, key: str, size: int, etag: str) -> None:
        super().__init__()
        self._client = client
        self._bucket = bucket
        self._key = key
        self._size = size
        self._etag = etag
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("seek before the beginning")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        try:
            answer = self._client.get_object(
                Bucket=self._bucket,
                Key=self._key,
                Range=f"bytes={self._at}-{self._at + wanted - 1}",
                IfMatch=self._etag,
            )
            content = answer["Body"].read()
        except _BAD_ANSWERS as error:
            raise _said(error, self._key) from error
        if len(content) != wanted:
            raise StoreError(f"The bucket gave {len(content)} of {wanted} bytes of {self._key}.")
        buffer[:wanted] = content
        self._at += wanted
        return int(wanted)


def _checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode("ascii")


def _said(error: Exception, key: str) -> StoreError:
    """Turn the client library's error into ours."""
    if isinstance(error, ClientError):
        code = error.response["ResponseMetadata"].get("HTTPStatusCode")
        if code == 404 and error.response.get("Error", {}).get("Code") != "NoSuchBucket":
            return MissingError(f"No original lies under {key}.")
    return StoreError(f"The bucket did not do it ({key}): {error}")
