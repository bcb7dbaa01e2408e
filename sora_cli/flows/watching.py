"""The finished film once more, while it is written: what titles, transitions and colour make of takes that passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from sora_cli.errors import PolicyError
from sora_cli.plan import Plan, PlannedShot
from sora_cli.policy import pictures
from sora_cli.policy.pictures import Watch
from sora_cli.storyboard.policy import CATEGORIES

if TYPE_CHECKING:
    import av

    from sora_cli.media.stream import Master


def chosen(plan: Plan) -> list[int]:
    """Which frames of the film are looked at: the first, the last, one a second and each shot's first; or every one."""
    if plan.rules.unchecked == "refuse":
        return list(range(plan.frames))
    seconds = (int(second * plan.fps) for second in range(int(plan.seconds) + 1))
    picked = {0, plan.frames - 1, *seconds, *(shot.start for shot in plan.shots)}
    return sorted(number for number in picked if 0 <= number < plan.frames)


def watched(master: Master, plan: Plan, unable: str) -> Master:
    """The film, which is refused while it is written where the policy refuses what a frame shows.

    `unable` says why takes could not be looked at: then neither is the film, which the record tells.

    Raises, while pictures are read:
        PolicyError: a frame is refused, or cannot be looked at though the takes could.
    """
    return master if unable else replace(master, pictures=lambda: _pictures(master, plan))


def _pictures(master: Master, plan: Plan) -> Iterator[av.VideoFrame]:
    import numpy as np

    wanted, starts = set(chosen(plan)), {shot.start: shot for shot in plan.shots}
    shot, seen = plan.shots[0], Watch()
    for number, frame in enumerate(master.pictures()):
        if number in starts:
            _decide(plan, shot, seen)
            shot, seen = starts[number], Watch()
        if number in wanted:
            seen.see([number], np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)[None])
        yield frame
    _decide(plan, shot, seen)


def _decide(plan: Plan, shot: PlannedShot, watch: Watch) -> None:
    seen, rules = watch.seen(len(watch.found), len(watch.found)), plan.rules
    words = ". ".join(take.prompt for stretch in shot.stretches for take in stretch.candidates[:1])
    refused, _ = pictures.told(seen, rules, "frames", words)
    if refused:
        what = " and ".join(CATEGORIES[category] for category in refused)
        raise PolicyError(
            f"{shot.name}: the finished film reads as {what} there, which the {rules.name} policy refuses",
            hint="its takes passed alone: change the title, the transition or the look of that shot",
        )
    if seen.unable:
        raise PolicyError(f"the finished film could not be checked: {seen.unable}", hint=seen.hint)


def counts(plan: Plan, unable: str) -> Mapping[str, int]:
    """What the record tells of it."""
    return {"made": plan.frames, "looked_at": 0 if unable else len(chosen(plan))}
