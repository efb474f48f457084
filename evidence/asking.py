"""Fingerprints of a file that one only asks about: worked out in the sandbox, and not kept."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from django.utils.translation import gettext as _

from evidence import sandbox
from evidence.fingerprints import blocks
from evidence.matching import Asked
from evidence.models.analysis import Fingerprint
from evidence.registry import registry, tools_for

BYTES = 200 * 2**20  # of a file that is asked about
SECONDS = 20  # for each tool, while somebody waits
_CHUNK = 2**20

#: Apart from the one that processes uploads, which may be at work on something long.
_helper = sandbox.Helper()


class TooLargeError(ValueError):
    """The file is larger than one may ask about."""


@dataclass(frozen=True)
class Answer:
    """What is to be looked for, and what could not be worked out, in words."""

    asked: Asked
    media_type: str
    sha256: str
    problems: tuple[str, ...]


def about(file: BinaryIO) -> Answer:
    """Work out the fingerprints of an open file.  Raises TooLargeError.

    A helper that is lost or too slow is a problem that is told, never an error.
    """
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if size > BYTES:
            raise TooLargeError(
                _("A file that is asked about may have {value} MiB.").format(value=BYTES // 2**20)
            )
    found = sandbox.run_with(_helper, registry()["type"], file).result or {}
    media_type = str(found.get("media_type", ""))
    prints: list[Fingerprint] = []
    problems: list[str] = []
    for tool in tools_for(media_type):
        if tool.kind != "fingerprint":
            continue
        hurried = replace(tool, budget=replace(tool.budget, wall_seconds=SECONDS))
        with tempfile.TemporaryFile() as output:
            outcome = sandbox.run_with(_helper, hurried, file, output=cast("BinaryIO", output))
            if outcome.outcome == "ok":
                try:
                    prints += _read(outcome, cast("BinaryIO", output))
                except (ValueError, KeyError, TypeError, OSError) as error:
                    # A stranger's word: what it says of its output does not fit it.
                    problems.append(f"{tool.name}: {error}")
            elif outcome.outcome != "unsupported":
                problems.append(f"{tool.name}: {outcome.reason}")
    asked = Asked(fingerprints=tuple(prints), digests=frozenset({digest.hexdigest()}))
    return Answer(asked, media_type, digest.hexdigest(), tuple(problems))


def _read(outcome: sandbox.Outcome, output: BinaryIO) -> list[Fingerprint]:
    return [Fingerprint(**vars(one)) for one in blocks.all_of(outcome.result or {}, output)]
