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
    times = in_turn(acts, rounds=rounds, around=around)
    return {name: statistics.median(all_of) for name, all_of in times.items()}


def in_turn(
    acts: Mapping[str, Act],
    *,
    rounds: int,
    around: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> dict[str, list[float]]:
    """Return each act's times in seconds, one for each round."""
    times: dict[str, list[float]] = {name: [] for name in acts}
    for number in range(rounds):
        for name, act in acts.items():
            with around(name):
                begun = time.perf_counter()
                act()
                times[name].append(time.perf_counter() - begun)
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return times


def ratio(name: str, rival: float, ours: float, target: float) -> bool:
    """Print how many times faster we are; return whether that is enough."""
    found = rival / ours
    enough = found >= target
    print(f"  {name:<58} {found:5.2f} x  target {target} x  {'met' if enough else 'NOT met'}")
    return enough


def rate(name: str, found: float, target: float) -> bool:
    """Print a rate a second beside its target; return whether it is enough."""
    enough = found >= target
    print(f"  {name:<58} {found:8,.0f}   target {target:,.0f}  {'met' if enough else 'NOT met'}")
    return enough


def limit(name: str, found: float, most: float) -> bool:
    """Print a cost beside the most that it may be; return whether it is within that."""
    within = found <= most
    print(f"  {name:<58} {found:8,.1f}   target {most:,}  {'met' if within else 'NOT met'}")
    return within
