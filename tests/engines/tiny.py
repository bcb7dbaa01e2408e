"""Tiny randomly weighted checkpoints of the true classes, saved to a folder as a released model is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from sora_cli.engines.base import EngineCard


def tokenizer(size: int = 96) -> Any:
    """A real fast tokenizer with a handful of words and letters."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "</s>", "<unk>", "a", "red", "ball", "bounces", "on", "the", "grass", "bad"]
    words += [f"w{i}" for i in range(size - len(words))]
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, special["unk_token"]))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, **special)


def umt5(width: int = 32) -> Any:
    from transformers import UMT5Config, UMT5EncoderModel

    config = UMT5Config(
        vocab_size=96, d_model=width, d_kv=8, d_ff=37, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=8, relative_attention_max_distance=32, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return UMT5EncoderModel(config)


def louder(model: Any, factor: float = 2.5) -> None:
    """Scale a model's matrices up, so that conditions reach the bytes of its frames."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(factor)


def wan_vae() -> Any:
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )


def wan_vace(folder: Path) -> None:
    from diffusers import WanVACEPipeline, WanVACETransformer3DModel

    transformer = WanVACETransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=256, ffn_dim=32, num_layers=3, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32, vace_layers=[0, 2], vace_in_channels=96,
    )  # fmt: skip
    louder(transformer)
    WanVACEPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), scheduler=unipc(), transformer=transformer
    ).save_pretrained(folder)


def wan_transformer(channels: int, *, image: bool = False, out: int = 16) -> Any:
    from diffusers import WanTransformer3DModel

    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels, out_channels=out,
        text_dim=32, freq_dim=256, ffn_dim=32, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32, image_dim=8 if image else None, pos_embed_seq_len=2 * (4 * 4 + 1) if image else None,
        added_kv_proj_dim=24 if image else None,
    )  # fmt: skip
    louder(transformer)
    return transformer


def unipc() -> Any:
    from diffusers import UniPCMultistepScheduler

    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
    )


def wan(folder: Path) -> None:
    """Wan 2.1 text to video."""
    from diffusers import WanPipeline

    WanPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), scheduler=unipc(), transformer=wan_transformer(16)
    ).save_pretrained(folder)


def wan_flf(folder: Path) -> None:
    """Wan 2.1 first and last frame to video, with its picture encoder."""
    from diffusers import WanImageToVideoPipeline
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    encoder = CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=4, patch_size=1
        )
    )
    WanImageToVideoPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), scheduler=unipc(),
        transformer=wan_transformer(36, image=True), image_encoder=encoder,
        image_processor=CLIPImageProcessor(size=4, crop_size=4),
    ).save_pretrained(folder)  # fmt: skip


def wan_pair(folder: Path) -> None:
    """Wan 2.2 A14B text to video: two transformers."""
    from diffusers import WanPipeline

    WanPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), scheduler=unipc(),
        transformer=wan_transformer(16), transformer_2=wan_transformer(16), boundary_ratio=0.875,
    ).save_pretrained(folder)  # fmt: skip


def wan_ti2v(folder: Path) -> None:
    """Wan 2.2 TI2V-5B: one transformer for text and picture, the residual autoencoder with its patches."""
    from diffusers import AutoencoderKLWan, WanPipeline

    vae = AutoencoderKLWan(
        base_dim=3, z_dim=48, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True],
        is_residual=True, patch_size=2, in_channels=12, out_channels=12, scale_factor_spatial=16,
        latents_mean=[0.0] * 48, latents_std=[1.0] * 48, decoder_base_dim=3,
    )  # fmt: skip
    WanPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=vae, scheduler=unipc(),
        transformer=wan_transformer(48, out=48), expand_timesteps=True,
    ).save_pretrained(folder)  # fmt: skip


BUILDERS: dict[str, Callable[[Path], None]] = {
    "wan-vace": wan_vace,
    "wan": wan,
    "wan-flf": wan_flf,
    "wan-pair": wan_pair,
    "wan-ti2v": wan_ti2v,
}
SIZES = {"wan-ti2v": (64, 32)}
FRAMES: dict[str, int] = {}


def size_of(card: EngineCard) -> tuple[int, int]:
    """A size that the tiny checkpoint of a card makes quickly."""
    return SIZES.get(name_of(card), (48, 32))


def frames_of(card: EngineCard) -> int:
    """A length that it makes quickly."""
    return card.frames_for(FRAMES.get(name_of(card), 9))


def name_of(card: EngineCard) -> str:
    """Which tiny checkpoint a card is of."""
    return Path(card.source).name


def build(name: str, folder: Path) -> Path:
    """Save the tiny checkpoint `name` into `folder`, the same each time."""
    from sora_cli.engines.diffusion import quiet

    with torch.random.fork_rng(), quiet():
        torch.manual_seed(0)
        BUILDERS[name](folder)
    return folder
