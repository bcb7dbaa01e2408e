"""Wan 2.1 and 2.2 as released in diffusers' layout.

Frame grids, sizes and advice are from the models' cards and the pipelines' documentation; weights from their files.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from sora_cli.engines.base import EngineCard
from sora_cli.engines.cards import demands
from sora_cli.engines.cards.dialects import WAN, WAN_PICTURE
from sora_cli.engines.cards.known import APACHE, AVOID, FIRST, LAST, TEXT, VACE, VIDEO, KnownModel, card_of
from sora_cli.engines.demand import Demand
from sora_cli.engines.options import WanOptions, WanPairOptions, WanVaceOptions, with_defaults

Facts = Mapping[str, object]


def _wan_card(name: str, title: str, repo: str, disk_gb: float, *facts: Facts) -> EngineCard:
    """What the Wan models share: 4k+1 frames, 16 fps, 512 tokens, sizes in steps of 16; later facts go first."""
    shared: dict[str, object] = {
        "family": "wan", "options": WanOptions, "frame_step": 4, "frame_offset": 1, "min_frames": 5, "max_frames": 81,
        "fps": Fraction(16), "overlap": 0, "max_opening": 0, "size_step": 16, "native_size": (832, 480),
        "film_size": (832, 480), "max_pixels": 832 * 480, "default_seconds": Fraction(5), "prompt_tokens": 512,
        "draft": {"steps": 12}, "shares": True, "caches": True, "licence": APACHE, "dialect": WAN, "revision": "",
    }  # fmt: skip
    for more in ({"name": name, "title": title, "source": f"Wan-AI/{repo}", "disk_gb": disk_gb}, *facts):
        shared |= more
    return card_of(shared)


def _size(demand: Demand, transformer: float, **more: float) -> dict[str, object]:
    """What a size of the models demands, and its parts in billions of parameters."""
    return {"demand": demand, "weights": {"transformer": transformer, "vae": 0.127, "text_encoder": 5.68, **more}}


HD: Facts = {"native_size": (1280, 720), "film_size": (1280, 720), "max_pixels": 1280 * 720}
SMALL = _size(demands.WAN_SMALL, 1.43)
LARGE = _size(demands.WAN_LARGE, 14.3)
PAIR = _size(demands.WAN_LARGE, 14.3, transformer_2=14.3)
PICTURE = _size(demands.WAN_PICTURE, 16.4, image_encoder=0.63)
PICTURE_PAIR = _size(demands.WAN_PICTURE, 14.3, transformer_2=14.3)
SHIFTED: Facts = {"options": with_defaults(WanOptions, {"shift": 5.0})}
THIRTY = {"transformer.num_layers": 30}
FORTY = {"transformer.num_layers": 40}
FROM_TEXT, FROM_PICTURE = ("WanPipeline",), ("WanImageToVideoPipeline",)

CARRIED: Facts = {
    "family": "wan-vace",
    "options": WanVaceOptions,
    "abilities": VACE,
    "overlap": 5,
    "max_opening": 77,
    "chain": 6,  # "max of 6 batches before trouble": ali-vilab/VACE, issue 44
    "max_references": 3,
}
ONE: Facts = {
    "abilities": frozenset({FIRST, VIDEO, AVOID}),
    "needs": frozenset({FIRST}),
    "overlap": 1,
    "max_opening": 1,
    "chain": 3,
    "dialect": WAN_PICTURE,
}
"""A first frame is needed, and no other can be given. Chains: Wan-Video/Wan2.1, issue 302."""
BOTH: Facts = {**ONE, "abilities": frozenset({FIRST, LAST, VIDEO, AVOID})}
"""A first frame is needed, and a last one can be given."""


def wan_vace() -> tuple[KnownModel, ...]:
    """Wan 2.1 VACE: given frames and references."""
    pipelines = ("WanVACEPipeline",)
    small = _wan_card(
        "wan2.1-vace-1.3b",
        "Wan 2.1 VACE 1.3B",
        "Wan2.1-VACE-1.3B-diffusers",
        19,
        CARRIED,
        _size(demands.WAN_VACE_SMALL, 2.16),
    )
    large = _wan_card(
        "wan2.1-vace-14b", "Wan 2.1 VACE 14B", "Wan2.1-VACE-14B-diffusers", 75,
        CARRIED, _size(demands.WAN_VACE_LARGE, 17.4), HD, {"options": with_defaults(WanVaceOptions, {"shift": 5.0})},
    )  # fmt: skip
    return (
        KnownModel(small, pipelines, traits={**THIRTY, "transformer.num_attention_heads": 12}),
        KnownModel(large, pipelines, traits={**FORTY, "transformer.num_attention_heads": 40}),
    )


def wan() -> tuple[KnownModel, ...]:
    """Wan 2.1 and 2.2 from text, from pictures and from either."""
    return (*_wan_text(), *_wan_picture(), _wan_pair(), _wan_ti2v())


def _wan_text() -> tuple[KnownModel, ...]:
    """Text to video only: no frames can be given, so beats cannot carry on."""
    words: Facts = {"abilities": frozenset({TEXT, VIDEO, AVOID})}
    one = {"index.boundary_ratio": None, "index.expand_timesteps": None}
    two = {"index.boundary_ratio": ...}
    rows: tuple[tuple[str, str, str, float, tuple[Facts, ...], Facts, Facts], ...] = (
        ("wan2.1-t2v-1.3b", "Wan 2.1 text to video 1.3B", "Wan2.1-T2V-1.3B-Diffusers", 29, (SMALL,), one, THIRTY),
        ("wan2.1-t2v-14b", "Wan 2.1 text to video 14B", "Wan2.1-T2V-14B-Diffusers", 80, (LARGE, HD, SHIFTED), one,
         FORTY),
        ("wan2.2-t2v-a14b", "Wan 2.2 text to video A14B", "Wan2.2-T2V-A14B-Diffusers", 126,
         (PAIR, HD, {"options": with_defaults(WanPairOptions, {"shift": 12.0})}), two, FORTY),
    )  # fmt: skip
    return tuple(
        KnownModel(_wan_card(name, title, repo, disk, words, *facts), FROM_TEXT, shape, traits)
        for name, title, repo, disk, facts, shape, traits in rows
    )


def _wan_picture() -> tuple[KnownModel, ...]:
    """Picture to video: a first frame is needed. Only some were taught a last one."""
    ends: Facts = {"needs": frozenset({FIRST, LAST}), "options": with_defaults(WanOptions, {"guidance": 5.5})}
    one = {"transformer.image_dim": ..., "transformer.pos_embed_seq_len": None}
    two = {"transformer.image_dim": ..., "transformer.pos_embed_seq_len": ...}
    rows: tuple[tuple[str, str, str, float, tuple[Facts, ...], Facts, Facts], ...] = (
        ("wan2.1-flf2v-14b-720p", "Wan 2.1 first and last frame to video 14B", "Wan2.1-FLF2V-14B-720P-diffusers", 75,
         (BOTH, HD, ends), two, FORTY),
        ("wan2.1-i2v-14b-480p", "Wan 2.1 image to video 14B, 480 lines", "Wan2.1-I2V-14B-480P-Diffusers", 90,
         (ONE,), one, {**FORTY, "scheduler.flow_shift": 3.0}),
        ("wan2.1-i2v-14b-720p", "Wan 2.1 image to video 14B, 720 lines", "Wan2.1-I2V-14B-720P-Diffusers", 90,
         (ONE, HD, SHIFTED), one, {**FORTY, "scheduler.flow_shift": 5.0}),
    )  # fmt: skip
    return tuple(
        KnownModel(_wan_card(name, title, repo, disk, PICTURE, *facts), FROM_PICTURE, shape, traits)
        for name, title, repo, disk, facts, shape, traits in rows
    )


def _wan_pair() -> KnownModel:
    """Picture to video by two transformers; a last frame can be given as well."""
    pair = _wan_card(
        "wan2.2-i2v-a14b", "Wan 2.2 image to video A14B", "Wan2.2-I2V-A14B-Diffusers", 126, BOTH, PICTURE_PAIR, HD,
        {"options": with_defaults(WanPairOptions, {"guidance": 3.5, "guidance_low": 3.5, "shift": 5.0})},
    )  # fmt: skip
    needs = {"index.boundary_ratio": ..., "transformer.image_dim": None}
    return KnownModel(pair, FROM_PICTURE, needs, {"index.boundary_ratio": 0.9})


def _wan_ti2v() -> KnownModel:
    """Text or a first frame, one transformer, 32 times smaller latents, 24 fps."""
    size: Facts = {"native_size": (1280, 704), "film_size": (1280, 704), "max_pixels": 1280 * 704, "size_step": 32}
    both: Facts = {"abilities": frozenset({TEXT, FIRST, VIDEO, AVOID}), "overlap": 1, "max_opening": 1, "chain": 3}
    card = _wan_card(
        "wan2.2-ti2v-5b", "Wan 2.2 text and image to video 5B", "Wan2.2-TI2V-5B-Diffusers", 34,
        _size(demands.WAN_5B, 5.0, vae=0.705), size, both, SHIFTED,
        {"fps": Fraction(24), "max_frames": 121, "dialect": WAN_PICTURE},
    )  # fmt: skip
    return KnownModel(card, (*FROM_TEXT, *FROM_PICTURE), {"index.expand_timesteps": True}, THIRTY)
