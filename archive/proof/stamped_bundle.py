"""The time-stamp of a bundle's tag manifest (RFC 3161), where it has one.

The token and the authority's roots came after the tag manifest, which can't list them.  A manifest
of their own does, signed with the bundle's key, so that no byte of them can be another.  When the
authority is believed, the whole bundle was there at its time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from archive.proof import ed25519, entries, timestamps
from archive.proof.errors import BrokenError, MalformedError
from archive.proof.examination import LONGEST_MANIFEST, Examination, failed, passed
from archive.proof.report import NOT_CHECKED, Finding
from archive.proof.trust import SIGNED, own_key

STAMP = "signatures/tagmanifest-sha512.txt.tsr"
ROOTS = "signatures/tsa.pem"  # what the archive believes; the reader has a list of their own
LIST = "signatures/timestamp-sha512.txt"
SIGNATURE = "signatures/timestamp-sha512.txt.ed25519.sig"
LISTED = (ROOTS, STAMP)  # in the order of their lines
LONGEST_ROOTS = 1024 * 1024  # bytes

_LINE = re.compile(r"([0-9a-f]{128})  (\S+)\n")


def tag_manifest_is_time_stamped(at: Examination) -> Iterator[Finding]:
    """The token is about this tag manifest, is the one that the archive got, and says when."""
    parts = (STAMP, ROOTS, LIST, SIGNATURE)
    there = [path for path in parts if path in at.bundle.members]
    if not there:
        return
    for path in parts:
        if path not in there:
            yield failed("stamp-incomplete", path, "the file is missing beside the time-stamp's")
    if len(there) < len(parts):
        return
    try:
        faults = list(_sealed(at))
        yield from faults
        if not faults:
            yield _judged(at)
    except MalformedError as error:
        yield failed("stamp-malformed", STAMP, error)


def _sealed(at: Examination) -> Iterator[Finding]:
    text = at.bundle.text(LIST, limit=4096)
    own, signature = own_key(at), at.bundle.read(SIGNATURE, limit=4096)
    if isinstance(own, Finding) or not ed25519.verify(own, signature, text.encode()):
        yield failed("stamp-seal-wrong", SIGNATURE, f"does not belong to {LIST} and the key")
        return
    listed = _LINE.findall(text)
    is_whole = "".join(f"{digest}  {path}\n" for digest, path in listed) == text
    if not is_whole or tuple(path for _, path in listed) != LISTED:
        yield failed("stamp-malformed", LIST, f"does not list {' and '.join(LISTED)}")
        return
    for digest, path in listed:
        limit = LONGEST_ROOTS if path == ROOTS else timestamps.LONGEST_RESPONSE
        if hashlib.sha512(at.bundle.read(path, limit=limit)).hexdigest() != digest:
            yield failed("stamp-altered", path, f"not what {LIST} lists")


def _judged(at: Examination) -> Finding:
    response = at.bundle.read(STAMP, limit=timestamps.LONGEST_RESPONSE)
    token = timestamps.parse_response(response)
    signed = at.bundle.read(SIGNED, limit=LONGEST_MANIFEST)
    if token.imprint != hashlib.sha256(signed).digest():
        return failed("stamp-wrong", STAMP, f"is about something else than {SIGNED}")
    said = entries.format_time(token.gen_time)
    if at.policy.time_roots is None:
        return Finding(
            "stamp-not-checked",
            NOT_CHECKED,
            STAMP,
            f"says {said}; you named no authority to believe, so it counts for nothing: name one"
            " with --time-roots",
        )
    try:
        timestamps.require_signed(response, token, at.policy.time_roots)
    except (BrokenError, timestamps.NotCheckedError) as error:
        return Finding("stamp-not-checked", NOT_CHECKED, STAMP, f"counts for nothing: {error}")
    return passed("bundle-time-certified", STAMP, f"the whole bundle was there at {said}")
