"""Adapters (LoRA) over a pipeline's transformer, or over both where it has a pair.

Wan 2.2 A14B has one transformer for the noisy steps and one for the rest. A LoRA is for both, or comes as two files,
one for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from sora_cli.engines.adapters import NAMES, OTHER_PART, Role, is_diffusers_own, places, read
from sora_cli.engines.options import LoraOption, not_safetensors
from sora_cli.errors import RenderError

EXPERTS = {"high": "transformer", "low": "transformer_2"}
"""What the transformers of a pair are called, by the noise that they take away."""
Layer = dict[Role, Tensor]
"""The tensors of one layer of an adapter."""


def experts(pipe: Any) -> dict[str, Any]:
    """The transformers of a pipeline: `high` and `low` of a pair, else the only one as `both`."""
    if getattr(pipe, EXPERTS["low"], None) is None:
        return {"both": pipe.transformer}
    return {name: getattr(pipe, part) for name, part in EXPERTS.items()}


def lay(pipe: Any, wanted: Sequence[LoraOption], family: str) -> list[str]:
    """Lay the wanted adapters over the weights, and no others. Gives back what of them is passed over, in words.

    Raises:
        RenderError: a file holds no weights, or none of its layers is in the model.
    """
    pipe.unload_lora_weights()
    names, told = [f"lora{number}" for number in range(len(wanted))], []
    for one in wanted:
        if wrong := not_safetensors(Path(one.path)):
            raise RenderError(f"cannot use {one.path} as a LoRA: {wrong}", hint="name a .safetensors file")
    for expert, network in experts(pipe).items():
        layers = [name for name, part in network.named_modules() if hasattr(part, "weight")]
        named = dict(zip(names, wanted, strict=True))
        laid = {name: one for name, one in named.items() if expert == "both" or one.expert in {"both", expert}}
        into = {"load_into_transformer_2": True} if expert == "low" else {}
        for name, one in laid.items():
            weights, lost = named_as_here(Path(one.path), layers, family)
            pipe.load_lora_weights(weights, adapter_name=name, use_safetensors=True, **into)
            if name not in getattr(network, "peft_config", {}):
                raise RenderError(f"none of the layers of {Path(one.path).name} is in the model", hint="remove `lora`")
            told += [f"{Path(one.path).name}: {lost}"] if lost else []
        if laid:
            (pipe if expert == "both" else network).set_adapters(list(laid), [one.scale for one in laid.values()])
    return list(dict.fromkeys(told))


def named_as_here(path: Path, layers: Iterable[str], family: str) -> tuple[str | dict[str, Tensor], str]:
    """An adapter under the names of diffusers, for layers of a model, and what of it is passed over, in words.

    A file that has them already is named by its path: its header says more. So is one of a family whose names diffusers
    brings to its own.
    """
    tensors = load_file(path)
    if family not in NAMES or is_diffusers_own(tensors):
        return str(path), ""
    known, where = read(tensors), places(layers, family)
    found: dict[str, Layer] = {}
    for name, each in known.items():
        if (layer := where.get(each.layer)) and not OTHER_PART.match(name):
            found.setdefault(layer, {})[each.role] = tensors[name]
    made = {layer: pair for layer, given in found.items() if (pair := _pair(given))}
    ours = {f"transformer.{layer}.{name}": each for layer, pair in made.items() for name, each in pair.items()}
    added = (name for name, each in known.items() if each.role in {"bias", "whole"})
    lost = [name for name in added if where.get(known[name].layer) not in made and tensors[name].any()]
    told = f"{len(lost)} changes of weights without a LoRA are passed over, such as {lost[0]}" if lost else ""
    return _evened(ours) | {name: each for name, each in tensors.items() if OTHER_PART.match(name)}, told


def _pair(given: Layer) -> dict[str, Tensor]:
    """The two matrices of a layer, scaled, and what is beside them; nothing where there is no pair.

    What is added to a whole matrix is that matrix and one that changes nothing.
    """
    if "whole" in given and given["whole"].ndim > 1 and "down" not in given:
        whole = given["whole"]
        same = torch.eye(len(whole), dtype=whole.dtype)
        given = {**given, "down": whole, "up": same.reshape(same.shape + (1,) * (whole.ndim - 2))}
    if "down" not in given or "up" not in given:
        return {}
    down, up = given["down"], given["up"]
    if "alpha" in given and (scale := float(given["alpha"]) / len(down)) != 1:
        root = abs(scale) ** 0.5  # half of it to each, so that small numbers stay above the least of their type
        down, up = (down.float() * root).to(down.dtype), (up.float() * scale / (root or 1)).to(up.dtype)
    pair = {"lora_A.weight": down, "lora_B.weight": up}
    if "bias" in given:
        pair["lora_B.bias"] = given["bias"]
    if "magnitude" in given:
        pair["lora_magnitude_vector"] = given["magnitude"].flatten()
    return pair


def _evened(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same, with a bias of zeros for each layer that has none where another has one: peft makes all or none."""
    end = ".lora_B.weight"
    if not any(name.endswith(".lora_B.bias") for name in tensors):
        return dict(tensors)
    ups = {name: each for name, each in tensors.items() if name.endswith(end)}
    zeros = {f"{name.removesuffix(end)}.lora_B.bias": torch.zeros(len(up), dtype=up.dtype) for name, up in ups.items()}
    return zeros | dict(tensors)
