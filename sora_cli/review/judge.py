"""From what was seen and heard to figures, bars and plain words: a row a shot, a row a join, a row for the film.

The bars' defaults were chosen on one half of made cases and are reported on the other (docs/review.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np

from sora_cli.media.stream import SAMPLE_RATE
from sora_cli.review.compare import Lab
from sora_cli.review.ears import SILENT, Heard
from sora_cli.review.parts import Part
from sora_cli.review.watch import MOVES, Look, Motion, Watched

APART = 1.5
"""Where no view is common, the figure of colour also holds what else the pictures show: so much more is allowed."""
GREY = 100.0
"""Squared chroma, in all: colours that are weaker count as grey, whose strength says little."""
SMALL = 0.01
"""Parts of the width a frame: a motion that nobody minds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What a film must keep to."""

    colour: float = 3.0
    """CIE dE2000 of a shot, or a link of a chain, to its scene's first."""
    sharpness: float = 0.9
    """Fine detail left of that of the scene's first beat."""
    jump: float = 2.0
    """The change over a join, in usual changes from frame to frame."""
    turn: float = 0.5
    """How much of the speed along the old direction must go on over a join; -1 is straight back."""
    flicker: float = 1.0
    """Steps of 8 bits that what stands still pulses by."""
    click: float = 12.0
    """A jump from sample to sample, in usual steps."""
    level: float = 6.0
    """dB that the sound may step by at a join."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure, its bar, and whether it holds; `said` is the verdict in plain words where it does not.

    `value` is None where nothing could be measured, and `said` is why.
    """

    name: str
    value: float | None
    bar: float | None = None
    ok: bool = True
    said: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of a shot, a join or the film."""

    kind: str
    name: str
    second: float
    figures: tuple[Figure, ...]

    @property
    def ok(self) -> bool:
        """Whether every figure holds."""
        return all(figure.ok for figure in self.figures)

    @property
    def said(self) -> str:
        """The verdict."""
        return "; ".join(figure.said for figure in self.figures if figure.said) or "holds"


def bars_from(written: dict[str, float]) -> Bars:
    """The bars, with those that a storyboard names in place of the defaults."""
    known = {field.name for field in fields(Bars)}
    return Bars(**{name: float(value) for name, value in written.items() if name in known})


def judge(parts: Sequence[Part], seen: Watched, heard: Heard | None, fps: Fraction, bars: Bars) -> list[Row]:
    """All rows of a film, in its order."""
    film = _Film(parts, seen, heard, fps, bars)
    rows = [row for part in parts for row in (film.shot(part), *film.joins(part))]
    return [*rows, film.whole()]


@dataclass
class _Film:
    parts: Sequence[Part]
    seen: Watched
    heard: Heard | None
    fps: Fraction
    bars: Bars

    def second(self, frame: int) -> float:
        return float(frame / self.fps)

    def looks(self, start: int, end: int) -> list[Look]:
        return self.seen.looks[start:end]

    def shot(self, part: Part) -> Row:
        """A row for a shot."""
        looks = self.looks(*part.clear)
        if not looks:
            why = Figure("picture", None, said="not measured, because transitions cover all of it")
            return Row("shot", part.name, self.second(part.start), (why,))
        figures = (*self.held(part), self.flicker(looks), *self.blank(looks))
        return Row("shot", part.name, self.second(part.start), figures)

    def held(self, part: Part) -> Iterator[Figure]:
        """The colour of the shot's farthest link from the scene's first, and the fine detail its last has left."""
        links = self.seen.links[part.name]
        worst = max(links, key=lambda link: link.colour)
        ok = worst.colour <= self.bars.colour * (1 if worst.common else APART)
        yield Figure("colour", round(worst.colour, 2), self.bars.colour, ok, "" if ok else drift(worst.now, worst.then))
        ok = links[-1].detail >= self.bars.sharpness
        said = "" if ok else "softer than its scene's first"
        yield Figure("sharpness", round(links[-1].detail, 3), self.bars.sharpness, ok, said)

    def flicker(self, looks: Sequence[Look]) -> Figure:
        pulses = np.array([look.pulse for look in looks[1:]])
        value = float(np.sqrt(np.mean(np.square(np.diff(pulses)))) / 2) if len(pulses) > 2 else 0.0
        ok = value <= self.bars.flicker
        return Figure("flicker", round(value, 3), self.bars.flicker, ok, "" if ok else "the light flickers")

    def blank(self, looks: Sequence[Look]) -> Iterator[Figure]:
        """Frames that stand still at the head or the tail, frames without a picture."""
        changes = np.array([look.change for look in looks[1:]])
        usual = float(np.median(changes)) if len(changes) else 0.0
        least = max(3, math.ceil(self.fps / 4))
        moving = np.flatnonzero(changes > 0.1 * usual) if usual > 0.05 else np.array([], np.int64)
        if len(moving):
            ends = {"head": int(moving[0]), "tail": len(changes) - 1 - int(moving[-1])}
            for name, count in ends.items():
                ok = count < least
                yield Figure(
                    f"frozen {name}", count, least, ok, "" if ok else f"its {name} stands still for {count} frames"
                )
        dark = sum(look.luma < 8 and look.contrast < 3 for look in looks)
        yield Figure("black", dark, 0, not dark, f"{dark} black frames" if dark else "")

    def joins(self, part: Part) -> Iterator[Row]:
        """A row for each join of a shot."""
        for number, join in enumerate(part.joins):
            figures = [self.jump(join), *self.motion(join), *self.sound(join)]
            yield Row("join", f"{part.name}/{number + 1}", self.second(join), tuple(figures))

    def jump(self, join: int) -> Figure:
        """The change at the join beside the usual one; or how far the picture moves there beside its usual way."""
        around = [look.change for look in (*self.looks(max(1, join - 6), join), *self.looks(join + 1, join + 7))]
        usual, here = float(np.median(around)) if around else 0.0, self.seen.looks[join].change
        value = (here + 0.1) / (usual + 0.1)
        if (motion := self.seen.motions.get(join)) is not None:
            value = max(
                value, (_speed(motion.over) + SMALL) / (max(_speed(motion.before), _speed(motion.after)) + SMALL)
            )
        repeats = usual > 0.3 and here < 0.1 * usual
        said = "the picture jumps" if value > self.bars.jump else "a frame is shown twice" if repeats else ""
        return Figure("jump", round(value, 2), self.bars.jump, not said, said)

    def motion(self, join: int) -> Iterator[Figure]:
        motion = self.seen.motions.get(join)
        if motion is None or min(_speed(motion.before), _speed(motion.after)) < 2 * MOVES:
            return
        value = _kept(motion)
        ok = value >= self.bars.turn
        said = "" if ok else "the motion turns back" if value < 0 else "the motion breaks off"
        yield Figure("motion", round(value, 2), self.bars.turn, ok, said)

    def sound(self, join: int) -> Iterator[Figure]:
        if self.heard is None:
            return
        second = self.second(join)
        click = self.heard.clicks(second)
        yield Figure("click", round(click, 1), self.bars.click, click <= self.bars.click,
                     "the sound clicks" if click > self.bars.click else "")  # fmt: skip
        step = self.heard.level(second) - self.heard.level(second - 0.4)
        loud = max(self.heard.level(second), self.heard.level(second - 0.4)) > SILENT + 10
        ok = abs(step) <= self.bars.level or not loud
        yield Figure("level", round(step, 1), self.bars.level, ok,
                     "" if ok else f"the sound gets {'louder' if step > 0 else 'quieter'} at once")  # fmt: skip

    def whole(self) -> Row:
        """A row for the film: cuts that nobody planned, and sound as long as the picture."""
        planned = {part.start for part in self.parts} | {frame for part in self.parts for frame in part.joins}
        covered = [(part.start, part.clear[0]) for part in self.parts] + [
            (part.clear[1], part.end) for part in self.parts
        ]
        strange = [
            cut for cut in self.seen.cuts
            if not any(abs(cut - frame) <= 1 for frame in planned)
            and not any(start - 1 <= cut <= end + 1 for start, end in covered if end > start)
        ]  # fmt: skip
        where = ", ".join(f"{self.second(cut):.2f} s" for cut in strange)
        figures = [
            Figure("cuts", len(strange), 0, not strange, f"cuts that were not planned at {where}" if strange else "")
        ]
        if self.heard is not None:
            asked = round(len(self.seen.looks) / self.fps * SAMPLE_RATE)
            apart = self.heard.samples - asked
            ok = abs(apart) <= 1
            figures.append(
                Figure("length", apart, 1, ok, "" if ok else f"the sound is {apart} samples off the picture")
            )
        return Row("film", "film", 0.0, tuple(figures))


def drift(now: Lab, then: Lab) -> str:
    """What drifted, in words: the light, the strength of colours, or their tint."""
    light = float((now - then)[:, 0].mean())
    was, here = then[:, 1:], now[:, 1:]
    grown = float(((was * here).sum() + GREY) / (np.square(was).sum() + GREY))
    tint = float(np.hypot(*(here - grown * was).mean(axis=0)))
    # Another exposure takes the strength of colours along, and so does a veil of light: neither is a drift of theirs.
    exposed, veiled = now[:, 0].mean() / then[:, 0].mean(), (100 - now[:, 0].mean()) / (100 - then[:, 0].mean())
    strength = (grown - float(np.clip(grown, *sorted((min(1.0, exposed, veiled), max(1.0, exposed, veiled)))))) * float(
        np.hypot(*was.T).mean()
    )
    words = {
        "darker" if light < 0 else "brighter": abs(light),
        "paler" if strength < 0 else "more colourful": abs(strength) * 1.5,
        "tinted": tint * 1.5,
    }
    return f"its colour drifts: {max(words, key=lambda word: words[word])}"


def _speed(flow: tuple[float, float]) -> float:
    return math.hypot(*flow)


def _kept(motion: Motion) -> float:
    """The speed after the join along the direction before it, in parts of the speed before; at most 1."""
    along = sum(one * two for one, two in zip(motion.before, motion.after, strict=True))
    return min(1.0, along / _speed(motion.before) ** 2)
