"""What a bundle is made of: its form, its manifests, and every file's digests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Optional

from archive.proof.bundle import Bundle, Member, unsafe
from archive.proof.errors import MalformedError
from archive.proof.examination import (
    LONGEST_MANIFEST,
    LONGEST_RECORD,
    Examination,
    failed,
    passed,
)
from archive.proof.report import UNREADABLE, UNTRUSTED, Finding

BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
ZIP_FORM = "1"  # what bag-info.txt calls the form of docs/formats/bundle.md, "Serialisation"
ALGORITHMS = {"sha256": 64, "sha512": 128}  # hexadecimal digits

_IN_SIGNATURES = re.compile(
    r"signatures/(?:tagmanifest-sha512\.txt\.(?:ed25519\.sig|sshsig|tsr)"
    r"|timestamp-sha512\.txt(?:\.ed25519\.sig)?"
    r"|archive-ed25519\.pub\.pem|allowed_signers|tsa\.pem)"
)
_MANIFEST = re.compile(r"(tag)?manifest-([^/]*)\.txt")


def is_bag(bundle: Bundle) -> bool:
    """Tell whether there is anything to check at all."""
    return "bagit.txt" in bundle.members or any(map(_MANIFEST.fullmatch, bundle.members))


def form_is_sound(at: Examination) -> Iterator[Finding]:
    """Only regular files with safe, single names; a BagIt 1.0 bag without anything to fetch."""
    for fault in at.bundle.faults:
        yield failed(fault.code, fault.subject, fault.detail)
    try:
        if at.bundle.read("bagit.txt", limit=len(BAGIT) + 100) != BAGIT:
            yield failed("bagit-txt", "bagit.txt", "not the declaration of BagIt 1.0 in UTF-8")
    except MalformedError as error:
        yield failed("bagit-txt", "bagit.txt", error)
    if "fetch.txt" in at.bundle.members:
        yield failed("fetch-txt", "fetch.txt", "a bundle is complete; nothing is ever fetched")


def manifests_are_sound(at: Examination) -> Iterator[Finding]:
    """Both manifests and both tag manifests are there, and every line of them can be read."""
    for path in sorted(at.bundle.members):
        found = _MANIFEST.fullmatch(path)
        if found and found[2] not in ALGORITHMS:
            yield failed("manifest-algorithm", path, "only SHA-256 and SHA-512 are used")
    for kind, into in (("", at.manifests), ("tag", at.tag_manifests)):
        for algorithm in ALGORITHMS:
            path = f"{kind}manifest-{algorithm}.txt"
            if path in at.bundle.members:
                into[algorithm] = {}
                yield from _read_manifest(at, path, algorithm, into[algorithm])
            elif kind and at.policy.unsigned:
                yield Finding("manifest-missing", UNTRUSTED, path, "the tag files are unprotected")
            else:
                yield failed("manifest-missing", path, "the file is missing")


def _read_manifest(
    at: Examination, path: str, algorithm: str, into: dict[str, str]
) -> Iterator[Finding]:
    try:
        text = at.bundle.text(path, limit=LONGEST_MANIFEST)
    except MalformedError as error:
        yield failed("manifest-malformed", path, error)
        return
    form = rf"([0-9a-f]{{{ALGORITHMS[algorithm]}}})  ([^\r\n%]+)"
    members, payload = at.bundle.members, path.startswith("manifest")
    read = re.findall(rf"^{form}\n", text, re.MULTILINE)
    listed = {name: digest for digest, name in read}
    if (  # all at once: nothing lies between the lines, no name stands twice, each file is there
        sum(map(len, listed)) + len(read) * (ALGORITHMS[algorithm] + 3) == len(text)
        and listed.keys() <= members.keys()
        and all(name.startswith("data/") is payload for name in listed)
    ):
        into.update((members[name].path, digest) for name, digest in listed.items())  # one string
        return
    line_form = re.compile(form).fullmatch
    lines = text.split("\n")
    if lines.pop() != "":
        yield failed("manifest-malformed", path, "the last line has no end")
    for number, line in enumerate(lines, 1):
        found = line_form(line)
        if found is None:
            yield failed("manifest-line", f"{path} line {number}", "not a digest and a name")
            continue
        digest, name = found.groups()
        if name not in members and unsafe(name) is not None:
            yield failed("manifest-path", f"{path} line {number}", f"{name}: {unsafe(name)}")
        elif name.startswith("data/") is not payload:
            yield failed("manifest-path", f"{path} line {number}", f"{name} does not belong here")
        elif name in into:
            yield failed("manifest-duplicate", f"{path} line {number}", f"{name} is listed twice")
        else:
            into[name] = digest


def every_file_is_listed(at: Examination) -> Iterator[Finding]:
    """What is there is listed in every manifest, and what is listed is there."""
    members = at.bundle.members
    payload = {path for path in members if path.startswith("data/")}
    signatures = {path for path in members if path.startswith("signatures/")}
    tags = {
        path
        for path in members.keys() - payload - signatures
        if not _is_tag_manifest(path) and path != "fetch.txt"
    }
    if not at.manifests:
        return  # said already; naming every file would say no more
    complete = True
    for finding in _compare(at.manifests, payload, "", members):
        complete = False
        yield finding
    for finding in _compare(at.tag_manifests, tags, "tag", members):
        complete = False
        yield finding
    for path in sorted(signatures):
        if not _IN_SIGNATURES.fullmatch(path):
            complete = False
            yield failed("file-unexpected", path, "not a signature that a bundle has")
    if complete:
        yield passed("files-listed", f"{len(members)} files", "no file is missing, none is extra")


def _is_tag_manifest(path: str) -> bool:
    found = _MANIFEST.fullmatch(path)
    return bool(found and found[1])


def _compare(
    manifests: Mapping[str, Mapping[str, str]],
    there: set[str],
    kind: str,
    members: Mapping[str, Member],
) -> Iterator[Finding]:
    unlisted: dict[str, list[str]] = {}
    missing: dict[str, list[str]] = {}
    for algorithm, listed in manifests.items():
        name = f"{kind}manifest-{algorithm}.txt"
        for path in there - listed.keys():
            unlisted.setdefault(path, []).append(name)
        for path in listed.keys() - there:
            if path not in members:
                missing.setdefault(path, []).append(name)
            else:
                yield failed("manifest-path", path, f"has no place in {name}")
    for path in sorted(unlisted):
        yield failed("file-unexpected", path, f"not listed in {', '.join(unlisted[path])}")
    for path in sorted(missing):
        yield failed("file-missing", path, f"listed in {', '.join(missing[path])}")


def payload_has_the_stated_size(at: Examination) -> Iterator[Finding]:
    """bag-info.txt names the bundle and states its payload's size and number of files."""
    try:
        text = at.bundle.text("bag-info.txt", limit=LONGEST_RECORD)
    except MalformedError as error:
        yield failed("bag-info", "bag-info.txt", error)
        return
    for line in text.splitlines():
        label, colon, value = line.partition(":")
        if line.startswith((" ", "\t")) or not colon:
            continue
        if label == "Payload-Oxum":
            at.oxum = value.strip()
        elif label == "Zip-Form":
            at.zip_form = value.strip()
        elif label == "External-Identifier":
            at.bundle_id = value.strip().rpartition(":")[2].lower()
            at.facts["bundle"] = at.bundle_id
    sizes = [m.size for path, m in at.bundle.members.items() if path.startswith("data/")]
    found = f"{sum(sizes)}.{len(sizes)}"
    at.facts["files"] = len(at.bundle.members)
    if at.oxum is None:
        yield failed("payload-oxum", "bag-info.txt", "states no Payload-Oxum")
    elif at.oxum != found:
        yield failed("payload-oxum", "bag-info.txt", f"states {at.oxum}, found {found}")
    else:
        yield passed("payload-oxum", "bag-info.txt", f"{found} as stated")


