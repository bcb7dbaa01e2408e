"""The model that learns: what its pipeline tells it, its latents, and its error.

What a transformer is told beside noisy latents (embeddings, masks, positions, references that are none) is taken from
its own pipeline: that is run up to its first call of the transformer. So training tells it exactly what sampling does,
for every family alike.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from math import exp
from pathlib import Path
from typing import Any, NoReturn

import torch
from msgspec import Struct, field
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from sora_cli import atomic
from sora_cli.engines.base import Given, Take
from sora_cli.engines.families.diffusion import Diffusion
from sora_cli.engines.families.ltx2 import Ltx2
from sora_cli.engines.options import Options
from sora_cli.engines.runtime.adapters import experts
from sora_cli.engines.runtime.device import quiet
from sora_cli.engines.runtime.pixels import to_unit
from sora_cli.engines.training.crops import crops_of
from sora_cli.media.stream import Frames

OFF: Mapping[str, float] = {
    "steps": 2,
    "guidance": 1,
    "sound_guidance": 1,
    "spatiotemporal": 0,
    "modality": 1,
    "rescale": 0,
    "steady": 0,
}
"""One pass of the transformer, with no guidance, so far as a family has these options."""
TIMES = {"timestep", "audio_timestep", "sigma", "audio_sigma"}
"""What of a call tells the noise level."""
FEW = 32_768
"""Numbers of latents below which a CPU's fused attention is slower than plain one: by 15 % of nano's steps."""
LARGEST = 1000
"""What a noise level of 1 is in a call, for all families here."""
FORMAT = "1"
"""Raised when what is kept on disk changes its meaning."""
Told = Tensor | float | bool | None
"""A value of a call."""
Call = Mapping[str, Told]
"""What a transformer is told beside noisy latents, by name; tensors have one clip in front."""


class _CaughtError(Exception):
    """No error: it ends a pipeline's run."""

    def __init__(self, told: dict[str, Told]) -> None:
        super().__init__()
        self.told = told


class Lesson(Struct, frozen=True):
    """An example as the transformer sees it: clean latents `(1, ...)`, and the calls for its caption and others.

    `weight` tells how much each place counts, 1 in the mean, the same for all channels.
    """

    latents: Tensor
    call: Call
    others: tuple[Call, ...] = ()
    weight: Tensor = field(default_factory=lambda: torch.ones(1))
    single: bool = False
    """Whether it is a single frame, or a picture."""


