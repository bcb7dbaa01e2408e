"""Helios and MiniMax-H3 as released in diffusers' layout.

Facts are from the models' cards and licences and from the pipelines' documentation.
"""

from __future__ import annotations

from fractions import Fraction

from sora_cli.engines.base import EngineCard
from sora_cli.engines.cards import demands
from sora_cli.engines.cards.dialects import H3, HELIOS
from sora_cli.engines.cards.known import APACHE, AVOID, FIRST, LAST, REFERENCES, SOUND, TEXT, KnownModel, card_of
from sora_cli.engines.family_options import HeliosDistilledOptions, HeliosMidOptions, HeliosOptions, MiniMaxH3Options

H3_LICENCE = (
    "MiniMax H3 Community License: not for use in the EU, the UK, South Korea and the USA without MiniMax's leave;"
    " commercial use free below 20 million US dollars of yearly revenue; some uses are forbidden"
)


def _helios(name: str, title: str, repo: str, **facts: object) -> EngineCard:
    """What they share: 33 frames at a time, 24 fps, 640x384, continuation with latents handed on."""
    shared: dict[str, object] = {
        "family": "helios", "shares": True, "options": HeliosOptions, "abilities": frozenset({TEXT, FIRST, AVOID}),
        "frame_step": 33, "frame_offset": 0, "min_frames": 33, "max_frames": 33 * 44, "fps": Fraction(24),
        "overlap": 33, "max_opening": 33 * 4, "size_step": 64, "native_size": (640, 384), "film_size": (640, 384),
        "max_pixels": 640 * 384, "default_seconds": Fraction(99, 24), "prompt_tokens": 512, "tails": True,
        "edition": 1,  # since the given picture is the film's first frame
        "draft": {"steps": 15}, "licence": APACHE, "demand": demands.HELIOS, "disk_gb": 80,
        "weights": {"transformer": 14.4, "text_encoder": 5.68, "vae": 0.127}, "dialect": HELIOS,
    }  # fmt: skip
    return card_of({"name": name, "title": title, "source": repo, "revision": "", **shared, **facts})


def helios() -> tuple[KnownModel, ...]:
    """The base model, the middle one (three sizes) and the distilled one (two steps each)."""
    base = _helios("helios-base", "Helios-Base 14B: long takes", "BestWishYsh/Helios-Base")
    mid = _helios(
        "helios-mid",
        "Helios-Mid 14B: long takes, three sizes",
        "BestWishYsh/Helios-Mid",
        options=HeliosMidOptions,
        draft={"stage_steps": 6},
    )
    fast = _helios(
        "helios-distilled",
        "Helios-Distilled 14B: long takes, near real time on a large card",
        "BestWishYsh/Helios-Distilled",
        options=HeliosDistilledOptions,
        abilities=frozenset({TEXT, FIRST}),
        draft={},
    )
    many = {"transformer.num_layers": 40}
    pyramid = ("HeliosPyramidPipeline",)
    return (
        KnownModel(base, ("HeliosPipeline",), traits=many),
        KnownModel(mid, pyramid, {"scheduler._class_name": "HeliosScheduler"}, many),
        KnownModel(fast, pyramid, {"scheduler._class_name": "HeliosDMDScheduler"}, many),
    )


def minimax_h3() -> KnownModel:
    """17n+5 frames from 5 to 15 s, 24 fps, stereo at 32 kHz; keyframes at both ends, or references."""
    card = EngineCard(
        name="minimax-h3", title="MiniMax-H3 33B: video with stereo sound", family="minimax-h3", shares=True,
        source="MiniMaxAI/MiniMax-H3", revision="", options=MiniMaxH3Options,
        abilities=frozenset({TEXT, FIRST, LAST, REFERENCES, SOUND}), frame_step=17, frame_offset=5, min_frames=124,
        max_frames=345, fps=Fraction(24), overlap=1, max_opening=1, size_step=32, native_size=(1344, 768),
        film_size=(1344, 768), max_pixels=1344 * 768, default_seconds=Fraction(124, 24), max_references=9,
        max_film_references=3, max_sound_references=3, max_references_in_all=12, references_alone=True,
        chain=3,  # "keeping generations < 3 clips is the best fix": NikoDemon80/ComfyUI-H3-Motion-Context, issue 20
        sound_rate=32000, draft={"steps": 16}, draft_scale=0.7, licence=H3_LICENCE, demand=demands.H3, disk_gb=190,
        dialect=H3,
        weights={"transformer": 30.9, "transformer_ref": 30.9, "text_encoder": 31.0, "vae": 1.0, "audio_vae": 0.2},
        notes=("keyframes and references cannot be given to one take; with both, the keyframes are used",
               "needs the package torchvision, of the build that torch is of"),
    )  # fmt: skip
    return KnownModel(card, ("MiniMaxH3ModularPipeline", "MiniMaxH3Blocks"), traits={"transformer.num_layers": 50})
