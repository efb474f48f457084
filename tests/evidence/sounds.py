"""Sounds that the tests make themselves."""

from __future__ import annotations

import io

import av
import numpy as np
import numpy.typing as npt

RATE = 44_100


def speech(seed: int, seconds: float = 30) -> npt.NDArray[np.float64]:
    """Something like speech: syllables of a voice with formants, noise and pauses."""
    random = np.random.default_rng(seed)
    out = np.zeros(int(seconds * RATE))
    at = 0
    while at < len(out):
        length = int(RATE * random.uniform(0.08, 0.3))
        pitch = random.uniform(90, 260)
        time = np.arange(length) / RATE
        formants = [
            (random.uniform(250, 850), 80),
            (random.uniform(900, 2_300), 120),
            (random.uniform(2_300, 3_200), 200),
        ]
        syllable = random.normal(0, 0.1, length)
        for harmonic in range(1, 30):
            tone = pitch * harmonic
            loud = sum(np.exp(-(((tone - middle) / wide) ** 2) / 2) for middle, wide in formants)
            swing = 1 + 0.03 * np.sin(2 * np.pi * random.uniform(2, 5) * time)
            syllable += (loud + 0.02) * np.sin(2 * np.pi * np.cumsum(tone * swing) / RATE)
        syllable *= np.hanning(length)
        out[at : at + length] = syllable[: len(out) - at]
        at += length + int(RATE * random.choice([0, 0, 0.05, 0.2]))
    scaled: npt.NDArray[np.float64] = out / np.abs(out).max() * 0.6
    return scaled


def noisy(samples, decibels, seed=1):
    """Under noise, so many decibels weaker than what it is laid under."""
    random = np.random.default_rng(seed)
    strength = np.sqrt((samples**2).mean() / 10 ** (decibels / 10))
    return np.clip(samples + random.normal(0, strength, len(samples)), -1, 1)


def recording(
    samples: npt.NDArray[np.float64],
    codec: str = "pcm_s16le",
    form: str = "wav",
    *,
    rate: int = RATE,
    bit_rate: int | None = None,
    channels: int = 1,
) -> bytes:
    """A recording of samples between -1 and 1 at RATE, one channel or the same in several."""
    out = io.BytesIO()
    layout = {1: "mono", 2: "stereo"}[channels]
    frame = av.AudioFrame.from_ndarray(
        np.repeat((samples * 32_767).astype(np.int16), channels)[None, :],
        format="s16",
        layout=layout,
    )
    frame.sample_rate = RATE
    with av.open(out, mode="w", format=form) as target:
        stream = target.add_stream(codec, rate=rate)
        stream.layout = layout
        if bit_rate:
            stream.bit_rate = bit_rate
        resampler = av.AudioResampler(stream.format.name, layout, rate, stream.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return out.getvalue()
