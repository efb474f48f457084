"""XMP and IPTC: what is said, when and where, with its basis; hostile packets do no harm."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.evidence.extractors.made import ask, jpeg, scene

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmlns:own="urn:own"
 xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#">
<rdf:Description rdf:about="" xmp:CreateDate="2025-01-11T10:00:00+02:00"
 xmp:ModifyDate="2025-01-12T09:30:00Z" photoshop:DateCreated="2025-01-11T09:58:00"
 xmp:CreatorTool="Editor 3.1" exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}"
 own:mark="kept">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Дорога</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>A person</rdf:li><rdf:li>Another</rdf:li></rdf:Seq></dc:creator>
<xmpMM:History><rdf:Seq>
<rdf:li stEvt:action="created" stEvt:when="2025-01-11T10:00:00+02:00" stEvt:softwareAgent="Cam"/>
<rdf:li stEvt:action="saved" stEvt:when="2025-01-12T11:30:00+02:00" stEvt:softwareAgent="Editor"/>
</rdf:Seq></xmpMM:History></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def with_xmp(packet, *, form="JPEG"):
    out = io.BytesIO()
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet)
    given = {
        "PNG": {"pnginfo": text},
        "TIFF": {"tiffinfo": {700: packet.encode()}},
    }.get(form, {"xmp": packet.encode()})
    scene(120, 90).save(out, format=form, **given)
    return out.getvalue()


def packet(latitude="51,7.5N", longitude="35,12,36W"):
    return PACKET.replace("{latitude}", latitude).replace("{longitude}", longitude)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_what_is_said_when_and_where(form):
    outcome = ask("xmp", with_xmp(packet(), form=form))

    assert outcome.outcome == "ok", outcome.reason
    parsed = outcome.result["parsed"]
    assert parsed["said"] == {
        "title": "Дорога",
        "creator": "A person; Another",
        "program": "Editor 3.1",
    }
    times = parsed["times"]
    assert (times["created"]["instant"], times["created"]["zone_basis"]) == (
        "2025-01-11T10:00:00+02:00",
        "explicit_offset",
    )
    assert times["modified"]["zone_basis"] == "utc"
    assert times["taken"]["instant"] is None
    assert times["taken"]["local"].startswith("2025-01-11T09:58:00")
    assert (parsed["gps"]["lat"], parsed["gps"]["lon"]) == (51.125, -35.21)
    assert parsed["history"] == [
        "2025-01-11T10:00:00+02:00 created Cam",
        "2025-01-12T11:30:00+02:00 saved Editor",
    ]
    assert "".join(outcome.result["raw"]["xmp"]).strip("\0") == packet()
    assert outcome.result["warnings"] == []


def test_each_schema_may_have_a_description_of_its_own():
    apart = packet().replace(
        "<dc:title>", '</rdf:Description><rdf:Description rdf:about=""><dc:title>'
    )

    whole, parts = (ask("xmp", with_xmp(one)).result["parsed"] for one in (packet(), apart))

    assert "Description><rdf:Description" in apart
    assert parts == whole


@pytest.mark.parametrize(
    ("latitude", "longitude", "problem"),
    [
        ("0,0N", "0,0E", "0, 0 is what devices write"),
        ("51,7.5N", "", "only one of"),
        ("51.125", "35.21", "no position"),
        ("51,7.5E", "35,1N", "no position"),
        ("99,0N", "35,0E", "outside the globe"),
    ],
)
def test_half_a_place_and_no_place_are_none_and_said(latitude, longitude, problem):
    result = ask("xmp", with_xmp(packet(latitude, longitude))).result

    assert result["parsed"]["gps"]["lat"] is None
    assert any(problem in warning for warning in result["warnings"])


def test_iptc_is_read_where_there_is_no_xmp():
    def field(number, text):
        value = text.encode()
        return b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(value)) + value

    data = field(5, "A road") + field(80, "A person") + field(90, "Kyiv") + field(25, "ice")
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    body = b"Photoshop 3.0\0" + block
    whole = jpeg(scene(120, 90))
    content = whole[:2] + b"\xff\xed" + struct.pack(">H", len(body) + 2) + body + whole[2:]

    result = ask("xmp", content).result

    assert result["parsed"]["said"] == {"title": "A road", "creator": "A person", "city": "Kyiv"}
    assert result["raw"]["iptc"]["2:25"] == ["ice"]


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;&b;">]><a>&d;</a>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "<a><b></a>",
        "no XML at all",
        "<a>" * 3_000 + "</a>" * 3_000,
    ],
)
def test_hostile_packets_are_told_and_the_raw_ones_kept(body):
    outcome = ask("xmp", with_xmp(body))

    assert outcome.outcome == "ok", outcome.reason
    assert "".join(outcome.result["raw"]["xmp"]).strip("\0").startswith(body[:50])
    assert "root:" not in str(outcome.result)
    assert outcome.result["warnings"] or body.startswith("<a><a>")


def test_a_picture_without_either_says_so():
    outcome = ask("xmp", jpeg(Image.new("RGB", (40, 40))))

    assert (outcome.outcome, "neither XMP nor IPTC" in outcome.reason) == ("unsupported", True)
