"""Relations drawn: people and parties on the left, items on the right, a line for each relation."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from evidence.relating import Link, Relation, Who

WIDE, LEFT, RIGHT = 960, 250, 620  # of the drawing, in its own units: where lines begin and end
TOP, ROW = 24, 34
MOST = 60  # rows on one side


def drawn(relations: Sequence[Relation]) -> dict[str, Any] | None:
    """Return the drawing, ready to be written as SVG; None of nothing.

    Of more rows than fit, people come before parties, and who has more relations first;
    ``left_out`` says how many rows are not drawn.
    """
    if not relations:
        return None
    degrees = Counter(one.who for one in relations)
    everybody = sorted(degrees, key=lambda who: (not who.is_person, -degrees[who], who))
    people = {who: number for number, who in enumerate(everybody[:MOST])}
    items = {one.item.pk: one.item for one in relations}
    order = _near(relations, people)
    rows = {pk: number for number, pk in enumerate(order[:MOST])}
    rest = max(len(people), len(rows))

    def of_who(who: Who) -> float:
        return _at(people[who], len(people), rest)

    def of_item(pk: UUID) -> float:
        return _at(rows[pk], len(rows), rest)

    lines = [
        {
            "path": _path(of_who(one.who), of_item(one.item.pk)),
            "link": str(one.link),
            "title": f"{one.who.name} {one.link.label}: {one.item.exhibit_number}",
        }
        for one in relations
        if one.who in people and one.item.pk in rows
    ]
    return {
        "wide": WIDE,
        "high": TOP * 2 + ROW * rest,
        "left": LEFT,
        "right": RIGHT,
        "who": [{"who": who, "y": of_who(who)} for who in people],
        "items": [{"item": items[pk], "y": of_item(pk)} for pk in rows],
        "lines": lines,
        "links": [one for one in Link if any(line["link"] == one for line in lines)],
        "left_out": len(everybody) - len(people) + len(items) - len(rows),
    }


def _near(relations: Sequence[Relation], people: Mapping[Who, int]) -> list[UUID]:
    """Return the items, each as near as may be to those who have to do with it: less crosses."""
    heights: dict[UUID, list[int]] = defaultdict(list)
    numbers = {}
    for one in relations:
        if one.who in people:
            heights[one.item.pk].append(people[one.who])
            numbers[one.item.pk] = one.item.exhibit_number
    return sorted(heights, key=lambda pk: (sum(heights[pk]) / len(heights[pk]), numbers[pk]))


def _at(number: int, of: int, rows: int) -> float:
    """Return where a row lies; the shorter side spreads over the height of the longer."""
    return round(TOP + ROW * rows * (number + 0.5) / of, 1)


def _path(begin: float, end: float) -> str:
    middle = (LEFT + RIGHT) // 2
    return f"M{LEFT} {begin}C{middle} {begin} {middle} {end} {RIGHT} {end}"
