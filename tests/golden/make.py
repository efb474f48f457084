"""Make the golden bundles of a format version: ``python -m tests.golden.make FOLDER``.

One true bundle, and for each finding code one bundle that must produce it.  Run once for a new
version of the format; what is there is never made again.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from tests import adversary


def make(folder: Path) -> None:
    """Write the bundles into ``folder``, which MUST hold none yet."""
    for name in ("good", "bad", "expected"):
        (folder / name).mkdir(parents=True)
    true = adversary.true_bundle()
    (folder / "good/two-items.zip").write_bytes(adversary.as_zip(true))
    (folder / "vkey.txt").write_text(adversary.VKEY + "\n", encoding="utf-8")
    made: set[str] = set()
    for what, tampering in (adversary.TAMPERINGS | adversary.ZIP_TAMPERINGS).items():
        if not tampering.code or tampering.code in made:
            continue
        made.add(tampering.code)
        changed = tampering.act(true)
        content = changed if isinstance(changed, bytes) else adversary.as_zip(changed)
        name = f"{tampering.code}-{re.sub(r'[^a-z]+', '-', what)}"
        (folder / f"bad/{name}.zip").write_bytes(content)
        expected = {
            "code": tampering.code,
            "names": tampering.names.replace("bundle.zip", f"{name}.zip"),
            "exit_code": tampering.exit_code,
        }
        (folder / f"expected/{name}.json").write_text(
            json.dumps(expected, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    make(Path(sys.argv[1]))
