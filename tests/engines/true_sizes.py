"""The released models at their true sizes, and what their pipelines ask of them, to be traced without weights.

Configurations are from diffusers' conversion scripts and, where it says so, from `released.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from sora_cli.engines.cards import NANO
from tests.engines.tracing import built

Size = tuple[int, int, int]
ENTRIES = {
    entry["name"]: entry for entry in json.loads((Path(__file__).parent / "released.json").read_text(encoding="utf-8"))
}
HALF = torch.bfloat16
LTX_20 = {"decoder_causal": False, "spatial_compression_ratio": 32, "temporal_compression_ratio": 8}
LTX_23 = {
    **LTX_20, "block_out_channels": (256, 512, 1024, 1024), "decoder_block_out_channels": (256, 512, 512, 1024),
    "layers_per_block": (4, 6, 4, 2, 2), "decoder_layers_per_block": (4, 6, 4, 2, 2),
    "decoder_spatio_temporal_scaling": (True,) * 4, "decoder_inject_noise": (False,) * 5,
    "upsample_type": ("spatiotemporal", "spatiotemporal", "temporal", "spatial"), "upsample_residual": (False,) * 4,
    "upsample_factor": (2, 2, 1, 2), "decoder_spatial_padding_mode": "zeros",
}  # fmt: skip
WAN_22 = {
    "base_dim": 160, "z_dim": 48, "is_residual": True, "in_channels": 12, "out_channels": 12, "decoder_base_dim": 256,
    "scale_factor_temporal": 4, "scale_factor_spatial": 16, "patch_size": 2, "latents_mean": [0.0] * 48,
    "latents_std": [1.0] * 48,
}  # fmt: skip
H3_VAE = {
    "latent_channels": 24, "block_out_channels": [128, 256, 256, 512, 512, 1024], "layers_per_block": 2,
    "spatial_downsample_factors": [2, 2, 2, 2, 1, 1], "temporal_downsample_factors": [1, 2, 2, 1, 1, 1],
    "decoder_num_layers": 36, "decoder_num_attention_heads": 32, "decoder_attention_head_dim": 64, "clip_length": 17,
    "token_drop": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Model:
    """How a model is made with so many layers (None: all of them), and one pass, decoding and encoding of a size."""

    transformer: Callable[[int | None], Any]
    forward: Callable[[Any, Size, int], object]
    vae: Callable[[], Any]
    latents: Callable[[Size], tuple[int, ...]]
    layers: int
    encode: Callable[[Any, Size], object] | None = None
    text: float = 5.681
    """Billions of parameters of its text encoder."""
    dtype: torch.dtype = field(default=torch.float32)
    """Of its autoencoder."""
    fakes: bool = False
    """Its code does something that tensors of the device "meta" cannot."""


def decode(vae: Any, shape: tuple[int, ...], dtype: torch.dtype) -> object:
    """Latents to bytes, as the pipelines and `to_bytes` do it."""
    video = vae.decode(torch.empty(shape, dtype=dtype), return_dict=False)[0]
    unit = (video * 0.5 + 0.5).clamp(0, 1)[0].permute(1, 0, 2, 3)
    return unit.float().clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def wan_transformer(name: str, layers: int | None, **more: object) -> Any:
    """A Wan transformer by its released configuration; with VACE's layers always all, for their hints are all held."""
    import diffusers

    config = {**ENTRIES[name]["transformer/config.json"], **more}
    kind = getattr(diffusers, config.pop("_class_name"))
    if layers and "vace_layers" not in config:
        config["num_layers"] = layers
    return built(lambda: kind(**config), HALF)


