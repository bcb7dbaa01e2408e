"""What diffusers' calls can take and a storyboard cannot say, each with its reason.

A test holds every parameter of every pipeline that we run to be either used by its family or listed here, so that an
upgrade of the library is noticed.
"""

from __future__ import annotations

SEED = "noise comes from the take's seed, so that a film can be made again"
TEXT = "prompts are handed over encoded, and kept by their words"
WORDS = "a still is made of its words, which are handed over as they are"
ONE = "a take is one video; `takes: N` makes N of them, each with its own seed"
OURS = "the engine reads frames, sound and progress in its own way"
INSIDE = "a knob of the model's insides, without a use that we know of in a storyboard"
TRAINED = "the value the model was trained with"
SCHEDULE = "the sampling times follow from `steps` and `shift`, or are those that a distilled model wants"
LENGTH = "a take's length is what the storyboard says"
REWRITE = "a prompt is what its author wrote: nothing rewrites it unasked"
HISTORY = "how the model sees its own past; the values it was trained with"
NOISED = "given frames are noised as in training, by the library's own amounts"

COMMON = {
    "prompt": TEXT,
    "negative_prompt": TEXT,
    "num_videos_per_prompt": ONE,
    "latents": SEED,
    "attention_kwargs": INSIDE,
    "return_dict": OURS,
    "callback_on_step_end_tensor_inputs": OURS,
    "max_sequence_length": TEXT,
}
NOT_OFFERED: dict[str, dict[str, str]] = {
    "WanPipeline": COMMON,
    "WanImageToVideoPipeline": {**COMMON, "image_embeds": "made from the given picture"},
    "WanVACEPipeline": {**COMMON, "guidance_scale_2": "follows `guidance`, as the library has it"},
    "LucyEditPipeline": {**COMMON, "guidance_scale_2": "there is one transformer"},
    "LTX2ConditionPipeline": {
        **COMMON,
        "min_seconds": LENGTH,
        "max_seconds": LENGTH,
        "motion_speed": "slow motion is for the edit; the model is run at the rate it knows",
        "timesteps": SCHEDULE,
        "audio_stg_scale": "follows `spatiotemporal`",
        "audio_modality_scale": "follows `modality`",
        "audio_guidance_rescale": "follows `rescale`",
        "decode_timestep": TRAINED,
        "decode_noise_scale": TRAINED,
        "system_prompt": REWRITE,
        "enable_prompt_enhancement": REWRITE,
        "prompt_max_new_tokens": REWRITE,
        "prompt_enhancement_kwargs": REWRITE,
        "prompt_enhancement_seed": REWRITE,
    },
    "LTX2LatentUpsamplePipeline": {
        "video": "the first stage's latents are doubled, not its frames",
        "height": "follows from the latents",
        "width": "follows from the latents",
        "num_frames": "follows from the latents",
        "spatial_patch_size": INSIDE,
        "temporal_patch_size": INSIDE,
        "latents_normalized": INSIDE,
        "decode_timestep": "the latents are refined, not decoded",
        "decode_noise_scale": "the latents are refined, not decoded",
        "adain_factor": INSIDE,
        "tone_map_compression_ratio": INSIDE,
        "generator": "nothing is drawn",
    },
    "HeliosPipeline": {
        **COMMON,
        "sigmas": SCHEDULE,
        "fake_image_latents": "made from the given picture",
        "image_noise_sigma_min": NOISED,
        "image_noise_sigma_max": NOISED,
        "add_noise_to_video_latents": NOISED,
        "video_noise_sigma_min": NOISED,
        "video_noise_sigma_max": NOISED,
        "history_sizes": HISTORY,
        "num_latent_frames_per_chunk": HISTORY,
        "keep_first_frame": HISTORY,
        "is_skip_first_chunk": HISTORY,
    },
}
NOT_OFFERED["HeliosPyramidPipeline"] = {
    **NOT_OFFERED["HeliosPipeline"],
    "use_zero_init": TRAINED,
    "zero_steps": TRAINED,
}
STILL = {
    "sigmas": SCHEDULE,
    "num_images_per_prompt": ONE,
    "latents": SEED,
    "prompt_embeds": WORDS,
    "negative_prompt_embeds": WORDS,
    "attention_kwargs": INSIDE,
    "return_dict": OURS,
    "callback_on_step_end_tensor_inputs": OURS,
}
NOT_OFFERED |= {
    "Flux2KleinPipeline": {**STILL, "text_encoder_out_layers": TRAINED},
    "QwenImagePipeline": {**STILL, "prompt_embeds_mask": WORDS, "negative_prompt_embeds_mask": WORDS},
    "ZImagePipeline": {
        **{name: why for name, why in STILL.items() if name != "attention_kwargs"},
        "joint_attention_kwargs": INSIDE,
        "cfg_normalization": INSIDE,
    },
    "SanaPipeline": {
        **STILL,
        "timesteps": SCHEDULE,
        "eta": INSIDE,
        "prompt_attention_mask": WORDS,
        "negative_prompt_attention_mask": WORDS,
        "clean_caption": REWRITE,
        "complex_human_instruction": TRAINED,
    },
}
NOT_OFFERED["MiniMaxH3Blocks"] = {
    "latents": SEED,
    "audio_latents": SEED,
    "attention_kwargs": INSIDE,
    "prompt_embeds": "keyframes are read along with the prompt: there is little to keep",
}


def why_not(option: str) -> str:
    """Why an option of diffusers is not one of ours; '' where we know nothing of it."""
    return next((reasons[option] for reasons in NOT_OFFERED.values() if option in reasons), "")
