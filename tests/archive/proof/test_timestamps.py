"""What a time-stamp token says, and whether an authority that the reader trusts signed it."""

from __future__ import annotations

import contextlib
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.proof import timestamps
from archive.proof.errors import BrokenError, MalformedError
from tests import time_authority

MESSAGE = b"a note that was signed"


@pytest.fixture(scope="module", params=sorted(time_authority.KEYS))
def authority(request, tmp_path_factory):
    return time_authority.make(tmp_path_factory.mktemp("tsa") / "one", key=request.param)


@pytest.fixture(scope="module")
def response(authority):
    return authority.stamp(MESSAGE)


def test_a_token_says_what_was_stamped_and_when(response):
    token = timestamps.parse_response(response)

    assert token.imprint == hashlib.sha256(MESSAGE).digest()
    assert abs(datetime.now(UTC) - token.gen_time) < timedelta(minutes=5)
    assert token.accuracy == timedelta(seconds=1)
    assert token.policy == "1.2.3.4.1"
    assert token.serial > 1


def test_an_authority_below_a_trusted_root_signed_it(authority, response):
    token = timestamps.parse_response(response)

    timestamps.require_signed(response, token, str(authority.roots))


def test_a_root_that_is_not_trusted_is_refused(response, tmp_path):
    other = time_authority.make(tmp_path / "other")

    with pytest.raises(BrokenError, match=r"certificate|issuer"):
        timestamps.require_signed(response, timestamps.parse_response(response), str(other.roots))


def test_a_certificate_that_is_not_for_time_stamping_is_refused(tmp_path):
    # Such a certificate can't be used by openssl to stamp; so the usage is lost after the fact.
    made = time_authority.make(tmp_path / "tsa")
    response = made.stamp(MESSAGE)
    token = timestamps.parse_response(response)
    lost = response.replace(bytes.fromhex("2b06010505070308"), bytes.fromhex("2b06010505070304"))
    assert lost != response

    with pytest.raises(BrokenError):
        timestamps.require_signed(lost, token, str(made.roots))


def test_a_certificate_counts_at_the_time_of_the_token_and_not_today(tmp_path, monkeypatch):
    made = time_authority.make(tmp_path / "tsa")
    response = made.stamp(MESSAGE)
    token = timestamps.parse_response(response)
    late = timestamps.Token(
        token.imprint, token.gen_time + timedelta(days=60), token.accuracy, 1, token.policy
    )

    timestamps.require_signed(response, token, str(made.roots))
    with pytest.raises(BrokenError, match="expired"):
        timestamps.require_signed(response, late, str(made.roots))


def test_without_openssl_nothing_is_said_to_be_checked(authority, response, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(timestamps.NotCheckedError, match="openssl"):
        timestamps.require_signed(
            response, timestamps.parse_response(response), str(authority.roots)
        )


def test_no_changed_octet_is_accepted(authority, response):
    """Each is malformed, or says something else that openssl then refuses, or is refused itself."""
    accepted = []
    for at in range(0, len(response), 7):
        changed = response[:at] + bytes([response[at] ^ 0x01]) + response[at + 1 :]
        try:
            token = timestamps.parse_response(changed)
            if token.imprint != hashlib.sha256(MESSAGE).digest():
                continue  # said to be about other bytes: the reader compares
            timestamps.require_signed(changed, token, str(authority.roots))
        except (MalformedError, BrokenError):
            continue
        if timestamps.parse_response(changed) != timestamps.parse_response(response):
            accepted.append(at)
    assert accepted == []


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_malformed(data):
    with contextlib.suppress(MalformedError):
        timestamps.parse_response(data)


@settings(max_examples=300)
@given(st.data())
def test_any_change_of_a_response_is_read_or_malformed(response, data):
    at = data.draw(st.integers(0, len(response) - 1))
    cut = data.draw(st.binary(max_size=9))
    gone = data.draw(st.integers(0, 9))
    with contextlib.suppress(MalformedError):
        timestamps.parse_response(response[:at] + cut + response[at + gone :])


def test_a_refusal_is_no_token(authority):
    refused = authority.answer(b"no request")

    with pytest.raises(MalformedError, match="refused"):
        timestamps.parse_response(refused)
