"""WACZ and ProofMode: what a package says of its parts is compared, or said not to be checked."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.evidence.extractors.made import ask

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "real"
KEYS = {"P-256": (ec.SECP256R1(), hashes.SHA256()), "P-384": (ec.SECP384R1(), hashes.SHA384())}


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def capture(*, curve="P-256", changed=None, signed=None, domain=""):
    """A WACZ with two parts; ``changed`` replaces members, ``signed`` parts of the signature."""
    parts = {"archive/data.warc": b"WARC/1.1 ...", "pages/pages.jsonl": b"{}"}
    described = {
        "profile": "data-package",
        "title": "A page",
        "created": "2025-01-12T10:00:00Z",
        "resources": [
            {"path": path, "hash": f"sha256:{sha256(content)}", "bytes": len(content)}
            for path, content in parts.items()
        ],
    }
    package = json.dumps(described).encode()
    named = f"sha256:{sha256(package)}"
    kind, digest = KEYS[curve]
    key = ec.generate_private_key(kind)
    size = key.key_size // 8
    numbers = decode_dss_signature(key.sign(named.encode(), ec.ECDSA(digest)))
    signature = b"".join(one.to_bytes(size, "big") for one in numbers)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    data = {
        "hash": named,
        "created": "2025-01-12T10:00:01Z",
        "signature": base64.b64encode(signature).decode(),
        "publicKey": base64.b64encode(public).decode(),
        **({"domain": domain} if domain else {}),
        **(signed or {}),
    }
    digest_file = {"path": "datapackage.json", "hash": named, "signedData": data}
    return zipped(
        {
            **parts,
            "datapackage.json": package,
            "datapackage-digest.json": json.dumps(digest_file),
            **(changed or {}),
        }
    )


def parsed(content):
    outcome = ask("packages", content)
    assert outcome.outcome == "ok", outcome.reason
    return outcome.result["parsed"], outcome.result["warnings"]


@pytest.mark.parametrize("curve", sorted(KEYS))
def test_a_whole_capture_is_as_it_says_and_its_signature_holds(curve):
    found, warnings = parsed(capture(curve=curve))

    assert found["parts"] == {"equal": 2, "different": 0, "missing": 0}
    assert found["signature"]["state"] == "holds"
    assert found["signature"]["by"] == "a key that comes with the package"
    assert found["times"]["created"]["instant"] == "2025-01-12T10:00:00+00:00"
    assert warnings == []


@pytest.mark.parametrize(
    ("given", "state", "warning"),
    [
        ({"changed": {"archive/data.warc": b"WARC/1.1 .,."}}, "holds", "data.warc is different"),
        ({"changed": {"more.txt": b"x"}}, "holds", "more.txt is in it and not in its list"),
        ({"changed": {"datapackage.json": b'{"resources": []}'}}, "broken", "does not hold"),
        ({"signed": {"signature": base64.b64encode(bytes(64)).decode()}}, "broken", "not hold"),
        ({"signed": {"publicKey": "no key"}}, "broken", "does not hold"),
        ({"signed": {"hash": "sha256:" + "0" * 64}}, "broken", "does not hold"),
        ({"domain": "archive.example"}, "not checked", ""),
    ],
)
def test_what_is_changed_broken_or_not_checked_is_told(given, state, warning):
    found, warnings = parsed(capture(**given))

    assert found["signature"]["state"] == state
    assert any(warning in one for one in warnings) if warning else warnings == []


def test_a_capture_without_a_signature_has_none():
    found, _ = parsed(zipped({"datapackage.json": b'{"resources": [{"path": "a", "hash": "b"}]}'}))

    assert found["signature"] == {"state": "none"}
    assert found["parts"]["missing"] == 1


def test_proofmode_names_its_file_or_says_that_it_is_not_there():
    picture = b"a picture"
    report = {"File Hash SHA256": sha256(picture), "Manufacturer": "Maker", "Hardware": "Model"}
    name = f"{sha256(picture)}.proof.json"
    found, warnings = parsed(zipped({"p.jpg": picture, name: json.dumps(report)}))
    other, told = parsed(zipped({"p.jpg": b"another", name: json.dumps(report)}))

    assert found["reports"][0]["state"] == "equal"
    assert found["reports"][0]["device"] == "Maker Model"
    assert found["signature"]["state"] == "not checked"
    assert warnings == []
    assert other["reports"][0]["state"] == "missing"
    assert "is not in it" in told[0]


def test_other_packages_bombs_and_broken_ones_have_their_outcome():
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("datapackage.json", bytes(32 * 2**20))

    assert ask("packages", zipped({"a.txt": b"a"})).outcome == "unsupported"
    assert ask("packages", bomb.getvalue()).outcome == "limit(memory)"
    assert ask("packages", b"PK\x03\x04" + bytes(100)).outcome == "malformed"
    assert ask("packages", zipped({"datapackage.json": b"[]"})).outcome == "malformed"
    assert ask("packages", capture()[:-30]).outcome == "malformed"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not beside this folder")
def test_packages_that_others_made():
    found, _ = parsed((REAL / "wacz-anon-signed.wacz").read_bytes())
    assert found["parts"] == {"equal": 3, "different": 0, "missing": 0}
    assert found["signature"]["state"] == "holds"
    found, warnings = parsed((REAL / "proofmode-good.zip").read_bytes())
    assert found["reports"][0]["file"] == "smallest_jpeg.jpg"
    assert warnings == []
