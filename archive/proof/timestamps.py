"""RFC 3161 time-stamp responses: what one says, and whether a trusted authority signed it.

Only what a proof of time needs is read: the digest that was stamped, when, how exactly, and under
which number.  The encoding must be DER; what is not in that form is no token.  Whether the
authority's signature and its certificates hold is asked of ``openssl ts``, for the standard library
knows neither; without that program a token counts for nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Optional

from archive.proof.errors import BrokenError, MalformedError

LONGEST_RESPONSE = 64 * 1024  # bytes
PATIENCE = 30  # seconds that openssl may take

_BOOLEAN, _INTEGER, _OCTETS, _OID, _GENERALIZED_TIME = 0x01, 0x02, 0x04, 0x06, 0x18
_SEQUENCE, _SET = 0x30, 0x31
_EXPLICIT_0, _IMPLICIT_0, _IMPLICIT_1 = 0xA0, 0x80, 0x81
_GRANTED = (0, 1)  # granted, granted with modifications

_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")  # 1.2.840.113549.1.9.16.1.4
_SHA_256 = bytes.fromhex("608648016503040201")  # 2.16.840.1.101.3.4.2.1

_TIME = re.compile(r"([0-9]{14})(?:\.([0-9]{0,11}[1-9]))?Z", re.ASCII)


class NotCheckedError(Exception):
    """Nothing here can check a signature; the message says what is missing."""


@dataclass(frozen=True)
class Token:
    """What an authority said: that ``imprint``, a SHA-256 digest, was before it at ``gen_time``.

    ``accuracy`` is how far its clock may be off, zero if it did not say.
    """

    imprint: bytes
    gen_time: datetime
    accuracy: timedelta
    serial: int
    policy: str


class _Der:
    """A run of DER values; each is taken once, from the front."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def peek(self) -> Optional[int]:
        """Give the tag of the next value; None at the end."""
        return self._data[self._at] if self._at < len(self._data) else None

    def take(self, tag: int) -> bytes:
        """Give the content of the next value, which must have this tag."""
        data, at = self._data, self._at
        if at + 2 > len(data) or data[at] != tag:
            raise MalformedError("not a time-stamp response in DER")
        length, at = data[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            stated = data[at : at + octets]
            length, at = int.from_bytes(stated, "big"), at + octets
            # DER has one spelling of a length, the shortest.
            if not 1 <= octets <= 4 or len(stated) != octets or not stated[0] or length < 0x80:
                raise MalformedError("a length that is not in DER")
        if at + length > len(data):
            raise MalformedError("a time-stamp response that is cut short")
        self._at = at + length
        return data[at : at + length]

    def value(self, tag: int) -> bytes:
        """Give the next value with its tag and its length."""
        start = self._at
        self.take(tag)
        return self._data[start : self._at]

    def into(self, tag: int) -> _Der:
        return _Der(self.take(tag))

    def number(self, tag: int = _INTEGER) -> int:
        content = self.take(tag)
        if not content or (len(content) > 1 and content[0] in (0, 0xFF) and not _has_sign(content)):
            raise MalformedError("a number that is not in DER")
        return int.from_bytes(content, "big", signed=True)

    def skip(self, tag: int) -> None:
        """Pass over a value if it is there."""
        if self.peek() == tag:
            self.take(tag)


def _has_sign(content: bytes) -> bool:
    """Whether the first octet is there for the sign alone, as it may be."""
    return (content[0] == 0) == bool(content[1] & 0x80)


def parse_response(response: bytes) -> Token:
    """Read a granted time-stamp response.  Raises MalformedError, also for one that was refused."""
    if len(response) > LONGEST_RESPONSE:
        raise MalformedError("a time-stamp response that is too long")
    whole = _Der(response)
    answer = whole.into(_SEQUENCE)
    if whole.peek() is not None:
        raise MalformedError("something stands after the time-stamp response")
    if answer.into(_SEQUENCE).number() not in _GRANTED:
        raise MalformedError("the authority refused the request")
    content = answer.into(_SEQUENCE)
    if content.take(_OID) != _SIGNED_DATA:
        raise MalformedError("the token is not signed data (RFC 5652)")
    signed = content.into(_EXPLICIT_0).into(_SEQUENCE)
    signed.number()
    signed.take(_SET)
    encapsulated = signed.into(_SEQUENCE)
    if encapsulated.take(_OID) != _TST_INFO:
        raise MalformedError("the signed data is not about time")
    stamped = encapsulated.into(_EXPLICIT_0).into(_OCTETS)
    return _token(stamped.into(_SEQUENCE))


def certificates(response: bytes) -> tuple[bytes, ...]:
    """Give the certificates that a response brings along, in DER.  Raises MalformedError."""
    parse_response(response)
    answer = _Der(response).into(_SEQUENCE)
    answer.take(_SEQUENCE)
    content = answer.into(_SEQUENCE)
    content.take(_OID)
    signed = content.into(_EXPLICIT_0).into(_SEQUENCE)
    for tag in (_INTEGER, _SET, _SEQUENCE):
        signed.take(tag)
    found: list[bytes] = []
    if signed.peek() == _EXPLICIT_0:
        each = signed.into(_EXPLICIT_0)
        while each.peek() is not None:
            found.append(each.value(_SEQUENCE))
    return tuple(found)


def _token(info: _Der) -> Token:
    if info.number() != 1:
        raise MalformedError("a time-stamp token of an unknown version")
    policy = _dotted(info.take(_OID))
    imprint = info.into(_SEQUENCE)
    if imprint.into(_SEQUENCE).take(_OID) != _SHA_256:
        raise MalformedError("the token is not over a SHA-256 digest")
    digest = imprint.take(_OCTETS)
    if len(digest) != 32:
        raise MalformedError("the token's digest has not the length of SHA-256")
    serial = info.number()
    gen_time = _time(info.take(_GENERALIZED_TIME))
    accuracy = timedelta()
    if info.peek() == _SEQUENCE:
        accuracy = _accuracy(info.into(_SEQUENCE))
    return Token(imprint=digest, gen_time=gen_time, accuracy=accuracy, serial=serial, policy=policy)


def _accuracy(stated: _Der) -> timedelta:
    seconds = stated.number() if stated.peek() == _INTEGER else 0
    millis = stated.number(_IMPLICIT_0) if stated.peek() == _IMPLICIT_0 else 0
    micros = stated.number(_IMPLICIT_1) if stated.peek() == _IMPLICIT_1 else 0
    if not (0 <= seconds < 10**9 and 0 <= millis < 1000 and 0 <= micros < 1000):
        raise MalformedError("an accuracy that means nothing")
    return timedelta(seconds=seconds, milliseconds=millis, microseconds=micros)


def _time(content: bytes) -> datetime:
    """Read a GeneralizedTime (RFC 3161 section 2.4.2); finer than microseconds is cut."""
    found = _TIME.fullmatch(content.decode("ascii", "replace"))
    if found is None:
        raise MalformedError("a time that RFC 3161 does not know")
    try:
        whole = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise MalformedError("a time that is none") from error
    return whole.replace(microsecond=int((found[2] or "").ljust(6, "0")[:6]))


def _dotted(content: bytes) -> str:
    numbers, value = [], 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    if not numbers or content[-1] & 0x80 or len(content) > 64:
        raise MalformedError("an object identifier that is cut short")
    first = min(numbers[0] // 40, 2)
    return ".".join(str(each) for each in (first, numbers[0] - 40 * first, *numbers[1:]))


def require_signed(response: bytes, token: Token, roots: str) -> None:
    """Require that an authority below one of the certificates in the file ``roots`` signed it.

    Certificates must have been valid when the token was made, and be meant for time-stamping.
    Raises BrokenError if not, NotCheckedError if nothing here can tell.
    """
    program = shutil.which("openssl")
    if program is None:
        raise NotCheckedError("the program openssl is not on this machine")
    at = int(token.gen_time.timestamp())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "token.tsr")  # noqa: PTH118 - one join, no path needed
        with open(path, "wb") as file:  # noqa: PTH123 - as above
            file.write(response)
        command = (
            *(program, "ts", "-verify", "-digest", token.imprint.hex(), "-in", path),
            *("-CAfile", roots, "-attime", str(at)),
        )
        done = _run(command)
    if done.returncode:
        raise BrokenError(f"openssl does not accept it: {_reason(done.stderr)}")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # Nothing of the reader's settings for openssl may change what it accepts.
    environment = {"OPENSSL_CONF": os.devnull, "LC_ALL": "C"}
    try:
        return subprocess.run(  # noqa: S603 - no shell; a fixed command and our own file
            list(command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotCheckedError(f"openssl did not answer: {error}") from error


def _reason(said: str) -> str:
    """Take the part of openssl's error lines that says what is wrong."""
    lines = [line.split(":") for line in said.splitlines() if ":error:" in line]
    words = [":".join(parts[5:6] + parts[8:]).strip(": ") for parts in lines]
    return "; ".join(word for word in words if word)[:300] or said.strip()[-300:] or "no reason"
