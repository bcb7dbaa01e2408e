"""Wan 2.1 and 2.2 as released in diffusers' layout.

Frame grids, sizes and advice are from the models' cards and the pipelines' documentation; weights from their files.
"""

from __future__ import annotations

from fractions import Fraction

from sora_cli.engines.base import EngineCard
from sora_cli.engines.cards.dialects import WAN, WAN_PICTURE
from sora_cli.engines.cards.known import APACHE, AVOID, FIRST, LAST, TEXT, VACE, KnownModel, card_of
from sora_cli.engines.options import WanOptions, WanPairOptions, WanVaceOptions, with_defaults

UMT5 = {"text_encoder": 5.7}
HD = {"native_size": (1280, 720), "film_size": (1280, 720), "max_pixels": 1280 * 720}


def _wan_card(name: str, title: str, repo: str, **facts: object) -> EngineCard:
    """What the Wan models share: 4k+1 frames, 16 fps, 512 tokens, sizes in steps of 16."""
    shared: dict[str, object] = {
        "family": "wan", "options": WanOptions, "frame_step": 4, "frame_offset": 1, "min_frames": 5, "max_frames": 81,
        "fps": Fraction(16), "overlap": 0, "max_opening": 0, "size_step": 16, "native_size": (832, 480),
        "film_size": (832, 480), "max_pixels": 832 * 480, "default_seconds": Fraction(5), "prompt_tokens": 512,
        "draft": {"steps": 12}, "licence": APACHE, "dialect": WAN,
    }  # fmt: skip
    return card_of({"name": name, "title": title, "source": repo, "revision": "", **shared, **facts})


def wan_vace() -> tuple[KnownModel, ...]:
    """Wan 2.1 VACE: given frames and references."""
    facts: dict[str, object] = {
        "family": "wan-vace",
        "options": WanVaceOptions,
        "abilities": VACE,
        "overlap": 5,
        "max_opening": 77,
        "chain": 6,  # "max of 6 batches before trouble": ali-vilab/VACE, issue 44
        "max_references": 3,
    }
    small = _wan_card(
        "wan2.1-vace-1.3b",
        "Wan 2.1 VACE 1.3B",
        "Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        **facts,
        memory_gb=16,
        disk_gb=19,
        weights={"transformer": 2.1, "vae": 0.13, **UMT5},
    )
    large = _wan_card(
        "wan2.1-vace-14b",
        "Wan 2.1 VACE 14B",
        "Wan-AI/Wan2.1-VACE-14B-diffusers",
        **{**facts, **HD, "options": with_defaults(WanVaceOptions, {"shift": 5.0})},
        memory_gb=48,
        disk_gb=75,
        weights={"transformer": 17.3, "vae": 0.13, **UMT5},
    )
    return (
        KnownModel(
            small, ("WanVACEPipeline",), traits={"transformer.num_layers": 30, "transformer.num_attention_heads": 12}
        ),
        KnownModel(
            large, ("WanVACEPipeline",), traits={"transformer.num_layers": 40, "transformer.num_attention_heads": 40}
        ),
    )


def wan() -> tuple[KnownModel, ...]:
    """Wan 2.1 and 2.2 from text, from pictures and from either."""
    return (*_wan_text(), *_wan_picture(), _wan_pair(), _wan_ti2v())


FROM_PICTURE = ("WanImageToVideoPipeline",)
ONE = {
    "abilities": frozenset({FIRST, AVOID}),
    "needs": frozenset({FIRST}),
    "overlap": 1,
    "max_opening": 1,
    "chain": 3,
    "dialect": WAN_PICTURE,
}
"""A first frame is needed, and no other can be given. Chains: Wan-Video/Wan2.1, issue 302."""
BOTH = {**ONE, "abilities": frozenset({FIRST, LAST, AVOID})}
"""A first frame is needed, and a last one can be given."""


