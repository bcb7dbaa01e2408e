"""Lucy Edit as released in diffusers' layout: it changes films as words say.

Facts are from its model card, its demonstration and the pipeline's documentation.
"""

from __future__ import annotations

from fractions import Fraction

from sora_cli.engines.cards import demands
from sora_cli.engines.cards.dialects import LUCY
from sora_cli.engines.cards.known import AVOID, INSTRUCT, KnownModel, card_of
from sora_cli.engines.options import WanOptions, with_defaults


def lucy() -> KnownModel:
    """Wan 2.2 TI2V-5B, taught to follow instructions: a film's latents stand beside those that are made."""
    card = card_of(
        {
            "name": "lucy-edit", "title": "Lucy Edit Dev 5B: films changed by instructions", "family": "lucy",
            "source": "decart-ai/Lucy-Edit-Dev", "revision": "", "disk_gb": 34,
            "options": with_defaults(WanOptions, {"quality_avoid": ""}),
            "abilities": frozenset({INSTRUCT, AVOID}), "needs": frozenset({INSTRUCT}),
            "frame_step": 4, "frame_offset": 1, "min_frames": 5, "max_frames": 81, "fps": Fraction(24),
            "size_step": 32, "native_size": (832, 480), "film_size": (832, 480), "max_pixels": 832 * 480,
            "default_seconds": Fraction(81, 24), "overlap": 0, "max_opening": 0, "prompt_tokens": 512,
            "draft": {"steps": 12}, "shares": True, "caches": True, "demand": demands.LUCY, "dialect": LUCY,
            "weights": {"transformer": 5.0, "vae": 0.705, "text_encoder": 5.68},
            "licence": "Lucy Edit Dev Model Non-Commercial License 1.0",
        }
    )  # fmt: skip
    return KnownModel(card, ("LucyEditPipeline",), {"transformer.in_channels": 96}, {"transformer.num_layers": 30})
