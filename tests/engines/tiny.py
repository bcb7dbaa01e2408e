"""Tiny randomly weighted checkpoints of the true classes, saved to a folder as a released model is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from sora_cli.engines.base import EngineCard

torch.set_num_threads(1)  # tiny tensors: threads would only wait for each other


def tokenizer(size: int = 96, *more: str) -> Any:
    """A real fast tokenizer with a handful of words; `more` are special tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "</s>", "<unk>", "a", "red", "ball", "bounces", "on", "the", "grass", "bad"]
    words += more
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
    vae = wan_vae()
    louder(vae.encoder)  # what is given reaches its latents
    WanVACEPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=vae, scheduler=unipc(), transformer=transformer
    ).save_pretrained(folder)


def wan_transformer(channels: int, *, image: bool = False, last: bool = True, out: int = 16) -> Any:
    from diffusers import WanTransformer3DModel

    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels, out_channels=out,
        text_dim=32, freq_dim=256, ffn_dim=32, num_layers=2, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        rope_max_seq_len=32, image_dim=8 if image else None, added_kv_proj_dim=24 if image else None,
        pos_embed_seq_len=2 * (4 * 4 + 1) if image and last else None,
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


def clip_vision() -> dict[str, Any]:
    """Wan 2.1's picture encoder and what prepares pictures for it."""
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    config = CLIPVisionConfig(
        hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=4, patch_size=1
    )
    return {"image_encoder": CLIPVisionModel(config), "image_processor": CLIPImageProcessor(size=4, crop_size=4)}


def wan_flf(folder: Path) -> None:
    """Wan 2.1 first and last frame to video, with its picture encoder."""
    from diffusers import WanImageToVideoPipeline

    WanImageToVideoPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), scheduler=unipc(),
        transformer=wan_transformer(36, image=True), **clip_vision(),
    ).save_pretrained(folder)  # fmt: skip


def wan_i2v(folder: Path) -> None:
    """Wan 2.1 picture to video, with its picture encoder."""
    from diffusers import WanImageToVideoPipeline

    WanImageToVideoPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), scheduler=unipc(),
        transformer=wan_transformer(36, image=True, last=False), **clip_vision(),
    ).save_pretrained(folder)  # fmt: skip


def wan_i2v_pair(folder: Path) -> None:
    """Wan 2.2 A14B picture to video: two transformers, and no picture encoder."""
    from diffusers import WanImageToVideoPipeline

    WanImageToVideoPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), scheduler=unipc(),
        transformer=wan_transformer(36), transformer_2=wan_transformer(36), boundary_ratio=0.9,
        image_encoder=None, image_processor=None,
    ).save_pretrained(folder)  # fmt: skip


def wan_pair(folder: Path) -> None:
    """Wan 2.2 A14B text to video: two transformers."""
    from diffusers import WanPipeline

    WanPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), scheduler=unipc(),
        transformer=wan_transformer(16), transformer_2=wan_transformer(16), boundary_ratio=0.875,
    ).save_pretrained(folder)  # fmt: skip


def wan_22_vae() -> Any:
    """The residual autoencoder with its patches."""
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(
        base_dim=3, z_dim=48, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True],
        is_residual=True, patch_size=2, in_channels=12, out_channels=12, scale_factor_spatial=16,
        latents_mean=[0.0] * 48, latents_std=[1.0] * 48, decoder_base_dim=3,
    )  # fmt: skip


def wan_ti2v(folder: Path) -> None:
    """Wan 2.2 TI2V-5B: one transformer for text and picture."""
    from diffusers import WanPipeline

    WanPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_22_vae(), scheduler=unipc(),
        transformer=wan_transformer(48, out=48), expand_timesteps=True,
    ).save_pretrained(folder)  # fmt: skip


def lucy(folder: Path) -> None:
    """Lucy Edit: as Wan 2.2 TI2V, with a film's latents beside those that are made."""
    from diffusers import LucyEditPipeline

    vae = wan_22_vae()
    louder(vae.encoder)  # what is given reaches its latents
    LucyEditPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=vae, scheduler=unipc(),
        transformer=wan_transformer(96, out=48), expand_timesteps=True,
    ).save_pretrained(folder)  # fmt: skip


def gemma3() -> Any:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    text = {
        "vocab_size": 96, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "head_dim": 8,
        "num_attention_heads": 2, "num_key_value_heads": 1, "sliding_window": 64,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    return Gemma3ForConditionalGeneration(Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4))


