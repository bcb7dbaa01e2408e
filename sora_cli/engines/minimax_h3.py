"""MiniMax-H3: video with stereo sound out of one packed sequence of text, pictures, sound and video.

A checkpoint holds two transformers: one for text and keyframes, one for references. Only the one that a take needs is
held. Guidance is baked into the weights: there is none to set, and no negative prompt. diffusers has it as modular
blocks only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from diffusers import MiniMaxH3ModularPipeline
from diffusers.modular_pipelines.minimax_h3.references import MiniMaxH3ImageReference
from PIL import Image

from sora_cli.engines.base import Footage, Given, Take
from sora_cli.engines.diffusion import Diffusion, seeded
from sora_cli.engines.options import MiniMaxH3Options
from sora_cli.engines.pixels import to_bytes, to_sound
from sora_cli.errors import RequestError
from sora_cli.report import Note

KEYFRAMES, REFERENCES = "transformer", "transformer_ref"


class MiniMaxH3(Diffusion[MiniMaxH3Options]):
    """Text, a first and a last keyframe, or pictures of the cast; and sound."""

    def load(self) -> Any:  # noqa: ANN401  diffusers has no types
        """The pipeline with all components but the transformer for references."""
        if self.memory.quantize in ("int8", "int4"):
            raise RequestError(f"MiniMax-H3 is not read as {self.memory.quantize} yet", hint="quantize: float8")
        kind: Any = MiniMaxH3ModularPipeline
        pipe = kind.from_pretrained(str(self.checkpoint.folder), local_files_only=True)
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

    def load_into(self, pipe: Any, names: list[str]) -> None:  # noqa: ANN401  diffusers has no types
        """Read components from the checkpoint's folder: its index names the hub's repository, which is not asked."""
        pipe.load_components(
            names=names, pretrained_model_name_or_path=str(self.checkpoint.folder), dtype=self.dtype,
            local_files_only=True,
        )  # fmt: skip

    def passes(self, take: Take, given: Given, options: MiniMaxH3Options) -> int:  # noqa: ARG002  as declared
        """One less than the sampling times: the last of them is the end."""
        return options.steps - 1

    def render(
        self, take: Take, given: Given, options: MiniMaxH3Options, step: Callable[..., dict[str, Any]]
    ) -> Footage:
        """Run the workflow that the take's pictures ask for."""
        pictures = self.pictures(take, given)
        with counted(self.hold(REFERENCES if "references" in pictures else KEYFRAMES), step):
            state = self.pipe(
                prompt=take.prompt, **pictures, height=take.height, width=take.width, num_frames=take.frames,
                num_inference_steps=options.steps, generator=seeded(take.seed), output_type="pt",
            )  # fmt: skip
        sound = to_sound(state.get("audio")[0], int(state.get("sampling_rate")), take)
        return Footage(to_bytes(state.get("videos")[0]), take.fps, sound)

    def pictures(self, take: Take, given: Given) -> dict[str, Any]:
        """Keyframes, else references: the model has no workflow for both."""
        found: dict[str, Any] = {}
        if given.opening is not None:
            found["image"] = Image.fromarray(given.opening[-1])
        if given.closing is not None:
            found["last_image"] = Image.fromarray(given.closing[0])
        if found and given.references:
            self.report(
                Note(
                    f"{take.name}: {self.card.name} takes keyframes or references, not both: its references are unused",
                    hint="say in the prompt what the cast looks like",
                )
            )
        elif given.references:
            found["references"] = [MiniMaxH3ImageReference(image=Image.fromarray(one[0])) for one in given.references]
        return found

    def hold(self, wanted: str) -> Any:  # noqa: ANN401  diffusers has no types
        """The transformer that a take needs; the other one is given up, for there is seldom room for both."""
        if getattr(self.pipe, wanted, None) is None:
            other = REFERENCES if wanted == KEYFRAMES else KEYFRAMES
            self.pipe.update_components(**{other: None})
            self.load_into(self.pipe, [wanted])
            self.settle()
        return getattr(self.pipe, wanted)


@contextmanager
def counted(transformer: Any, step: Callable[..., dict[str, Any]]) -> Iterator[None]:  # noqa: ANN401
    """Tell of each pass of the transformer: modular pipelines have no callback of their own."""

    def told(*_: object) -> None:
        step()

    hook = transformer.register_forward_hook(told)
    try:
        yield
    finally:
        hook.remove()
