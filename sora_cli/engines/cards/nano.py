"""The embedded model's card."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from msgspec.structs import replace

from sora_cli.engines.base import EngineCard
from sora_cli.engines.cards import demands
from sora_cli.engines.cards.dialects import NANO as TAUGHT
from sora_cli.engines.cards.known import APACHE, VACE, KnownModel
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.options import NanoOptions

NANO = Path(__file__).parents[1] / "nano"


def nano() -> KnownModel:
    """The embedded model, recognised by its autoencoder's class."""
    return KnownModel(nano_card(), ("WanVACEPipeline",), {"vae._class_name": "PaperAutoencoder"})


def sized(card: EngineCard, found: Checkpoint) -> EngineCard:
    """The card of a model that nano's recipe made, by the clips that its checkpoint says it is for; else as it is."""
    width, height, frames = (found.value(f"vae.sample_{what}") for what in ("width", "height", "frames"))
    token = found.value("transformer.patch_size")
    if not (isinstance(width, int) and isinstance(height, int) and isinstance(frames, int) and isinstance(token, list)):
        return card
    size, seconds = (width, height), Fraction(frames) / card.fps
    return replace(
        card, max_frames=frames, min_frames=frames, max_opening=frames - card.frame_step, default_seconds=seconds,
        native_size=size, film_size=size, max_pixels=width * height, size_step=32 * token[-1],
    )  # fmt: skip


def nano_card() -> EngineCard:
    """The embedded model's card; its words are read from the folder."""
    words = NANO / "words.txt"
    return EngineCard(
        name="nano", title="nano, the embedded model: small, simple scenes", family="wan-vace",
        source=str(NANO), revision="", options=NanoOptions, abilities=VACE,
        frame_step=4, frame_offset=1, max_frames=17, min_frames=17, fps=Fraction(12), overlap=5, max_opening=13,
        size_step=64, max_pixels=384 * 256, native_size=(384, 256), film_size=(384, 256), fixed_size=True,
        default_seconds=Fraction(17, 12), max_references=1, prompt_tokens=64, draft={"steps": 6},
        dialect=TAUGHT,
        words=frozenset(words.read_text(encoding="utf-8").split()) if words.is_file() else None,
        subjects=("ball", "box", "star", "triangle", "ring", "heart"),
        foley=True, stills=True, caches=True, licence=APACHE, demand=demands.NANO, disk_gb=0.04,
    )  # fmt: skip
