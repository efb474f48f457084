"""How much of a long test a run of the suite does: a part, another one each time, or all of it.

`TEST_THOROUGH=1 .ci/test` does all of it.  Where a part begins follows the seed that a run
prints first, so that `-p randomly -p "randomly_seed=…"` does the same part again.
"""

from __future__ import annotations

import os
import random

THOROUGH = bool(os.environ.get("TEST_THOROUGH"))


def part(one_of: int) -> slice:
    """Return which of many things to do: one of so many, evenly; in a thorough run, each."""
    if THOROUGH:
        return slice(None)
    return slice(random.randrange(one_of), None, one_of)


def fewer(whole: int, some: int) -> int:
    """Return how many things of one kind to do: ``some``, or in a thorough run the ``whole``."""
    return whole if THOROUGH else some
