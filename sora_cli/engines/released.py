"""The models that `sora` knows by name, as cards: plain data, no torch.

Each card is a template: `catalogue` fills in where the weights lie and their revision. `traits` are values in the
checkpoint's own configuration files by which a folder is recognised as this model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from sora_cli.engines.base import Ability, EngineCard
from sora_cli.engines.options import NanoOptions, WanVaceOptions, with_defaults

NANO = Path(__file__).parent / "nano"
APACHE = "Apache-2.0"

_VACE_ABILITIES = frozenset(
    {
        Ability.TEXT,
        Ability.FIRST_FRAMES,
        Ability.LAST_FRAME,
        Ability.REFERENCES,
        Ability.INPAINT,
        Ability.NEGATIVE_PROMPT,
    }
)


@dataclass(frozen=True, slots=True)
class Known:
    """A model we know: its card, the pipeline classes its index may name, and what its configurations say.

    One that stands `alone` lends its card to no model that is merely like it.
    """

    card: EngineCard
    pipelines: tuple[str, ...]
    traits: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False


def _wan_vace(name: str, title: str, repo: str, **facts: Any) -> EngineCard:  # noqa: ANN401  a card's own fields
    return EngineCard(
        name=name, title=title, family="wan-vace", source=repo, revision="",
        abilities=_VACE_ABILITIES,
        frame_step=4, frame_offset=1, max_frames=81, min_frames=5, fps=Fraction(16), overlap=5, max_opening=77,
        size_step=16, native_size=(832, 480), film_size=(832, 480), default_seconds=Fraction(5),
        max_references=3, prompt_tokens=512, draft={"steps": 12}, licence=APACHE,
        **{"max_pixels": 832 * 480, "options": WanVaceOptions, **facts},
    )  # fmt: skip


def nano_card() -> EngineCard:
    """The embedded model's card; its words are read from the folder."""
    words = NANO / "words.txt"
    return EngineCard(
        name="nano", title="nano, the embedded model: small, simple scenes", family="wan-vace",
        source=str(NANO), revision="", options=NanoOptions, abilities=_VACE_ABILITIES - {Ability.INPAINT},
        frame_step=4, frame_offset=1, max_frames=17, min_frames=17, fps=Fraction(12), overlap=5, max_opening=13,
        size_step=16, max_pixels=192 * 128, native_size=(192, 128), film_size=(480, 320), fixed_size=True,
        default_seconds=Fraction(17, 12), max_references=1, prompt_tokens=64, draft={"steps": 8},
        words=frozenset(words.read_text(encoding="utf-8").split()) if words.is_file() else None,
        licence=APACHE, memory_gb=0.6, disk_gb=0.04,
    )  # fmt: skip


def known() -> tuple[Known, ...]:
    """Every model known by name, the embedded one first."""
    return (
        Known(nano_card(), ("WanVACEPipeline",), {"vae._class_name": "PaperAutoencoder"}, alone=True),
        Known(
            _wan_vace(
                "wan2.1-vace-1.3b", "Wan 2.1 VACE 1.3B", "Wan-AI/Wan2.1-VACE-1.3B-diffusers",
                memory_gb=16, disk_gb=19, weights={"transformer": 2.1, "text_encoder": 5.7, "vae": 0.13},
            ),
            ("WanVACEPipeline",), {"transformer.num_layers": 30, "transformer.num_attention_heads": 12},
        ),
        Known(
            _wan_vace(
                "wan2.1-vace-14b", "Wan 2.1 VACE 14B", "Wan-AI/Wan2.1-VACE-14B-diffusers",
                memory_gb=48, disk_gb=75, max_pixels=1280 * 720,
                options=with_defaults(WanVaceOptions, {"shift": 5.0}),
                weights={"transformer": 17.3, "text_encoder": 5.7, "vae": 0.13},
            ),
            ("WanVACEPipeline",), {"transformer.num_layers": 40, "transformer.num_attention_heads": 40},
        ),
    )  # fmt: skip
