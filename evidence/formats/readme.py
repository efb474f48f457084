"""``README.txt`` and ``README.html``: what a bundle holds and how to check it, for anybody.

The page needs nothing but itself: no script, no font, no address is fetched.  Every value from the
catalogue is escaped and set apart from the direction of the text around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from html import escape

from evidence.formats.records import BundleRecord, FileRecord, ItemRecord
from evidence.formats.showing import label, one_line, printable, said

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2127; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1, h2, h3 { line-height: 1.25 }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #c8ced6 }
code, pre { font: 14px/1.45 ui-monospace, monospace; overflow-wrap: anywhere }
pre { background: #f3f5f7; padding: .75rem; white-space: pre-wrap }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
         border-bottom: 1px solid #e3e7eb; overflow-wrap: anywhere }
img { max-width: 16rem; max-height: 12rem; border: 1px solid #c8ced6 }
.box { border: 2px solid #8a5a00; padding: .25rem 1rem; background: #fff8e8 }
"""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


@dataclass(frozen=True)
class _Step:
    """One way to check a bundle; the weakest comes first."""

    question: str
    before: str
    commands: tuple[str, ...]
    after: str


_VERIFY_SIGNATURE = (
    "openssl pkeyutl -verify -pubin -inkey signatures/archive-ed25519.pub.pem -rawin"
    " -in tagmanifest-sha512.txt -sigfile signatures/tagmanifest-sha512.txt.ed25519.sig"
)
_VERIFY_WITH_SSH = (
    "ssh-keygen -Y verify -f signatures/allowed_signers -I archive -n file"
    " -s signatures/tagmanifest-sha512.txt.sshsig < tagmanifest-sha512.txt"
)
_SHOW_KEY = "openssl pkey -pubin -in signatures/archive-ed25519.pub.pem -outform DER | sha256sum"

_STEPS = (
    _Step(
        question="Are the files complete and unchanged since this bundle was made?",
        before="Unpack the ZIP file, open a terminal in the folder {folder}, and run:",
        commands=(
            "sha256sum -c manifest-sha256.txt",
            "sha256sum -c tagmanifest-sha256.txt",
        ),
        after="Each line must end in OK. On macOS write shasum -a 256 instead of sha256sum.",
    ),
    _Step(
        question="Did the archive make it?",
        before="With OpenSSL 3, in the same folder:",
        commands=(_VERIFY_SIGNATURE, _SHOW_KEY),
        after="The first must say Signature Verified Successfully. The second shows the key's "
        "fingerprint: compare it with the one that the archive gave you by another way.",
    ),
    _Step(
        question="The same without OpenSSL:",
        before="With OpenSSH 8.2 or newer, which macOS, Linux and Windows 10 have:",
        commands=(_VERIFY_WITH_SSH,),
        after='It must say Good "file" signature for archive.',
    ),
    _Step(
        question="Everything at once, in a browser:",
        before="Open verify.html from your disk (no network is needed), give it the key and drop",
        commands=("{folder}.zip",),
        after="on it. Take verify.html from the archive or from somebody you trust: the copy in "
        "data/verify/ is for convenience.",
    ),
    _Step(
        question="Everything at once, with the custody ledger:",
        before="With Python 3.9 or newer and nothing else, where the ZIP file lies:",
        commands=("python3 -I -S verify.pyz --key 'KEY' {folder}.zip",),
        after="KEY is the archive's key, given to you by another way. The program ends with 0 only "
        "if everything holds and that key signed it. Take verify.pyz from the archive or from "
        "somebody you trust: the copy in data/verify/ is for convenience, and one that comes with "
        "a forged bundle says what the forger likes.",
    ),
)

_WARNING = (
    "A key that comes with a bundle proves nothing about a forger. Compare this fingerprint with "
    "the one that the archive gives you by telephone, on paper, or on its own site."
)
_LIMITS = (
    "This bundle shows that its files are those that the archive recorded, and in which order "
    "what was recorded. It does not show that a picture is true. Times are the archive's own "
    "clock. A dishonest archive that also holds the signing key could show different people "
    "different histories; keep this bundle, and compare the checkpoint in data/custody/checkpoint "
    "with later ones."
)


def text(bundle: BundleRecord) -> bytes:
    """Return ``README.txt``."""
    lines = [
        f"EVIDENCE BUNDLE {bundle.identifier}",
        "",
        *(f"{name}: {value}" for name, value in _about(bundle)),
        "",
        "WHAT IS IN IT",
        "",
        "  data/evidence/NUMBER/original/   the originals, byte for byte as they came in",
        "  data/evidence/NUMBER/item.json   what the catalogue says about them",
        "  data/report/                     custody on paper: English, Ukrainian, Korean (PDF)",
        "  data/custody/                    who did what with them, with proofs (C2SP, RFC 9162)",
        "  data/README.html                 this text with the history of each item",
        "  data/verify/verify.pyz           a verifier (Python, standard library only)",
        "  data/verify/verify.html          the same in a browser, offline",
        "  data/withheld.json               what is not in it, and why",
        "  data/tables/                     items, files and custody for spreadsheets",
        "  data/ro-crate-metadata.json, data/case/, data/premis/   the same for other programs",
        "",
    ]
    for item in bundle.items:
        lines += [f"{item.exhibit_number}  {one_line(item.title)}"]
        for file in item.files:
            lines += [
                f"  evidence/{item.folder}/{file.path}",
                f"    name when it came in: {one_line(file.original_filename)}",
                f"    {file.size} bytes, SHA-256 {file.sha256}",
            ]
        lines += [f"  withheld: {one.what} ({one.reason})" for one in item.withheld]
    lines += ["", "HOW TO CHECK IT", ""]
    for number, step in enumerate(_STEPS, start=1):
        lines += [f"{number}. {step.question}", f"   {_filled(step.before, bundle)}", ""]
        lines += [f"     {_filled(command, bundle)}" for command in step.commands]
        lines += ["", f"   {step.after}", ""]
    lines += ["", "THE KEY", "", f"  {bundle.key_fingerprint}", f"  {bundle.vkey}", "", _WARNING]
    lines += ["", "LIMITS", "", _LIMITS]
    return _encoded("\n".join(lines) + "\n")


