"""Content Credentials (C2PA): what a camera or a program signed into a file, and whether it holds.

The verdict is an observation: of this day, by this version of the library, with these anchors.  The
same file may be judged otherwise by another version.  A signature says who signed and that the
bytes are as they were then; it never says that what one sees happened.

Nothing is fetched: neither a manifest that lies elsewhere nor a certificate's state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import c2pa

from evidence.extractors.identification import identify
from evidence.registry import MalformedError, UnsupportedError

OFFLINE: Mapping[str, Any] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "core": {"allowed_network_hosts": []},
}
TRUSTED, UNTRUSTED, TAMPERED, INVALID = "trusted", "untrusted", "tampered", "invalid"
ABSENT, ELSEWHERE = "absent", "elsewhere"
WORDS = {
    TRUSTED: "The signature holds, and its certificate leads to an anchor of this archive's list.",
    UNTRUSTED: "The bytes are as they were signed, by somebody whom this archive's list does not "
    "know. Anybody can make such a signature.",
    TAMPERED: "The bytes, or what is said of them, are not what was signed.",
    INVALID: "There is a signature that does not hold.",
    ABSENT: "There are no Content Credentials in it. That says nothing about it.",
    ELSEWHERE: "It names an address where its Content Credentials are to be had. It was not asked.",
}
#: Failures that mean that something was changed after it was signed.
_CHANGED = ("mismatch", "assertion.missing", "hash.malformed")
_UNKNOWN_SIGNER = "signingCredential.untrusted"


def read(
    stream: BinaryIO, parameters: Mapping[str, Any], _output: BinaryIO | None = None
) -> dict[str, Any]:
    """Return the verdict, who signed, and what the manifest says; raw as the library gave it."""
    media_type = identify(stream, parameters)["media_type"]
    if media_type not in c2pa.Reader.get_supported_mime_types():
        raise UnsupportedError("Content Credentials are not read in this format.")
    anchors = str(parameters.get("trust_anchors") or "")
    stream.seek(0)
    try:
        reader = c2pa.Reader.try_create(media_type, stream, context=_context(anchors))
    except c2pa.C2paError as error:
        return _without_a_manifest(error, anchors)
    if reader is None:
        return _answer(ABSENT, anchors)
    with reader:
        said = json.loads(reader.json())
    return _judged(said, anchors)


def _context(anchors: str) -> c2pa.Context:
    settings: dict[str, Any] = {**OFFLINE}
    if anchors:
        settings["verify"] = {**OFFLINE["verify"], "verify_trust": True}
        settings["trust"] = {"trust_anchors": anchors}
    return c2pa.Context.from_dict(settings)


def _without_a_manifest(error: Exception, anchors: str) -> dict[str, Any]:
    words = str(error)
    if "ManifestNotFound" in words or "no JUMBF" in words:
        return _answer(ABSENT, anchors)
    if words.startswith("Remote"):
        _, _, address = words.partition("url ")
        return _answer(ELSEWHERE, anchors, address=address)
    raise MalformedError(f"Content Credentials can't be read: {words}") from error


def _judged(said: Mapping[str, Any], anchors: str) -> dict[str, Any]:
    manifest = said.get("manifests", {}).get(said.get("active_manifest"), {})
    results = said.get("validation_results", {})
    failures = [one.get("code", "") for one in results.get("activeManifest", {}).get("failure", [])]
    within = [
        failure.get("code", "")
        for one in results.get("ingredientDeltas", [])
        for failure in one.get("validationDeltas", {}).get("failure", [])
    ]
    signature = manifest.get("signature_info", {})
    return _answer(
        _verdict(str(said.get("validation_state", "")), failures),
        anchors,
        raw=said,
        failures=failures,
        failures_in_ingredients=within,
        signed_by={
            "name": signature.get("common_name"),
            "organisation": signature.get("issuer"),
            "serial_number": signature.get("cert_serial_number"),
            "algorithm": signature.get("alg"),
        },
        signed_at=signature.get("time"),
        title=manifest.get("title"),
        made_with=[
            " ".join(str(one[key]) for key in ("name", "version") if one.get(key))
            for one in manifest.get("claim_generator_info", [])
        ],
        actions=_actions(manifest),
        ingredients=len(manifest.get("ingredients", [])),
    )


def _verdict(state: str, failures: list[str]) -> str:
    if state == "Trusted":
        return TRUSTED
    if any(mark in code for code in failures for mark in _CHANGED):
        return TAMPERED
    only_unknown = all(code == _UNKNOWN_SIGNER for code in failures)
    return UNTRUSTED if state == "Valid" and only_unknown else INVALID


def _actions(manifest: Mapping[str, Any]) -> list[str]:
    return [
        " ".join(str(one[key]) for key in ("action", "when", "digitalSourceType") if one.get(key))
        for assertion in manifest.get("assertions", [])
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for one in assertion.get("data", {}).get("actions", [])
    ]


def _answer(verdict: str, anchors: str, raw: Any = None, **parsed: Any) -> dict[str, Any]:
    return {
        "parsed": {
            "verdict": verdict,
            "in_words": WORDS[verdict],
            **parsed,
            "trust_list": {
                "anchors": anchors.count("BEGIN CERTIFICATE"),
                "sha256": hashlib.sha256(anchors.encode()).hexdigest() if anchors else None,
            },
            "library": c2pa.sdk_version(),
        },
        "raw": raw,
        "warnings": ["What an ingredient of it was signed with does not hold."]
        if parsed.get("failures_in_ingredients")
        else [],
    }


def warm_up() -> None:
    """Have the library read its own settings once."""
    _context("")
