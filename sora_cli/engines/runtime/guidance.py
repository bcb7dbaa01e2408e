"""Guidance in one forward: what a model makes of the prompt, and of what to avoid, as one batch of two.

Diffusers' Wan pipelines ask for one after the other, of the same latents. One batch gives the same to within rounding,
and a small model on a CPU is done with it sooner: its matrices are too small to be multiplied well one at a time. What
depends on the words and the given pictures alone is worked out at the first step, and kept for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import cast

import torch
from diffusers.hooks.hooks import HookRegistry, ModelHook

NAME = "sora_both_passes"
SHARED = ("hidden_states", "timestep", "encoder_hidden_states_image")
"""Inputs that both passes share; each has the takes of the batch in front."""
WORDS, CONTROL = "encoder_hidden_states", "control_hidden_states"
SAME_ALL_THROUGH = ("text_embedder", "vace_patch_embedding", "attn2.to_k", "attn2.to_v", "seen")
"""Layers of Wan's transformers, by how their names end, that are told the same at every step."""

Work = Callable[[torch.Tensor], torch.Tensor]


class Kept:
    """Does a piece of work once for as long as it is given the very same tensor."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._given: torch.Tensor | None = None
        self._made: torch.Tensor | None = None

    def __call__(self, given: torch.Tensor) -> torch.Tensor:
        """What the work makes of it."""
        if self._made is None or given is not self._given:
            self._given, self._made = given, self._work(given)
        return self._made


class Once(ModelHook):
    """A layer that does its work once for as long as it is given the very same tensor."""

    _kept: Kept | None = None

    def new_forward(self, _layer: torch.nn.Module, given: torch.Tensor) -> torch.Tensor:
        """As the layer's own `forward`."""
        self._kept = self._kept or Kept(cast("Work", self.fn_ref.original_forward))
        return self._kept(given)


class BothPasses(ModelHook):
    """Does the second pass beside the first, and hands it out when it is asked for.

    Args:
        avoided: what the second pass is told in the place of the prompt, as the prompt's embeddings: (1, words, width).
    """

    def __init__(self, avoided: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        words = Kept(lambda words: torch.cat([words, avoided.to(words)]))
        self._lasting = {WORDS: words, CONTROL: Kept(lambda control: torch.cat([control, control]))}
        """How both passes' inputs are made of one's, where they are the same at every step."""
        self._waiting: torch.Tensor | None = None

    def new_forward(self, _model: torch.nn.Module, **asked: object) -> tuple[torch.Tensor]:
        """As the model's own `forward`, with `return_dict=False`."""
        second, self._waiting = self._waiting, None
        if second is not None:
            return (second,)
        told = {name: each for name, each in asked.items() if isinstance(each, torch.Tensor)}
        asked |= {name: torch.cat([told[name], told[name]]) for name in SHARED if name in told}
        asked |= {name: twice(told[name]) for name, twice in self._lasting.items() if name in told}
        forward = cast("Callable[..., tuple[torch.Tensor]]", self.fn_ref.original_forward)
        first, self._waiting = forward(**asked)[0].chunk(2)
        return (first,)


@contextmanager
def hooked(model: torch.nn.Module, hook: ModelHook) -> Iterator[None]:
    """While it lasts, a model or layer has a hook."""
    registry = HookRegistry.check_if_exists_or_initialize(model)
    registry.register_hook(hook, NAME)
    try:
        yield
    finally:
        registry.remove_hook(NAME, recurse=False)


@contextmanager
def both_passes_at_once(models: Sequence[torch.nn.Module], avoided: torch.Tensor) -> Iterator[None]:
    """While it lasts, each of these transformers makes both passes of a step at once; see `BothPasses`."""
    with ExitStack() as stack:
        for model in models:
            for name, layer in model.named_modules():
                if name.endswith(SAME_ALL_THROUGH):
                    stack.enter_context(hooked(layer, Once()))  # type: ignore[no-untyped-call]
            stack.enter_context(hooked(model, BothPasses(avoided)))
        yield
