"""What a shot's colour is held to: the one rule, for the plan, the grade and the credential. Pure.

Within a scene, a shot is held to the first whose words can mean the same place and hour: a sunset is not held to a day.
A shot without pictures (a title card alone) has no colours, and is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sora_cli.plan.slugline import BY_DAY, Slugline
from sora_cli.storyboard.model import Look


class Graded(Protocol):
    """A shot with pictures: its scene, its place and hour, and what its colours are held to."""

    @property
    def scene(self) -> str:
        """The name of its scene."""
        ...

    @property
    def slugline(self) -> Slugline:
        """The place and hour that its words name."""
        ...

    @property
    def look(self) -> Look:
        """What its colours are held to."""
        ...


class Anchors:
    """The anchor of each shot of a film, by index.

    `sets` are the scene, and the place and hour there, of its shots with pictures, in film order. A shot that says
    nothing of the hour has that of its scene's first shot.
    """

    def __init__(self, sets: Iterable[tuple[str, Slugline]]) -> None:
        self.firsts: list[int] = []
        """The first shot of the scene whose words can mean the same place and hour."""
        self.hours: list[str] = []
        """The hour of each: what is said, or holds where nothing is."""
        scenes: dict[str, dict[Slugline, int]] = {}
        for index, (scene, said) in enumerate(sets):
            firsts = scenes.setdefault(scene, {})
            slugline = said._replace(hours=said.hours or next(iter(firsts), BY_DAY).hours)
            self.firsts.append(next((at for other, at in firsts.items() if other.fits(slugline)), index))
            self.hours.append(min(slugline.hours))
            firsts.setdefault(slugline, index)

    def of(self, index: int, look: Look) -> int | None:
        """The shot that this one is held to; None where it is held to a file, to nothing, or is its own anchor."""
        held = {"scene": self.firsts[index], "film": 0, "previous": index - 1}.get(look.match, index)
        return held if look.strength and 0 <= held < index else None


def anchors_of(shots: Sequence[Graded]) -> list[int | None]:
    """The anchor of each of these shots, which all have pictures and stand in film order."""
    anchors = Anchors((shot.scene, shot.slugline) for shot in shots)
    return [anchors.of(index, shot.look) for index, shot in enumerate(shots)]


def matched_to(shots: Sequence[Graded]) -> str:
    """What a credential says that the colours of these shots were matched to; nothing where all stay as they are."""
    held = zip(shots, anchors_of(shots), strict=True)
    looks = [shot.look for shot, anchor in held if anchor is not None or (shot.look.path and shot.look.strength)]
    names = sorted({look.path.name if look.path else look.match for look in looks})
    return f"matched to: {', '.join(names)}" if names else ""
