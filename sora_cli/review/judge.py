"""From what was seen and heard to figures and plain words: a row a shot, a row a join, a row for the film."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction

import numpy as np
from msgspec import Struct

from sora_cli.media.stream import SAMPLE_RATE
from sora_cli.plain import as_data
from sora_cli.review.bars import NO_LIKENESS, Bars
from sora_cli.review.compare import Colours
from sora_cli.review.ears import SILENT, SoundScan
from sora_cli.review.parts import ShotSpan
from sora_cli.review.watch import MOVES, FrameLook, Motion, Watched

PLIABLE = 1.2
"""A tint has three numbers to fit where the others have one: it must explain so much more."""
TINT = 1.06
"""How much farther one channel must go than another to be seen as a tint."""
LINKS = 4
"""From so many links on a chain has a slope."""
STEADY = 5
"""Links in which a drift that is let pass may not reach the bar of colour."""
DUCKED = (0.25, 0.7)
"""Seconds before and after a sound in which what lies under it goes down and comes up again."""
SMALL = 0.007
"""Parts of the width a frame: a motion that nobody minds."""


class Figure(Struct, frozen=True):
    """A measure, its bar, and whether it holds; `said` is the verdict in plain words where it does not.

    `value` is None where nothing could be measured, and `said` is why. Where the author may set the bar, `keeps` is the
    one that it would just keep; None where no bar helps.
    """

    name: str
    value: float | None
    bar: float | None = None
    ok: bool = True
    said: str = ""
    keeps: float | None = None


class ReviewRow(Struct, frozen=True):
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
        """The verdict, and what could not be measured."""
        falls = [figure.said for figure in self.figures if not figure.ok]
        missing = [f"{figure.name} {figure.said}" for figure in self.figures if figure.value is None]
        held = ["holds"] if not falls and len(missing) < len(self.figures) else []
        return "; ".join([*falls, *held, *missing])

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json` and the sidecar."""
        figures = {figure.name: as_data(figure) for figure in self.figures}
        for figure in figures.values():
            del figure["name"], figure["keeps"]
        return {
            "kind": self.kind,
            "name": self.name,
            "at": round(self.second, 3),
            "ok": self.ok,
            "verdict": self.said,
            "figures": figures,
        }


def judge(
    parts: Sequence[ShotSpan],
    seen: Watched,
    heard: SoundScan | None,
    fps: Fraction,
    bars: Bars,
    *,
    planned: bool = True,
    laid: Sequence[tuple[float, float]] = (),
) -> list[ReviewRow]:
    """All rows of a film, in its order; `planned` says that its parts are what was planned, not what its cuts show.

    `laid` are the seconds from and up to which somebody asked for a sound: what one begins with is no click.
    """
    film = _Film(parts, seen, heard, fps, bars, planned, laid)
    rows = [row for part in parts for row in (film.shot(part), *film.joins(part))]
    return [*rows, film.whole()]


