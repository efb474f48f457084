"""Packages that bring their own proof: web captures (WACZ) and ProofMode's.

A WACZ names the digest of each of its parts, and may sign the list of them (Webrecorder's "WACZ
signing", 0.1).  ProofMode lays the digest of a picture and what the telephone said beside it,
signed with a key of that telephone.  A key that comes with the package says that whoever made the
package had it, and no more.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from evidence.extractors.moments import iso_moment
from evidence.registry import LimitError, MalformedError, UnsupportedError

MEMBERS = 10_000
LIST_BYTES = 8 * 2**20  # of a list or a report that is read
BYTES = 4 * 2**30  # of all parts, unpacked
_CHUNK = 2**20
_PROOF = re.compile(r"(?:.*/)?([0-9a-f]{64})\.proof\.json")

EQUAL, DIFFERENT, MISSING = "equal", "different", "missing"
HOLDS, BROKEN, NONE, UNCHECKED = "holds", "broken", "none", "not checked"


def read(
    stream: BinaryIO, _parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return what kind of package it is, which parts are as it says, and if its signature holds.

    Raises UnsupportedError for another kind of ZIP file.
    """
    try:
        with zipfile.ZipFile(stream) as file:
            package = _Package(file)
            names = package.names
            if len(names) > MEMBERS:
                raise LimitError("memory", f"A package of more than {MEMBERS} parts.")
            if "datapackage.json" in names:
                return _capture(package)
            proofs = [match for name in names if (match := _PROOF.fullmatch(name))]
            if proofs:
                return _proofmode(package, proofs)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise MalformedError(f"The package can't be read: {error}") from error
    raise UnsupportedError("It is no package with proofs of its own that is known here.")


