"""Scenes in the words people use: terse, in full sentences, and the way `sora` composes a prompt from a storyboard.

Every caption comes with what it says about the scene, so that the text encoder can be taught to read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .scene import Scene
from .words import (
    ACTION_WORDS,
    BESIDE_WORDS,
    CAMERA_WORDS,
    COLOUR_WORDS,
    FRAMING_WORDS,
    HERO_WORDS,
    JUNK_WORDS,
    LIGHT_WORDS,
    LOOK_WORDS,
    PACE_WORDS,
    PLACE_WORDS,
    SETTING_WORDS,
    SHAPE_WORDS,
    SIZE_WORDS,
    STYLE_WORDS,
    TIME_WORDS,
    WITH_OTHER_WORDS,
    Words,
)

LABELS = ("place", "time", "framing", "camera", "action", "shape", "colour", "size",
          "other_shape", "other_colour", "pace", "style")  # fmt: skip


class Writer:
    """Writes one caption and remembers what it said."""

    def __init__(self, scene: Scene, rng: np.random.Generator) -> None:
        self.scene, self.rng = scene, rng
        self.said: dict[str, str] = {}

    def pick(self, words: Sequence[str]) -> str:
        """Draw one of the words."""
        return words[int(self.rng.integers(len(words)))]

    def chance(self, share: float) -> bool:
        """Whether to do what is done in this share of cases, 0 to 1."""
        return bool(self.rng.random() < share)

    def say(self, label: str, words: dict[str, Words], share: float = 1.0) -> str:
        """A word for one property of the scene, noted in `said`; in `1 - share` of all cases the empty text."""
        value: str = getattr(self.scene, label)
        if not self.chance(share):
            return ""
        word = self.pick(words[value])
        if word:
            self.said[label] = value
        return word

    def actor(self) -> str:
        """The actor with an article: "a small red ball"; now and then only "it"."""
        if self.chance(0.04):
            return self.pick(("it", "the object", "something", "the thing", *HERO_WORDS))
        size = self.say("size", SIZE_WORDS, 0.8)
        colour = self.say("colour", COLOUR_WORDS, 0.97)
        shape = self.say("shape", SHAPE_WORDS, 0.97) or self.pick(("thing", "object", "shape"))
        words = " ".join(word for word in (size, colour, shape) if word)
        article = "the" if self.chance(0.2) else "an" if words[0] in "aeiou" else "a"
        if self.chance(0.06):
            article = f"a single {'paper ' if self.chance(0.5) else ''}".strip()
        elif self.chance(0.05):
            article += " paper" if article != "an" else ""
        return f"{article} {words}"

    def cast(self) -> str:
        """The actor under a name, as a storyboard's cast writes it: `Pip, a red ball,` or `Pip (a red ball)`."""
        name = self.pick(HERO_WORDS) if self.chance(0.7) else _invented_name(self.rng)
        return f"{name}, {self.actor()}," if self.chance(0.7) else f"{name} ({self.actor()})"

    def action(self) -> str:
        """What the actor does, with the other one if there is one."""
        if self.scene.action in WITH_OTHER_WORDS:
            words = self.say("action", WITH_OTHER_WORDS).format(self.other())
        else:
            words = self.say("action", ACTION_WORDS)
            if self.scene.other:
                words += " " + self.pick(BESIDE_WORDS).format(self.other())
        return " ".join(w for w in (words, self.say("pace", PACE_WORDS, 0.75)) if w)

    def other(self) -> str:
        """The second actor, with an article."""
        words = f"{self.say('other_colour', COLOUR_WORDS)} {self.say('other_shape', SHAPE_WORDS)}"
        article = (
            "the" if self.chance(0.1) else "another" if self.chance(0.05) else "an" if words[0] in "aeiou" else "a"
        )
        return f"{article} {words}"

    def look(self, share: float) -> str:
        """The style: always where it is not plain paper, else in a share of captions."""
        return self.say("style", LOOK_WORDS, 0.95) or (self.pick(STYLE_WORDS) if self.chance(share) else "")

    def terse(self) -> str:
        """Short: `a red ball bounces on the grass, day`."""
        place, time = self.say("place", PLACE_WORDS, 0.95), self.say("time", TIME_WORDS, 0.75)
        head = " ".join(w for w in (self.actor() if self.chance(0.93) else self.cast(), self.action(), place) if w)
        if time and self.chance(0.6):
            head, time = f"{head} {time}", ""
        tail = [time, self.say("camera", CAMERA_WORDS, self._camera_share()), self.say("framing", FRAMING_WORDS, 0.35)]
        tail += [self.say("time", LIGHT_WORDS, 0.1), self.look(0.12)]
        tail = [w for w in tail if w]
        if self.chance(0.3):
            self.rng.shuffle(tail)
        return ", ".join([head, *tail])

    def sentence(self) -> str:
        """In full sentences: `At sunset, a red ball bounces on the beach. Pan left.` for example."""
        place, time = self.say("place", PLACE_WORDS, 0.95), self.say("time", TIME_WORDS, 0.85)
        body = f"{self.actor()} {self.action()}"
        if self.chance(0.5):
            text = f"{', '.join(w for w in (time, place) if w)}, {body}"
        else:
            text = " ".join(w for w in (body, place, time) if w)
        parts = [text, self.say("camera", CAMERA_WORDS, self._camera_share()), self.say("framing", FRAMING_WORDS, 0.3)]
        parts += [self.say("time", LIGHT_WORDS, 0.1), self.look(0.03)]
        return ". ".join(w[0].upper() + w[1:] for w in parts if w).strip(", ") + "."

    def composed(self) -> str:
        """As `sora` composes a storyboard: `{setting}, {light}. {framing}. {beat}. {camera}. {style}`."""
        setting = self.say("place", SETTING_WORDS, 0.85)
        if setting and self.chance(0.7):
            setting = f"{setting} {self.say('time', TIME_WORDS)}"
        elif self.chance(0.3):
            setting = ", ".join(w for w in (setting, self.say("time", TIME_WORDS)) if w)
        light = self.say("time", LIGHT_WORDS, 0.4)
        beat = f"{self.cast() if self.chance(0.3) else self.actor()} {self.action()}"
        if self.chance(0.3 if setting else 0.9):
            beat += f" {self.say('place', PLACE_WORDS)}"
        if self.chance(0.1):
            beat += f" {self.say('time', TIME_WORDS)}"
        parts = [", ".join(w for w in (setting, light) if w), self.say("framing", FRAMING_WORDS, 0.55), beat]
        parts.append(self.say("camera", CAMERA_WORDS, self._camera_share()))
        parts.append(self.look(0.55))
        return ". ".join(w for w in parts if w)

    def _camera_share(self) -> float:
        """How often a caption names the camera: rarely when it stands still, mostly when it moves."""
        return 0.25 if self.scene.camera == "static" else 0.93