class _Film(Struct):
    parts: Sequence[ShotSpan]
    seen: Watched
    heard: SoundScan | None
    fps: Fraction
    bars: Bars
    planned: bool
    laid: Sequence[tuple[float, float]]

    def second(self, frame: int) -> float:
        return float(frame / self.fps)

    def looks(self, start: int, end: int) -> list[FrameLook]:
        return self.seen.looks[start:end]

    def shot(self, part: ShotSpan) -> ReviewRow:
        """A row for a shot."""
        looks = self.looks(*part.clear)
        if not looks:
            why = Figure("picture", None, said="not measured, because a transition or a title card covers all of it")
            return ReviewRow("shot", part.name, self.second(part.start), (why,))
        figures = (
            *self.held(part),
            *self.slope(part),
            self.flicker(looks),
            *self.moves(part),
            *self.blank(looks, part),
        )
        if part.name in self.seen.likeness:
            figures = (*figures, self.alike([self.seen.likeness[part.name]]))
        return ReviewRow("shot", part.name, self.second(part.start), figures)

    def held(self, part: ShotSpan) -> Iterator[Figure]:
        """The colour of the shot's farthest link from the scene's first, and the fine detail its last has left."""
        if part.clear[1] - part.clear[0] < 2 and not self.seen.links[part.name][0].other:
            yield Figure("colour", None, said="not measured, because one frame alone has nothing to be held to")
            return
        links = self.seen.links[part.name]
        worst = max(links, key=lambda link: link.colour)
        bar, fault = self.bars.colour, drift(worst.now, worst.then)
        yield _judged("colour", round(worst.colour, 2), bar, fault, ok=worst.drift <= bar, keeps=worst.drift)
        detail = links[-1].detail
        if detail is None:
            yield Figure("sharpness", None, said="not measured, because the picture is flat")
            return
        bar, fault = self.bars.sharpness, "softer than its scene's first"
        yield _judged("sharpness", round(detail, 3), bar, fault, ok=detail >= bar, keeps=detail)

    def slope(self, part: ShotSpan) -> Iterator[Figure]:
        """How fast the colour of a chain goes away from the scene's first: by how much with each link."""
        apart = [link.colour for link in self.seen.links[part.name]]
        if len(apart) < LINKS:
            return
        value = float(np.polyfit(range(len(apart)), apart, 1)[0])
        bar = self.bars.colour / STEADY
        fault = "its colour drifts on with each beat"
        yield _judged("slope", round(value, 3), round(bar, 3), fault, ok=value <= bar)

    def moves(self, part: ShotSpan) -> Iterator[Figure]:
        """Whether the one thing that moves does so as bodies do, where one can be told from what is behind it."""
        if not (found := self.seen.moving.get(part.name)):
            return
        for name, bar, fault in (
            ("path", self.bars.path, "what moves jerks"),
            ("growth", self.bars.growth, "what moves changes its size at once"),
            ("tint", self.bars.tint, "what moves changes its colour at once"),
        ):
            value = max(getattr(each, name) for each in found)
            yield _judged(name, round(value, 3), bar, fault, ok=value <= bar, keeps=value)

    def flicker(self, looks: Sequence[FrameLook]) -> Figure:
        pulses = np.array([look.pulse for look in looks[1:]])
        value = float(np.sqrt(np.mean(np.square(np.diff(pulses)))) / 2) if len(pulses) > 2 else 0.0
        bar = self.bars.flicker
        return _judged("flicker", round(value, 3), bar, "the light flickers", ok=value <= bar, keeps=value)

    def blank(self, looks: Sequence[FrameLook], part: ShotSpan) -> Iterator[Figure]:
        """Frames that stand still at the head or the tail, frames without a picture."""
        changes, step = np.array([look.change for look in looks[1:]]), math.ceil(part.hold)
        usual = float(np.median([changes[at : at + step].max() for at in range(0, len(changes), step)] or [0.0]))
        least = max(3, math.ceil(self.fps / 4), 2 * step)
        moving = np.flatnonzero(changes > 0.1 * usual) if usual > 0.05 else np.array([], np.int64)
        lively = np.flatnonzero([not look.same for look in looks[1:]])
        if part.marked and 2 * step * len(lively) > len(changes):  # the mark's own way is no motion of the picture
            moving = np.intersect1d(moving, lively)
        if len(moving):
            ends = {"head": int(moving[0]), "tail": len(changes) - 1 - int(moving[-1])}
            for name, count in ends.items():
                fault = f"its {name} stands still for {count} frames"
                yield _judged(f"frozen {name}", count, least, fault, ok=count < least)
        dark = sum(look.luma < 8 and look.contrast < 3 for look in looks)
        yield _judged("black", dark, 0, f"{dark} black frames", ok=not dark)

    def joins(self, part: ShotSpan) -> Iterator[ReviewRow]:
        """A row for each join of a shot."""
        for number, join in enumerate(part.joins):
            name = f"{part.name}/{number + 1}"
            if not part.clear[0] <= join < part.clear[1]:
                why = Figure("jump", None, said="not measured, because a transition covers it")
                yield ReviewRow("join", name, self.second(join), (why,))
                continue
            figures = [self.jump(part, join), *self.motion(join), *self.jolt(join), *self.sound(join)]
            yield ReviewRow("join", name, self.second(join), tuple(figures))

    def jump(self, part: ShotSpan, join: int) -> Figure:
        """The change at the join beside a usual large one; or how far the picture moves there beside its usual way."""
        first = part.clear[0] if part.clear[0] < join else 0
        reach = 6 * math.ceil(part.hold)
        before, after = (max(1, first + 1, join - reach), join), (join + 1, min(part.clear[1], join + reach + 1))
        around = [look.change for look in (*self.looks(*before), *self.looks(*after))]
        # A model that makes frames in groups changes more where a group begins, all along: that is no jump.
        usual, here = sorted([0.0, *around])[-2 if len(around) > 2 else -1], self.seen.looks[join].change
        value = (here + 0.1) / (usual + 0.1)
        if (motion := self.seen.motions.get(join)) is not None:
            value = max(value, _leap(motion))
        repeats = usual > 0.3 and here < 0.1 * usual
        said = "the picture jumps" if value > self.bars.jump else "a frame is shown twice" if repeats else ""
        return Figure("jump", round(value, 2), self.bars.jump, not said, said, None if repeats else value)

    def motion(self, join: int) -> Iterator[Figure]:
        motion = self.seen.motions.get(join)
        if motion is None or min(_speed(motion.before), _speed(motion.after)) < 2 * MOVES:
            return
        value, bar = _kept(motion), self.bars.turn
        fault = "the motion turns back" if value < 0 else "the motion breaks off"
        yield _judged("motion", round(value, 2), bar, fault, ok=value >= bar)

    def jolt(self, join: int) -> Iterator[Figure]:
        """The second difference of motion over a join."""
        motion = self.seen.motions.get(join)
        if motion is None or max(_speed(motion.before), _speed(motion.after)) < 2 * MOVES:
            return
        value, bar = _jolt(motion), self.bars.jolt
        yield _judged("jolt", round(value, 2), bar, "the motion jolts", ok=value <= bar)

    def sound(self, join: int) -> Iterator[Figure]:
        if self.heard is None:
            return
        second = self.second(join)
        if any(abs(start - second) < 0.1 for start, _ in self.laid):
            yield Figure("click", None, said="not measured, because a sound begins there")
        else:
            click, bar = self.heard.clicks(second), self.bars.click
            yield _judged("click", round(click, 1), bar, "the sound clicks", ok=click <= bar)
        before, after = (reach + 0.4 for reach in DUCKED)
        if any(start - before < second < end + after for start, end in self.laid):
            yield Figure("level", None, said="not measured, because a line or a sound is heard there")
            return
        here, before, bar = self.heard.level(second), self.heard.level(second - 0.4), self.bars.level
        step, loud = here - before, max(here, before) > SILENT + 10
        fault = f"the sound gets {'louder' if step > 0 else 'quieter'} at once"
        yield _judged("level", round(step, 1), bar, fault, ok=abs(step) <= bar or not loud)

    def whole(self) -> ReviewRow:
        """A row for the film: cuts that nobody planned, who is seen, and sound as long as the picture."""
        return ReviewRow("film", "film", 0.0, (self.strange(), self.alike(self.seen.likeness.values()), *self.length()))

    def alike(self, values: Collection[float]) -> Figure:
        """How like its references the cast is, where it is least; models differ, so there is no bar of ours."""
        if not values:
            return Figure("identity", None, said=self.seen.unlike)
        value, bar = min(values), self.bars.identity
        fault = "the cast is not like its references"
        return _judged("identity", round(value, 3), bar if bar > NO_LIKENESS else None, fault, ok=value >= bar)

    def strange(self) -> Figure:
        """Cuts that were not planned."""
        if not self.planned:
            return Figure("cuts", None, said="not measured, because nothing tells which cuts were planned")
        starts = {frame for part in self.parts for frame in (part.start, *part.joins, *part.breaks)}
        starts |= {number for part in self.parts for frames in covered(part) for number in frames}
        found = [cut for cut in self.seen.cuts if not starts & {cut - 1, cut, cut + 1}]
        where = ", ".join(f"{self.second(cut):.2f} s" for cut in found)
        return _judged("cuts", len(found), 0, f"cuts that were not planned at {where}", ok=not found)

    def length(self) -> Iterator[Figure]:
        """How many samples the sound is longer than the picture, and whether anything is heard."""
        if self.heard is None:
            return
        off = self.heard.samples - round(len(self.seen.looks) / self.fps * SAMPLE_RATE)
        # What others make may end when it likes: AAC alone adds a block of samples.
        bar = self.bars.length if self.planned else None
        ok = bar is None or abs(off) <= bar
        yield _judged("length", off, bar, f"the sound is {off} samples off the picture", ok=ok)
        loudest = max(self.heard.levels, default=SILENT)
        yield _judged("loudest", round(loudest, 1), SILENT, "its sound is silent all along", ok=loudest > SILENT)


