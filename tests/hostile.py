"""`python -m tests.hostile [FILES]`: has the tools look at thousands of hostile files.

Prints what went wrong, and how often each outcome was; returns 1 if anything went wrong.
"""

from __future__ import annotations

import collections
import os
import sys

import django


def main(number: int = 5_000) -> int:
    """Look at so many files."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from tests.evidence import hostile_files, hostile_looks  # noqa: PLC0415 - after the settings

    outcomes: collections.Counter[str] = collections.Counter()
    wrong = looked = 0
    slowest: list[tuple[float, str]] = []
    with hostile_looks.door() as (port, came):
        for name, content in hostile_files.files(number, port):
            kind = name.partition("-")[2]
            seen = hostile_looks.look(
                name, content, meant=hostile_files.meant(kind), with_all=not kind
            )
            looked += 1
            outcomes.update(seen.outcomes.values())
            slowest = sorted([*slowest, (seen.seconds, name)])[-5:]
            for one in seen.wrong:
                wrong += 1
                print(f"{name}: {one}", flush=True)
        for one in came:
            wrong += 1
            print(f"a connection was made: {one}", flush=True)
    print(f"{looked} files, {sum(outcomes.values())} looks, {wrong} wrong")
    for outcome, times in outcomes.most_common():
        print(f"  {outcome}: {times}")
    for seconds, name in slowest[::-1]:
        print(f"  slow: {seconds:.1f} s {name}")
    return 1 if wrong or not looked else 0


if __name__ == "__main__":
    sys.exit(main(*(int(one) for one in sys.argv[1:])))
