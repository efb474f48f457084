"""Chromaprint: a sequence of 32-bit fingerprints of sound, eight a second, after Lukáš Lalinský.

What AcoustID calls its second algorithm ("TEST2"), from its published description: how the twelve
semitones of the octave sound over a third of a second (Bartsch and Wakefield, 2001), smoothed and
made independent of loudness; sixteen differences of sums over rectangles of that picture, each told
in two bits.  The rectangles and the limits are those that make it the same as everybody else's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import av
import av.error
import av.filter
import numpy as np
import numpy.typing as npt

from evidence import films
from evidence.fingerprints import CHROMAPRINT, CHROMAPRINT_VERSION, SILENT_ITEM
from evidence.fingerprints.blocks import Writer
from evidence.registry import UnsupportedError

RATE = 11_025  # samples a second
WINDOW = 4_096  # samples of one spectrum
STEP = WINDOW // 3
MOST_SECONDS = 36_000

Floats = npt.NDArray[np.float64]
Items = npt.NDArray[np.uint32]

_LOW, _HIGH = round(WINDOW * 28 / RATE), round(WINDOW * 3_520 / RATE)
_BLOCK = 512  # spectra worked out at a time
_AS_THEIRS = (
    f"{RATE}:filter_size=16:phase_shift=8:cutoff=0.8:linear_interp=0"
    ":out_sample_fmt=s16:out_chlayout=mono"
)
_AT_A_TIME = 32  # frames of sound
_IN_ONE_PIECE = 16_384  # samples that are handed over at once

#: Kind of difference, lowest semitone, how many of them, how many spectra, and three limits.
_FILTERS = (
    (0, 4, 3, 15, 1.98215, 2.35817, 2.63523),
    (4, 4, 6, 15, -1.03809, -0.651211, -0.282167),
    (1, 0, 4, 16, -0.298702, 0.119262, 0.558497),
    (3, 8, 2, 12, -0.105439, 0.0153946, 0.135898),
    (3, 4, 4, 8, -0.142891, 0.0258736, 0.200632),
    (4, 0, 3, 5, -0.826319, -0.590612, -0.368214),
    (1, 2, 2, 9, -0.557409, -0.233035, 0.0534525),
    (2, 7, 3, 4, -0.0646826, 0.00620476, 0.0784847),
    (2, 6, 2, 16, -0.192387, -0.029699, 0.215855),
    (2, 1, 3, 2, -0.0397818, -0.00568076, 0.0292026),
    (5, 10, 1, 15, -0.53823, -0.369934, -0.190235),
    (3, 6, 2, 10, -0.124877, 0.0296483, 0.139239),
    (2, 1, 1, 14, -0.101475, 0.0225617, 0.231971),
    (3, 5, 6, 4, -0.0799915, -0.00729616, 0.063262),
    (1, 9, 2, 12, -0.272556, 0.019424, 0.302559),
    (3, 4, 2, 14, -0.164292, -0.0321188, 0.0846339),
)
_LONGEST = max(spectra for _, _, _, spectra, *_ in _FILTERS)
_SMOOTHING = (0.25, 0.75, 1.0, 0.75, 0.25)
#: Two bits for how many limits are passed, such that neighbours differ in one.
_GREY = np.array([0, 1, 3, 2], np.uint32)
_HAMMING = (0.54 - 0.46 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))) / 32_767
_FREQUENCIES = np.arange(_LOW, _HIGH) * RATE / WINDOW
_SEMITONES = np.floor(12 * (np.log2(_FREQUENCIES / 27.5) % 1)).astype(int)
_FOLDED = (_SEMITONES[:, None] == np.arange(12)).astype(np.float64)


def of_samples(parts: Iterator[npt.NDArray[np.int16]]) -> Items:
    """Return the fingerprints of samples, one channel at RATE, handed over in parts."""
    octaves = list(_octaves(parts))
    return _told(np.concatenate(octaves)) if octaves else np.zeros(0, np.uint32)


def _octaves(parts: Iterator[npt.NDArray[np.int16]]) -> Iterator[Floats]:
    """How loud each semitone is, by spectra; all octaves are taken together."""
    enough = WINDOW + (_BLOCK - 1) * STEP
    waiting: list[npt.NDArray[np.int16]] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size < enough:
            continue
        samples = np.concatenate(waiting)
        while len(samples) >= enough:
            yield _spectra(samples, _BLOCK)
            samples = samples[_BLOCK * STEP :]
        waiting, size = [samples], len(samples)
    if size >= WINDOW:
        samples = np.concatenate(waiting)
        yield _spectra(samples, (len(samples) - WINDOW) // STEP + 1)


def _spectra(samples: npt.NDArray[np.int16], number: int) -> Floats:
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STEP][:number]
    waves = np.fft.rfft(windows * _HAMMING, axis=1)[:, _LOW:_HIGH]
    energies: Floats = (waves.real**2 + waves.imag**2) @ _FOLDED
    return energies


def _told(octaves: Floats) -> Items:
    number = len(octaves) - len(_SMOOTHING) + 1 - _LONGEST + 1
    if number < 1:
        return np.zeros(0, np.uint32)
    smooth = np.zeros((len(octaves) - len(_SMOOTHING) + 1, 12))
    for place, weight in enumerate(_SMOOTHING):
        smooth += weight * octaves[place : place + len(smooth)]
    loudness = np.sqrt((smooth**2).sum(axis=1, keepdims=True))
    even = np.where(loudness < 0.01, 0, smooth / np.maximum(loudness, 1e-300))
    sums = np.zeros((len(even) + 1, 13))
    sums[1:, 1:] = even.cumsum(axis=0).cumsum(axis=1)
    items = np.zeros(number, np.uint32)
    for kind, low, tones, spectra, *limits in _FILTERS:
        one, other = _halves(sums[:, low : low + tones + 1], number, kind, spectra)
        passed = np.searchsorted(limits, np.log((1 + one) / (1 + other)), side="right")
        items = (items << np.uint32(2)) | _GREY[passed]
    return items


def _halves(sums: Floats, number: int, kind: int, spectra: int) -> tuple[Floats, Floats]:
    """Return the two sums of which a filter is the difference, for each place."""

    def sum_of(begin: int, bottom: int, end: int, top: int) -> Floats:
        first, last = sums[begin : begin + number], sums[end : end + number]
        added: Floats = last[:, top] - first[:, top] - last[:, bottom] + first[:, bottom]
        return added

    tones = sums.shape[1] - 1
    middle, half = tones // 2, spectra // 2
    if kind == 0:
        return sum_of(0, 0, spectra, tones), np.zeros(number)
    if kind == 1:
        return sum_of(0, middle, spectra, tones), sum_of(0, 0, spectra, middle)
    if kind == 2:
        return sum_of(half, 0, spectra, tones), sum_of(0, 0, half, tones)
    if kind == 3:
        return (
            sum_of(0, middle, half, tones) + sum_of(half, 0, spectra, middle),
            sum_of(0, 0, half, middle) + sum_of(half, middle, spectra, tones),
        )
    if kind == 4:
        third = tones // 3
        return (
            sum_of(0, third, spectra, 2 * third),
            sum_of(0, 0, spectra, third) + sum_of(0, 2 * third, spectra, tones),
        )
    third = spectra // 3
    return (
        sum_of(third, 0, 2 * third, tones),
        sum_of(0, 0, third, tones) + sum_of(2 * third, 0, spectra, tones),
    )


def samples(source: Any, notes: list[str]) -> Iterator[npt.NDArray[np.int16]]:
    """Decode the first sound of a film or recording to one channel of 16 bits at RATE.

    Channels are averaged before the rate is changed, and that as Chromaprint's own tool does it.
    """
    stream = source.streams.audio[0]
    graph: Any = av.filter.Graph()
    begin = last = graph.add_abuffer(template=stream)
    channels = stream.channels
    steps = [
        ("pan", "mono|c0=" + "+".join(f"{1 / channels}*c{number}" for number in range(channels))),
        ("aresample", _AS_THEIRS),
        ("asetnsamples", f"{_IN_ONE_PIECE}:pad=0"),
        ("abuffersink", None),
    ]
    for name, arguments in steps if channels > 1 else steps[1:]:
        step = graph.add(name, arguments) if arguments else graph.add(name)
        last.link_to(step)
        last = step
    graph.configure()
    end = last
    left = MOST_SECONDS * RATE
    for number, frame in enumerate(films.frames(source, [stream], notes)):
        begin.push(frame)
        if number % _AT_A_TIME:
            continue
        for part in _pulled(end):
            yield part[:left]
            left -= len(part)
        if left <= 0:
            notes.append(f"Only the first {MOST_SECONDS} s were compared.")
            return
    begin.push(None)
    for part in _pulled(end):
        yield part[:left]


def _pulled(end: Any) -> Iterator[npt.NDArray[np.int16]]:
    while True:
        try:
            frame = end.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        yield frame.to_ndarray().ravel()


def fingerprint(
    stream: BinaryIO, _parameters: Mapping[str, Any], output: BinaryIO | None = None
) -> dict[str, Any]:
    """Write the first sound's fingerprint to ``output``: four bytes for each eighth of a second.

    Its quality is how many of them, in a hundred, are of something.
    """
    notes: list[str] = []
    with films.opened(stream) as source:
        if not source.streams.audio:
            raise UnsupportedError("There is no sound in it.")
        items = of_samples(samples(source, notes))
    if not len(items):
        raise UnsupportedError("There are less than three seconds of sound in it.")
    if output is None:
        raise TypeError("There is no file for the fingerprint.")
    writer = Writer(output)
    writer.add_items(
        items.astype(">u4").tobytes(),
        int(100 * np.mean(items != SILENT_ITEM)),
        algorithm=CHROMAPRINT,
        version=CHROMAPRINT_VERSION,
        variant="sound",
    )
    return {
        "parts": writer.parts,
        "parameters": {"rate": RATE, "channels": "averaged", "items": len(items)},
        "basis": "the first sound of it",
        "warnings": notes,
    }


def warm_up() -> None:
    """Have the numeric library load what it loads at first use."""
    _told(np.concatenate(list(_octaves(iter([np.zeros(RATE * 4, np.int16)])))))
