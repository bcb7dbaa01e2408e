"""When each stretch plays, by the plan alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from sora_cli.plan.continuity import PlannedBeat, Stretch
from sora_cli.plan.plan import Plan


def starts(plan: Plan) -> dict[str, int]:
    """The film frame that each stretch begins to play on, by its name; the first where it plays again."""
    found: dict[str, int] = {}
    for shot in plan.shots:
        at = shot.start
        for beat in shot.beats:
            for stretch, numbers, _ in _playing(beat, plan.fps):
                found.setdefault(stretch.name, at)
                at += len(numbers)
    return found


def played(beat: PlannedBeat, fps: Fraction) -> Iterator[tuple[Stretch, list[Fraction]]]:
    """A beat's stretches: for each film frame, how many of the stretch's own frames have played when it is on."""
    passed = 0
    for stretch, numbers, step in _playing(beat, fps):
        yield stretch, [number * step - passed for number in numbers]
        passed += stretch.candidates[0].play


def _playing(beat: PlannedBeat, fps: Fraction) -> Iterator[tuple[Stretch, range, Fraction]]:
    """A beat's stretches: the numbers of its film frames that each plays on, and its own frames to one of them."""
    at = passed = 0
    for stretch in beat.stretches:
        take = stretch.candidates[0]
        step, passed = beat.speed * take.fps / fps, passed + take.play
        numbers = range(at, max(at, min(beat.frames, math.ceil(passed / step))))
        yield stretch, numbers, step
        at = numbers.stop
