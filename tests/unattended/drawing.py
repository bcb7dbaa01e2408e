"""An engine that draws, as another package would bring it: no model, no torch, the same frames for the same take.

`SORA_DRAW_STEP` is how many seconds each of its four steps takes; `SORA_DRAW_LOG` names a file in which each take
that it finishes is a line.
"""

from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from sora_cli.engines.base import Ability, EngineCard, Footage, Given, Progress, Take
from sora_cli.errors import DeviceLost, RenderError

STEPS = 4


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shade: int = 0
    fails: bool = False
    lost: int = 0
    """How many times the device is lost before the take is made."""


CARD = EngineCard(
    name="drawing", title="draws", family="tests.unattended.drawing:Drawing", source="", revision="d1",
    options=Options, abilities=frozenset(Ability) - {Ability.SOUND}, frame_step=4, frame_offset=1, max_frames=25,
    fps=Fraction(12), size_step=16, max_pixels=192 * 128, native_size=(192, 128), film_size=(192, 128),
    default_seconds=Fraction(1), overlap=5, max_references=2,
)  # fmt: skip

SAME = {name: getattr(CARD, name) for name in EngineCard.__slots__}
OTHER = EngineCard(**SAME | {"name": "drawing-2"})
LONG = EngineCard(**SAME | {"name": "drawing-long", "max_frames": 121})


class Drawing:
    def __init__(self, card: EngineCard, **_ignored: object) -> None:
        self.card = card
        self.device_name = os.environ.get("SORA_DRAW_DEVICE", "paper")

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        for step in range(1, STEPS + 1):
            time.sleep(float(os.environ.get("SORA_DRAW_STEP", "0")))
            progress(step, STEPS)
        if take.options["shade"] == 13:
            raise ZeroDivisionError("a mistake of the engine's")
        if take.options["fails"]:
            raise RenderError("the model saw red")
        log = os.environ.get("SORA_DRAW_LOG", "")
        if take.options["lost"]:
            with Path(f"{log}.lost").open("a+", encoding="utf-8") as file:
                file.write(f"{take.key}\n")
                file.seek(0)
                if file.read().count(take.key) <= take.options["lost"]:
                    raise DeviceLost("the device went away")
        across = np.arange(take.width, dtype=np.uint8)[None, None, :, None]
        along = np.arange(take.frames, dtype=np.uint8)[:, None, None, None]
        shade = np.array([take.seed % 251, take.seed // 251 % 251, take.options["shade"]], np.uint8)
        across = across + np.uint8(os.environ.get("SORA_DRAW_DRIFT", "0"))
        frames = np.broadcast_to(
            across + 3 * along + shade, (take.frames, take.height, take.width, 3)
        ).copy()  # fmt: skip
        if given.opening is not None:
            frames[: len(given.opening)] = given.opening
        if log:
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"{take.key} {take.name} {os.getpid()}\n")
        return Footage(frames, take.fps)

    def close(self) -> None:
        pass
