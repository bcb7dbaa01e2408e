"""MiniMax-H3: video with stereo sound out of one packed sequence of text, pictures, sound and video.

A checkpoint holds two transformers: one for text and keyframes, one for references. Only the one that a take needs is
held. Guidance is baked into the weights: there is none to set, and no negative prompt. diffusers has it as modular
blocks only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from diffusers.modular_pipelines.minimax_h3.modular_pipeline import MiniMaxH3ModularPipeline
from diffusers.modular_pipelines.minimax_h3.references import (
    MiniMaxH3AudioReference,
    MiniMaxH3ImageReference,
    MiniMaxH3Reference,
    MiniMaxH3VideoReference,
)
from PIL import Image

from sora_cli.engines.base import Footage, Given, Take
from sora_cli.engines.families.diffusion import Diffusion, OnStep
from sora_cli.engines.family_options import MiniMaxH3Options
from sora_cli.engines.runtime.device import seeded
from sora_cli.engines.runtime.offload import quantization
from sora_cli.engines.runtime.pixels import framed, to_bytes, to_sound
from sora_cli.errors import RenderError
from sora_cli.media.stream import Frames, Sound

KEYFRAMES, REFERENCES = "transformer", "transformer_ref"
LONGEST = 4
"""How many times as long as its other side one side of a reference may be."""
SHORTEST = 0.6
"""Seconds of a film that is a reference at least: it is looked at twice a second, two looks at a time."""


class MiniMaxH3(Diffusion[MiniMaxH3Options]):
    """Text, a first and a last keyframe, or pictures, films and sounds of the cast; and sound."""

    def load(self) -> object:
        """The pipeline with all components but the transformer for references."""
        pipe = MiniMaxH3ModularPipeline.from_pretrained(str(self.checkpoint.folder), local_files_only=True)
        self.load_into(pipe, [name for name in self.checkpoint.components() if name != REFERENCES])
        return pipe

    def settle(self) -> None:
        """Put the pipeline where it runs; its blocks within blocks each have a bar of their own to keep quiet."""
        super().settle()
        blocks = [self.pipe._blocks]  # noqa: SLF001  `blocks` is a copy
        while blocks:
            block = blocks.pop()
            blocks += getattr(block, "sub_blocks", {}).values()
            if hasattr(block, "set_progress_bar_config"):
                block.set_progress_bar_config(disable=True)

    def load_into(self, pipe: MiniMaxH3ModularPipeline, names: list[str]) -> None:
        """Read components from the checkpoint's folder: its index names the hub's repository, which is not asked.

        One by one, since the pipeline's own `load_components` goes on without a component that cannot be read.
        """
        smaller = quantization(self.memory, self.device, self.dtype, names)
        encoders = self.encoders(set(self.checkpoint.components()) - set(names))
        for name in names:
            spec, how = pipe.get_component_spec(name), {}
            if isinstance(spec.type_hint, type) and issubclass(spec.type_hint, torch.nn.Module):
                how = {"dtype": self.dtype, "use_safetensors": True}
            if smaller and name in smaller.quant_mapping:
                how["quantization_config"] = smaller.quant_mapping[name]
            try:
                part = encoders.get(name) or spec.load(
                    pretrained_model_name_or_path=str(self.checkpoint.folder), local_files_only=True, **how
                )
            except ValueError as error:  # it hides what was wrong, and that does not name the part
                cause = error.__context__ or error
                raise (OSError(f"{name}: {cause}") if isinstance(cause, OSError) else cause) from None
            if isinstance(part, torch.nn.Module):
                self.look_over(name, part)
            pipe.update_components(**{name: part})  # type: ignore[no-untyped-call]

    def passes(self, take: Take, given: Given, options: MiniMaxH3Options) -> int:  # noqa: ARG002  as declared
        """One less than the sampling times: the last of them is the end."""
        return options.steps - 1

    def render(self, take: Take, given: Given, options: MiniMaxH3Options, step: OnStep) -> Footage:
        """Run the workflow that the take's pictures ask for."""
        pictures = self.pictures(take, given)
        with counted(self.hold(REFERENCES if "references" in pictures else KEYFRAMES), step):
            state = self.pipe(
                prompt=take.prompt,
                **pictures,
                height=take.height,
                width=take.width,
                num_frames=take.frames,
                num_inference_steps=options.steps,
                generator=seeded(take.seed),
                output_type="pt",
            )
        sound = to_sound(state.get("audio")[0], int(state.get("sampling_rate")), take)
        return Footage(to_bytes(state.get("videos")[0]), take.fps, sound)

    def pictures(self, take: Take, given: Given) -> dict[str, object]:
        """Keyframes, else references: the model has no workflow for both, and `plan` says so."""
        found: dict[str, object] = {}
        if given.opening is not None:
            found["image"] = Image.fromarray(given.opening[-1])
        if given.closing is not None:
            found["last_image"] = Image.fromarray(given.closing[0])
        if found and given.references:
            raise RenderError(f"{take.name}: {self.card.name} takes keyframes or references, not both")
        return found | ({"references": [anchor(one) for one in given.references]} if given.references else {})

    def hold(self, wanted: str) -> torch.nn.Module:
        """The transformer that a take needs; the other one is given up, for there is seldom room for both."""
        if getattr(self.pipe, wanted, None) is None:
            other = REFERENCES if wanted == KEYFRAMES else KEYFRAMES
            self.pipe.update_components(**{other: None})
            self.load_into(self.pipe, [wanted])
            self.settle()
        held: torch.nn.Module = getattr(self.pipe, wanted)
        return held


def anchor(reference: Frames | Footage | Sound) -> MiniMaxH3Reference:
    """A reference as the model's blocks take it; sound comes at the rate of its audio autoencoder already."""
    if isinstance(reference, Sound):
        return MiniMaxH3AudioReference(audio=waveform(reference), sample_rate=reference.rate)
    if isinstance(reference, Footage):
        sound = reference.sound
        audio, rate = (waveform(sound), sound.rate) if sound else (None, None)
        frames = lasting(reference.frames, math.ceil(SHORTEST * reference.fps))
        return MiniMaxH3VideoReference(frames=frames, fps=float(reference.fps), audio=audio, sample_rate=rate)
    return MiniMaxH3ImageReference(image=framed(reference, LONGEST))


def lasting(film: Frames, frames: int) -> Frames:
    """A film of at least so many frames, of which the last one stays, in a shape that the model takes, with bars."""
    held = np.concatenate([film, np.repeat(film[-1:], frames - len(film), axis=0)]) if len(film) < frames else film
    height, width = film.shape[1:3]
    if max(width, height) <= LONGEST * min(width, height):
        return held
    return np.stack([np.asarray(framed(each[None], LONGEST)) for each in held])


def waveform(sound: Sound) -> torch.Tensor:
    """Samples `(n, channels)` as `(channels, n)`."""
    return torch.from_numpy(np.ascontiguousarray(sound.samples.T))


@contextmanager
def counted(transformer: torch.nn.Module, step: OnStep) -> Iterator[None]:
    """Tell of each pass of the transformer: modular pipelines have no callback of their own."""

    def told(*_: object) -> None:
        step()

    hook = transformer.register_forward_hook(told)
    try:
        yield
    finally:
        hook.remove()