def wan_forward(model: Any, size: Size, batch: int, *, ratio: int = 8, each: bool = False) -> object:
    """One pass; `each` latent may have a time of its own."""
    config, (width, height, frames) = model.config, size
    shape = ((frames - 1) // 4 + 1, height // ratio, width // ratio)
    more: dict[str, object] = {}
    if getattr(config, "image_dim", None):
        images = batch * (2 if config.pos_embed_seq_len else 1)
        more["encoder_hidden_states_image"] = torch.empty(images, 257, 1280, dtype=HALF)
    if "vace_layers" in config:
        more["control_hidden_states"] = torch.empty(batch, config.vace_in_channels, *shape, dtype=HALF)
        more["control_hidden_states_scale"] = torch.ones(len(config.vace_layers))
    times = (batch, shape[0] * (shape[1] // 2) * (shape[2] // 2)) if each else (batch,)
    return model(
        hidden_states=torch.empty(batch, config.in_channels, *shape, dtype=HALF), timestep=torch.empty(times),
        encoder_hidden_states=torch.empty(batch, 512, config.text_dim, dtype=HALF), return_dict=False, **more,
    )  # fmt: skip


def wan_latents(size: Size, channels: int = 16, ratio: int = 8) -> tuple[int, ...]:
    return (1, channels, (size[2] - 1) // 4 + 1, size[1] // ratio, size[0] // ratio)


def wan_vae() -> Any:
    from diffusers import AutoencoderKLWan

    return built(AutoencoderKLWan, torch.float32)


def vace_encode(vae: Any, size: Size) -> object:
    """Given frames and the mask of the others, by the pipeline's own method."""
    from diffusers import WanVACEPipeline

    video, mask = (torch.empty(1, 3, size[2], size[1], size[0]) for _ in range(2))
    own: Any = SimpleNamespace(vae=vae)
    return WanVACEPipeline.prepare_video_latents(own, video, mask, [[]], None, torch.get_default_device())


def picture_encode(vae: Any, size: Size) -> object:
    """A first frame and nothing after it, by the pipeline's own method."""
    from diffusers import WanImageToVideoPipeline

    width, height, frames = size
    own: Any = SimpleNamespace(vae=vae, vae_scale_factor_temporal=4, vae_scale_factor_spatial=8)
    own.config = SimpleNamespace(expand_timesteps=False)
    return WanImageToVideoPipeline.prepare_latents(
        own, torch.empty(1, 3, height, width), 1, 16, height, width, frames, torch.float32, torch.get_default_device(),
        latents=torch.empty(wan_latents(size)),
    )  # fmt: skip


def ltx_transformer(layers: int | None, *, newer: bool) -> Any:
    from diffusers import LTX2VideoTransformer3DModel

    more = dict.fromkeys(
        ("gated_attn", "cross_attn_mod", "audio_gated_attn", "audio_cross_attn_mod", "perturbed_attn"), newer
    )
    return built(
        lambda: LTX2VideoTransformer3DModel(
            num_layers=layers or 48, use_prompt_embeddings=not newer, rope_type="split", **more
        ),
        HALF,
    )


def ltx_forward(model: Any, size: Size, batch: int) -> object:
    """Picture and sound, each latent with a time of its own."""
    newer, (width, height, frames) = model.config.cross_attn_mod, size
    shape = ((frames - 1) // 8 + 1, height // 32, width // 32)
    count, heard = shape[0] * shape[1] * shape[2], round(frames / 24 * 25)
    told, mask = (4096, 2048) if newer else (3840, 3840), torch.zeros(batch, 1024, dtype=HALF)
    time = torch.empty(batch)
    return model(
        hidden_states=torch.empty(batch, count, 128, dtype=HALF), timestep=torch.empty(batch, count),
        audio_hidden_states=torch.empty(batch, heard, 128, dtype=HALF), audio_timestep=time, sigma=time,
        audio_sigma=time, encoder_hidden_states=torch.empty(batch, 1024, told[0], dtype=HALF),
        audio_encoder_hidden_states=torch.empty(batch, 1024, told[1], dtype=HALF), encoder_attention_mask=mask,
        audio_encoder_attention_mask=mask, num_frames=shape[0], height=shape[1], width=shape[2], fps=24.0,
        audio_num_frames=heard, video_coords=torch.empty(batch, 3, count, 2),
        audio_coords=torch.empty(batch, 1, heard, 2), use_cross_timestep=newer, return_dict=False,
    )  # fmt: skip


def ltx_vae(config: dict[str, Any]) -> Any:
    from diffusers import AutoencoderKLLTX2Video

    return built(lambda: AutoencoderKLLTX2Video(**config), HALF)


def helios_transformer(layers: int | None) -> Any:
    from diffusers import HeliosTransformer3DModel

    return built(lambda: HeliosTransformer3DModel(num_layers=layers or 40), HALF)


def helios_forward(model: Any, size: Size, batch: int) -> object:
    """Nine latent frames after a compressed history of nineteen and the first."""

    def latents(count: int) -> torch.Tensor:
        return torch.empty(batch, 16, count, size[1] // 8, size[0] // 8, dtype=HALF)

    history = {"short": 2, "mid": 2, "long": 16}
    held = {f"latents_history_{name}": latents(count) for name, count in history.items()}
    held |= {f"indices_latents_history_{name}": torch.arange(count)[None] for name, count in history.items()}
    return model(
        hidden_states=latents(9), timestep=torch.empty(batch), indices_hidden_states=torch.arange(9)[None],
        encoder_hidden_states=torch.empty(batch, 512, 4096, dtype=HALF), return_dict=False, **held,
    )  # fmt: skip


def h3_transformer(layers: int | None) -> Any:
    from diffusers import MiniMaxH3Transformer3DModel

    return built(lambda: MiniMaxH3Transformer3DModel(num_layers=layers or 50), HALF)


def h3_latent_frames(frames: int) -> int:
    return (frames - 5) // 17 * 5 + 2


def h3_forward(model: Any, size: Size, batch: int) -> object:  # noqa: ARG001  its sequence is packed: there is one
    """Words, sound and picture in one sequence."""
    count, heard, words = h3_latent_frames(size[2]) * (size[1] // 32) * (size[0] // 32), round(size[2] / 24 * 25), 512
    places = torch.arange(count + heard + words)
    return model(
        hidden_states=torch.empty(1, count, 96), audio_hidden_states=torch.empty(1, heard, 32),
        encoder_hidden_states=torch.empty(1, words, 5120, dtype=HALF), timestep=torch.empty(3),
        timestep_indices=torch.zeros_like(places), token_tags=torch.zeros_like(places),
        position_ids=torch.empty(len(places), 3), video_indices=places[:count],
        audio_indices=places[count : count + heard], text_indices=places[count + heard :], return_dict=False,
    )  # fmt: skip


def h3_vae() -> Any:
    from diffusers import AutoencoderKLMiniMaxH3

    return built(lambda: AutoencoderKLMiniMaxH3(**H3_VAE), HALF)


def nano_part(name: str, kind: Any) -> Any:
    config = json.loads((NANO / name / "config.json").read_text(encoding="utf-8"))
    return built(lambda: kind(**{key: value for key, value in config.items() if key[0] != "_"}), torch.float32)


def nano_forward(model: Any, size: Size, batch: int) -> object:
    width, height, frames = size
    shape, config = ((frames - 1) // 4 + 1, height // 32, width // 32), model.config
    return model(
        hidden_states=torch.empty(batch, config.in_channels, *shape), timestep=torch.empty(batch),
        encoder_hidden_states=torch.empty(batch, 64, config.text_dim), return_dict=False,
        control_hidden_states=torch.empty(batch, config.vace_in_channels, *shape),
        control_hidden_states_scale=torch.ones(len(config.vace_layers)),
    )  # fmt: skip


def wan(name: str, layers: int, *, encode: Callable[[Any, Size], object] | None = None) -> Model:
    return Model(lambda number: wan_transformer(name, number), wan_forward, wan_vae, wan_latents, layers, encode=encode)


def ltx(config: dict[str, Any], *, newer: bool) -> Model:
    return Model(
        lambda number: ltx_transformer(number, newer=newer),
        ltx_forward,
        lambda: ltx_vae(config),
        lambda size: (1, 128, (size[2] - 1) // 8 + 1, size[1] // 32, size[0] // 32),
        48,
        text=12.2,
        dtype=HALF,
    )


def ti2v(name: str = "wan2.2-ti2v-5b", **encode: Any) -> Model:
    from diffusers import AutoencoderKLWan

    plain = {"image_dim": None, "added_kv_proj_dim": None}  # as the conversion script has it
    return Model(
        lambda number: wan_transformer(name, number, **plain),
        lambda model, size, batch: wan_forward(model, size, batch, ratio=16, each=True),
        lambda: built(lambda: AutoencoderKLWan(**WAN_22), torch.float32),
        lambda size: wan_latents(size, 48, 16),
        30,
        **encode,
    )


def film_encode(vae: Any, size: Size) -> object:
    """A film, as Lucy Edit is given it."""
    return vae.encode(torch.empty(1, 3, size[2], size[1], size[0]))


def lucy() -> Model:
    return ti2v("lucy-edit", encode=film_encode)


def nano() -> Model:
    from sora_cli.engines.nano.autoencoder import PaperAutoencoder
    from sora_cli.engines.nano.transformer import PaperTransformer

    class Forward(PaperTransformer):
        """Where nothing is given in part, which a trace, without values, could not see."""

        def forward(self, *args: Any, **named: Any) -> Any:
            self.given_in_part.forward = lambda guess, *_: guess
            return super().forward(*args, **named)

    return Model(
        lambda _: nano_part("transformer", Forward),
        nano_forward,
        lambda: nano_part("vae", PaperAutoencoder),
        lambda size: wan_latents(size, 37, 32),
        6,
        encode=vace_encode,
        fakes=True,
    )


MODELS: dict[str, Callable[[], Model]] = {
    "nano": nano,
    "wan2.1-t2v-1.3b": lambda: wan("wan2.1-t2v-1.3b", 30),
    "wan2.1-t2v-14b": lambda: wan("wan2.1-t2v-14b", 40),
    "wan2.1-i2v-14b-480p": lambda: wan("wan2.1-i2v-14b-480p", 40, encode=picture_encode),
    "wan2.1-flf2v-14b-720p": lambda: wan("wan2.1-flf2v-14b-720p", 40, encode=picture_encode),
    "wan2.2-i2v-a14b": lambda: wan("wan2.2-i2v-a14b", 40, encode=picture_encode),
    "wan2.1-vace-1.3b": lambda: wan("wan2.1-vace-1.3b", 30, encode=vace_encode),
    "wan2.1-vace-14b": lambda: wan("wan2.1-vace-14b", 40, encode=vace_encode),
    "wan2.2-ti2v-5b": ti2v,
    "lucy-edit": lucy,
    "ltx-2": lambda: ltx(LTX_20, newer=False),
    "ltx-2.3": lambda: ltx(LTX_23, newer=True),
    "helios-base": lambda: Model(helios_transformer, helios_forward, wan_vae, wan_latents, 40, fakes=True),
    "minimax-h3": lambda: Model(
        h3_transformer, h3_forward, h3_vae,
        lambda size: (1, 24, h3_latent_frames(size[2]), size[1] // 16, size[0] // 16), 50, text=31.0, dtype=HALF,
    ),
}  # fmt: skip
"""One of each demand; the others of a family have the same."""