class _Package:
    """The parts of a package, of which only so many bytes are unpacked."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file, self._left = file, BYTES
        self.names = file.namelist()

    def chunks(self, name: str) -> Iterator[bytes]:
        with self._file.open(name) as part:
            while chunk := part.read(_CHUNK):
                self._left -= len(chunk)
                if self._left < 0:
                    raise LimitError("memory", f"Its parts are more than {BYTES} bytes.")
                yield chunk

    def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        for chunk in self.chunks(name):
            digest.update(chunk)
        return digest.hexdigest()

    def json(self, name: str) -> tuple[dict[str, Any], bytes]:
        content = b""
        for chunk in self.chunks(name):
            content += chunk
            if len(content) > LIST_BYTES:
                raise LimitError("memory", f"{name} is larger than {LIST_BYTES} bytes.")
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise MalformedError(f"{name} is no JSON.") from error
        if not isinstance(found, dict):
            raise MalformedError(f"{name} is no JSON object.")
        return found, content


def _capture(package: _Package) -> dict[str, Any]:
    said, content = package.json("datapackage.json")
    names = set(package.names)
    parts = {}
    for one in said.get("resources", [])[:MEMBERS]:
        path = str(one.get("path", ""))
        wanted = str(one.get("hash", "")).removeprefix("sha256:")
        state = MISSING
        if path in names:
            state = EQUAL if package.sha256(path) == wanted else DIFFERENT
        parts[path] = state
    unlisted = sorted(
        name
        for name in names - set(parts)
        if not name.endswith("/") and not name.startswith("datapackage")
    )
    signature = _signature(package, names, hashlib.sha256(content).hexdigest())
    warnings = [f"{path} is {state}." for path, state in parts.items() if state != EQUAL]
    warnings += [f"{name} is in it and not in its list." for name in unlisted[:50]]
    if signature["state"] == BROKEN:
        warnings.append("Its signature does not hold.")
    return {
        "parsed": {
            "package": "web capture (WACZ)",
            "parts": {state: sum(one == state for one in parts.values()) for state in
                      (EQUAL, DIFFERENT, MISSING)},
            "unlisted": len(unlisted),
            "signature": signature,
            "title": said.get("title"),
            "software": said.get("software"),
            "times": {
                name: iso_moment(str(said[name]))
                for name in ("created", "modified")
                if said.get(name)
            },
        },
        "raw": {"datapackage.json": said},
        "warnings": warnings,
    }  # fmt: skip


def _signature(package: _Package, names: set[str], digest: str) -> dict[str, Any]:
    if "datapackage-digest.json" not in names:
        return {"state": NONE}
    said, _ = package.json("datapackage-digest.json")
    signed = said.get("signedData")
    named = str(said.get("hash", "")).removeprefix("sha256:")
    if named != digest:
        return {"state": BROKEN, "reason": "It is of another list of parts."}
    if not isinstance(signed, dict):
        return {"state": NONE}
    told = {
        "by": "a key that comes with the package",
        "signed_at": signed.get("created"),
        "software": signed.get("software"),
    }
    if "domain" in signed:
        reason = "It was made for a domain; certificates of domains are not followed here."
        return {**told, "by": str(signed["domain"]), "state": UNCHECKED, "reason": reason}
    text = str(signed.get("hash", ""))
    if text.removeprefix("sha256:") != digest:
        return {**told, "state": BROKEN, "reason": "It is of another list of parts."}
    return {**told, **_checked(text, signed)}


def _checked(text: str, signed: Mapping[str, Any]) -> dict[str, str]:
    try:
        given = base64.b64decode(str(signed.get("publicKey", "")), validate=True)
        signature = base64.b64decode(str(signed.get("signature", "")), validate=True)
        key = load_der_public_key(given)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return {"state": BROKEN, "reason": "Its key or its signature can't be read."}
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return {"state": UNCHECKED, "reason": "Its key is of a kind that is not checked here."}
    half = len(signature) // 2
    # Browsers give the two numbers of a signature one after the other.
    numbers = [int.from_bytes(one, "big") for one in (signature[:half], signature[half:])]
    told = {"key_sha256": hashlib.sha256(given).hexdigest()}
    for digest in (hashes.SHA256(), hashes.SHA384()):
        try:
            key.verify(encode_dss_signature(*numbers), text.encode(), ec.ECDSA(digest))
        except InvalidSignature:
            continue
        return {**told, "state": HOLDS}
    return {**told, "state": BROKEN, "reason": "The signature is not of this list by this key."}


def _proofmode(package: _Package, proofs: list[re.Match[str]]) -> dict[str, Any]:
    media = {
        package.sha256(name): name
        for name in package.names
        if not re.search(r"\.(asc|csv|json|txt|ots|gst)$|/$", name)
    }
    reports, warnings = [], []
    for match in proofs[:100]:
        said, _ = package.json(match[0])
        wanted = match[1]
        if str(said.get("File Hash SHA256", "")).lower() != wanted:
            warnings.append(f"{match[0]} speaks of another file than its name.")
        name = media.get(wanted)
        if name is None:
            warnings.append(f"The file with the SHA-256 {wanted} is not in it.")
        reports.append(
            {
                "file": name,
                "sha256": wanted,
                "state": EQUAL if name else MISSING,
                "made": said.get("Proof Generated"),
                "device": " ".join(
                    str(said[key]) for key in ("Manufacturer", "Hardware") if said.get(key)
                ),
                "latitude": said.get("Location.Latitude") or None,
                "longitude": said.get("Location.Longitude") or None,
            }
        )
    return {
        "parsed": {
            "package": "ProofMode",
            "reports": reports,
            "signature": {
                "state": UNCHECKED,
                "reason": "OpenPGP signatures are not checked here. gpg --verify does.",
            },
        },
        "raw": {"names": package.names[:200]},
        "warnings": warnings,
    }


def warm_up() -> None:
    """Have the library load what it loads at first use."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    load_der_public_key(public)
    key.public_key().verify(
        key.sign(b"warm", ec.ECDSA(hashes.SHA256())), b"warm", ec.ECDSA(hashes.SHA256())
    )
