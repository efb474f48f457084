"""A bucket that is slow, broken, cut off or lying: refused in bounded time, or right after all.

A real client, a real server (moto), and between them a proxy that misbehaves on purpose.
"""

from __future__ import annotations

import hashlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from archive.backends import DamagedError, MissingError, StoreError
from archive.backends.disk import Disk
from archive.backends.s3 import Bucket

CONTENT = b"a statement, in writing\n" * 2_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LONGEST = 15  # seconds that any of it may take


class Proxy(BaseHTTPRequestHandler):
    """Hands requests on to ``server.target``; ``before`` and ``after`` may misbehave."""

    protocol_version = "HTTP/1.1"

    def _hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(f"{self.command} {self.path}")
        before = getattr(self.server, "before", None)
        if before is not None and before(self):
            return
        connection = http.client.HTTPConnection(self.server.target, timeout=30)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content: bytes | None = answer.read()
        after = getattr(self.server, "after", None)
        if after is not None and answer.status < 300:
            content = after(self, content)
            if content is None:
                self.close_connection = True
                self.connection.close()
                return
        assert content is not None
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _hand_on  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing: what was asked is in ``server.seen``."""

    def refuse(self, status: int) -> bool:
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def proxy(endpoint: str) -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    server.target, server.seen = endpoint, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def bucket(proxy: Any, tmp_path) -> Bucket:
    place = Bucket(
        Disk(tmp_path / "store"),
        bucket=f"b{time.monotonic_ns()}",
        endpoint_url=f"http://127.0.0.1:{proxy.server_port}",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )
    place.client.create_bucket(Bucket=place.bucket)
    return place


def _put(bucket: Bucket) -> Any:
    begun = time.monotonic()
    try:
        return bucket.put([CONTENT], declared_size=len(CONTENT), progress=None)
    finally:
        assert time.monotonic() - begun < LONGEST
        assert not list(bucket.disk.temporary.iterdir())


def _first(method: str, act: Callable[[Proxy], bool]) -> Callable[[Proxy], bool]:
    """Misbehave at the first request of a kind alone."""
    left = [True]

    def once(request: Proxy) -> bool:
        if request.command == method and left:
            left.clear()
            return act(request)
        return False

    return once


def _hang(request: Proxy) -> bool:
    time.sleep(8)  # longer than the client waits
    return request.refuse(503)


def _cut(request: Proxy) -> bool:
    request.close_connection = True
    request.connection.close()
    return True


@pytest.mark.parametrize(
    "act",
    [lambda one: one.refuse(503), lambda one: one.refuse(500), _cut],
    ids=["503", "500", "cut"],
)
@pytest.mark.parametrize("method", ["PUT", "HEAD", "GET"])
def test_one_bad_answer_is_asked_again_and_the_bytes_are_kept(bucket, proxy, act, method):
    proxy.before = _first(method, act)

    assert _put(bucket).measurement.sha256.hex() == SHA256

    with bucket.open(SHA256) as file:
        assert file.read() == CONTENT


@pytest.mark.parametrize(
    "act",
    [lambda one: one.refuse(503), lambda one: one.refuse(500), lambda one: one.refuse(403), _cut],
    ids=["503", "500", "403", "cut"],
)
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_bucket_that_stays_bad_is_refused_in_words(bucket, proxy, act, method):
    proxy.before = lambda one: one.command == method and act(one)

    with pytest.raises(StoreError, match="bucket"):
        _put(bucket)


def test_a_bucket_that_hangs_is_given_up(bucket, proxy):
    proxy.before = lambda one: one.command == "PUT" and _hang(one)

    with pytest.raises(StoreError, match="bucket"):
        _put(bucket)


def test_an_answer_that_was_lost_after_the_bytes_were_kept_is_no_harm(bucket, proxy):
    lost = [True]

    def after(request: Proxy, content: bytes) -> bytes | None:
        if request.command == "PUT" and lost:
            lost.clear()
            return None
        return content

    proxy.after = after

    assert _put(bucket).already_held  # by its own first attempt
    assert sum(one.startswith("PUT") and SHA256 in one for one in proxy.seen) == 2


@pytest.mark.parametrize(
    "spoil",
    [lambda content: content[:100] + b"?" + content[101:], lambda content: content[:-7]],
    ids=["one bit", "cut short"],
)
def test_bytes_that_come_back_spoilt_are_never_taken_for_good(bucket, proxy, spoil):
    proxy.after = lambda one, content: spoil(content) if one.command == "GET" else content

    with pytest.raises(StoreError):
        _put(bucket)


def test_one_spoilt_reading_is_read_again(bucket, proxy):
    spoilt = [True]

    def after(request: Proxy, content: bytes) -> bytes:
        if request.command == "GET" and spoilt:
            spoilt.clear()
            return b"?" + content[1:]
        return content

    proxy.after = after

    assert _put(bucket).measurement.sha256.hex() == SHA256
    assert not spoilt


def test_missing_is_not_said_of_a_bucket_that_only_refuses(bucket, proxy):
    _put(bucket)
    proxy.before = lambda one: one.refuse(403)

    with pytest.raises(StoreError) as refused:
        bucket.open(SHA256)

    assert not isinstance(refused.value, (MissingError, DamagedError))