def ltx2_vae() -> Any:
    """8 times smaller in time and 32 times in space, as the true one."""
    from diffusers import AutoencoderKLLTX2Video

    return AutoencoderKLLTX2Video(
        latent_channels=4, block_out_channels=(8, 16, 32, 64), decoder_block_out_channels=(8, 16, 32),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1),
        spatial_compression_ratio=32, temporal_compression_ratio=8, decoder_causal=False,
    )  # fmt: skip


def ltx2_transformer(*, newer: bool) -> Any:
    from diffusers import LTX2VideoTransformer3DModel

    transformer = LTX2VideoTransformer3DModel(
        in_channels=4, out_channels=4, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16,
        audio_in_channels=4, audio_out_channels=4, audio_num_attention_heads=2, audio_attention_head_dim=4,
        audio_cross_attention_dim=8, num_layers=2, caption_channels=16, rope_double_precision=False, rope_type="split",
        gated_attn=newer, cross_attn_mod=newer, audio_gated_attn=newer, audio_cross_attn_mod=newer,
        perturbed_attn=newer, use_prompt_embeddings=not newer, ff_bias=not newer,
    )  # fmt: skip
    louder(transformer, 2.0)
    return transformer


def ltx2_connectors(*, newer: bool) -> Any:
    from diffusers.pipelines.ltx2 import LTX2TextConnectors

    return LTX2TextConnectors(
        caption_channels=16, text_proj_in_factor=3, video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=8, video_connector_num_layers=1,
        video_connector_num_learnable_registers=None, audio_connector_num_attention_heads=2,
        audio_connector_attention_head_dim=4 if newer else 8, audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=None, connector_rope_base_seq_len=32, rope_double_precision=False,
        rope_type="split", per_modality_projections=newer, video_hidden_dim=16, audio_hidden_dim=8, proj_bias=newer,
    )  # fmt: skip


def ltx2_of(folder: Path, *, newer: bool, shifted: bool) -> None:
    from diffusers import AutoencoderKLLTX2Audio, FlowMatchEulerDiscreteScheduler, LTX2Pipeline
    from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder

    audio_vae = AutoencoderKLLTX2Audio(
        base_channels=4, ch_mult=(1,), num_res_blocks=1, resolution=32, latent_channels=2, sample_rate=16000,
        mel_hop_length=160, mel_bins=8,
    )  # fmt: skip
    vocoder = LTX2Vocoder(
        in_channels=16, hidden_channels=16, upsample_kernel_sizes=[16, 15], upsample_factors=[16, 15],
        resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], output_sampling_rate=24000,
    )  # fmt: skip
    LTX2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=shifted), vae=ltx2_vae(), audio_vae=audio_vae,
        text_encoder=gemma3(), tokenizer=tokenizer(), connectors=ltx2_connectors(newer=newer),
        transformer=ltx2_transformer(newer=newer), vocoder=vocoder,
    ).save_pretrained(folder)  # fmt: skip
    upsampler = LTX2LatentUpsamplerModel(in_channels=4, mid_channels=32, num_blocks_per_stage=1)
    upsampler.save_pretrained(folder / "latent_upsampler")


def ltx2(folder: Path) -> None:
    """LTX-2.0, full: both streams are guided."""
    ltx2_of(folder, newer=False, shifted=True)


def ltx2_distilled(folder: Path) -> None:
    """LTX-2.5, distilled: gated attention, no guidance, fixed times."""
    ltx2_of(folder, newer=True, shifted=False)


def helios_transformer() -> Any:
    from diffusers import HeliosTransformer3DModel

    transformer = HeliosTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16, text_dim=32, freq_dim=256,
        ffn_dim=32, num_layers=2, rope_dim=(4, 4, 4),
    )  # fmt: skip
    louder(transformer)
    return transformer


def helios(folder: Path) -> None:
    from diffusers import HeliosPipeline, HeliosScheduler

    HeliosPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), transformer=helios_transformer(),
        scheduler=HeliosScheduler(stage_range=[0, 1], stages=1, use_dynamic_shifting=True),
    ).save_pretrained(folder)  # fmt: skip


def helios_mid(folder: Path) -> None:
    from diffusers import HeliosPyramidPipeline, HeliosScheduler

    HeliosPyramidPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), transformer=helios_transformer(),
        scheduler=HeliosScheduler(), is_cfg_zero_star=True,
    ).save_pretrained(folder)  # fmt: skip


def helios_distilled(folder: Path) -> None:
    from diffusers import HeliosDMDScheduler, HeliosPyramidPipeline

    HeliosPyramidPipeline(
        tokenizer=tokenizer(), text_encoder=umt5(), vae=wan_vae(), transformer=helios_transformer(),
        scheduler=HeliosDMDScheduler(), is_distilled=True,
    ).save_pretrained(folder)  # fmt: skip