def html(bundle: BundleRecord) -> bytes:
    """Return ``README.html``."""
    body = [
        f"<h1>Evidence bundle <code>{_escaped(bundle.identifier)}</code></h1>",
        _table(_about(bundle)),
        _key(bundle),
        "<h2>Items</h2>",
        *(_item(item) for item in bundle.items),
        "<h2>How to check it</h2><ol>",
        *(_step(bundle, step) for step in _STEPS),
        "</ol>",
        "<h2>What this proves, and what it does not</h2>",
        f"<p>{_escaped(_LIMITS)}</p>",
    ]
    return _encoded(
        _PAGE.format(
            policy=_POLICY,
            title=_escaped(f"Evidence bundle {bundle.identifier}"),
            style=_STYLE,
            body="\n".join(body),
        )
    )


def _about(bundle: BundleRecord) -> list[tuple[str, str]]:
    made = bundle.created_at.astimezone(UTC).isoformat(timespec="seconds")
    about = [
        ("Made by", bundle.organisation),
        ("Questions to", bundle.contact),
        ("Made at", made),
        ("Recipient", bundle.recipient),
        ("Purpose", bundle.purpose),
        ("Items", str(len(bundle.items))),
        ("Custody ledger", f"{bundle.origin}, {bundle.log_size} entries"),
    ]
    return [(label, one_line(value)) for label, value in about if value]


def _item(item: ItemRecord) -> str:
    parts = [
        f'<section class="item" id="{_escaped(item.folder)}">',
        f"<h3><bdi>{_escaped(item.exhibit_number)}</bdi> <bdi>{_escaped(item.title)}</bdi></h3>",
    ]
    if item.thumbnail:
        address = _escaped(f"evidence/{item.folder}/{item.thumbnail}")
        parts.append(f'<p><img src="{address}" alt="Preview made by the archive"></p>')
    facts = [("Kind", item.kind), ("Case", item.case)]
    facts += [(label(name), said(value)) for name, value in item.catalogue.items()]
    facts += [
        (f"Acquisition: {label(name)}", said(value)) for name, value in item.acquisition.items()
    ]
    parts.append(_table((label, value) for label, value in facts if value))
    parts += [_file(item, file) for file in item.files]
    if item.withheld:
        parts.append("<h4>Withheld</h4>")
        parts.append(_table((one.what, one.reason) for one in item.withheld))
    if item.history:
        parts.append("<h4>Custody</h4>" + _history(item))
    parts.append("</section>")
    return "\n".join(parts)


def _file(item: ItemRecord, file: FileRecord) -> str:
    return "<h4>File</h4>" + _table(
        (
            ("In this bundle", f"evidence/{item.folder}/{file.path}"),
            ("Name when it came in", file.original_filename),
            ("Type", file.media_type),
            ("Size", f"{file.size} bytes"),
            ("SHA-256", file.sha256),
            ("SHA-512", file.sha512),
        )
    )


def _history(item: ItemRecord) -> str:
    rows = []
    for one in item.history:
        values = "".join(
            f"<br>{_escaped(label(name))}: <bdi>{_escaped(said(value))}</bdi>"
            for name, value in one.values.items()
        )
        rows.append(
            f"<tr><td>{one.seq}</td><td>{_escaped(one.time)}</td>"
            f"<td><bdi>{_escaped(one.sentence)}</bdi>{values}</td>"
            f"<td><code>{_escaped(one.kind)}</code><br><code>{_escaped(one.actor)}</code></td></tr>"
        )
    head = "<tr><th>Entry</th><th>Recorded</th><th>What happened</th><th>Kind, actor</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _step(bundle: BundleRecord, step: _Step) -> str:
    commands = _escaped("\n".join(_filled(command, bundle) for command in step.commands))
    return (
        f"<li><p><strong>{_escaped(step.question)}</strong><br>"
        f"{_escaped(_filled(step.before, bundle))}</p>"
        f"<pre>{commands}</pre><p>{_escaped(step.after)}</p></li>"
    )


def _key(bundle: BundleRecord) -> str:
    return (
        '<div class="box"><p><strong>The archive\'s key</strong>, SHA-256 fingerprint<br>'
        f"<code>{_escaped(bundle.key_fingerprint)}</code><br><code>{_escaped(bundle.vkey)}</code></p>"
        f"<p>{_escaped(_WARNING)}</p></div>"
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><th>{_escaped(label)}</th><td><bdi>{_escaped(value)}</bdi></td></tr>"
        for label, value in rows
        if value
    )
    return f"<table>{cells}</table>"


def _filled(template: str, bundle: BundleRecord) -> str:
    return template.format(folder=bundle.folder)


def _escaped(value: str) -> str:
    return escape(printable(value))


def _encoded(page: str) -> bytes:
    return page.encode("utf-8", "replace")
