"""Whether the parts of a checkpoint are what its index says, and belong together: told by its small files and headers.

Without this they are told when the model is loaded, after the plan; or never, where a film of noise comes out.
"""

from __future__ import annotations

from pathlib import Path

from sora_cli import bounded
from sora_cli.engines import loadable
from sora_cli.engines.checkpoint import AGAIN, INDEXES, Checkpoint
from sora_cli.errors import EngineMissing

OF_FLOW = ("FlowMatch", "Helios", "LTXEuler", "MiniMax")
"""How classes of schedulers begin that sample flows and nothing else, as all models here do; others are told to."""
NAMES = {
    "WanTransformer3DModel": "condition_embedder.time_proj.weight",
    "WanVACETransformer3DModel": "condition_embedder.time_proj.weight",
    "LTX2VideoTransformer3DModel": "proj_in.weight",
    "AutoencoderKLWan": "decoder.conv_in.weight",
    "AutoencoderKLLTX2Video": "decoder.conv_in.conv.weight",
    "UMT5EncoderModel": "encoder.block.0.layer.0.SelfAttention.q.weight",  # its words may be under two names
}
"""A tensor by which the names of diffusers or transformers are told from those of a model's makers."""
WAN = {"WanPipeline", "WanImageToVideoPipeline", "WanVACEPipeline", "LucyEditPipeline"}
SAME = (
    ("transformer.text_dim", "text_encoder.d_model", "text encoder"),
    ("transformer.out_channels", "vae.z_dim", "autoencoder"),
    ("transformer_2.out_channels", "vae.z_dim", "autoencoder"),
)
"""Figures of two parts of Wan that are the same, and what the second of them is."""


def refuse(found: Checkpoint) -> None:
    """Raise `EngineMissing` where parts are not what the index says, or are those of different models."""
    if not (found.folder / INDEXES[0]).is_file():
        return  # parts of a modular pipeline may lie elsewhere
    loadable.refuse(found)
    _refuse_scheduler(found)
    _refuse_cut(found)
    _refuse_names(found)
    if found.pipeline in WAN:
        _refuse_others(found)


def _refuse_scheduler(found: Checkpoint) -> None:
    """A scheduler that would read the model's flow as noise: another class than it was saved with, or its settings."""
    library, kind = found.components().get("scheduler", ("", ""))
    config = found.config("scheduler")
    if library != "diffusers" or kind.startswith(OF_FLOW) or config.get("use_flow_sigmas"):
        return
    own = config.get("_class_name")
    other = f"; the settings are those of a {own}" if isinstance(own, str) and own != kind else ""
    told = f"{found.folder}: its scheduler, {kind}, is without use_flow_sigmas: it would make noise{other}"
    hint = f"put `{own}` into its {INDEXES[0]}" if other and str(own).startswith(OF_FLOW) else AGAIN
    raise EngineMissing(told, hint=hint)


def _refuse_cut(found: Checkpoint) -> None:
    """Small files whose end is not there: configurations, vocabularies."""
    for name in found.components():
        for path in sorted((found.folder / name).glob("*.json")):
            if not path.name.startswith(".") and not _is_closed(path):
                raise EngineMissing(f"{path} is cut short, or no JSON", hint=AGAIN)


def _is_closed(path: Path) -> bool:
    try:
        with bounded.open_regular(path) as file:
            file.seek(max(0, path.stat().st_size - 64))
            return file.read(64).rstrip().endswith((b"}", b"]"))
    except OSError:
        return True


def _refuse_names(found: Checkpoint) -> None:
    """Parts of another class, and weights under the names of a model's makers or of another program."""
    for name, (library, kind) in found.components().items():
        config = found.config(name)
        saved = config.get("_class_name", kind)
        if library == "diffusers" and not kind.endswith("Scheduler") and saved != kind:
            told = f"{found.folder}: its {name} is called {kind} in its {INDEXES[0]}, and {saved} in its config.json"
            raise EngineMissing(told, hint=AGAIN)
        tensors = found.tensors_of(name) if kind in NAMES and not config.get("quantization_config") else ()
        if tensors and NAMES[kind] not in tensors:
            told = f"the weights in {found.folder / name} have the names of another program, such as {min(tensors)}"
            raise EngineMissing(f"{told}; none is called {NAMES[kind]}", hint="get the model in diffusers' layout")


def _refuse_others(found: Checkpoint) -> None:
    """Parts of Wan that are those of different models."""
    for one, other, what in SAME:
        mine, theirs = found.value(one), found.value(other)
        if isinstance(mine, int) and isinstance(theirs, int) and mine != theirs:
            told = f"{found.folder}: its {what} is that of another model, with {other.partition('.')[2]} of {theirs}"
            raise EngineMissing(f"{told}; its {one.partition('.')[0]} wants {mine}", hint=AGAIN)
    library, kind = found.components().get("transformer", ("", ""))
    wanted = "WanVACETransformer3DModel" if found.pipeline == "WanVACEPipeline" else "WanTransformer3DModel"
    if library == "diffusers" and kind != wanted:
        told = f"{found.folder}: its transformer is a {kind}, and a {found.pipeline} takes a {wanted}"
        raise EngineMissing(told, hint=AGAIN)
    if "transformer_2" in found.components() and found.index.get("boundary_ratio") is None:
        told = f"{found.folder}: its second transformer is never used: its {INDEXES[0]} has no boundary_ratio"
        share = "0.9" if found.pipeline == "WanImageToVideoPipeline" else "0.875"
        raise EngineMissing(told, hint=f'write "boundary_ratio": {share} there, as Wan 2.2 has it')
    taken, made = found.value("transformer.in_channels"), found.value("transformer.out_channels")
    if found.pipeline == "WanPipeline" and isinstance(taken, int) and isinstance(made, int) and taken > made:
        told = f"{found.folder}: its transformer takes a picture beside the noise, which a WanPipeline does not give it"
        raise EngineMissing(told, hint=f"write WanImageToVideoPipeline in its {INDEXES[0]}, or get the model again")