def _wan_text() -> tuple[KnownModel, ...]:
    """Text to video only: no frames can be given, so beats cannot carry on."""
    facts = {"abilities": frozenset({TEXT, AVOID})}
    small = _wan_card(
        "wan2.1-t2v-1.3b",
        "Wan 2.1 text to video 1.3B",
        "Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
        **facts,
        memory_gb=15,
        disk_gb=29,
        weights={"transformer": 1.4, "vae": 0.13, **UMT5},
    )
    large = _wan_card(
        "wan2.1-t2v-14b",
        "Wan 2.1 text to video 14B",
        "Wan-AI/Wan2.1-T2V-14B-Diffusers",
        **{**facts, **HD, "options": with_defaults(WanOptions, {"shift": 5.0})},
        memory_gb=41,
        disk_gb=80,
        weights={"transformer": 14.3, "vae": 0.13, **UMT5},
    )
    pair = _wan_card(
        "wan2.2-t2v-a14b",
        "Wan 2.2 text to video A14B",
        "Wan-AI/Wan2.2-T2V-A14B-Diffusers",
        **{**facts, **HD, "options": WanPairOptions},
        memory_gb=70,
        disk_gb=126,
        weights={"transformer": 14.3, "transformer_2": 14.3, "vae": 0.13, **UMT5},
    )
    one = {"index.boundary_ratio": None, "index.expand_timesteps": None}
    return (
        KnownModel(small, ("WanPipeline",), one, {"transformer.num_layers": 30}),
        KnownModel(large, ("WanPipeline",), one, {"transformer.num_layers": 40}),
        KnownModel(pair, ("WanPipeline",), {"index.boundary_ratio": ...}, {"transformer.num_layers": 40}),
    )


def _wan_picture() -> tuple[KnownModel, ...]:
    """Picture to video: a first frame is needed. Only some were taught a last one."""
    clip = {"transformer": 16.4, "vae": 0.13, "image_encoder": 0.6, **UMT5}
    i2v480 = _wan_card(
        "wan2.1-i2v-14b-480p",
        "Wan 2.1 image to video 14B, 480 lines",
        "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers",
        **ONE,
        memory_gb=46,
        disk_gb=90,
        weights=clip,
    )
    i2v720 = _wan_card(
        "wan2.1-i2v-14b-720p",
        "Wan 2.1 image to video 14B, 720 lines",
        "Wan-AI/Wan2.1-I2V-14B-720P-Diffusers",
        **{**ONE, **HD, "options": with_defaults(WanOptions, {"shift": 5.0})},
        memory_gb=46,
        disk_gb=90,
        weights=clip,
    )
    flf = _wan_card(
        "wan2.1-flf2v-14b-720p",
        "Wan 2.1 first and last frame to video 14B",
        "Wan-AI/Wan2.1-FLF2V-14B-720P-diffusers",
        **{**BOTH, **HD, "needs": frozenset({FIRST, LAST}), "options": with_defaults(WanOptions, {"guidance": 5.5})},
        memory_gb=46,
        disk_gb=75,
        weights=clip,
    )
    one = {"transformer.image_dim": ..., "transformer.pos_embed_seq_len": None}
    two = {"transformer.image_dim": ..., "transformer.pos_embed_seq_len": ...}
    return (
        KnownModel(flf, FROM_PICTURE, two, {"transformer.num_layers": 40}),
        KnownModel(i2v480, FROM_PICTURE, one, {"transformer.num_layers": 40, "scheduler.flow_shift": 3.0}),
        KnownModel(i2v720, FROM_PICTURE, one, {"transformer.num_layers": 40, "scheduler.flow_shift": 5.0}),
    )


def _wan_pair() -> KnownModel:
    """Picture to video by two transformers; a last frame can be given as well."""
    pair = _wan_card(
        "wan2.2-i2v-a14b",
        "Wan 2.2 image to video A14B",
        "Wan-AI/Wan2.2-I2V-A14B-Diffusers",
        **{**BOTH, **HD, "options": with_defaults(WanPairOptions, {"guidance": 3.5, "guidance_low": 3.5})},
        memory_gb=70,
        disk_gb=126,
        weights={"transformer": 14.3, "transformer_2": 14.3, "vae": 0.13, **UMT5},
    )
    needs = {"index.boundary_ratio": ..., "transformer.image_dim": None}
    return KnownModel(pair, FROM_PICTURE, needs, {"index.boundary_ratio": 0.9})


def _wan_ti2v() -> KnownModel:
    """Text or a first frame, one transformer, 32 times smaller latents, 24 fps."""
    card = _wan_card(
        "wan2.2-ti2v-5b", "Wan 2.2 text and image to video 5B", "Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        abilities=frozenset({TEXT, FIRST, AVOID}), fps=Fraction(24), max_frames=121, size_step=32, overlap=1,
        max_opening=1, chain=3, native_size=(1280, 704), film_size=(1280, 704), max_pixels=1280 * 704,
        options=with_defaults(WanOptions, {"shift": 5.0}), memory_gb=24, disk_gb=34,
        weights={"transformer": 5.0, "vae": 0.7, **UMT5}, dialect=WAN_PICTURE,
    )  # fmt: skip
    shape = {"index.expand_timesteps": True}
    return KnownModel(card, ("WanPipeline", "WanImageToVideoPipeline"), shape, {"transformer.num_layers": 30})
