"""From the cut to the file: a film is finished, checked while it is written, marked, signed and put in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sora_cli.flows import watching
from sora_cli.plan import Plan
from sora_cli.policy import pictures

if TYPE_CHECKING:  # commands that only plan import the flow of films, and no codecs
    from sora_cli.master.picture import Grade
    from sora_cli.media.read.shelf import Open
    from sora_cli.media.stream import Master
    from sora_cli.plan.timeline import Cut
    from sora_cli.stamp import Making, Release
    from sora_cli.stamp.release import Releases, ReleaseTarget


def finished(
    cut: Cut,
    plan: Plan,
    target: ReleaseTarget,
    making: Making,
    *,
    loudness: float | None,
    unable: str,
    grade: Grade | None = None,
    films: Open | None = None,
) -> Release:
    """Finish a cut of a plan as `finish` does, at this `loudness`, and release it as `write` and `release` do.

    Raises:
        SoraError: as `Releases.put_in_place`, `Releases.write` and `watching.watched` do.
    """
    from sora_cli.master.finish import finish
    from sora_cli.stamp.release import Releases

    master = finish(cut, loudness, pixels=target.kind.made_in, report=target.tell, grade=grade, films=films)
    with Releases() as together:
        write(together, master, plan, target, making, unable=unable)
        pictures.forget()  # signing takes memory for each take of the film
        return next(together.put_in_place())


def write(films: Releases, master: Master, plan: Plan, target: ReleaseTarget, making: Making, *, unable: str) -> None:
    """Write a master of a plan, held to its policy, as one of several films that are released together.

    `unable` says why its frames could not be checked.

    Raises:
        SoraError: as `Releases.write` and `watching.watched` do.
    """
    films.write(watching.watched(master, plan, unable), target, making, may_leave_unmarked=not plan.board.rules.marked)
