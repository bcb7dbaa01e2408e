"""Films hold together on the embedded model: beats at their seams, the shots of a scene in their colours."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from sora_cli.engines import catalogue
from sora_cli.events import Recording
from sora_cli.media.read import read_frames
from sora_cli.plan import Plan, plan_takes
from sora_cli.plan.data import TakeFields
from sora_cli.plan.timeline import assemble
from sora_cli.shoot.studio import Studio
from sora_cli.store import Store
from sora_cli.storyboard.model import Look
from tests.boards import board
from tests.master.test_colour import looked, spread

PAIRS = 2
FEWER = {"steps": 8}
"""A third of nano's steps: what is shown here does not hang on them."""
ACTORS = ("red ball", "blue box")
PLACES = ("in the city at night", "in the forest, day")
"""Places that are told apart: in rendered clips of the world itself the median is 9 dB here, and 5 dB on the grass and
by the sea, where any stretch looks like another and waves move."""


def pairs() -> Plan:
    """Shots of two beats, the second carrying on from the first."""
    still, rolls = "a {} stays still {}", "the {} rolls to the right {}"
    shots = [
        {"beats": [{"prompt": words.format(actor, place), "duration": "0.5s"} for words in (still, rolls)]}
        for actor, place in zip(ACTORS, PLACES, strict=True)
    ]  # fmt: skip
    return plan_takes(board(*shots, output={"fps": 12}, options=FEWER), catalogue.card)


def without_opening(plan: Plan) -> Plan:
    """The same takes, seeds and all, with nothing to carry on from."""
    takes = [replace(take, opening=None) for take in plan.takes]
    return replace(plan, takes=tuple(replace(take, key=TakeFields.of(take).take_key) for take in takes), shots=())


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def test_a_carried_beat_is_nearer_to_the_frame_before_it(tmp_path: Path) -> None:
    plan = pairs()
    gains = []
    with Studio(Store(tmp_path)) as studio:
        studio.shoot(plan, Recording())
        studio.shoot(without_opening(plan), Recording())
        for before, after in zip(plan.takes[::2], plan.takes[1::2], strict=True):
            free = replace(after, opening=None)
            last, first, alone = (
                read_frames(studio.store.find(key).path, at, 1)
                for key, at in (
                    (before.key, before.skip + before.play - 1),
                    (after.key, after.skip),
                    (TakeFields.of(free).take_key, after.skip),
                )
            )
            gains.append(psnr(first, last) - psnr(alone, last))
    assert len(gains) == PAIRS
    assert min(gains) >= 6.0, gains


def test_shots_of_one_scene_come_together_in_colour(tmp_path: Path) -> None:
    """In the median of four films: once in sixty clips nano takes day for night, which is no drift, and is left so."""
    shots = [{"prompt": f"a {actor} stays still", "duration": "0.5s"} for actor in ACTORS]
    ratios = []
    with Studio(Store(tmp_path)) as studio:
        for seed, (setting, light) in product(range(1, 3), (("a beach", "sunset"), ("a meadow", "daylight"))):
            scene = {"setting": setting, "light": light, "shots": shots}
            plan = plan_takes(board(scenes=[scene], seed=seed, output={"fps": 12}, options=FEWER), catalogue.card)
            cut = assemble(plan, studio.shoot(plan, Recording()))
            before, after = (spread(looked(cut, Look(match))) for match in ("off", "scene"))
            ratios.append(after / before)
    assert float(np.median(ratios)) <= 0.5, ratios
