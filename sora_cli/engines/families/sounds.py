"""Stable Audio and AudioLDM2: sounds from words."""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from math import gcd
from typing import Any, ClassVar, cast

import numpy as np
import torch
from diffusers import AudioLDM2Pipeline, StableAudioPipeline
from numpy.typing import NDArray
from scipy import signal
from transformers import GPT2LMHeadModel
from typing_extensions import override

from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.families.diffusion import Loadable
from sora_cli.engines.families.language import whole
from sora_cli.engines.runtime.device import best_device, best_dtype, quiet, seeded
from sora_cli.engines.runtime.errors import is_full, told_as_loading
from sora_cli.engines.sounds import SoundCard
from sora_cli.errors import OutOfMemory, RenderError, SoraError, is_bug
from sora_cli.media.stream import SAMPLE_RATE, Samples

LEVEL, PEAK = 0.06, 0.7
"""RMS that a sound is brought to, -24 dBFS, and the peak it may then have: as loud as the embedded ones are."""
AVOID = "low quality"
"""What the cards of both models give as the negative prompt."""


class _Sounds(ABC):
    """A pipeline of sound on the best device here."""

    kind: ClassVar[Any]
    steps: ClassVar[int]
    """As its card has it."""

    def __init__(self, card: SoundCard) -> None:
        self.card, self.device = card, best_device()
        held = Checkpoint.read(card.location)
        dtype = best_dtype(self.device, sum(held.bytes_of(name) for name in held.components()))
        with told_as_loading(card), quiet():
            pipe = self.kind.from_pretrained(
                str(card.location),
                torch_dtype=dtype,
                local_files_only=True,
                use_safetensors=True,
                variant=held.variant,
                **self._parts(held, dtype),
            )
            self.pipe = pipe.to(self.device)
        self.longest = self._longest()

    def make(self, words: str, seconds: float, seed: int) -> Samples:
        """A sound; see `SoundModel`."""
        try:
            with quiet(), torch.inference_mode():
                made, rate = self._made(words, min(seconds, self.longest), seeded(seed))
        except SoraError:
            raise
        except Exception as error:  # a pipeline of diffusers may raise anything
            if is_bug(error):
                raise
            if is_full(error):
                hint = "use a smaller model, or none: embedded sounds are made without a GPU"
                raise OutOfMemory(f"{self.card.name} does not fit in this machine's memory", hint=hint) from error
            raise RenderError(f"{self.card.name} cannot make {words!r}: {type(error).__name__}: {error}") from error
        return _levelled(made, rate, round(seconds * SAMPLE_RATE))

    def close(self) -> None:
        """Give the device's memory back."""
        del self.pipe
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _parts(self, held: Checkpoint, dtype: torch.dtype) -> dict[str, object]:  # noqa: ARG002  as overridden
        """Components that are not to be of the class that the checkpoint names."""
        return {}

    @abstractmethod
    def _longest(self) -> float:
        """Seconds that it makes in one go."""

    @abstractmethod
    def _made(self, words: str, seconds: float, generator: torch.Generator) -> tuple[NDArray[np.float32], int]:
        """Samples (channels, n), and their rate."""


class StableAudio(_Sounds):
    """Stable Audio Open: stereo."""

    kind, steps = StableAudioPipeline, 100

    def _longest(self) -> float:
        vae = self.pipe.vae
        return float(self.pipe.transformer.config.sample_size * vae.hop_length / vae.config.sampling_rate)

    def _made(self, words: str, seconds: float, generator: torch.Generator) -> tuple[NDArray[np.float32], int]:
        made = self.pipe(
            words, negative_prompt=AVOID, audio_end_in_s=seconds, num_inference_steps=self.steps, generator=generator
        ).audios[0]
        return made.float().cpu().numpy(), int(self.pipe.vae.config.sampling_rate)


class AudioLDM2(_Sounds):
    """AudioLDM 2: mono."""

    kind, steps = AudioLDM2Pipeline, 200

    @override
    def _parts(self, held: Checkpoint, dtype: torch.dtype) -> dict[str, object]:
        """A bare GPT-2, as older checkpoints name it, no longer has what the pipeline asks of it to go on."""
        if held.components().get("language_model", ("", ""))[1] != "GPT2Model":
            return {}
        kind = cast("Loadable[torch.nn.Module]", GPT2LMHeadModel)
        variant = held.variant_of("language_model")
        return {"language_model": whole(kind, held.folder / "language_model", dtype=dtype, variant=variant)}

    def _longest(self) -> float:
        vocoder = self.pipe.vocoder.config
        hop = np.prod(vocoder.upsample_rates) / vocoder.sampling_rate
        return float(self.pipe.unet.config.sample_size * self.pipe.vae_scale_factor * hop)

    def _made(self, words: str, seconds: float, generator: torch.Generator) -> tuple[NDArray[np.float32], int]:
        made = self.pipe(
            words, negative_prompt=AVOID, audio_length_in_s=seconds, num_inference_steps=self.steps, generator=generator
        ).audios[0]
        return np.atleast_2d(np.asarray(made)), int(self.pipe.vocoder.config.sampling_rate)


def _levelled(made: NDArray[np.float32], rate: int, length: int) -> Samples:
    """Stereo at 48 kHz, `length` samples or as many as there are, at the level of the embedded sounds."""
    part = gcd(rate, SAMPLE_RATE)
    there = signal.resample_poly(made.astype(np.float64), SAMPLE_RATE // part, rate // part, axis=1)[:, :length]
    both = np.repeat(there, 2, axis=0) if len(there) == 1 else there[:2]
    gain = min(LEVEL / (np.sqrt((both**2).mean()) + 1e-9), PEAK / (np.abs(both).max() + 1e-9))
    return np.ascontiguousarray((gain * both).T, dtype=np.float32)
