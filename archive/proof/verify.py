"""The checks of a bundle, in order, and ``verify(path, policy)`` that makes them all.

Cheap and structural before expensive.  Every fault is reported, not only the first, and each
finding names exactly the file or entry.  Trust comes from the reader's policy alone: keys and
states that the bundle brings along prove only that it is consistent in itself.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional, Union

from archive.proof.bundle import Bundle, open_bundle
from archive.proof.certified_time import entries_stand_in_certified_time
from archive.proof.chains import (
    disclosures_belong_to_entries,
    entries_are_in_the_log,
    item_chains_are_complete,
)
from archive.proof.errors import MalformedError, ProofError
from archive.proof.examination import Check, Examination, Policy, failed
from archive.proof.key_walk import keys_lead_from_one_that_is_trusted
from archive.proof.metadata import metadata_agrees
from archive.proof.originals import originals_are_as_taken_in, what_is_withheld_is_named
from archive.proof.report import NOT_CHECKED, UNREADABLE, Finding, Report
from archive.proof.second_process import Digests, measuring_beside
from archive.proof.stamped_bundle import tag_manifest_is_time_stamped
from archive.proof.structure import (
    container_is_as_written,
    every_file_is_listed,
    files_are_unaltered,
    form_is_sound,
    is_bag,
    manifests_are_sound,
    payload_has_the_stated_size,
)
from archive.proof.trust import (
    checkpoint_is_signed,
    post_quantum_signature_holds,
    remembered_states_agree,
    ssh_signature_holds,
    tag_manifest_is_signed,
)
from archive.proof.witnesses import checkpoint_is_witnessed

MOST_FINDINGS = 10_000  # of one check; the rest is counted


def what_remains_open(_at: Examination) -> Iterator[Finding]:
    """Say what no check here can exclude, and which attack (formats/ledger.md) stays open."""
    yield Finding(
        "verifier-origin",
        NOT_CHECKED,
        "this program",
        "a verifier that came inside the bundle proves nothing if the archive is hostile: get it"
        " elsewhere, or use sha256sum and openssl as README.txt says",
    )


CHECKS: tuple[Check, ...] = (
    form_is_sound,
    manifests_are_sound,
    payload_has_the_stated_size,
    container_is_as_written,
    every_file_is_listed,
    keys_lead_from_one_that_is_trusted,
    tag_manifest_is_signed,
    ssh_signature_holds,
    tag_manifest_is_time_stamped,
    checkpoint_is_signed,
    post_quantum_signature_holds,
    checkpoint_is_witnessed,
    remembered_states_agree,
    entries_are_in_the_log,
    item_chains_are_complete,
    entries_stand_in_certified_time,
    disclosures_belong_to_entries,
    files_are_unaltered,  # late: small files have been measured by a second process meanwhile
    originals_are_as_taken_in,
    metadata_agrees,
    what_is_withheld_is_named,
    what_remains_open,
)


def verify(
    path: Union[str, os.PathLike[str]],
    policy: Optional[Policy] = None,
    *,
    known: Optional[Digests] = None,
) -> Report:
    """Check the bundle at ``path``, a folder or a ZIP file, and report all that was found.

    Whatever the bytes, this returns a report.  ``known`` are digests that the caller has read from
    this very file just now; these members are not read again.
    """
    subject = os.fspath(path)
    try:
        bundle = open_bundle(path)
    except OSError as error:
        return _unreadable(subject, error.strerror or str(error))
    except MalformedError as error:
        return _unreadable(subject, str(error))
    with bundle:
        return verify_opened(bundle, policy, subject=subject, known=known)


def verify_opened(
    bundle: Bundle,
    policy: Optional[Policy] = None,
    *,
    subject: Optional[str] = None,
    known: Optional[Digests] = None,
) -> Report:
    """Check a bundle that is open already, and leave it open; ``subject`` is what it is called."""
    subject = bundle.name if subject is None else subject
    if not is_bag(bundle):
        faults = (failed(each.code, each.subject, each.detail) for each in bundle.faults)
        unreadable = Finding("not-a-bundle", UNREADABLE, bundle.name, "no manifest to check")
        return Report(subject, (*faults, unreadable))
    with _without_collecting(), measuring_beside(bundle) as second:
        at = Examination(bundle, policy or Policy(), second, dict(known or {}))
        return _examine(subject, at)


def _unreadable(subject: str, reason: str) -> Report:
    return Report(subject, (Finding("bundle-unreadable", UNREADABLE, subject, reason),))


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let the collector rest: what is read here holds no rings, and looking takes half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _examine(subject: str, at: Examination) -> Report:
    found: list[Finding] = []
    for check in CHECKS:
        made = 0
        try:
            for finding in check(at):
                made += 1
                if made <= MOST_FINDINGS:
                    found.append(finding)
        except OSError as error:
            found.append(
                Finding("file-unreadable", UNREADABLE, check.__name__, error.strerror or "")
            )
        except ProofError as error:
            found.append(failed("check-stopped", check.__name__, error))
        if made > MOST_FINDINGS:
            found.append(
                failed("more-findings", check.__name__, f"{made - MOST_FINDINGS} more like these")
            )
    report = Report(subject, tuple(found), at.facts)
    if report.verdict.is_good and at.note is not None and at.log_is_trusted:
        return Report(subject, report.findings, {**at.facts, "checkpoint": at.note})
    return report
