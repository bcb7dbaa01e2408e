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


def _told(reasons: dict[str, str]) -> dict[str, str]:
    """Parameters, each with its reason, of reasons and the parameters that have them."""
    return {name: why for why, names in reasons.items() for name in names.split()}


COMMON = _told({
    TEXT: "prompt negative_prompt max_sequence_length",
    ONE: "num_videos_per_prompt",
    SEED: "latents",
    INSIDE: "attention_kwargs",
    OURS: "return_dict callback_on_step_end_tensor_inputs",
})  # fmt: skip
STILL = _told({
    SCHEDULE: "sigmas",
    ONE: "num_images_per_prompt",
    SEED: "latents",
    WORDS: "prompt_embeds negative_prompt_embeds",
    INSIDE: "attention_kwargs",
    OURS: "return_dict callback_on_step_end_tensor_inputs",
})  # fmt: skip
_HELIOS = COMMON | _told({
    SCHEDULE: "sigmas",
    "made from the given picture": "fake_image_latents",
    NOISED: "image_noise_sigma_min image_noise_sigma_max add_noise_to_video_latents video_noise_sigma_min "
    "video_noise_sigma_max",
    HISTORY: "history_sizes num_latent_frames_per_chunk keep_first_frame is_skip_first_chunk",
})  # fmt: skip
NOT_OFFERED: dict[str, dict[str, str]] = {
    "WanPipeline": COMMON,
    "WanImageToVideoPipeline": {**COMMON, "image_embeds": "made from the given picture"},
    "WanVACEPipeline": {**COMMON, "guidance_scale_2": "follows `guidance`, as the library has it"},
    "LucyEditPipeline": {**COMMON, "guidance_scale_2": "there is one transformer"},
    "LTX2ConditionPipeline": COMMON | _told({
        LENGTH: "min_seconds max_seconds",
        "slow motion is for the edit; the model is run at the rate it knows": "motion_speed",
        SCHEDULE: "timesteps",
        "follows `spatiotemporal`": "audio_stg_scale",
        "follows `modality`": "audio_modality_scale",
        "follows `rescale`": "audio_guidance_rescale",
        TRAINED: "decode_timestep decode_noise_scale",
        REWRITE: "system_prompt enable_prompt_enhancement prompt_max_new_tokens prompt_enhancement_kwargs "
        "prompt_enhancement_seed",
    }),
    "LTX2LatentUpsamplePipeline": _told({
        "the first stage's latents are doubled, not its frames": "video",
        "follows from the latents": "height width num_frames",
        INSIDE: "spatial_patch_size temporal_patch_size latents_normalized adain_factor tone_map_compression_ratio",
        "the latents are refined, not decoded": "decode_timestep decode_noise_scale",
        "nothing is drawn": "generator",
    }),
    "HeliosPipeline": _HELIOS,
    "HeliosPyramidPipeline": _HELIOS | _told({TRAINED: "use_zero_init zero_steps"}),
    "Flux2KleinPipeline": {**STILL, "text_encoder_out_layers": TRAINED},
    "QwenImagePipeline": STILL | _told({WORDS: "prompt_embeds_mask negative_prompt_embeds_mask"}),
    "ZImagePipeline": {
        **{name: why for name, why in STILL.items() if name != "attention_kwargs"},
        **_told({INSIDE: "joint_attention_kwargs cfg_normalization"}),
    },
    "SanaPipeline": STILL | _told({
        SCHEDULE: "timesteps",
        INSIDE: "eta",
        WORDS: "prompt_attention_mask negative_prompt_attention_mask",
        REWRITE: "clean_caption",
        TRAINED: "complex_human_instruction",
    }),
    "MiniMaxH3Blocks": _told({
        SEED: "latents audio_latents",
        INSIDE: "attention_kwargs",
        "keyframes are read along with the prompt: there is little to keep": "prompt_embeds",
    }),
}  # fmt: skip


def why_not(option: str) -> str:
    """Why an option of diffusers is not one of ours; '' where we know nothing of it."""
    return next((reasons[option] for reasons in NOT_OFFERED.values() if option in reasons), "")
