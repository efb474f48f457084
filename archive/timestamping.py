"""Has time-stamping authorities certify the log's checkpoints (RFC 3161), if an operator named any.

A token says that a checkpoint, and so every entry before it, was there at the authority's time.
It is recorded in the log itself: what is recorded after that was not there before.  So each entry
stands between two times that a third party answers for.  Whom to ask stands in the file
``settings.TIME_AUTHORITIES``, one line for each:

    authority NAME ADDRESS CERTIFICATES

``CERTIFICATES`` is a PEM file with the roots to accept, named from the file's own folder.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from django.conf import settings
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from archive import checkpoints, custody, outbound
from archive.models.checkpoint import Checkpoint, TimestampToken
from archive.proof import notes, timestamps
from archive.proof.entries import format_time
from archive.proof.errors import MalformedError
from archive.proof.events import CheckpointTimestamped

logger = logging.getLogger(__name__)

HEARTBEAT = timedelta(hours=24)  # a log in which nothing happens is stamped again after this long
INTERVAL = timedelta(hours=1)  # and one in which something happens, not more often than this
CLOCKS_DIFFER = timedelta(seconds=5)  # between the archive's and an authority's, unremarked
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
MOST_AUTHORITIES = 16

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class TimestampingError(Exception):
    """An authority has not stamped; the message says which, why, and what to do."""


@dataclass(frozen=True)
class Authority:
    """Whom to ask: its name here, its address, and a PEM file with the roots to accept."""

    name: str
    url: str
    roots: Path

    def certificates(self) -> list[x509.Certificate]:
        """Read the roots.  Raises TimestampingError."""
        try:
            return x509.load_pem_x509_certificates(self.roots.read_bytes())
        except (OSError, ValueError) as error:
            raise TimestampingError(
                f"The certificates of the authority {self.name} in {self.roots} can't be read: "
                f"{error}. Put its root certificate there in PEM."
            ) from error


@dataclass(frozen=True)
class Asked:
    """What came of asking one authority; ``fault`` is empty when it has stamped."""

    authority: str
    fault: str = ""


def authorities() -> tuple[Authority, ...]:
    """Return whom an operator named.  Raises TimestampingError when the file can't be read."""
    path = settings.TIME_AUTHORITIES
    if path is None:
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise TimestampingError(
            f"The authorities' file {path} can't be read: {error}. Mend it, or unset "
            "MUNIMENT_TIME_AUTHORITIES."
        ) from error
    found: dict[str, Authority] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 4 or words[0] != "authority" or not _NAME.fullmatch(words[1]):
            raise TimestampingError(
                f"{path} line {number} is not “authority NAME ADDRESS CERTIFICATES”; a name is of "
                "small letters, digits, dots and hyphens."
            )
        if words[1] in found or len(found) == MOST_AUTHORITIES:
            raise TimestampingError(f"{path} line {number}: {words[1]} is one name too many.")
        found[words[1]] = Authority(words[1], words[2], path.parent / words[3])
    return tuple(found.values())


def gather(*, now: datetime, at_once: bool = False) -> list[Asked]:
    """Each authority has been asked to stamp the newest checkpoint, unless it did lately.

    With ``at_once`` also one that stamped a moment ago, if not this checkpoint.

    What goes wrong with one is told and logged, and holds up neither the others nor the archive.
    """
    asked = []
    for authority in authorities():
        newest = checkpoints.latest()
        if newest is None or not _is_due(newest, authority, now, at_once=at_once):
            continue
        asked.append(ask_and_tell(newest, authority, now=now))
    return asked


def ask_and_tell(checkpoint: Checkpoint, authority: Authority, *, now: datetime) -> Asked:
    """Ask one authority; what went wrong is told and logged, not raised."""
    try:
        ask(checkpoint, authority, now=now)
    except (TimestampingError, custody.CustodyError) as error:
        logger.warning("%s", error)
        return Asked(authority.name, str(error))
    return Asked(authority.name)


def _is_due(checkpoint: Checkpoint, authority: Authority, now: datetime, *, at_once: bool) -> bool:
    """Whether something happened that it has not stamped, and that waited, or a day went by.

    That tokens were recorded is nothing that happened: else each token would ask for the next.
    """
    last = (
        TimestampToken.objects.filter(checkpoint__log=checkpoint.log_id, authority=authority.name)
        .select_related("checkpoint")
        .order_by("-checkpoint__size")
        .first()
    )
    if last is None:
        return True
    if checkpoint.size <= last.checkpoint.size:
        return False
    if at_once or now - last.gen_time >= HEARTBEAT:
        return True
    if now - last.gen_time < INTERVAL:
        return False
    return (
        custody.entries()
        .filter(seq__gte=last.checkpoint.size, seq__lt=checkpoint.size)
        .exclude(kind=CheckpointTimestamped.kind)
        .exists()
    )


