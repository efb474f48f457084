"""A film has the same fingerprints on however many threads it is decoded, confined as ever."""

from __future__ import annotations

import io
import tempfile

from evidence import sandbox
from tests.evidence.extractors.made import film


def looked_at(content, threads):
    with tempfile.TemporaryFile() as output:
        outcome = sandbox.run(
            "frames", io.BytesIO(content), parameters={"threads": threads}, output=output
        )
        output.seek(0)
        return outcome, output.read()


def test_more_threads_find_the_same_and_do_it_behind_the_same_walls():
    content = film(4, size=(320, 240), rate=25)

    alone, values = looked_at(content, 1)
    beside, others = looked_at(content, 3)

    assert alone.outcome == beside.outcome == "ok", beside.reason
    assert values == others
    assert values
    assert alone.isolation == beside.isolation


def test_a_film_that_breaks_off_ends_in_an_outcome_on_threads_too():
    content = film(4, size=(320, 240), rate=25)

    outcome, _ = looked_at(content[: len(content) // 2], 3)

    assert outcome.outcome in {"ok", "malformed"}
