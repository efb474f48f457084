"""Canonical JSON: the RFC's examples within the profile, another implementation, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from archive.proof.canonical import DEEPEST, LARGEST_INTEGER, canonical, parse, parse_loosely
from archive.proof.errors import MalformedError

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors/rfc8785_canonical.json").read_text(encoding="utf-8")
)

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
names = st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_examples_of_the_rfc_come_out(vector):
    assert canonical(json.loads(vector["input"])) == bytes.fromhex(vector["output"])


@given(values)
def test_any_value_of_the_profile_comes_back_and_another_implementation_agrees(value):
    encoded = canonical(value)

    assert parse(encoded) == value
    assert encoded == rfc8785.dumps(value)
    assert b"\n" not in encoded


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_a_canonical_value_or_malformed(data):
    try:
        value = parse(data)
    except MalformedError:
        return
    assert canonical(value) == data


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}', b'{"b":1,"a":2}', b'{"a": 1}', b"1.0", b"1e3", b"-0", b"NaN", b"Infinity",
        b"9007199254740992", b"1" * 5000, b'"\\u0000"', b'"\\ud800"', b'"\\u0041"', b'{"A":1}',
        b'{"":1}', b"[1] ", b"", b"\xff", b"\xef\xbb\xbf1", b"[" * 100_000, b'"\\/"', b'"a\nb"',
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), b"[1,]", b"01", b"// x\n1",
    ],
)  # fmt: skip
def test_what_is_not_canonical_is_refused(data):
    with pytest.raises(MalformedError):
        parse(data)


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), 2**53, "\0", "\ud800", {"A": 1}, {1: 2}, b"x", {"a"}, object(), {"a b": 1}],
)
def test_what_is_outside_the_profile_is_not_written(value):
    with pytest.raises(MalformedError):
        canonical(value)


def test_a_repeated_member_is_refused_in_loose_reading_too():
    assert parse_loosely(b' {"a" : [1, "\\u0041"]} ') == {"a": [1, "A"]}
    with pytest.raises(MalformedError):
        parse_loosely(b'{"a":1,"a":2}')
