"""When each stretch plays, by the plan alone."""

from __future__ import annotations

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
            for stretch, places in played(beat, plan.fps):
                found.setdefault(stretch.name, at)
                at += len(places)
    return found


def played(beat: PlannedBeat, fps: Fraction) -> Iterator[tuple[Stretch, list[Fraction]]]:
    """A beat's stretches: for each film frame, how many of the stretch's own frames have played when it is on."""
    at = passed = 0
    for stretch in beat.stretches:
        take = stretch.candidates[0]
        step = beat.speed * take.fps / fps
        places = []
        while at < beat.frames and (place := at * step - passed) < take.play:
            places.append(place)
            at += 1
        passed += take.play
        yield stretch, places