def ask(checkpoint: Checkpoint, authority: Authority, *, now: datetime) -> TimestampToken:
    """Have one authority stamp, and record its token.

    Raises TimestampingError when it does not answer as it should.
    """
    request, response = _asked(notes.signed_by_log(checkpoint.note).encode(), authority)
    return keep(checkpoint, authority, response, now=now, request=request)


def stamp(content: bytes) -> tuple[bytes, Authority] | None:
    """Have the first authority that answers stamp some bytes; return its response, and which.

    None when none is named.  Nothing is recorded: whoever asks keeps it.  What goes wrong with one
    is logged; None too when it went wrong with all.
    """
    for authority in authorities():
        try:
            request, response = _asked(content, authority)
            fault = _not_over(content, response, authority, request=request)
            if fault:
                raise TimestampingError(
                    f"What the time authority {authority.name} answered: {fault}."
                )
        except TimestampingError as error:
            logger.warning("%s", error)
        else:
            return response, authority
    return None


def _asked(signed: bytes, authority: Authority) -> tuple[TimeStampRequest, bytes]:
    request = TimestampRequestBuilder().data(signed).hash_algorithm(HashAlgorithm.SHA256).build()
    try:
        answer = outbound.post(authority.url, request.as_bytes(), media_type=QUERY)
    except outbound.OutboundError as error:
        raise TimestampingError(
            f"The time authority {authority.name} was not reached: {error}"
        ) from error
    if answer.status != 200:
        raise TimestampingError(
            f"The time authority {authority.name} refuses with status {answer.status}."
        )
    return request, answer.content


def keep(
    checkpoint: Checkpoint,
    authority: Authority,
    response: bytes,
    *,
    now: datetime,
    request: TimeStampRequest | None = None,
) -> TimestampToken:
    """A token for that checkpoint is kept byte for byte and recorded, both or neither.

    With ``request``, it must be the answer to that one.  Raises TimestampingError if it is not the
    authority's, or about something else.
    """
    fault = not_signed(checkpoint.note, response, authority, request=request)
    if fault:
        raise TimestampingError(f"What the time authority {authority.name} answered: {fault}.")
    token = timestamps.parse_response(response)
    apart = abs(token.gen_time - now) - token.accuracy
    if apart > CLOCKS_DIFFER:
        logger.critical(
            "The clock here is %s away from that of the time authority %s. Set it: entries whose "
            "times an authority contradicts will not verify.",
            apart,
            authority.name,
        )
    with custody.writing():
        with custody.recording(actor=custody.ARCHIVE) as log:
            pending = log.add(
                CheckpointTimestamped(
                    size=checkpoint.size,
                    tsa=authority.name,
                    gen_time=format_time(token.gen_time),
                    tsr_sha256=sha256(response).hexdigest(),
                )
            )
        return TimestampToken.objects.create(
            checkpoint=checkpoint,
            authority=authority.name,
            gen_time=token.gen_time,
            tsr=response,
            entry_seq=pending.seq,
        )


def not_signed(
    note: str,
    response: bytes,
    authority: Authority,
    *,
    request: TimeStampRequest | None = None,
) -> str:
    """Say why ``response`` is no token of the authority over the log's ``note``; empty if it is.

    Raises TimestampingError when the authority's certificates can't be read.
    """
    return _not_over(notes.signed_by_log(note).encode(), response, authority, request=request)


def _not_over(
    signed: bytes,
    response: bytes,
    authority: Authority,
    *,
    request: TimeStampRequest | None,
) -> str:
    try:
        token = timestamps.parse_response(response)
        decoded = decode_timestamp_response(response)
    except (MalformedError, ValueError) as error:
        return f"not a token: {error}"
    if token.imprint != sha256(signed).digest():
        return "it is about something else"
    verifier = VerifierBuilder(
        roots=authority.certificates(), nonce=None if request is None else request.nonce
    ).build()
    try:
        verifier.verify_message(decoded, signed)
    except (VerificationError, ValueError) as error:
        return str(error)
    return ""


def tokens(origin: str) -> Iterator[TimestampToken]:
    """Give the log's tokens, oldest checkpoint first."""
    rows = TimestampToken.objects.filter(checkpoint__log__origin=origin)
    yield from rows.select_related("checkpoint").order_by("checkpoint__size", "pk").iterator()