def qwen3vl() -> Any:
    """More than 50 layers, for the model reads the 50th; vision of one layer."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    text = {
        "vocab_size": 96, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 51,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]},
    }  # fmt: skip
    vision = {
        "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16,
        "deepstack_visual_indexes": [0], "num_position_embeddings": 16,
    }  # fmt: skip
    config = Qwen3VLConfig(
        text_config=text, vision_config=vision, image_token_id=13, video_token_id=14, vision_start_token_id=11,
        vision_end_token_id=12,
    )  # fmt: skip
    return Qwen3VLForConditionalGeneration(config)


def minimax_h3(folder: Path) -> None:
    """One repository with both transformers, as released."""
    from diffusers import (
        AutoencoderKLMiniMaxH3,
        AutoencoderKLMiniMaxH3Audio,
        MiniMaxH3Blocks,
        MiniMaxH3Scheduler,
        MiniMaxH3Transformer3DModel,
    )
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    words = tokenizer(96, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    sizes = {"min_pixels": 32 * 32, "max_pixels": 64 * 64, "patch_size": 16}
    processor = Qwen3VLProcessor(
        Qwen2VLImageProcessor(**sizes), words, Qwen3VLVideoProcessor(patch_size=16), chat_template=""
    )
    vae = AutoencoderKLMiniMaxH3(
        block_out_channels=(8, 8, 8, 8), layers_per_block=1, spatial_downsample_factors=(2, 2, 2, 2),
        temporal_downsample_factors=(1, 2, 2, 1), norm_num_groups=4, decoder_num_layers=1,
        decoder_num_attention_heads=2, decoder_attention_head_dim=16,
    )  # fmt: skip
    audio_vae = AutoencoderKLMiniMaxH3Audio(
        encoder_dim=4, encoder_rates=(2, 2), latent_dim=64, latent_channels=32, num_attention_heads=2, decoder_dim=16,
        decoder_rates=(2, 2), decoder_kernel_sizes=(4, 4), resblock_kernel_sizes=(3,),
        resblock_dilation_sizes=((1, 3, 5),), sampling_rate=160, latents_mean=[0.0] * 32, latents_std=[1.0] * 32,
    )  # fmt: skip

    def transformer() -> Any:
        model = MiniMaxH3Transformer3DModel(
            num_attention_heads=2, attention_head_dim=32, hidden_size=32, num_layers=2, num_refiner_layers=1,
            ffn_dim=32, text_dim=16, freq_dim=16, time_embed_hidden_dim=32, time_embed_dim=16, rope_freq_dim=4,
        )  # fmt: skip
        louder(model, 2.0)
        return model

    pipe: Any = MiniMaxH3Blocks().init_pipeline()
    pipe.update_components(
        text_encoder=qwen3vl(), tokenizer=words, processor=processor, vae=vae, audio_vae=audio_vae,
        scheduler=MiniMaxH3Scheduler(shift=12.0), audio_scheduler=MiniMaxH3Scheduler(shift=3.0),
        transformer=transformer(), transformer_ref=transformer(), canvas_short_edge=32,
        canvas_max_pixels=32 * 64, reference_image_short_edge=32,
    )  # fmt: skip
    pipe.save_pretrained(str(folder))


def qwen3(kind: str, layers: int) -> Any:
    import transformers

    config = transformers.Qwen3Config(
        vocab_size=96, hidden_size=16, intermediate_size=16, num_hidden_layers=layers, num_attention_heads=2,
        num_key_value_heads=2, head_dim=8, max_position_embeddings=512,
    )  # fmt: skip
    return getattr(transformers, kind)(config)


def chat(words: Any) -> Any:
    """A tokenizer that puts a prompt in a chat's words, as these models want."""
    words.chat_template = "{% for message in messages %}{{ message['content'] }} {% endfor %}"
    return words


def split(words: Any) -> Any:
    """A tokenizer that counts signs as words: of the words around a prompt, Qwen-Image leaves out the first 34."""
    from tokenizers import pre_tokenizers

    words.backend_tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return words


def flux2_klein(folder: Path) -> None:
    """More than 27 layers, for the model reads the 27th."""
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )

    transformer = Flux2Transformer2DModel(
        in_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=48, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
    )  # fmt: skip
    louder(transformer)
    vae = AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 4, 4), layers_per_block=1, latent_channels=1, norm_num_groups=1, sample_size=32,
    )  # fmt: skip
    Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=vae, text_encoder=qwen3("Qwen3ForCausalLM", 28),
        tokenizer=chat(tokenizer()), transformer=transformer, is_distilled=True,
    ).save_pretrained(folder)  # fmt: skip


