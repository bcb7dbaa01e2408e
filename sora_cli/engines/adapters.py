"""What the tensors of a LoRA's file are for: the layers of a transformer, under the names that each trainer gives them.

diffusers knows some of these names, and passes over what it does not find. So they are brought to its own here. No
torch: `check` tells by the headers of two files what will be laid over a model.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from sora_cli.engines.base import EngineCard
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.header import has_low_rank, header_of
from sora_cli.engines.options import EXPERT, adapter_facts
from sora_cli.errors import EngineMissing

Role = Literal["down", "up", "alpha", "bias", "whole", "magnitude"]
"""What a tensor is to its layer: one of two matrices, their scale, an addition to bias or weights, DoRA's lengths."""
_ROLES: tuple[tuple[str, Role], ...] = (
    (r"\.lora_A(\.\w+)?\.weight|[._]lora[._]down(\.\w+)?\.weight", "down"),
    (r"\.lora_B(\.\w+)?\.weight|[._]lora[._]up(\.\w+)?\.weight", "up"),
    (r"\.alpha", "alpha"),
    (r"\.lora_B(\.\w+)?\.bias|\.diff_b", "bias"),
    (r"\.diff", "whole"),
    (r"\.dora_scale|\.lora_magnitude_vector(\.\w+)*", "magnitude"),
)
_TENSOR = re.compile("|".join(f"(?P<{role}>{ending})" for ending, role in _ROLES))
_LEADING = re.compile(
    r"(?:base_model\.model\.|model\.|diffusion_model\.|transformer\.|unet\.|dit\.|lora_unet_|lora_transformer_|lycoris_)+"
)
"""What programs put before a layer's name: peft, ComfyUI, diffusers, kohya's and musubi's, LyCORIS."""
_OTHER_KINDS = {"lokr": "a LoKr", "hada_": "a LoHa", "oft_": "an OFT", "glora": "a GLoRA", "ia3": "an (IA)^3"}
"""Adapters of other kinds, by what is in the names of their tensors."""
MOST_LEFT = 1 / 3
"""The share of a LoRA's layers that a model may lack; with more it was made for another. One for pictures to video has
a sixth of them beside a model of text to video."""
WAN = (
    (r"\.attn1\.to_out\.0$", ".self_attn.o"),
    (r"\.attn1\.to_([qkv])$", r".self_attn.\1"),
    (r"\.attn2\.to_out\.0$", ".cross_attn.o"),
    (r"\.attn2\.to_([qkv])$", r".cross_attn.\1"),
    (r"\.attn2\.add_([kv])_proj$", r".cross_attn.\1_img"),
    (r"\.ffn\.net\.0\.proj$", ".ffn.0"),
    (r"\.ffn\.net\.2$", ".ffn.2"),
    (r"^condition_embedder\.(text|time)_embedder\.linear_1$", r"\1_embedding.0"),
    (r"^condition_embedder\.(text|time)_embedder\.linear_2$", r"\1_embedding.2"),
    (r"^condition_embedder\.time_proj$", "time_projection.1"),
    (r"^condition_embedder\.image_embedder\.ff\.net\.0\.proj$", "img_emb.proj.1"),
    (r"^condition_embedder\.image_embedder\.ff\.net\.2$", "img_emb.proj.3"),
    (r"^proj_out$", "head.head"),
    (r"^(vace_blocks\.\d+)\.proj_in$", r"\1.before_proj"),
    (r"^(vace_blocks\.\d+)\.proj_out$", r"\1.after_proj"),
)
LTX2 = (
    (r"^(audio_)?proj_in$", r"\1patchify_proj"),
    (r"^(audio_)?time_embed\.", r"\1adaln_single."),
    (r"^(audio_)?prompt_adaln\.", r"\1prompt_adaln_single."),
    (r"^av_cross_attn_(video|audio)_scale_shift\.", r"av_ca_\1_scale_shift_adaln_single."),
    (r"^av_cross_attn_video_a2v_gate\.", "av_ca_a2v_gate_adaln_single."),
    (r"^av_cross_attn_audio_v2a_gate\.", "av_ca_v2a_gate_adaln_single."),
)
NAMES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "wan": WAN,
    "wan-vace": WAN,
    "lucy": WAN,
    "helios": WAN,
    "ltx2": LTX2,
}
"""By family: what diffusers calls a layer, and what its authors do. Of other families diffusers brings the names."""
_OWN = re.compile(r"\w+\..+\.lora_(?:[AB]\.(?:weight|bias)|magnitude_vector)")
"""Tensors as diffusers writes them."""
OTHER_PART = re.compile(r"(?:text_embedding_projection|connectors)\.")
"""Tensors for LTX-2's connectors, which diffusers lays itself."""


class Tensor(Struct, frozen=True):
    """One tensor of an adapter: the layer as its file calls it, without what programs put before; what it is to it."""

    layer: str
    role: Role


def read(names: Iterable[str]) -> dict[str, Tensor]:
    """What each tensor of an adapter is, by its name; names that say nothing of it are left out."""
    found = {}
    for name in names:
        if (at := _TENSOR.search(name)) and at.end() == len(name) and at.lastgroup:
            kind = next(role for role, value in at.groupdict().items() if value)
            found[name] = Tensor(_LEADING.sub("", name[: at.start()], count=1), kind)  # type: ignore[arg-type]
    return found


