"""Guidance in one forward: what a model makes of the prompt, and of what to avoid, as one batch of two.

Diffusers' Wan pipelines ask for one after the other, of the same latents. One batch gives the same to within rounding,
and a small model on a CPU is done with it sooner: its matrices are too small to be multiplied well one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from diffusers.hooks.hooks import HookRegistry, ModelHook

NAME = "sora_both_passes"
TWICE = ("hidden_states", "timestep", "control_hidden_states", "encoder_hidden_states_image")
"""Inputs that both passes share; each has the takes of the batch in front."""
WORDS = "encoder_hidden_states"


class BothPasses(ModelHook):
    """Does the second pass beside the first, and hands it out when it is asked for.

    Args:
        avoided: what the second pass is told in the place of the prompt, as the prompt's embeddings: (1, words, width).
    """

    def __init__(self, avoided: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._avoided = avoided
        self._waiting: torch.Tensor | None = None

    def new_forward(self, _model: torch.nn.Module, **asked: object) -> tuple[torch.Tensor]:
        """As the model's own `forward`, with `return_dict=False`."""
        second, self._waiting = self._waiting, None
        if second is not None:
            return (second,)
        told = {name: each for name, each in asked.items() if isinstance(each, torch.Tensor)}
        asked |= {name: torch.cat([told[name], told[name]]) for name in TWICE if name in told}
        asked[WORDS] = torch.cat([told[WORDS], self._avoided.to(told[WORDS])])
        forward = cast("Callable[..., tuple[torch.Tensor]]", self.fn_ref.original_forward)
        first, self._waiting = forward(**asked)[0].chunk(2)
        return (first,)


@contextmanager
def both_passes_at_once(models: Sequence[torch.nn.Module], avoided: torch.Tensor) -> Iterator[None]:
    """While it lasts, each of these transformers makes both passes of a step at once; see `BothPasses`."""
    registries = [HookRegistry.check_if_exists_or_initialize(model) for model in models]
    for registry in registries:
        registry.register_hook(BothPasses(avoided), NAME)
    try:
        yield
    finally:
        for registry in registries:
            registry.remove_hook(NAME, recurse=False)
