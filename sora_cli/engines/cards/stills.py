"""Models of pictures as released in diffusers' layout: the stills that shots begin and end on.

Steps, guidance and sizes are from the models' cards and the pipelines' documentation; weights from their files.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sora_cli.engines.base import EngineCard
from sora_cli.engines.cards.dialects import FLUX_2, STILL
from sora_cli.engines.cards.known import APACHE, AVOID, REFERENCES, TEXT, KnownModel, card_of
from sora_cli.engines.family_options import BakedStillOptions, StillOptions
from sora_cli.engines.options import with_defaults


def _card(
    name: str,
    title: str,
    repo: str,
    *,
    steps: int,
    guidance: float,
    base: type[StillOptions] = StillOptions,
    **facts: object,
) -> EngineCard:
    """What they share: one frame, about a megapixel at least, sizes in steps of 16."""
    shared: dict[str, object] = {
        "family": "stills", "options": with_defaults(base, {"steps": steps, "guidance": guidance}),
        "abilities": frozenset({TEXT, AVOID}), "frame_step": 1, "frame_offset": 0, "max_frames": 1, "fps": Fraction(1),
        "overlap": 0, "max_opening": 0, "size_step": 16, "min_pixels": 512 * 512, "max_pixels": 2048 * 2048,
        "native_size": (1024, 1024), "film_size": (1024, 1024), "default_seconds": Fraction(1), "prompt_tokens": 512,
        "licence": APACHE, "dialect": STILL,
    }  # fmt: skip
    return card_of({"name": name, "title": title, "source": repo, "revision": "", **shared, **facts})


def stills() -> tuple[KnownModel, ...]:
    """FLUX.2 klein, Qwen-Image, Z-Image and Sana; the first takes pictures of the cast."""
    return *_klein(), _qwen(), *_z_image(), _sana()


def _klein() -> tuple[KnownModel, ...]:
    """The distilled model, and the base that it was made of; neither can be told what to avoid."""
    shared: dict[str, Any] = {
        "abilities": frozenset({TEXT, REFERENCES}),
        "max_references": 4,
        "dialect": FLUX_2,
        "prompt_tokens": 500,
        "template_tokens": 12,
        "disk_gb": 16,
        "weights": {"transformer": 3.9, "text_encoder": 4.0, "vae": 0.08},
    }
    repo, pipelines = "black-forest-labs/FLUX.2-klein", ("Flux2KleinPipeline",)
    title = "FLUX.2 klein 4B: stills in 4 steps, with references"
    fast = _card("flux-2-klein", title, f"{repo}-4B", steps=4, guidance=1.0, base=BakedStillOptions, **shared)
    title = "FLUX.2 klein base 4B: stills with references"
    slow = _card("flux-2-klein-base", title, f"{repo}-base-4B", steps=50, guidance=4.0, **shared)
    layers = {"transformer.num_layers": 5}
    return (
        KnownModel(fast, pipelines, traits={"index.is_distilled": True, **layers}),
        KnownModel(slow, pipelines, traits={"index.is_distilled": None, **layers}),
    )


def _qwen() -> KnownModel:
    card = _card(
        "qwen-image",
        "Qwen-Image 20B: stills",
        "Qwen/Qwen-Image",
        steps=50,
        guidance=4.0,
        caches=True,
        prompt_tokens=1024,
        disk_gb=58,
        weights={"transformer": 20.4, "text_encoder": 8.3, "vae": 0.13},
    )
    return KnownModel(card, ("QwenImagePipeline",), traits={"transformer.num_layers": 60})


def _z_image() -> tuple[KnownModel, ...]:
    """The distilled model, and the one that it was made of. Steps are passes: diffusers' last one once did nothing."""
    shared: dict[str, Any] = {"disk_gb": 33, "weights": {"transformer": 6.2, "text_encoder": 4.0, "vae": 0.08}}
    shared |= {"prompt_tokens": 504, "template_tokens": 8}
    repo, pipelines, layers = "Tongyi-MAI/Z-Image", ("ZImagePipeline",), {"transformer.n_layers": 30}
    title, told = "Z-Image Turbo 6B: stills in 8 steps", frozenset({TEXT})
    fast = _card("z-image-turbo", title, f"{repo}-Turbo", steps=8, guidance=1.0, abilities=told, **shared)
    slow = _card("z-image", "Z-Image 6B: stills", repo, steps=50, guidance=4.0, **shared)
    return (
        KnownModel(fast, pipelines, traits={**layers, "scheduler.shift": 3.0}),
        KnownModel(slow, pipelines, traits={**layers, "scheduler.shift": 6.0}),
    )


def _sana() -> KnownModel:
    card = _card(
        "sana",
        "Sana 1.6B: stills",
        "Efficient-Large-Model/Sana_1600M_1024px_diffusers",
        steps=20,
        guidance=4.5,
        size_step=32,
        prompt_tokens=300,
        licence="see its model card",
        disk_gb=13,
        weights={"transformer": 1.6, "text_encoder": 2.6, "vae": 0.31},
    )
    return KnownModel(card, ("SanaPipeline",), traits={"transformer.num_layers": 20})
