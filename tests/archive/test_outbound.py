"""The archive's one way out goes where the operator wrote, and nowhere else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from archive import outbound


@contextmanager
def serving(status: int, content: bytes, **headers: str) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers so, its address, and what it was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            asked.append((self.path, self.headers["Content-Type"], self.rfile.read(length)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_what_was_asked_arrives_and_the_answer_comes_back():
    with serving(200, b"answer", Content_Type="text/plain; charset=utf-8") as (url, asked):
        answer = outbound.post(f"{url}/add?x=1", b"question", media_type="text/x.question")

    assert asked == [("/add?x=1", "text/x.question", b"question")]
    assert answer == outbound.Answer(200, "text/plain", b"answer")


def test_a_redirect_is_an_answer_and_is_not_followed():
    with (
        serving(200, b"elsewhere") as (other, asked),
        serving(302, b"", Location=other) as (url, _),
    ):
        answer = outbound.post(url, b"question", media_type="text/plain")

    assert answer.status == 302
    assert asked == []


def test_an_endless_answer_is_not_read(monkeypatch):
    monkeypatch.setattr(outbound, "LONGEST_ANSWER", 10)

    with serving(200, b"0" * 11) as (url, _), pytest.raises(outbound.OutboundError, match="10"):
        outbound.post(url, b"", media_type="text/plain")


def test_no_proxy_of_the_machine_is_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    with serving(200, b"direct") as (url, _):
        assert outbound.post(url, b"", media_type="text/plain").content == b"direct"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1"])
def test_a_name_that_leads_to_a_private_address_is_refused(monkeypatch, address):
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        assert host == "authority.example"
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))
        return [public, (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))

    with pytest.raises(outbound.OutboundError, match="private address"):
        outbound.post("https://authority.example/", b"", media_type="text/plain")


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch):
    looked = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80))]]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: looked.pop())

    def connect(address: tuple[str, int], **_: Any) -> socket.socket:
        assert address == ("93.184.215.14", 80)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)

    with pytest.raises(outbound.OutboundError, match="does not answer"):
        outbound.post("http://authority.example/", b"", media_type="text/plain")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "authority.example",
        "ftp://authority.example/",
        "file:///etc/passwd",
        "http://",
        "http://user:secret@authority.example/",
        "http://authority.example:port/",
        "http://[::1/",
        "http://authority.example/\r\nX: y",
    ],
)
def test_what_is_no_address_is_refused_without_a_connection(monkeypatch, url):
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])

    with pytest.raises(outbound.OutboundError):
        outbound.post(url, b"", media_type="text/plain")
