"""Plain BagIt bags (RFC 8493), which others pack: whole or not, and what that does not prove.

A bag says that its files are those its manifests list.  Nothing in it says who made it or when, and
whoever changes a file can write the manifest anew.  The reader is that of bundles: nothing is
extracted, followed or fetched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from archive.proof.bundle import Bundle, Member
from archive.proof.errors import MalformedError
from archive.proof.examination import LONGEST_MANIFEST, LONGEST_RECORD, failed, passed
from archive.proof.report import (
    NOT_CHECKED,
    UNREADABLE,
    UNTRUSTED,
    Finding,
    Report,
    gather,
)

PAYLOAD = "data/"
#: Digests that a manifest may use, by their length in hexadecimal.
ALGORITHMS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
WEAK = frozenset({"md5", "sha1"})

_DECLARATION = re.compile(
    r"BagIt-Version: (0\.9[3-7]|1\.0)\r?\nTag-File-Character-Encoding: UTF-8\r?\n?"
)
_MANIFEST = re.compile(r"(tag)?manifest-([^/]+)\.txt")
_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+\*?([^\r\n]+)")


@dataclass
class _Bag:
    """What the checks hand on."""

    bundle: Bundle
    version: str = ""
    manifests: dict[str, dict[str, str]] = field(default_factory=dict)  # by algorithm: path, digest
    tag_manifests: dict[str, dict[str, str]] = field(default_factory=dict)
    info: dict[str, str] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)  # of every payload file, as read


@dataclass(frozen=True)
class Checked:
    """A bag's report, what bag-info.txt says, and each payload file's SHA-256 as it was read."""

    report: Report
    info: Mapping[str, str]
    sha256: Mapping[str, str]


def check(bundle: Bundle) -> Checked:
    """Check a bag that is open; whatever its bytes, this returns a report."""
    bag = _Bag(bundle)
    found: list[Finding] = []
    for step in (_form, _manifests, _files_listed, _info, _digests, _what_it_does_not_prove):
        try:
            found.extend(step(bag))
        except OSError as error:
            found.append(
                Finding("file-unreadable", UNREADABLE, step.__name__, error.strerror or "")
            )
        except MalformedError as error:
            found.append(failed("bag-malformed", bundle.name, error))
    report = gather(bundle.name, found, files=len(bundle.members))
    return Checked(report, bag.info, bag.sha256)


def _form(bag: _Bag) -> Iterator[Finding]:
    """Regular files with safe names; a version that is known; nothing to fetch."""
    for fault in bag.bundle.faults:
        yield failed(fault.code, fault.subject, fault.detail)
    text = bag.bundle.text("bagit.txt", limit=1000)
    declared = _DECLARATION.fullmatch(text)
    if declared is None:
        yield failed("bagit-txt", "bagit.txt", "not a declaration of BagIt 0.93 to 1.0 in UTF-8")
    else:
        bag.version = declared[1]
    if "fetch.txt" in bag.bundle.members:
        yield failed(
            "fetch-txt", "fetch.txt", "files are missing; complete the bag: nothing is fetched here"
        )


def _manifests(bag: _Bag) -> Iterator[Finding]:
    for path in sorted(bag.bundle.members):
        named = _MANIFEST.fullmatch(path)
        if named is None:
            continue
        if named[2] not in ALGORITHMS:
            yield Finding(
                "manifest-unknown", NOT_CHECKED, path, "no digest of that name is known here"
            )
            continue
        into: dict[str, str] = {}
        (bag.tag_manifests if named[1] else bag.manifests)[named[2]] = into
        yield from _lines(bag, path, ALGORITHMS[named[2]], into)
    if not bag.manifests:
        yield failed("manifest-missing", bag.bundle.name, "no payload manifest that can be checked")


def _lines(bag: _Bag, path: str, digits: int, into: dict[str, str]) -> Iterator[Finding]:
    payload = not path.startswith("tag")
    text = bag.bundle.text(path, limit=LONGEST_MANIFEST)
    for number, line in enumerate(re.split("\r\n|\r|\n", text), 1):
        if not line:
            continue
        found = _LINE.fullmatch(line)
        where = f"{path} line {number}"
        if found is None or len(found[1]) != digits:
            yield failed("manifest-line", where, "not a digest and a name")
            continue
        name = found[2].removeprefix("./")
        if name.startswith(PAYLOAD) is not payload:
            yield failed("manifest-path", where, f"{name} does not belong here")
        elif name in into:
            yield failed("manifest-duplicate", where, f"{name} is listed twice")
        else:
            into[name] = found[1].lower()


def _files_listed(bag: _Bag) -> Iterator[Finding]:
    """Each listed file is there, and each payload file stands in the manifests (section 2.1.3)."""
    members = bag.bundle.members
    payload = {path for path in members if path.startswith(PAYLOAD)}
    faults = 0
    for kind, manifests in (("", bag.manifests), ("tag", bag.tag_manifests)):
        for algorithm, listed in sorted(manifests.items()):
            for path in sorted(listed.keys() - members.keys()):
                faults += 1
                yield failed("file-missing", path, f"listed in {kind}manifest-{algorithm}.txt")
    # Before version 1.0 a file had to stand in one manifest only.
    somewhere = {path for listed in bag.manifests.values() for path in listed}
    for algorithm, listed in sorted(bag.manifests.items()):
        needed = payload - (listed.keys() if bag.version == "1.0" else somewhere)
        for path in sorted(needed):
            faults += 1
            yield failed("file-unexpected", path, f"not listed in manifest-{algorithm}.txt")
    if not payload:
        yield failed("bag-empty", bag.bundle.name, "it has no payload")
    elif not faults:
        yield passed("files-listed", f"{len(payload)} files", "no file is missing, none is extra")


def info(bundle: Bundle) -> dict[str, str]:
    """Return what bag-info.txt says; of a label that stands twice, the first.

    Raises MalformedError when it is not there or no text.
    """
    said: dict[str, str] = {}
    label = ""
    for line in bundle.text("bag-info.txt", limit=LONGEST_RECORD).splitlines():
        if line.startswith((" ", "\t")) and label:
            said[label] += " " + line.strip()
            continue
        label, _, value = line.partition(":")
        label = label.strip()
        said.setdefault(label, value.strip())
    return said


def _info(bag: _Bag) -> Iterator[Finding]:
    if "bag-info.txt" not in bag.bundle.members:
        return
    bag.info.update(info(bag.bundle))
    stated = bag.info.get("Payload-Oxum")
    sizes = [one.size for path, one in bag.bundle.members.items() if path.startswith(PAYLOAD)]
    found = f"{sum(sizes)}.{len(sizes)}"
    if stated is not None and stated != found:
        yield failed("payload-oxum", "bag-info.txt", f"states {stated}, found {found}")


def _digests(bag: _Bag) -> Iterator[Finding]:
    """Every listed file has the digests that are listed for it."""
    equal = 0
    for path, member in bag.bundle.members.items():
        stated = {
            (algorithm, listed[path])
            for manifests in (bag.manifests, bag.tag_manifests)
            for algorithm, listed in manifests.items()
            if path in listed
        }
        if not stated:
            continue
        try:
            found = _measured(bag.bundle, member, {algorithm for algorithm, _ in stated})
        except MalformedError as error:
            yield failed("file-malformed", path, error)
            continue
        except OSError as error:
            yield Finding("file-unreadable", UNREADABLE, path, error.strerror or "")
            continue
        bag.sha256[path] = found["sha256"]
        wrong = sorted(name for name, digest in stated if found[name] != digest)
        if wrong:
            yield failed("file-altered", path, f"the {', '.join(wrong)} differs")
        else:
            equal += 1
    if equal:
        yield passed("files-unaltered", f"{equal} files", "have the digests in the manifests")


def _measured(bundle: Bundle, member: Member, algorithms: set[str]) -> dict[str, str]:
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms | {"sha256"}}
    for chunk in bundle.chunks(member):
        for digest in hashes.values():
            digest.update(chunk)
    return {name: digest.hexdigest() for name, digest in hashes.items()}


def _what_it_does_not_prove(bag: _Bag) -> Iterator[Finding]:
    strong = bag.manifests.keys() - WEAK
    if bag.manifests and not strong:
        yield Finding(
            "digest-weak",
            UNTRUSTED,
            ", ".join(sorted(bag.manifests)),
            "two files can be made that have the same such digest",
        )
    if not bag.tag_manifests:
        yield Finding(
            "tag-files-unprotected",
            NOT_CHECKED,
            "bag-info.txt and other tag files",
            "no tag manifest lists them: a change of what they say would not be seen",
        )
    yield Finding(
        "bag-unsigned",
        UNTRUSTED,
        bag.bundle.name,
        "a plain bag: it does not prove who made it, when, that nothing was left out together with"
        " its line, or what happened to the files before",
    )
