"""What the catalogue writes for others: one module for each format, each a pure function.

To add a format: a module that renders a ``BundleRecord``, and its line in ``FORMATS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evidence.formats import (
    case_graph,
    custody_report,
    premis,
    readme,
    ro_crate,
    tables,
    withheld_json,
)
from evidence.formats.records import BundleRecord

#: What each format adds to a bundle: files by their paths below ``data/``.
FORMATS: Mapping[str, Callable[[BundleRecord], Mapping[str, bytes]]] = {
    "readme": lambda bundle: {
        "README.txt": readme.text(bundle),
        "README.html": readme.html(bundle),
    },
    "ro-crate": lambda bundle: {"ro-crate-metadata.json": ro_crate.render(bundle)},
    "case": case_graph.render,
    "premis": premis.render,
    "tables": tables.render,
    "custody-report": custody_report.render,
    "withheld": lambda bundle: {"withheld.json": withheld_json.render(bundle)},
}


def documents(bundle: BundleRecord) -> dict[str, bytes]:
    """Return every file that the formats make of a bundle, by its path below ``data/``."""
    return {path: content for make in FORMATS.values() for path, content in make(bundle).items()}