def places(layers: Iterable[str], family: str) -> dict[str, str]:
    """The layers of a transformer by every name that trainers have for them."""
    found = {}
    for layer in layers:
        theirs = layer
        for ours, other in NAMES.get(family, ()):
            theirs = re.sub(ours, other, theirs)
        for name in (layer, theirs):
            found[name] = found[name.replace(".", "_")] = layer
    return found


def other_half(path: Path) -> Path | None:
    """The file beside one for a transformer of a pair that is for the other one, by its name; None where it is not."""
    turned = {"high": "low", "low": "high"}

    def swap(found: re.Match[str]) -> str:
        word = turned[found[0].lower()]
        return word.upper() if found[0].isupper() else word.capitalize() if found[0][0].isupper() else word

    other = path.with_name(f"{EXPERT.sub(swap, path.stem)}{path.suffix}")
    return other if other != path and other.is_file() else None


def no_lora(path: Path, card: EngineCard) -> str:
    """Why a file is no LoRA, which is all that an engine takes, by the names in it; empty where nothing tells."""
    tensors = _shapes(path)
    names = " ".join(tensors).lower()
    if tensors and not has_low_rank(tensors):
        return f"{path.name} holds no LoRA: it is another part of a model, or a whole one"
    kind = next((kind for sign, kind in _OTHER_KINDS.items() if sign in names), "")
    known = kind and _compared(tensors, card)[0]
    return f"{path.name} is {kind}, and engine {card.name} takes LoRA alone" if known else ""


def misfit(path: Path, card: EngineCard) -> str:
    """Why a file cannot be laid over an engine's transformer, by the shapes in both; empty where nothing tells."""
    if wrong := no_lora(path, card):
        return wrong
    tensors = _shapes(path)
    layers, where = _compared(tensors, card)
    if not layers:
        return ""
    known = read(tensors)
    pairs = {name: where.get(each.layer) for name, each in known.items() if each.role in {"down", "up"}}
    told = f"{path.name} does not fit engine {card.name}: "
    if sum(layer is None for layer in pairs.values()) > MOST_LEFT * len(pairs):
        return told + (_trained_for(path) or "its layers are not there")
    for name, layer in pairs.items():
        side = 1 if known[name].role == "down" else 0
        if layer and len(tensors[name]) > 1 < len(layers[layer]) and tensors[name][side] != layers[layer][side]:
            wide = f"{layer} is {layers[layer][side]} wide in it, and {tensors[name][side]} in the file"
            return told + (_trained_for(path) or wide)
    return ""


def left_over(path: Path, card: EngineCard) -> str:
    """What of a LoRA that fits is not laid over an engine's transformer, in words; empty where nothing tells."""
    tensors, where = _shapes(path), _layers_of(card)[1] if card.family in NAMES else {}
    has = [each.layer for name, each in read(tensors).items() if each.role == "down" and not OTHER_PART.match(name)]
    lost = [layer for layer in has if layer not in where] if where else []
    if not lost:
        return ""
    return f"{len(lost)} of the {len(has)} layers of {path.name} are not in engine {card.name}, such as {lost[0]}"


def _trained_for(path: Path) -> str:
    base = adapter_facts(path).get("base")
    trained = base.get("engine") if isinstance(base, dict) else None
    return f"it was trained for {trained}" if trained else ""


Layers = tuple[Mapping[str, tuple[int, ...]], Mapping[str, str]]
"""The shapes of a transformer's weights by their layers, and these by every name that trainers have for them."""


def _compared(tensors: Collection[str], card: EngineCard) -> Layers:
    """The layers of an engine's transformer to compare an adapter's tensors with; none where names may differ."""
    return _layers_of(card) if card.family in NAMES or is_diffusers_own(tensors) else ({}, {})


def _layers_of(card: EngineCard) -> Layers:
    """The layers of an engine's transformer; none where it is not here."""
    return _layers_in(card.location, card.revision, card.family) if card.location else ({}, {})


@lru_cache(maxsize=4)
def _layers_in(folder: Path, revision: str, family: str) -> Layers:  # noqa: ARG001  another revision is another one
    """The same of a checkpoint's folder. Those of one in few bits are packed, and have no shape to compare."""
    with suppress(EngineMissing, OSError):
        found = Checkpoint.read(folder)
        if not found.config("transformer").get("quantization_config"):
            each_of = (_shapes(file).items() for file in found.weights("transformer"))
            weights = {name: shape for each in each_of for name, shape in each if name.endswith(".weight")}
            shapes = {name.removesuffix(".weight"): shape for name, shape in weights.items()}
            return shapes, places(shapes, family)
    return {}, {}


def _shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
    """The shapes of a safetensors file's tensors; none where it cannot be read."""
    with suppress(OSError, ValueError):
        return header_of(path).shapes
    return {}


def is_diffusers_own(names: Collection[str]) -> bool:
    """Whether a file has the names that diffusers itself writes, with what it keeps beside them in the header."""
    own = all(_OWN.fullmatch(name) for name in names)
    return own and any(name.startswith(("transformer.", "transformer_2.")) for name in names)
