"""Tiny randomly weighted checkpoints of models of sound, of the true classes, saved as a released model is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def t5_tokenizer() -> Any:
    """Letters, by T5's class."""
    from transformers import T5TokenizerFast

    pieces = ["<pad>", "</s>", "<unk>", "▁", *LETTERS]
    return T5TokenizerFast([(piece, -1.0) for piece in pieces], extra_ids=0, model_max_length=16)


def roberta_tokenizer() -> Any:
    """Letters, by RoBERTa's class."""
    from transformers import RobertaTokenizerFast

    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ", *LETTERS]
    return RobertaTokenizerFast({piece: at for at, piece in enumerate(pieces)}, [], model_max_length=16)


def stable_audio(folder: Path) -> None:
    """Half a second of stereo at 8 kHz at most."""
    from diffusers import (
        AutoencoderOobleck,
        CosineDPMSolverMultistepScheduler,
        StableAudioDiTModel,
        StableAudioPipeline,
        StableAudioProjectionModel,
    )
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    vae = AutoencoderOobleck(
        encoder_hidden_size=6, downsampling_ratios=[4, 4], decoder_channels=3, decoder_input_channels=3,
        audio_channels=2, channel_multiples=[2, 4], sampling_rate=8000,
    )  # fmt: skip
    transformer = StableAudioDiTModel(
        sample_size=250, in_channels=3, num_layers=2, attention_head_dim=4, num_key_value_attention_heads=2,
        out_channels=3, cross_attention_dim=4, time_proj_dim=8, global_states_input_dim=8, cross_attention_input_dim=4,
    )  # fmt: skip
    config = T5Config(vocab_size=96, d_model=4, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    StableAudioPipeline(
        vae=vae, text_encoder=T5EncoderModel(config), tokenizer=t5_tokenizer(), transformer=transformer,
        projection_model=StableAudioProjectionModel(text_encoder_dim=4, conditioning_dim=4, min_value=0, max_value=32),
        scheduler=CosineDPMSolverMultistepScheduler(solver_order=2, prediction_type="v_prediction", sigma_data=1.0),
    ).save_pretrained(folder)  # fmt: skip


def audioldm2(folder: Path) -> None:
    """Half a second of mono at 16 kHz at most."""
    from diffusers import (
        AudioLDM2Pipeline,
        AudioLDM2ProjectionModel,
        AudioLDM2UNet2DConditionModel,
        AutoencoderKL,
        DDIMScheduler,
    )
    from transformers import (
        ClapAudioConfig,
        ClapConfig,
        ClapFeatureExtractor,
        ClapModel,
        ClapTextConfig,
        GPT2Config,
        GPT2LMHeadModel,
        SpeechT5HifiGan,
        SpeechT5HifiGanConfig,
        T5Config,
        T5EncoderModel,
    )

    torch.manual_seed(0)
    unet = AudioLDM2UNet2DConditionModel(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=8, sample_size=32, in_channels=4,
        out_channels=4, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=(8, 16),
    )  # fmt: skip
    vae = AutoencoderKL(
        block_out_channels=[8, 16], in_channels=1, out_channels=1, norm_num_groups=8, latent_channels=4,
        down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
    )  # fmt: skip
    text = ClapTextConfig(
        vocab_size=96, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        projection_dim=8, max_position_embeddings=80,
    )  # fmt: skip
    audio = ClapAudioConfig(
        spec_size=64, window_size=4, num_mel_bins=64, intermediate_size=16, depths=[2, 2], num_attention_heads=[2, 2],
        num_hidden_layers=2, hidden_size=16, patch_size=2, patch_stride=2, patch_embed_input_channels=4,
        projection_dim=8,
    )  # fmt: skip
    clap = ClapModel(ClapConfig(text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=8))
    t5 = T5EncoderModel(T5Config(vocab_size=96, d_model=8, d_kv=4, d_ff=16, num_layers=1, num_heads=2))
    gpt2 = GPT2LMHeadModel(GPT2Config(n_embd=16, n_head=2, n_layer=1, n_ctx=99, vocab_size=96))
    gpt2.config.max_new_tokens = 8
    vocoder = SpeechT5HifiGan(SpeechT5HifiGanConfig(
        model_in_dim=8, sampling_rate=16000, upsample_initial_channel=16, upsample_rates=[8, 16],
        upsample_kernel_sizes=[16, 32], resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3, 5]],
        normalize_before=False,
    ))  # fmt: skip
    AudioLDM2Pipeline(
        vae=vae, text_encoder=clap, text_encoder_2=t5, language_model=gpt2, tokenizer=roberta_tokenizer(),
        projection_model=AudioLDM2ProjectionModel(text_encoder_dim=8, text_encoder_1_dim=8, langauge_model_dim=16),
        tokenizer_2=t5_tokenizer(), feature_extractor=ClapFeatureExtractor(feature_size=64, hop_length=480), unet=unet,
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False), vocoder=vocoder,
    ).save_pretrained(folder)  # fmt: skip
