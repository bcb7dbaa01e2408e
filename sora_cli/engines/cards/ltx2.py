"""LTX-2 as released in diffusers' layout: 2.0, 2.3 and 2.5, full and distilled.

Facts are from the models' cards, the pipelines' documentation and the reference code of Lightricks/LTX-2.
"""

from __future__ import annotations

from fractions import Fraction

from sora_cli.engines.base import EngineCard
from sora_cli.engines.cards import demands
from sora_cli.engines.cards.dialects import LTX, LTX_25
from sora_cli.engines.cards.known import AVOID, FIRST, LAST, SOUND, TEXT, VIDEO, KnownModel, card_of
from sora_cli.engines.family_options import Ltx2DistilledOptions, Ltx2Options
from sora_cli.engines.options import with_defaults

LICENCE = (
    "LTX-2.x Community License: free below 10 million US dollars of yearly revenue, above it commercial use is paid;"
    " some uses are forbidden"
)
GATED = "gated: accept its licence on its page at the hub, then log in (hf auth login)"
PIPELINES = ("LTX2Pipeline", "LTX2ImageToVideoPipeline", "LTX2ConditionPipeline")
FULL = frozenset({TEXT, FIRST, LAST, VIDEO, SOUND, AVOID})
GEMMA = {"text_encoder": 12.2, "audio_vae": 0.05, "vocoder": 0.06}
# What tells the three apart in their transformers' configurations.
IS_20 = {"transformer.cross_attn_mod": False}
IS_23 = {"transformer.cross_attn_mod": True, "transformer.ff_bias": True}
IS_25 = {"transformer.cross_attn_mod": True, "transformer.ff_bias": False}


def _card(name: str, title: str, repo: str, **facts: object) -> EngineCard:
    """What they share: 8k+1 frames, sizes in steps of 32, 24 fps, 1024 tokens, stereo sound."""
    shared: dict[str, object] = {
        "family": "ltx2", "options": Ltx2Options, "abilities": FULL, "frame_step": 8, "frame_offset": 1,
        "min_frames": 9, "max_frames": 257, "fps": Fraction(24), "overlap": 9, "max_opening": 97, "size_step": 32,
        "native_size": (768, 512), "film_size": (768, 512), "max_pixels": 1920 * 1088,
        "default_seconds": Fraction(5), "prompt_tokens": 1024, "sound_rate": 24000, "tails": True, "licence": LICENCE,
        "draft": {"steps": 12, "spatiotemporal": 0.0, "modality": 1.0},
        "weights": {"transformer": 18.9, "connectors": 1.4, "vae": 1.22, **GEMMA},
        "demand": demands.LTX_20, "disk_gb": 65, "dialect": LTX,
    }  # fmt: skip
    return card_of({"name": name, "title": title, "source": repo, "revision": "", **shared, **facts})


def ltx2() -> tuple[KnownModel, ...]:
    """LTX-2.0, 2.3 and 2.5; a distilled one's scheduler shifts nothing."""
    first = with_defaults(
        Ltx2Options,
        {"steps": 40, "guidance": 4.0, "sound_guidance": 4.0, "spatiotemporal": 0.0, "modality": 1.0, "rescale": 0.0},
    )
    fast: dict[str, object] = {
        "options": Ltx2DistilledOptions,
        "abilities": FULL - {AVOID},
        "draft": {},
        "option_steps": {"two_stage": 64},
        "option_parts": {"two_stage": "latent_upsampler"},
    }
    larger: dict[str, object] = {
        "weights": {"transformer": 19.0, "connectors": 3.2, "vae": 0.73, **GEMMA},
        "demand": demands.LTX_23,
        "disk_gb": 75,
        "native_size": (960, 544),
        "film_size": (960, 544),
        "sound_rate": 48000,
    }
    as_it_is = {"scheduler.use_dynamic_shifting": False}
    shifted = {"scheduler.use_dynamic_shifting": True}
    full = _card("ltx-2", "LTX-2 19B", "Lightricks/LTX-2", options=first)
    return (
        KnownModel(full, PIPELINES, traits={**IS_20, **shifted}),
        KnownModel(
            _card("ltx-2-distilled", "LTX-2 19B, distilled: 8 steps", "rootonchair/LTX-2-19b-distilled", **fast),
            PIPELINES, traits={**IS_20, **as_it_is},
        ),
        KnownModel(_card("ltx-2.3", "LTX-2.3 22B", "diffusers/LTX-2.3-Diffusers", **larger), PIPELINES,
              traits={**IS_23, **shifted}),
        KnownModel(
            _card("ltx-2.3-distilled", "LTX-2.3 22B, distilled: 8 steps", "diffusers/LTX-2.3-Distilled-Diffusers",
                  **larger, **fast),
            PIPELINES, traits={**IS_23, **as_it_is},
        ),
        *_ltx25(fast, larger),
    )  # fmt: skip


def _ltx25(fast: dict[str, object], larger: dict[str, object]) -> tuple[KnownModel, ...]:
    """One repository holds both: `transformer/` is the distilled one, `transformer_full/` the full one."""
    repo, facts = "Lightricks/LTX-2.5-Diffusers", {**larger, "notes": (GATED,), "disk_gb": 125, "dialect": LTX_25}
    quick = _card("ltx-2.5", "LTX-2.5 22B, distilled: 8 steps", repo, **{**facts, **fast})
    full = _card("ltx-2.5-full", "LTX-2.5 22B, full", repo, **facts, parts={"transformer": "transformer_full"})
    return KnownModel(quick, PIPELINES, IS_25), KnownModel(
        full, PIPELINES, {**IS_25, "transformer_full.ff_bias": False}
    )