def _judged(name: str, value: float, bar: float | None, fault: str, *, ok: bool, keeps: float | None = None) -> Figure:
    """A measure held to its bar; the `fault` is told where it does not hold."""
    return Figure(name, value, bar, ok, "" if ok else fault, keeps)


def covered(part: ShotSpan) -> tuple[range, range]:
    """The frames of a shot that transitions cover, at its head and its tail."""
    return range(part.start, part.clear[0]), range(part.clear[1], part.end)


def drift(now: Colours, then: Colours) -> str:
    """What drifted, in words: the one change that explains most of it, of light, of colours' strength, or of tint."""
    grey, was = now.mean(axis=1, keepdims=True), then.mean(axis=1, keepdims=True)
    light, strength = "darker" if grey.mean() < was.mean() else "brighter", _fit(now - grey, then - was)
    left = {
        light: min(_left(now, then * _fit(now, then)), _left(now, 255 - (255 - then) * _fit(255 - now, 255 - then))),
        "paler" if strength < 1 else "more colourful": _left(now, was + (then - was) * strength),
    }
    gains = _fit(now, then, axis=0)
    if gains.max() > TINT * gains.min():
        left["tinted"] = PLIABLE * _left(now, then * gains)
    return f"its colour drifts: {min(left, key=lambda word: left[word])}"