def describe(scene: Scene, rng: np.random.Generator) -> tuple[str, dict[str, str]]:
    """A caption, and what it says of the scene: `{"colour": "red", ...}` without what it leaves open."""
    writer = Writer(scene, rng)
    text = (writer.terse, writer.sentence, writer.composed)[int(rng.choice(3, p=(0.4, 0.2, 0.4)))]()
    if rng.random() < 0.04:
        text = writer.pick(("a video of ", "a clip of ", "video: ", "a scene with ")) + text
    if rng.random() < 0.15:
        text = text[0].upper() + text[1:]
    return text, writer.said


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """A caption of the scene, to train on: where it says nothing of the hour, it is day."""
    text, said = describe(scene, rng)
    return text if "time" in said else _at_the_hour(text, scene)


def _at_the_hour(text: str, scene: Scene) -> str:
    """The caption, and the hour unless it is day."""
    words = TIME_WORDS[scene.time]
    return text if scene.time == "day" else f"{text.rstrip('.')}, {words[scene.seed % len(words)]}"


def named_caption(scene: Scene, rng: np.random.Generator) -> str:
    """A caption that calls the actor by a name only: what it looks like is in a reference picture."""
    writer = Writer(scene, rng)
    name = writer.pick(HERO_WORDS) if writer.chance(0.7) else _invented_name(rng)
    setting = writer.say("place", SETTING_WORDS, 0.8)
    parts = [
        " ".join(w for w in (setting, writer.say("time", TIME_WORDS, 0.8)) if w),
        writer.say("framing", FRAMING_WORDS, 0.5),
        f"{name} {writer.action()}" + (f" {writer.say('place', PLACE_WORDS)}" if not setting else ""),
        writer.say("camera", CAMERA_WORDS, 0.3 if scene.camera == "static" else 0.95),
        writer.look(0.1),
    ]
    text = ". ".join(w for w in parts if w)
    return text if "time" in writer.said else _at_the_hour(text, scene)


def junk(rng: np.random.Generator) -> str:
    """Words that say nothing of a scene, as in a negative prompt."""
    return JUNK_WORDS[int(rng.integers(len(JUNK_WORDS)))]


def vocabulary() -> list[str]:
    """Every word that nano was taught, sorted. `sora check` compares prompts with it."""
    tables = (
        COLOUR_WORDS,
        SHAPE_WORDS,
        SIZE_WORDS,
        PLACE_WORDS,
        SETTING_WORDS,
        TIME_WORDS,
        LIGHT_WORDS,
        CAMERA_WORDS,
        FRAMING_WORDS,
        ACTION_WORDS,
        WITH_OTHER_WORDS,
        PACE_WORDS,
        LOOK_WORDS,
    )
    phrases = [phrase for table in tables for words in table.values() for phrase in words]
    phrases += [*BESIDE_WORDS, *STYLE_WORDS, *HERO_WORDS, *JUNK_WORDS]
    phrases.append(
        "a an the it its another object something thing shape single paper video clip scene of with and then while "
        "slowly slow"
    )
    letters = [c if c.isalpha() or c == "'" else " " for c in " ".join(phrases).lower()]
    return sorted(set("".join(letters).split()))


def _invented_name(rng: np.random.Generator) -> str:
    """A name nobody has, so that the encoder learns to read past names."""
    consonants, vowels = "bdfgklmnprstvz", "aeiou"
    syllables = int(rng.integers(1, 4))
    return "".join(consonants[rng.integers(14)] + vowels[rng.integers(5)] for _ in range(syllables)) + (
        "n" if rng.random() < 0.3 else ""
    )
