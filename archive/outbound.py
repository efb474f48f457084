"""The archive's only way out: one POST to an address that an operator wrote into the settings.

No redirect is followed, no proxy asked, nothing else fetched.  A host given by name must resolve to
public addresses, and the connection goes to the one that was looked at; only an address written out
in numbers may be a private one, for then the operator meant exactly that machine.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE = 10.0  # seconds for each step of the exchange
LONGEST_ANSWER = 1024 * 1024  # bytes


class OutboundError(Exception):
    """The other side can't be reached or may not be asked; the message names it."""


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    media_type: str
    content: bytes


def post(url: str, content: bytes, *, media_type: str, patience: float = PATIENCE) -> Answer:
    """Send ``content`` to ``url`` and return the answer.  Raises OutboundError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise OutboundError(f"{url} is no address: {error}.") from error
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.fragment:
        raise OutboundError(f"{url} is no http or https address.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = _connect(host, port, secure=parts.scheme == "https", patience=patience)
        try:
            connection.request(
                "POST", path, body=content, headers={"Content-Type": media_type, "Accept": "*/*"}
            )
            response = connection.getresponse()
            read = response.read(LONGEST_ANSWER + 1)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise OutboundError(f"{url} does not answer: {error}.") from error
    if len(read) > LONGEST_ANSWER:
        raise OutboundError(f"{url} answers with more than {LONGEST_ANSWER} bytes.")
    kind = response.headers.get_content_type() if "Content-Type" in response.headers else ""
    return Answer(status=response.status, media_type=kind, content=read)


def _connect(host: str, port: int, *, secure: bool, patience: float) -> http.client.HTTPConnection:
    address = _address(host, port)
    channel = socket.create_connection((address, port), timeout=patience)
    if secure:
        try:
            channel = ssl.create_default_context().wrap_socket(channel, server_hostname=host)
        except OSError:
            channel.close()
            raise
    connection = http.client.HTTPConnection(host, port, timeout=patience)
    connection.sock = channel
    return connection


def _address(host: str, port: int) -> str:
    """Return the one address to connect to."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    private = [one for one in addresses if not ipaddress.ip_address(one).is_global]
    if private or not addresses:
        raise OutboundError(
            f"{host} is the private address {', '.join(private)}. If that is meant, write the "
            "address in numbers."
        )
    return addresses[0]
