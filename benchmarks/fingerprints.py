"""Our fingerprints beside the tools that others use, in one run.

    python -m benchmarks.fingerprints [HASHES] [ROUNDS]

The others are asked where they are installed (``benchmarks/peers.txt``, and fpcalc); what is not
there is said to be missing, never counted as met.  Each figure is the median of rounds in which
both take turns.  The targets are the ratios of the design.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from evidence import films as moving
from evidence import sandbox
from evidence.extractors import digests
from evidence.fingerprints import chromaprint, frames, pdq
from evidence.fingerprints.banded import Banded
from evidence.fingerprints.packed import Packed
from evidence.pictures import opened, upright
from tests.evidence.extractors.made import film, scene
from tests.evidence.sounds import recording, speech

#: What our own process has loaded before the first file comes.
_LOAD = "import PIL.Image, exifread, av, numpy, pypdfium2"

Act = Callable[[], Any]


class Table:
    """What was measured against what was asked."""

    def __init__(self) -> None:
        self.missed = 0

    def ratio(self, name: str, seconds: tuple[float, float], target: float) -> None:
        """Say how many times faster ours is than theirs."""
        ours, theirs = seconds
        got = theirs / ours
        self.said(
            name,
            f"ours {ours * 1000:.2f} ms, theirs {theirs * 1000:.2f} ms: "
            f"{got:.2f} times; {target:.2f} asked",
            got >= target,
        )

    def below(self, name: str, seconds: float, most: float) -> None:
        """Say how long it took."""
        said = f"{seconds * 1000:.3f} ms; at most {most * 1000:.1f} ms asked"
        self.said(name, said, seconds <= most)

    def missing(self, name: str, what: str) -> None:
        """Say that there was nothing to compare with."""
        print(f"{name}: NOT MEASURED, {what} is not installed", flush=True)

    def said(self, name: str, said: str, met: bool) -> None:
        self.missed += not met
        print(f"{name}: {said}{'' if met else ', NOT met'}", flush=True)


def timed(ours: Act, theirs: Act, *, rounds: int) -> tuple[float, float]:
    """Return the median seconds of both, in rounds in which they take turns."""
    mine: list[float] = []
    others: list[float] = []
    for _ in range(rounds):
        for act, several in ((ours, mine), (theirs, others)):
            begun = time.perf_counter()
            act()
            several.append(time.perf_counter() - begun)
    return statistics.median(mine), statistics.median(others)


def processor(act: Act) -> float:
    """Return the seconds of processor time that it takes, of all threads."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def module(name: str) -> Any:
    """Return a library that may not be installed."""
    with contextlib.suppress(ImportError):
        return importlib.import_module(name)
    return None


def pictures(table: Table, rounds: int) -> None:
    """P1 and P2: a photograph of twelve megapixels, from its file."""
    out = io.BytesIO()
    scene(4_000, 3_000).save(out, format="JPEG", quality=90)
    content = out.getvalue()

    def ours() -> None:
        with opened(io.BytesIO(content)) as image:
            pdq.turns(pdq.luma(upright(image, side=pdq.SIDE)))

    theirs = module("pdqhash")
    if theirs is None:
        table.missing("P1 photograph", "pdqhash")
    else:

        def other() -> None:
            theirs.compute(np.asarray(Image.open(io.BytesIO(content))))

        table.ratio("P1 photograph, pdqhash", timed(ours, other, rounds=rounds), 8)
    hashing = module("imagehash")
    if hashing is None:
        table.missing("P2 photograph", "imagehash")
    else:

        def again() -> None:
            hashing.phash(Image.open(io.BytesIO(content)))

        table.ratio("P2 photograph, imagehash", timed(ours, again, rounds=rounds), 2.5)