def z_image(folder: Path) -> None:
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel

    transformer = ZImageTransformer2DModel(
        in_channels=4, dim=32, n_layers=2, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=16,
        axes_dims=[8, 4, 4], axes_lens=[1024, 128, 128],
    )  # fmt: skip
    louder(transformer)
    with torch.no_grad():  # the class leaves them as memory was
        transformer.x_pad_token.fill_(1)
        transformer.cap_pad_token.fill_(1)
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 4, 4), layers_per_block=1, latent_channels=4, norm_num_groups=1,
        scaling_factor=0.3611, shift_factor=0.1159,
    )  # fmt: skip
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae, text_encoder=qwen3("Qwen3Model", 2),
        tokenizer=chat(tokenizer()), transformer=transformer,
    ).save_pretrained(folder)  # fmt: skip


def qwen_image(folder: Path) -> None:
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    transformer = QwenImageTransformer2DModel(
        in_channels=16, out_channels=4, num_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=16, axes_dims_rope=(8, 4, 4),
    )  # fmt: skip
    louder(transformer)
    text = {
        "vocab_size": 96, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
    }  # fmt: skip
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    vae = AutoencoderKLQwenImage(
        base_dim=4, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
    )  # fmt: skip
    QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(), vae=vae, tokenizer=split(tokenizer()), transformer=transformer,
        text_encoder=Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision)),
    ).save_pretrained(folder)  # fmt: skip


def sana(folder: Path) -> None:
    from diffusers import AutoencoderDC, FlowMatchEulerDiscreteScheduler, SanaPipeline, SanaTransformer2DModel
    from transformers import Gemma2Config, Gemma2Model

    transformer = SanaTransformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, num_attention_heads=2, attention_head_dim=4,
        num_cross_attention_heads=2, cross_attention_head_dim=4, cross_attention_dim=8, caption_channels=8,
        sample_size=32,
    )  # fmt: skip
    louder(transformer)
    blocks = ("ResBlock",) * 6
    vae = AutoencoderDC(
        latent_channels=4, attention_head_dim=2, encoder_block_types=blocks, decoder_block_types=blocks,
        encoder_block_out_channels=(4,) * 6, decoder_block_out_channels=(4,) * 6, encoder_qkv_multiscales=((),) * 6,
        decoder_qkv_multiscales=((),) * 6, encoder_layers_per_block=(1,) * 6, decoder_layers_per_block=(1,) * 6,
        downsample_block_type="conv", upsample_block_type="interpolate", scaling_factor=0.41407,
    )  # fmt: skip
    encoder = Gemma2Config(
        vocab_size=96, hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, head_dim=4,
    )  # fmt: skip
    SanaPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae, text_encoder=Gemma2Model(encoder),
        tokenizer=tokenizer(), transformer=transformer,
    ).save_pretrained(folder)  # fmt: skip


BUILDERS: dict[str, Callable[[Path], None]] = {
    "wan-vace": wan_vace,
    "wan": wan,
    "wan-i2v": wan_i2v,
    "wan-i2v-pair": wan_i2v_pair,
    "wan-flf": wan_flf,
    "wan-pair": wan_pair,
    "wan-ti2v": wan_ti2v,
    "lucy": lucy,
    "minimax-h3": minimax_h3,
    "helios": helios,
    "helios-mid": helios_mid,
    "helios-distilled": helios_distilled,
    "ltx2": ltx2,
    "ltx2-distilled": ltx2_distilled,
    "flux2-klein": flux2_klein,
    "z-image": z_image,
    "qwen-image": qwen_image,
    "sana": sana,
}
NEEDED = {"minimax-h3": ("torchvision",)}
"""Packages that transformers wants for a checkpoint's classes; where one is missing, its tests are skipped."""
SIZES = {
    "minimax-h3": (64, 32),
    "helios": (64, 64),
    "helios-mid": (128, 64),
    "helios-distilled": (128, 64),
    "wan-ti2v": (64, 32),
    "lucy": (64, 32),
    "ltx2": (96, 64),
    "ltx2-distilled": (96, 64),
    "sana": (64, 32),
}
STILLS = ("flux2-klein", "z-image", "qwen-image", "sana")
"""Those that make one frame."""
FRAMES = {"ltx2": 17, "ltx2-distilled": 17, **dict.fromkeys(STILLS, 1)}


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
    from sora_cli.engines.runtime.device import quiet

    with torch.random.fork_rng(), quiet():
        torch.manual_seed(0)
        BUILDERS[name](folder)
    return folder
