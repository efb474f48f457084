"""Ed25519 verification: RFC 8032, OpenSSL as the oracle, keys that must be refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.proof import ed25519

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors/rfc8032_ed25519.json").read_text(encoding="utf-8")
)
LOW_ORDER = (
    bytes(32),  # order 4
    b"\1" + bytes(31),  # the neutral point
    b"\xec" + b"\xff" * 30 + b"\x7f",  # order 2
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),  # order 8
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
)
NOT_CANONICAL = (
    b"\xed" + b"\xff" * 30 + b"\x7f",  # y = p
    b"\xee" + b"\xff" * 30 + b"\x7f",  # y = p + 1
    b"\1" + bytes(30) + b"\x80",  # x = 0 with its sign set
    b"\xff" * 32,
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_vectors_of_the_rfc_hold_and_no_change_of_them_does(vector):
    public, message, signature = (
        bytes.fromhex(vector[name]) for name in ("public", "message", "signature")
    )

    assert ed25519.verify(public, signature, message)
    assert not ed25519.verify(public, signature, message + b"x")
    for place in (0, 31, 32, 63):
        changed = bytearray(signature)
        changed[place] ^= 1
        assert not ed25519.verify(public, bytes(changed), message)


@settings(max_examples=30, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_what_openssl_signs_is_verified(seed, message):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw()

    assert ed25519.verify(public, key.sign(message), message)
    assert not ed25519.verify(public, key.sign(message + b"x"), message)


@settings(max_examples=50, deadline=None)
@given(public=st.binary(max_size=40), signature=st.binary(max_size=70), message=st.binary())
def test_arbitrary_bytes_are_refused_without_an_error(public, signature, message):
    assert not ed25519.verify(public, signature, message)


def test_a_scalar_beyond_the_order_is_refused():
    key = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    signature = key.sign(b"x")
    larger = int.from_bytes(signature[32:], "little") + ed25519.ORDER
    malleable = signature[:32] + larger.to_bytes(32, "little")

    assert not ed25519.verify(key.public_key().public_bytes_raw(), malleable, b"x")


@pytest.mark.parametrize("public", [*LOW_ORDER, *NOT_CANONICAL], ids=lambda each: each.hex()[:8])
def test_keys_with_which_anybody_could_sign_and_other_spellings_are_refused(public):
    assert not ed25519.is_key(public)
    everything_zero = public[:32] + bytes(32)
    assert not ed25519.verify(public, everything_zero, b"any message")