def films(table: Table, rounds: int, seconds: int = 20) -> None:
    """P3 and P4: a film of 1080 lines, each frame and one a second."""
    content = film(seconds, size=(1_920, 1_080), rate=30, sound=False)

    def one_a_second(threads: int = 1) -> None:
        frames.fingerprint(io.BytesIO(content), {"threads": threads}, io.BytesIO())

    def each() -> None:
        with moving.opened(io.BytesIO(content)) as source:
            for frame in source.decode(source.streams.video[0]):
                pdq.pdq(frames.plane(frame).astype(np.float32))

    def some() -> None:
        with moving.opened(io.BytesIO(content)) as source:
            stream = source.streams.video[0]
            stream.codec_context.skip_frame = "BIDIR"
            for sample in frames.samples(source, stream, 1_000, []):
                pdq.pdq(sample.plane.astype(np.float32))

    peer = module("vpdq")
    if peer is None:
        table.missing("P3 each frame", "vpdq")
        table.missing("P4 one frame a second", "vpdq")
        return
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(content)
        file.flush()

        def theirs_each() -> None:
            peer.computeHash(file.name, seconds_per_hash=0)

        def theirs_one() -> None:
            peer.computeHash(file.name, seconds_per_hash=1)

        table.ratio("P3 each frame, vpdq", timed(each, theirs_each, rounds=rounds), 4)
        table.ratio(
            "P4 a frame a second with all its variants, on all processors as vpdq",
            timed(lambda: one_a_second(len(os.sched_getaffinity(0))), theirs_one, rounds=rounds),
            1.3,
        )
        alone = timed(one_a_second, theirs_one, rounds=rounds)
        print(f"    on one thread, vpdq on all: {alone[1] / alone[0]:.2f} times", flush=True)
        ours, theirs = (processor(act) for act in (one_a_second, theirs_one))
        print(f"    of processor time, ours on one thread: {theirs / ours:.2f} times", flush=True)
        table.ratio(
            "P4 a frame a second, as of long films, vpdq",
            timed(some, theirs_one, rounds=rounds),
            2,
        )


def sounds(table: Table, rounds: int) -> None:
    """P5: a minute of sound, from its file."""
    content = recording(speech(1, 60), "mp3", "mp3", bit_rate=128_000)
    fpcalc = shutil.which("fpcalc")
    if fpcalc is None:
        table.missing("P5 sound", "fpcalc")
        return
    with tempfile.NamedTemporaryFile(suffix=".mp3") as file:
        file.write(content)
        file.flush()

        def ours() -> None:
            chromaprint.fingerprint(io.BytesIO(content), {}, io.BytesIO())

        def theirs() -> None:
            subprocess.run(
                [fpcalc, "-raw", "-length", "0", file.name], capture_output=True, check=False
            )

        table.ratio("P5 sound, fpcalc", timed(ours, theirs, rounds=rounds), 1.0)