def container_is_as_written(at: Examination) -> Iterator[Finding]:
    """Every byte of the ZIP file around the members is the one that the archive writes.

    A bundle says of itself that it was written so.  Who packs its folder anew alters nothing that
    counts, and has no ZIP file of the archive's any more.
    """
    if at.zip_form != ZIP_FORM:
        return
    odd = 0
    for name in at.bundle.not_as_written():
        odd += 1
        yield failed(
            "zip-header",
            name,
            "not as the archive writes it; its files may be whole: unpack them, check the folder",
        )
    if not odd and at.bundle.states_crc32:
        yield passed("zip-as-written", at.bundle.name, "every byte around its files, too")


def files_are_unaltered(at: Examination) -> Iterator[Finding]:
    """Each listed file has both digests that the manifests give (RFC 8493 section 2.1.3)."""
    stated = _stated(at)
    unaltered = 0
    known = at.known if at.second is None else {**at.known, **at.second.measured()}
    measure = at.bundle.digests
    nothing: tuple[Optional[str], Optional[str]] = (None, None)
    for path, member in at.bundle.members.items():
        expected = stated.get(path, nothing)
        if expected is nothing:
            continue
        try:
            found = known.get(path) or measure(member)
        except MalformedError as error:
            yield failed("file-malformed", path, error)
            continue
        except OSError as error:
            yield Finding("file-unreadable", UNREADABLE, path, error.strerror or "")
            continue
        if found == expected:
            unaltered += 1
            continue
        wrong = [
            name
            for name, is_, was in (
                ("SHA-256", found[0], expected[0]),
                ("SHA-512", found[1], expected[1]),
            )
            if was not in (None, is_)
        ]
        if wrong:
            yield failed("file-altered", path, f"the {' and the '.join(wrong)} differs")
        else:
            unaltered += 1
    if unaltered:
        yield passed("files-unaltered", f"{unaltered} files", "have the digests in the manifests")


def _stated(at: Examination) -> dict[str, tuple[Optional[str], Optional[str]]]:
    """Put what the manifests say together: path to (SHA-256, SHA-512)."""
    stated: dict[str, tuple[Optional[str], Optional[str]]] = {}
    for manifests in (at.manifests, at.tag_manifests):
        short, long = manifests.get("sha256", {}), manifests.get("sha512", {})
        stated.update({path: (digest, long.get(path)) for path, digest in short.items()})
        for path in long.keys() - short.keys():
            stated[path] = (None, long[path])
    return stated
