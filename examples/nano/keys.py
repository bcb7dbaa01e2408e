"""Measure whether nano shows more of what is asked where a storyboard says it under keys, not in a sentence.

python -m examples.nano.keys --clips 200     held-out captions as they are, and the same facts under keys, with what
                                             nano's dialect avoids for the sake of the camera, and without
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from sora_cli import storyboard
from sora_cli.engines import catalogue
from sora_cli.plan.prompt import Prompt, write

from .config import CHECKPOINT
from .examiner import Examiner
from .scene import Scene
from .score import Studio, cases_of, judge
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
KEYS_SEED = 996_001
"""Held-out cases that neither the words of the dialect nor any other score was looked at on."""


def shot(scene: Scene, said: Mapping[str, str]) -> dict[str, str]:
    """A shot of a storyboard that says what a caption says, each fact under its key, in the first words for it."""
    size = SIZE_WORDS[scene.size][0] if "size" in said else ""
    actor = _named(size, COLOUR_WORDS[scene.colour][0], SHAPE_WORDS[scene.shape][0])
    other = ""
    if scene.other is not None:
        shape, colour = scene.other
        other = _named(COLOUR_WORDS[colour][0], SHAPE_WORDS[shape][0])
    if scene.action in WITH_OTHER_WORDS:
        action = WITH_OTHER_WORDS[scene.action][0].format(other)
    else:
        action = ACTION_WORDS[scene.action][0] + (f" beside {other}" if other else "")
    keys = {"prompt": f"{actor} {action}", "setting": SETTING_WORDS[scene.place][0], "light": scene.time}
    keys |= {"camera": CAMERA[scene.camera]} if "camera" in said else {}
    keys |= {"framing": scene.framing} if "framing" in said else {}
    keys |= {"pace": "slow motion"} if said.get("pace") == "slow" else {}
    return keys | ({"style": LOOK_WORDS[scene.style][0]} if scene.style != "paper" and "style" in said else {})


def _named(*words: str) -> str:
    """A thing with its article."""
    text = " ".join(filter(None, words))
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def prompt(scene: Scene, said: Mapping[str, str]) -> Prompt:
    """What nano is told of such a shot, and what it avoids."""
    board = storyboard.from_data({"shots": [shot(scene, said)]}, folder=Path())
    return write(board.shots[0].beats[0], board.cast, catalogue.card("nano"))


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=KEYS_SEED, help="of the cases")
    options = parser.parse_args()
    studio, examiner = Studio(CHECKPOINT, STEPS, GUIDANCE), Examiner()
    right: dict[str, dict[str, list[bool]]] = {
        way: defaultdict(list) for way in ("captions", "nothing avoided", "keys")
    }
    for number, (scene, text, said) in enumerate(cases_of(options.clips, options.seed)):
        keyed = prompt(scene, said)
        ways = {"captions": (text, ""), "nothing avoided": (keyed.text, ""), "keys": (keyed.text, *keyed.avoided)}
        for way, (told, *avoided) in ways.items():
            clip = studio.shoot(told, options.seed + number, avoid=", ".join(avoided))
            found = judge([scene], examiner.look(clip[None]))
            for name, values in found.items():
                right[way][name] += values
        if (number + 1) % 20 == 0:
            print(tables(right), flush=True)
    print(tables(right), flush=True)
    print(f"median seconds for a clip: {np.median(studio.seconds):.1f}")


def tables(right: Mapping[str, Mapping[str, list[bool]]]) -> str:
    """What was right under keys, against captions and against keys with nothing avoided."""
    return "\n\n".join(table(right, other) for other in right if other != "keys")


def table(right: Mapping[str, Mapping[str, list[bool]]], other: str) -> str:
    """What was right, and by a sign test how often chance alone sets another way and keys so far apart."""
    lines = [f"| right | clips | {other} | keys | only {other} | only keys | p |", "|---|---|---|---|---|---|---|"]
    for name in right["keys"]:
        plain, keyed = (np.array(right[way][name], bool) for way in (other, "keys"))
        lost, won = int((plain & ~keyed).sum()), int((keyed & ~plain).sum())
        p = binomtest(won, won + lost).pvalue if won + lost else 1.0
        shares = f"{100 * plain.mean():.1f} % | {100 * keyed.mean():.1f} %"
        lines.append(f"| {name} | {len(plain)} | {shares} | {lost} | {won} | {p:.2g} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
