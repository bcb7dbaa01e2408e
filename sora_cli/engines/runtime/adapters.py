"""Adapters (LoRA) over a pipeline's transformer, or over both where it has a pair.

Wan 2.2 A14B has one transformer for the noisy steps and one for the rest. A LoRA is for both, or comes as two files,
one for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sora_cli.engines.options import LoraOption, not_safetensors
from sora_cli.errors import RenderError

EXPERTS = {"high": "transformer", "low": "transformer_2"}
"""What the transformers of a pair are called, by the noise that they take away."""


def experts(pipe: Any) -> dict[str, Any]:
    """The transformers of a pipeline: `high` and `low` of a pair, else the only one as `both`."""
    if getattr(pipe, EXPERTS["low"], None) is None:
        return {"both": pipe.transformer}
    return {name: getattr(pipe, part) for name, part in EXPERTS.items()}


def lay(pipe: Any, wanted: Sequence[LoraOption]) -> None:
    """Lay the wanted adapters over the weights, and no others.

    Raises:
        RenderError: a file holds no weights.
    """
    pipe.unload_lora_weights()
    names = [f"lora{number}" for number in range(len(wanted))]
    for one in wanted:
        if wrong := not_safetensors(Path(one.path)):
            raise RenderError(f"cannot use {one.path} as a LoRA: {wrong}", hint="name a .safetensors file")
    for expert, network in experts(pipe).items():
        named = dict(zip(names, wanted, strict=True))
        laid = {name: one for name, one in named.items() if expert == "both" or one.expert in {"both", expert}}
        into = {"load_into_transformer_2": True} if expert == "low" else {}
        for name, one in laid.items():
            pipe.load_lora_weights(one.path, adapter_name=name, use_safetensors=True, **into)
        if laid:
            (pipe if expert == "both" else network).set_adapters(list(laid), [one.scale for one in laid.values()])
