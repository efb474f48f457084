"""Runs rivals in turn and compares their medians, so that a busy moment meets all of them."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

Act = Callable[[], None]


def medians(
    acts: Mapping[str, Act],
    *,
    rounds: int,
    around: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> dict[str, float]:
    """Return each act's median time in seconds; ``around`` prepares for one, outside the clock."""
    times: dict[str, list[float]] = {name: [] for name in acts}
    for number in range(rounds):
        for name, act in acts.items():
            with around(name):
                begun = time.perf_counter()
                act()
                times[name].append(time.perf_counter() - begun)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return {name: statistics.median(all_of) for name, all_of in times.items()}


def ratio(name: str, rival: float, ours: float, target: float) -> bool:
    """Print how many times faster we are; return whether that is enough."""
    found = rival / ours
    enough = found >= target
    print(f"  {name:<58} {found:5.2f} x  target {target} x  {'met' if enough else 'NOT met'}")
    return enough
