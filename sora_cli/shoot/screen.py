"""Frames before they are kept, and clips before they are used: what the policy says of them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli.engines.base import Take
from sora_cli.errors import PolicyError
from sora_cli.policy import hearing, judge, pictures
from sora_cli.policy.judge import cache_folder
from sora_cli.policy.pictures import Seen
from sora_cli.policy.reels import HeldReel
from sora_cli.policy.seen import JudgedPictures
from sora_cli.storyboard.policy import CATEGORIES, Policy

if TYPE_CHECKING:
    from sora_cli.media.stream import Frames, Sound


class RefusedTakeError(PolicyError):
    """What a take shows or says is refused: another seed may pass."""


class Screen:
    """Looks at the frames of takes, each once; `seen` tells what was seen, by the hash of the frames."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_folder()
        self._kept: JudgedPictures | None = None
        self.seen: dict[str, Seen] = {}
        self.heard: dict[str, Seen] = {}
        """What was heard, of takes that have sound."""
        self.refused = 0
        """How many takes were refused."""

    @property
    def _looks(self) -> JudgedPictures:
        if self._kept is None:
            self._kept = JudgedPictures(self._folder)
        return self._kept

    def require_allowed(
        self,
        take: Take,
        pixels: str,
        frames: Callable[[], Frames],
        rules: Policy,
        sound: Callable[[], Sound] | None = None,
    ) -> Seen:
        """Refuse a take by its frames and by what is said in it; `pixels` is the hash of the frames, if it was noted.

        Raises:
            RefusedTakeError: the policy refuses what is seen or heard.
            PolicyError: it refuses what could not be looked at.
        """
        every = rules.unchecked == "refuse"  # who refuses what is not checked wants every frame checked
        seen = self._once(pixels, lambda: pictures.look(HeldReel(frames(), float(take.fps)), every=every), every=every)
        self.seen[take.key] = seen
        self._decide(take, seen, rules, "frames", "its frames")
        if sound is not None:
            name = sha256(f"{take.key} {hearing.state()} {judge.state()}".encode()).hexdigest()
            self.heard[take.key] = self._once(name, lambda: hearing.listen(sound()), every=False)
            self._decide(take, self.heard[take.key], rules, "speech", "what is said in it")
        return seen

    def _once(self, name: str, look: Callable[[], Seen], *, every: bool) -> Seen:
        """What was seen or heard, from what is known where it is known by this name."""
        seen = self._looks.find(name, every=every) if name else None
        if seen is None:
            seen = look()
            if name:
                self._looks.keep(name, seen, every=every)
        return seen

    def _decide(self, take: Take, seen: Seen, rules: Policy, place: str, what: str) -> None:
        refused, _ = pictures.told(seen, rules, place, take.prompt)
        if refused:
            self.refused += 1
            shown = " and ".join(CATEGORIES[category] for category in refused)
            raise RefusedTakeError(
                f"{take.name}: {what}: this reads as {shown}, which the {rules.name} policy refuses",
                hint=_hint(rules.second_seeds),
            )
        if seen.unable and rules.unchecked == "refuse":
            message = f"{take.name}: {what} could not be checked: {seen.unable}; the {rules.name} policy refuses that"
            raise PolicyError(message, hint=seen.hint)


def _hint(seeds: int) -> str:
    """What to do about a take that is refused, where so many other seeds are tried for it anyway."""
    if not seeds:
        return "use other words, or try another seed: `second seeds: 2` in a policy file tries two"
    return f"use other words: `second seeds: {seeds}` in the policy already tries other seeds"
