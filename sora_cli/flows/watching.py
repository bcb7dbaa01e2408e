"""Checks the finished film while it is written: titles, transitions and colour can change takes that passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sora_cli.errors import PolicyError
from sora_cli.plan import Plan, PlannedShot
from sora_cli.policy import pictures
from sora_cli.policy.pictures import Watch
from sora_cli.storyboard.policy import CATEGORIES

if TYPE_CHECKING:
    from sora_cli.media.stream import Frames, Master


def chosen(plan: Plan) -> list[int]:
    """Which frames of the film are looked at, where not every one is.

    They are the first, the last, each shot's first, the middle of each transition, and one in two seconds: the takes
    were looked at each second.
    """
    if plan.rules.unchecked == "refuse":
        return list(range(plan.frames))
    seconds = (int(second * plan.fps) for second in range(0, int(plan.seconds) + 1, 2))
    joins = (place for shot in plan.shots for place in (shot.start, shot.start + shot.overlap // 2))
    picked = {0, plan.frames - 1, *seconds, *joins}
    return sorted(number for number in picked if 0 <= number < plan.frames)


def watched(master: Master, plan: Plan, unable: str) -> Master:
    """The film, which is refused while it is written where the policy refuses what a frame shows.

    `unable` says why takes could not be looked at: then neither is the film, which the record tells.

    Raises, while pictures are read:
        PolicyError: a frame is refused, or cannot be looked at though the takes could.
    """
    from sora_cli.media.tap import tapped

    if unable:
        return master
    starts = {shot.start: shot for shot in plan.shots}
    wanted, last = set(chosen(plan)), plan.frames - 1
    at: list[tuple[PlannedShot, Watch]] = []

    def look(number: int, picture: Frames) -> None:
        if number in starts or not at:
            _decide(plan, at)
            at[:] = [(starts.get(number, plan.shots[0]), Watch())]
        at[0][1].see([number], picture[None])
        if number == last:
            _decide(plan, at)

    return tapped(master, wanted, look)


def _decide(plan: Plan, at: Sequence[tuple[PlannedShot, Watch]]) -> None:
    """Refuse the film where the policy refuses what was seen of a shot."""
    for shot, watch in at:
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
