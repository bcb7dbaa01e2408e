"""An engine of your own: a card that says what it can, and a class that makes frames. Here, coloured waves.

In your package's pyproject.toml, name the card under the entry point group `sora.engines`:

    [project.entry-points."sora.engines"]
    waves = "own_engine:CARD"

Then `engine: waves` in a storyboard works as any other engine does: `check` and `plan` read the card, which loads
nothing heavy, and the class is made once for a film. Its `family` names the class as `module:Class`.
"""

from __future__ import annotations

from fractions import Fraction
from zlib import crc32

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sora_cli.engines.base import Ability, EngineCard, Footage, Given, Progress, Take
from sora_cli.engines.options import Memory
from sora_cli.events import Report


class WaveOptions(BaseModel):
    """What may stand under `options:`; anything else is an error with its line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    waves: int = Field(default=3, ge=1, le=20, description="how many waves across the picture")


CARD = EngineCard(
    name="waves", title="coloured waves, an example", family="own_engine:Waves", source="examples/own_engine.py",
    revision="1", options=WaveOptions, abilities=frozenset({Ability.TEXT, Ability.FIRST_FRAMES}),
    frame_step=1, frame_offset=0, max_frames=240, fps=Fraction(12), overlap=1, size_step=2,
    max_pixels=1920 * 1080, native_size=(320, 180), film_size=(320, 180), default_seconds=Fraction(2),
    licence="Apache-2.0",
)  # fmt: skip


class Waves:
    """Waves whose colour is the prompt's and whose phase goes on from the frame that is given."""

    def __init__(self, card: EngineCard, *, memory: Memory | str, report: Report) -> None:  # noqa: ARG002  given to all
        self.card = card

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        """Draw the take's frames; the same take gives the same frames."""
        options = WaveOptions.model_validate(dict(take.options))
        colour = np.random.default_rng(crc32(take.prompt.encode())).uniform(0.3, 1.0, 3)
        across = np.linspace(0, 2 * np.pi * options.waves, take.width)
        frames = np.empty((take.frames, take.height, take.width, 3), np.uint8)
        for index in range(take.frames):
            wave = 0.5 + 0.5 * np.sin(across + take.seed + index / 4)
            frames[index] = (255 * wave[None, :, None] * colour).astype(np.uint8)
            progress(index + 1, take.frames)
        if given.opening is not None:
            frames[: len(given.opening)] = given.opening
        return Footage(frames, take.fps)

    def close(self) -> None:
        """Nothing is held."""