def made(number: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return so many fingerprints, a fifth of them near another."""
    random = np.random.default_rng(1)
    columns = random.integers(0, 2**64, (4, number), dtype=np.uint64)
    near = np.arange(number // 5)
    columns[:, near] = columns[:, random.integers(number // 5, number, len(near))]
    for _ in range(10):
        columns[random.integers(0, 4, len(near)), near] ^= np.uint64(1) << random.integers(
            0, 64, len(near), dtype=np.uint64
        )
    return columns


def index(table: Table, number: int, rounds: int) -> None:
    """P6, P7 and the index's own targets."""
    columns = made(number)
    before = resident()
    begun = time.perf_counter()
    part = Banded.of(columns, np.arange(number))
    build = time.perf_counter() - begun
    grown = resident() - before + columns.nbytes
    rest = Packed()
    rest.put(columns, np.arange(number))
    random = np.random.default_rng(2)
    asked = [
        "".join(f"{int(word):016x}" for word in columns[:, place])
        for place in random.integers(0, number, 25 * rounds)
    ]
    near = statistics.median(timed_each(lambda value: part.within(value, 31), asked))
    most = 0.002 if number <= 1_000_000 else 0.010
    table.below(f"within 31 bits of {number:,}, by bands", near, most)
    wide = statistics.median(timed_each(lambda value: rest.within(value, 48), asked[:50]))
    print(f"within 48 bits of {number:,}: {wide * 1000:.2f} ms", flush=True)
    found = [set(part.within(value, 31)) == set(rest.within(value, 31)) for value in asked[:25]]
    print(f"exact: {sum(found)} of {len(found)}", flush=True)
    table.missed += not all(found)
    adding = [(number + one, value) for one, value in enumerate(asked)]
    each = timed_each(lambda one: rest.add([one]), adding)
    add = statistics.median(each)
    table.below("adding one", add, 0.0001)
    print(f"adding one, at most (when room is made for twice as many): {max(each) * 1000:.1f} ms")
    peer = module("threatexchange.signal_type.pdq.pdq_index")
    if peer is None:
        table.missing("P6, P7 index", "threatexchange")
        return
    if number > 1_000_000:
        print("P6, P7: compared at a million", flush=True)
        return
    hashes = ["".join(f"{int(word):016x}" for word in columns[:, one]) for one in range(number)]
    before = resident()
    begun = time.perf_counter()
    theirs = peer.PDQIndex(entries=((one, place) for place, one in enumerate(hashes)))
    their_build = time.perf_counter() - begun
    their_size = resident() - before
    table.ratio("P6 building with bands, PDQIndex", (build, their_build), 20)
    begun = time.perf_counter()
    Packed().put(columns, np.arange(number))
    simple = time.perf_counter() - begun
    table.ratio("P6 building what finds at once, PDQIndex", (simple, their_build), 20)
    got = their_size / max(1, grown)
    table.said(
        "P6 memory, PDQIndex",
        f"ours {grown / 2**20:.0f} MiB, theirs {their_size / 2**20:.0f} MiB: "
        f"{got:.1f} times; 4 asked",
        got >= 4,
    )
    asked_wide = asked[:10]
    their_wide = statistics.median(
        timed_each(
            lambda value: theirs.index.search_with_distance_in_result([value], 48), asked_wide
        )
    )
    table.ratio("P7 within 48 bits, PDQIndex", (wide, their_wide), 20)
    their_add = statistics.median(timed_each(lambda one: theirs.add(one[1], one[0]), adding[:3]))
    table.ratio("P6 adding one, PDQIndex", (add, their_add), 10_000)
    table.ratio(
        "P7 within 31 bits, PDQIndex",
        (near, statistics.median(timed_each(theirs.query, asked))),
        1 / 1.2,
    )


def confinement(table: Table, rounds: int) -> None:
    """P10: what it costs to have one file parsed where it can do no harm."""
    bwrap = shutil.which("bwrap")
    content = b"a few words"
    sandbox.run("digests", io.BytesIO(content))

    def ours() -> None:
        sandbox.run("digests", io.BytesIO(content))

    if bwrap is None:
        table.below("P10 sandbox", timed(ours, ours, rounds=20 * rounds)[0], 0.010)
        table.missing("P10 sandbox", "bwrap")
        return
    command = [bwrap, "--ro-bind", "/", "/", "--unshare-all", sys.executable, "-I", "-c", _LOAD]

    def theirs() -> None:
        subprocess.run(command, check=True, capture_output=True)

    both = timed(ours, theirs, rounds=5 * rounds)
    table.below("P10 sandbox", both[0], 0.010)
    table.ratio("P10 sandbox, bwrap with a Python that loads its parsers", both, 10)


def sums(table: Table, rounds: int, size: int = 512 * 2**20) -> None:
    """P8 and P9: digests of half a gigabyte, in one pass."""
    others = [
        shutil.which(name) for name in ("sha256sum", "b3sum", "sha512sum", "sha1sum", "md5sum")
    ]
    with tempfile.NamedTemporaryFile() as file:
        block = np.random.default_rng(3).bytes(2**20)
        for _ in range(size // len(block)):
            file.write(block)
        file.flush()

        def ours(*names: str) -> Act:
            def act() -> None:
                with Path(file.name).open("rb") as stream:
                    digests.digests(stream, names)

            return act

        def theirs(*tools: str | None) -> Act:
            def act() -> None:
                for tool in tools:
                    subprocess.run([str(tool), file.name], capture_output=True, check=True)

            return act

        two, five = ours("sha256", "blake3"), ours("sha256", "blake3", "sha512", "sha1", "md5")
        table.ratio("P8 two digests, sha256sum", timed(two, theirs(others[0]), rounds=rounds), 3.5)
        if None in others:
            table.missing("P9 five digests", "b3sum")
            return
        table.ratio("P9 five digests, five tools", timed(five, theirs(*others), rounds=rounds), 3)


def timed_each(act: Callable[[Any], Any], several: list[Any]) -> list[float]:
    """Return how long each took."""
    taken = []
    for one in several:
        begun = time.perf_counter()
        act(one)
        taken.append(time.perf_counter() - begun)
    return taken


def resident() -> int:
    """Return the bytes of memory that this process holds now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


def main(number: int = 1_000_000, rounds: int = 5) -> int:
    """Measure everything; return 1 when a target is missed."""
    table = Table()
    index(table, number, rounds)
    confinement(table, rounds)
    sums(table, rounds)
    pictures(table, rounds)
    sounds(table, rounds)
    films(table, max(1, rounds // 2))
    print(f"{table.missed} missed")
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main(*(int(one) for one in sys.argv[1:])))