class Student:
    """An engine's transformer, or pair of them, with what training needs of the rest of the pipeline."""

    def __init__(self, engine: Diffusion[Options], size: tuple[int, int], kept: Path) -> None:
        self.engine, self.size, self._kept = engine, size, kept
        self.networks = experts(engine.pipe)
        self.boundary = float(engine.pipe.config.get("boundary_ratio") or 0.0)
        """The noise level from which on the first transformer of a pair works."""
        self._shapes: dict[int, Call] = {}
        self._calls: dict[tuple[str, int], Call] = {}
        self._identity = f"{FORMAT} {engine.card.revision} {engine.dtype} {size}"

    def take(self, prompt: str, frames: int, seed: int = 0, options: Mapping[str, object] | None = None) -> Take:
        """A take of the training's size."""
        card = self.engine.card
        return Take(
            name=card.name,
            key="",
            engine=card.name,
            revision=card.revision,
            prompt=prompt,
            avoid="",
            width=self.size[0],
            height=self.size[1],
            fps=card.fps,
            frames=frames,
            skip=0,
            play=frames,
            seed=seed,
            options=options or {},
            sound=False,
        )

    def call(self, caption: str, frames: int) -> Call:
        """What the pipeline tells the transformer for a caption, from disk where it is kept."""
        if (caption, frames) in self._calls:
            return self._calls[caption, frames]
        asked: list[Call] = []

        def told(*, of_words: bool) -> Call:
            if not asked:
                asked.append(self._asked(caption, frames))
            return {name: value for name, value in asked[0].items() if ("encoder" in name) == of_words}

        words = self._find(f"words {caption}", lambda: told(of_words=True))
        if frames not in self._shapes:
            self._shapes[frames] = self._find(f"shape {frames}", lambda: told(of_words=False))
        return self._calls.setdefault((caption, frames), {**self._shapes[frames], **words})

    def latents(self, identity: str, frames: Callable[[], Frames], crops: int = 1) -> Tensor:
        """The clean latents of crops of frames, as the transformer sees them, from disk where they are kept."""

        def made() -> Call:
            seen = crops_of(frames(), self.size, crops, identity)
            return {"latents": torch.cat([self._encoded(each) for each in seen])}

        return self._find(f"latents {identity} {crops}", made)["latents"]  # type: ignore[return-value]

    def errors(
        self, lessons: Sequence[Lesson], calls: Sequence[Call], level: Tensor, noise: Tensor, *, wanted: Tensor | None
    ) -> Tensor:
        """Squared errors of the velocity of lessons of one shape, `(n, ...)`, at noise levels `(n,)`.

        The velocity is `noise - latents`, or what is `wanted`.
        """
        clean = torch.cat([lesson.latents for lesson in lessons]).to(noise)
        at = level.to(noise).view(-1, *[1] * (clean.ndim - 1))
        velocity = self.velocity((1 - at) * clean + at * noise, calls, level)
        return (velocity.float() - (noise - clean if wanted is None else wanted)).pow(2)

    def velocity(self, noisy: Tensor, calls: Sequence[Call], level: Tensor) -> Tensor:
        """What the transformer says of noisy latents."""
        if len(self.networks) == 1:
            return self._velocity(self.networks["both"], noisy, calls, level)
        noisier = level >= self.boundary
        parts = [here.nonzero()[:, 0] for here in (noisier, ~noisier)]
        said = [
            self._velocity(network, noisy[part], [calls[at] for at in part.tolist()], level[part])
            for network, part in zip(self.networks.values(), parts, strict=True)
            if len(part)
        ]
        return torch.cat(said)[torch.cat(parts).argsort()]

    def _velocity(self, network: Any, noisy: Tensor, calls: Sequence[Call], level: Tensor) -> Tensor:
        place = noisy.device
        told = {name: self._together(name, [call[name] for call in calls], level, place) for name in calls[0]}
        whole = self.engine.dtype == torch.float32
        half = torch.bfloat16 if whole else self.engine.dtype
        plain = place.type == "cpu" and noisy[0].numel() < FEW and not network.is_gradient_checkpointing
        attention = sdpa_kernel(SDPBackend.MATH) if plain else nullcontext()
        with attention, torch.autocast(place.type, half, enabled=not whole or small_floats(place)):
            found: Tensor = network(hidden_states=noisy.to(self.engine.dtype), **told)[0]
        return found

    def shift(self, lesson: Lesson) -> float:
        """How far noise levels are moved towards noise, as in sampling with the engine's own options.

        The pipeline's scheduler tells it only once it has sampled: what is kept from an earlier run needs no sampling.
        """
        pipe = self.engine.pipe
        if chosen := getattr(self.engine.options_of({}), "shift", None):
            return float(chosen)
        config = (getattr(pipe, "sora_scheduler", None) or pipe.scheduler).config
        if config.get("use_dynamic_shifting"):
            tokens = lesson.latents.shape[1]
            few, many = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
            low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
            return exp(low + (high - low) * min(1.0, max(0.0, (tokens - few) / (many - few))))
        return float(config.get("flow_shift") or config.get("shift") or 1.0)

    def _together(self, name: str, values: Sequence[Told], level: Tensor, place: torch.device) -> Told:
        first, tensors = values[0], [value for value in values if isinstance(value, Tensor)]
        if not isinstance(first, Tensor) or name.endswith("_scale"):
            return first  # the same for all clips
        if name in TIMES:
            times = (level.to(place) * LARGEST).view(-1, *[1] * (first.ndim - 1))
            return times.expand(len(values), *first.shape[1:])
        return torch.cat([each.to(place) for each in tensors])

    def _asked(self, caption: str, frames: int) -> Call:
        """Run the pipeline up to its first call of the transformer."""

        def stop(_module: object, _args: object, told: dict[str, Told]) -> NoReturn:
            raise _CaughtError(told)

        engine = self.engine
        options = {name: value for name, value in OFF.items() if name in engine.card.options.model_fields}
        take = self.take(caption, frames, options=options)
        first = next(iter(self.networks.values()))  # that of a pair which sampling begins with
        hook = first.register_forward_pre_hook(stop, with_kwargs=True)
        try:
            with torch.no_grad(), quiet():
                engine.render(take, Given(), engine.options_of(options), lambda *_, **__: {})
        except _CaughtError as caught:
            told = caught.told
        finally:
            hook.remove()
        told.pop("hidden_states")
        told = {name: value for name, value in told.items() if name not in {"attention_kwargs", "return_dict"}}
        if "isolate_modalities" in told:  # there is no sound to learn from: the picture is learned without it
            told["isolate_modalities"] = True
        return {**told, "return_dict": False}

    def _encoded(self, frames: Frames) -> Tensor:
        pipe, engine = self.engine.pipe, self.engine
        pixels = to_unit(frames).movedim(0, 1)[None] * 2 - 1
        with torch.no_grad(), quiet():
            coded = pipe.vae.encode(pixels.to(engine.place, pipe.vae.dtype)).latent_dist.mode().float()
        if isinstance(engine, Ltx2):
            scale = pipe.vae.config.scaling_factor
            whole = pipe._normalize_latents(coded, pipe.vae.latents_mean, pipe.vae.latents_std, scale)  # noqa: SLF001
            across, in_time = pipe.transformer_spatial_patch_size, pipe.transformer_temporal_patch_size
            packed: Tensor = pipe._pack_latents(whole, across, in_time)  # noqa: SLF001  the only name it has
            return packed
        mean, spread = (
            torch.tensor(given, device=coded.device).view(1, -1, 1, 1, 1)
            for given in (pipe.vae.config.latents_mean, pipe.vae.config.latents_std)
        )
        normal: Tensor = (coded - mean) / spread
        return normal

    def _find(self, what: str, make: Callable[[], Call]) -> Call:
        """What is kept under a name on disk; made and kept where it is not there, or is damaged."""
        path = self._kept / f"{hashlib.sha256(f'{self._identity} {what}'.encode()).hexdigest()}.safetensors"
        try:
            with safe_open(path, framework="pt") as file:
                plain = json.loads(file.metadata()["plain"])
                found: Call = {name: file.get_tensor(name) for name in sorted(file.keys())} | plain
                path.touch()
                return found
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            made = make()
        # Cloned: some are one tensor under two names, which safetensors refuses.
        tensors = {name: value.cpu().contiguous().clone() for name, value in made.items() if isinstance(value, Tensor)}
        plain = {name: value for name, value in made.items() if name not in tensors}
        self._kept.mkdir(parents=True, exist_ok=True)
        with atomic.aside(path) as part:
            save_file(tensors, part, metadata={"plain": json.dumps(plain)})
        return {**tensors, **plain}


def small_floats(place: torch.device) -> bool:
    """Whether a device multiplies matrices of bfloat16 so quickly that small models in float32 gain by it too."""
    return place.type == "cuda" or (place.type == "cpu" and torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001  there is no public name