def _fit(now: Colours, then: Colours, axis: int | None = None) -> Colours:
    """The factor that brings colours nearest to others."""
    return np.asarray(((now * then).sum(axis=axis) + 1e-6) / (np.square(then).sum(axis=axis) + 1e-6))


def _left(now: Colours, explained: Colours) -> float:
    """What a change leaves unexplained, in steps of 8 bits; half a step is rounding."""
    return float(np.sqrt(np.square(now - explained).mean())) + 0.5


def _speed(flow: tuple[float, float]) -> float:
    return math.hypot(*flow)


def _leap(motion: Motion) -> float:
    """How much farther the picture moves over the join than it does before or after it; 1 where it does not."""
    usual = max(_speed(motion.before), _speed(motion.after))
    return 1 + min(math.dist(motion.over, motion.before), math.dist(motion.over, motion.after)) / (usual + SMALL)


def _jolt(motion: Motion) -> float:
    """How far the speed over the join is from the middle of those before and after it, in usual speeds."""
    middle = [(one + two) / 2 for one, two in zip(motion.before, motion.after, strict=True)]
    return math.dist(motion.over, middle) / (max(_speed(motion.before), _speed(motion.after)) + SMALL)


def _kept(motion: Motion) -> float:
    """The speed after the join along the direction before it, in parts of the speed before; at most 1."""
    along = sum(one * two for one, two in zip(motion.before, motion.after, strict=True))
    return min(1.0, along / _speed(motion.before) ** 2)
