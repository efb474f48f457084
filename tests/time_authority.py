"""A time-stamping authority of the tests' own: certificates and responses made by openssl."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[stamping]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
{usage}
subjectKeyIdentifier = hash
[tsa]
default_tsa = here
[here]
dir = {folder}
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = {accuracy}
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
KEYS = {
    "rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "ecdsa": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
}


def openssl(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run openssl; raises CalledProcessError with what it said."""
    return subprocess.run(
        ["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60, **options
    )


@dataclass(frozen=True)
class Authority:
    """Answers requests as an authority does; ``roots`` is the certificate to trust."""

    folder: Path

    @property
    def roots(self) -> Path:
        return self.folder / "root.pem"

    def answer(self, request: bytes) -> bytes:
        """Make the response to a request."""
        (self.folder / "request").write_bytes(request)
        openssl(
            *("ts", "-reply", "-config", self.folder / "tsa.cnf", "-section", "here"),
            *("-queryfile", self.folder / "request", "-out", self.folder / "response"),
        )
        return (self.folder / "response").read_bytes()

    def stamp(self, message: bytes, *, nonce: bool = True) -> bytes:
        """Make the response to a request that openssl makes itself."""
        (self.folder / "message").write_bytes(message)
        more = () if nonce else ("-no_nonce",)
        asked = openssl(
            *("ts", "-query", "-data", self.folder / "message", "-sha256", "-cert", *more)
        )
        return self.answer(asked.stdout)


def make(
    folder: Path,
    *,
    name: str = "tsa.tests.invalid",
    key: str = "ecdsa",
    usage: str = "extendedKeyUsage = critical, timeStamping",
    accuracy: str = "secs:1",
    days: int = 30,
) -> Authority:
    """Make a root, and an authority that it certifies for time-stamping."""
    folder.mkdir(parents=True)
    settings = folder / "tsa.cnf"
    settings.write_text(
        _CONFIGURATION.format(name=name, folder=folder, usage=usage, accuracy=accuracy)
    )
    (folder / "serial").write_text("01\n")
    for each in ("root", "tsa"):
        openssl("genpkey", *KEYS[key], "-out", folder / f"{each}.key")
    openssl(
        *("req", "-x509", "-new", "-config", settings, "-extensions", "root", "-sha256"),
        *("-key", folder / "root.key", "-days", "3650", "-out", folder / "root.pem"),
        *("-subj", f"/CN=root of {name}"),
    )
    openssl(
        *("req", "-new", "-config", settings, "-key", folder / "tsa.key"),
        *("-out", folder / "tsa.csr"),
    )
    openssl(
        *("x509", "-req", "-in", folder / "tsa.csr", "-CA", folder / "root.pem", "-sha256"),
        *("-CAkey", folder / "root.key", "-CAcreateserial", "-days", str(days)),
        *("-extfile", settings, "-extensions", "stamping", "-out", folder / "tsa.pem"),
    )
    return Authority(folder)


@contextmanager
def listening(answer: Callable[[bytes], bytes], *, status: int = 200) -> Iterator[str]:
    """Serve an authority over HTTP; gives its address."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            content = answer(asked)
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
