"""Storyboards of every key in every combination: whatever is wrong is told, and nothing ends with a traceback.

`SORA_BOARDS` says how many; 7,200 of them were read once.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sora_cli.engines import catalogue
from sora_cli.plan import survey
from sora_cli.plan.advice import advise
from sora_cli.plan.data import TakeFields
from tests.storyboard.boards import reading

SEEDS = range(5)
COUNT = int(os.environ.get("SORA_BOARDS", "60")) // len(SEEDS)
NAMES = ["a", "b", "c", "A", "shot-2", "previous"]
PICTURE, NOWHERE, SOUND = "picture.png", "nowhere.png", "sound.wav"
LINE = {
    "cast": ["mara", "nobody"], "line": ["Hello there.", "", {"file": SOUND}], "file": [SOUND], "at": ["0.5s", "5s", 0],
    "pause": ["1s"], "offscreen": [True],
}  # fmt: skip
EDIT = {
    "of": [*NAMES, SOUND, "film.mp4"], "from": ["0s", "1s", "9s"], "to": ["1s", "2s", "99s"], "prompt": ["a hat"],
    "region": [[0, 0, 0.5, 0.5], [0, 0, 2, 1]], "mask": [PICTURE], "replace": ["the red ball"], "outpaint": ["9:16"],
    "relight": ["sunset"], "restyle": ["ink"], "strength": [0.5], "view": [[-0.1, 0, 1.2, 1]],
}  # fmt: skip
LEVEL = {
    "engine": ["nano", "wan2.2-ti2v-5b", "ltx-2", "flux-2-klein", "minimax-h3", "nobody's", "wan2.1-vace-1.3b"],
    "options": [{}, {"steps": 3}, {"stepz": 1}, {"steps": "x"}, {"lora": "x"}, {"guidance": 99}],
    "seed": [1, -1, 7], "style": ["paper", ""], "avoid": ["text"], "setting": ["a harbour"], "voice": ["mine", "x"],
    "look": ["scene", "film", "previous", "off", PICTURE, {"match": "scene", "strength": 0.5}, None],
    "sound": ["rain", {"words": "thunder", "at": "2s"}, "off", {"music": SOUND, "leads": "1s", "lags": "2s"}, None],
    "camera": ["slow pan left", {"move": "dolly in", "speed": "slow"}, {"move": "x"}], "framing": ["wide", "x"],
    "light": ["dusk", {"key": "low", "hour": "night"}], "mood": ["calm"], "pace": ["slow motion", "x"],
}  # fmt: skip
LINKS = ["previous", "nothing", *NAMES, {"shot": "a", "at": "0.5s"}, {"shot": "b", "at": "start"}, PICTURE, NOWHERE]
BEAT = {
    "prompt": ["a red ball", "@mara walks", "@nobody", 'a [b] "c"', "", None], "from": LINKS, "to": LINKS,
    "duration": ["1s", 3, "20f", "spoken", {"lead": "1s"}, "0.04s", 9, "1:20", None, "x", 0], "pick": [1, 2, 5],
    "reference": [PICTURE, [PICTURE, SOUND], []], "takes": [1, 3, {"up to": 4, "until": "good"}, 0], "sent": ["words"],
}  # fmt: skip
SHOT = {
    "name": NAMES, "keyframe": ["a still", "on", "off", {"first": "x", "last": "on"}], "speed": [0.5, 2, 9],
    "transition": ["cut", "dissolve 0.5s", "fade 1s", "wipe left 0.5s", "dissolve 9s", "x"],
    "title": ["Hi", {"text": "Yo", "duration": "1s", "position": "top"}, {"duration": "1s"}],
    "choices": ["end", "a", [{"say": "left", "go": "b"}, {"say": "right", "go": "end", "after": "3s"}]],
}  # fmt: skip
FILM = {
    "title": ["T", 3], "narrator": ["en-us-2", {"voice": "nobody"}], "say": [{"Mara": "MAH-ra"}], "stills": [{"a": 2}],
    "output": [{"size": "192x128"}, {"size": "9:16"}, {"size": "7x7", "fps": 0}, {"fps": 23.976}, {"upscale": "x.pth"}],
    "subtitles": ["track", "burn", "x"], "policy": ["strict", "off", "p.yaml"], "executor": ["local", "ray"],
    "keyframes": [{"engine": "nano"}, {"engine": "flux-2-klein"}, {"engine": "ltx-2"}, "on"],
    "provenance": [{"watermark": "off"}, {"watermark": {"opacity": 0.1}}], "cost": [{"power": "450 W"}],
    "memory": ["low", {"quantize": "int8"}, {"x": 1}], "sounds": [{"folder": "."}], "review": [{"colour": 3}],
}  # fmt: skip


class Author:
    """Writes storyboards by chance, half of them of what may stand there, in every combination."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  no secret

    def some(self, keys: dict[str, list[object]], share: float) -> dict[str, object]:
        """Some of these keys, each with one of its values."""
        return {key: self.chance.choice(values) for key, values in keys.items() if self.chance.random() < share}

    def several(self, what: Callable[[], object], most: int) -> list[object]:
        return [what() for _ in range(self.chance.randint(0, most))]

    def beat(self) -> object:
        spoken = {"dialogue": self.several(lambda: self.some(LINE, 0.4), 2)} if self.chance.random() < 0.2 else {}
        return {"prompt": "a star falls", **self.some(LEVEL, 0.06), **self.some(BEAT, 0.2), **spoken}

    def shot(self) -> object:
        shot = {"prompt": "a red ball", **self.some(LEVEL, 0.06), **self.some(BEAT, 0.1), **self.some(SHOT, 0.2)}
        if self.chance.random() < 0.12:
            shot["edit"] = self.some(EDIT, 0.4)
        if self.chance.random() < 0.3:
            shot.pop("prompt")
            shot["beats"] = self.several(self.beat, 3)
        return shot if self.chance.random() < 0.8 else "a red ball rolls"

    def film(self) -> dict[str, object]:
        shots = [self.shot(), *self.several(self.shot, 5)]
        parts = {"s": shots[:2], "t": shots[2:] or ["a red ball falls"]}
        halves = [{"name": name, **self.some(LEVEL, 0.06), "shots": part} for name, part in parts.items()]
        told = {"cast": {"mara": {"looks": "a woman", "reference": PICTURE}}, **self.some(LEVEL | FILM, 0.08)}
        return {**told, **({"shots": shots} if self.chance.random() < 0.5 else {"scenes": halves})}


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_written_is_understood_or_told(tmp_path: Path, seed: int) -> None:
    for name in (PICTURE, SOUND, "film.mp4"):
        (tmp_path / name).touch()
    author = Author(seed)
    for _ in range(COUNT):
        text = yaml.safe_dump(author.film(), sort_keys=False)
        found = reading(text, tmp_path)
        assert found.board is not None or found.problems, text
        if found.board is None:
            continue
        seen = survey(found.board, catalogue.card, letters=0)
        assert all(map(str, (*found.problems, *seen.problems)))
        if not found.problems and not seen.problems and seen.plan is not None:
            list(advise(seen.plan))
            keys = [TakeFields.model_validate(TakeFields.of(take).to_dict()).take_key for take in seen.plan.takes]
            assert keys == [take.key for take in seen.plan.takes], text
