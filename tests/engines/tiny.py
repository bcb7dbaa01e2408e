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
    from diffusers import UniPCMultistepScheduler, WanVACEPipeline, WanVACETransformer3DModel

    transformer = WanVACETransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=256, ffn_dim=32, num_layers=3, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32, vace_layers=[0, 2], vace_in_channels=96,
    )  # fmt: skip
    louder(transformer)
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
    )
    WanVACEPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), scheduler=scheduler, transformer=transformer
    ).save_pretrained(folder)


BUILDERS: dict[str, Callable[[Path], None]] = {"wan-vace": wan_vace}
SIZES = {"wan-vace": (48, 32)}
FRAMES = {"wan-vace": 9}


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
