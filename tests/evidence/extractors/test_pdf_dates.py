"""A document's dates when only its XMP has them in plain sight."""

from __future__ import annotations

import pytest

from tests.evidence.extractors.made import ask

PACKET = '<x:xmpmeta><rdf:Description xmp:CreateDate="{}"/></x:xmpmeta>'
ELEMENT = "<x:xmpmeta><xmp:CreateDate>{}</xmp:CreateDate>\n</x:xmpmeta>"
TIME = "2025-01-11T18:00:00+02:00"


def _document(*packets: str, information: str = "") -> bytes:
    streams = "".join(f"5 0 obj<</Type/Metadata>>stream\n{one}\nendstream\n" for one in packets)
    return (
        f"%PDF-1.6\n4 0 obj<<{information}>>endobj\n{streams}trailer<</Info 4 0 R>>\n%%EOF\n"
    ).encode()


@pytest.mark.parametrize("packet", [PACKET, ELEMENT])
def test_dates_come_from_the_xmp_when_the_information_has_none(packet):
    result = ask("pdf", _document(packet.format(TIME))).result

    assert result["parsed"]["times"]["created"]["instant"] == TIME
    assert result["parsed"]["times"]["created"]["zone_basis"] == "explicit_offset"


def test_the_documents_own_information_goes_before_its_xmp():
    own = "/CreationDate(D:20240101120000Z)"

    result = ask("pdf", _document(PACKET.format(TIME), information=own)).result

    assert result["parsed"]["times"]["created"]["instant"] == "2024-01-01T12:00:00+00:00"


def test_packets_that_differ_give_no_date_and_a_warning():
    other = PACKET.format("2020-01-01T00:00:00Z")

    result = ask("pdf", _document(PACKET.format(TIME), other)).result

    assert result["parsed"]["times"] == {}
    assert any("XMP" in one for one in result["warnings"])


def test_an_unreadable_date_is_kept_as_it_stands():
    result = ask("pdf", _document(PACKET.format("last Tuesday"))).result

    assert result["parsed"]["times"]["created"]["raw"] == "last Tuesday"
    assert result["parsed"]["times"]["created"]["instant"] is None
