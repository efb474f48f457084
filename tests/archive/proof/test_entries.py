"""Entries: exact bytes, nothing else accepted; disclosures as RFC 9901 has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.proof import entries
from archive.proof.canonical import canonical, parse
from archive.proof.entries import Entry
from archive.proof.errors import MalformedError
from tests.archive.proof.test_canonical import names, values

ITEM = "11111111-1111-4111-8111-111111111111"
DIGEST = "A" * 43
WHOLE_LOG = Entry(
    log="archive.example.org/custody",
    seq=3,
    time=datetime(2026, 11, 23, 6, 19, 0, 123456, tzinfo=UTC),
    actor="a-" + "7f" * 16,
    kind="log.created",
    data={"a": 1},
)
OF_ITEM = replace(WHOLE_LOG, item=ITEM, item_seq=2, prev="ab" * 32, sd=(DIGEST,))


def test_an_entry_has_exactly_the_bytes_of_the_format():
    assert OF_ITEM.encode() == (
        b'{"actor":"a-7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f","data":{"a":1},'
        b'"item":"11111111-1111-4111-8111-111111111111","item_seq":2,"kind":"log.created",'
        b'"log":"archive.example.org/custody","prev":"' + b"ab" * 32 + b'",'
        b'"sd":["' + b"A" * 43 + b'"],"seq":3,"time":"2026-11-23T06:19:00.123456Z","v":1}'
    )


@given(
    st.dictionaries(names, values, max_size=4),
    st.datetimes(timezones=st.just(UTC)),
    st.integers(0, 2**53 - 1),
)
def test_any_entry_comes_back(data, time, seq):
    for entry in (WHOLE_LOG, OF_ITEM):
        given_entry = replace(entry, data=data, time=time, seq=seq)

        assert Entry.decode(given_entry.encode()) == given_entry


def test_a_time_is_written_in_utc_whatever_its_zone():
    eastern = timezone(timedelta(hours=3))

    assert entries.format_time(datetime(2026, 1, 1, 2, 0, tzinfo=eastern)) == (
        "2025-12-31T23:00:00.000000Z"
    )
    with pytest.raises(TypeError):
        entries.format_time(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2}, {"v": True}, {"log": "a b"}, {"log": "a+b"}, {"log": ""}, {"log": "a" * 256},
        {"seq": -1}, {"seq": 1.5}, {"seq": True}, {"actor": "bob"}, {"kind": "Log.Created"},
        {"kind": "a.b.c"}, {"data": []}, {"item": None}, {"item": ITEM.upper().replace("1", "A")},
        {"item_seq": 0}, {"item_seq": None}, {"prev": None}, {"prev": "AB" * 32}, {"sd": []},
        {"sd": [DIGEST, DIGEST]}, {"sd": ["B" * 43, DIGEST]}, {"sd": ["x"]}, {"sd": DIGEST},
        {"time": "2026-11-23T06:19:00Z"}, {"time": "2026-02-30T06:19:00.123456Z"}, {"time": 5},
        {"time": "2026-11-23T06:19:00.123456+00:00"}, {"unknown": 1}, {"actor": None},
    ],
    ids=str,
)  # fmt: skip
def test_what_an_entry_never_is_is_malformed(change):
    members = parse(OF_ITEM.encode()) | change
    if change.get("seq") == 1.5:
        encoded = OF_ITEM.encode().replace(b'"seq":3', b'"seq":1.5')
    else:
        encoded = canonical(members)

    with pytest.raises(MalformedError):
        Entry.decode(encoded)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_malformed(data):
    with pytest.raises(MalformedError):
        Entry.decode(data)


def test_an_entry_that_is_too_long_is_neither_written_nor_read():
    with pytest.raises(MalformedError):
        replace(WHOLE_LOG, data={"a": "x" * 65535}).encode()
    with pytest.raises(MalformedError):
        Entry.decode(b" " * 65536)


def test_the_disclosure_of_the_rfc_has_its_digest():
    # RFC 9901 section 4.2.1 and 4.2.3
    text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"

    assert entries.disclosure_digest(text) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    assert entries.open_disclosure(text)[1:] == ("family_name", "Möbius")


@given(names, values, st.binary(min_size=16, max_size=32))
def test_any_disclosure_opens_to_what_was_disclosed(name, value, salt):
    text, digest = entries.disclose(name, value, salt)

    assert entries.open_disclosure(text) == (salt, name, value)
    assert entries.disclosure_digest(text) == digest
    assert entries.disclose(name, value, salt + b"x")[1] != digest


def test_a_short_salt_is_a_programmers_mistake():
    with pytest.raises(TypeError):
        entries.disclose("name", "value", b"short")


@given(st.text())
def test_arbitrary_text_is_no_disclosure(text):
    with pytest.raises(MalformedError):
        entries.open_disclosure(text)
