"""Measure whether nano shows more of what is asked where a storyboard says it under keys, not in a sentence.

python -m examples.nano.keys --clips 100      held-out captions as they are, and the same facts under keys
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from sora_cli import storyboard
from sora_cli.engines import catalogue
from sora_cli.plan.prompt import compose

from .config import CHECKPOINT
from .examiner import Examiner
from .scene import Scene
from .score import SEED, Studio, cases_of, judge
from .sheet import GUIDANCE, STEPS
from .words import ACTION_WORDS, COLOUR_WORDS, LOOK_WORDS, SETTING_WORDS, SHAPE_WORDS, SIZE_WORDS, WITH_OTHER_WORDS

CAMERA = {
    "static": "static",
    "left": "pan left",
    "right": "pan right",
    "up": "tilt up",
    "down": "tilt down",
    "in": "zoom in",
    "out": "zoom out",
}
LIGHT = {"day": "daylight", "sunset": "sunset", "night": "night"}


def shot(scene: Scene, said: Mapping[str, str]) -> dict[str, str]:
    """A shot of a storyboard that says what a caption says, each fact under its key, in the first words for it."""
    size = SIZE_WORDS[scene.size][0] if "size" in said else ""
    actor = " ".join(word for word in (size, COLOUR_WORDS[scene.colour][0], SHAPE_WORDS[scene.shape][0]) if word)
    other = ""
    if scene.other is not None:
        shape, colour = scene.other
        other = f"a {COLOUR_WORDS[colour][0]} {SHAPE_WORDS[shape][0]}"
    if scene.action in WITH_OTHER_WORDS:
        action = WITH_OTHER_WORDS[scene.action][0].format(other)
    else:
        action = ACTION_WORDS[scene.action][0] + (f" beside {other}" if other else "")
    keys = {"prompt": f"a {actor} {action}", "setting": SETTING_WORDS[scene.place][0], "light": LIGHT[scene.time]}
    keys |= {"camera": CAMERA[scene.camera]} if "camera" in said else {}
    keys |= {"framing": scene.framing} if "framing" in said else {}
    keys |= {"pace": "slow motion"} if said.get("pace") == "slow" else {}
    return keys | ({"style": LOOK_WORDS[scene.style][0]} if scene.style != "paper" and "style" in said else {})


def prompt(scene: Scene, said: Mapping[str, str]) -> str:
    """The prompt that nano is sent for such a shot."""
    board = storyboard.from_data({"shots": [shot(scene, said)]}, folder=Path())
    return compose(board.shots[0].beats[0], board.cast, catalogue.card("nano"))


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=100)
    count = parser.parse_args().clips
    cases, studio, examiner = cases_of(count), Studio(CHECKPOINT, STEPS, GUIDANCE), Examiner()
    scenes, right = [scene for scene, _, _ in cases], {}
    told = {
        "captions": [text for _, text, _ in cases],
        "keys": [prompt(scene, said) for scene, _, said in cases],
    }
    for name, texts in told.items():
        videos = torch.stack([studio.shoot(text, SEED + i) for i, text in enumerate(texts)])
        right[name] = judge(scenes, examiner.look(videos))
    print(f"| of {count} clips | captions | keys | only captions right | only keys right |\n|---|---|---|---|---|")
    for name in right["captions"]:
        plain, keyed = (np.array(right[way][name]) for way in told)
        shares = f"{100 * plain.mean():.1f} % | {100 * keyed.mean():.1f} %"
        print(f"| {name} | {shares} | {(plain & ~keyed).sum()} | {(keyed & ~plain).sum()} |")
    print(f"median seconds for a clip: {np.median(studio.seconds):.1f}")


if __name__ == "__main__":
    main()
