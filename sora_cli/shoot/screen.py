"""Frames before they are kept, and clips before they are used: what the policy says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli.engines.base import Take
from sora_cli.errors import PolicyError
from sora_cli.policy import pictures
from sora_cli.policy.judge import cache_folder
from sora_cli.policy.pictures import Seen
from sora_cli.policy.reels import HeldReel
from sora_cli.policy.seen import JudgedPictures
from sora_cli.storyboard.policy import CATEGORIES, Policy

if TYPE_CHECKING:
    from sora_cli.media.stream import Frames


class Screen:
    """Looks at the frames of takes, each once; `seen` tells what was seen, by the hash of the frames."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_folder()
        self._kept: JudgedPictures | None = None
        self.seen: dict[str, Seen] = {}

    @property
    def _looks(self) -> JudgedPictures:
        if self._kept is None:
            self._kept = JudgedPictures(self._folder)
        return self._kept

    def require_allowed(self, take: Take, pixels: str, frames: Callable[[], Frames], rules: Policy) -> Seen:
        """Refuse a take by its frames; `pixels` is their hash, empty where it was not noted.

        Raises:
            PolicyError: the policy refuses what is seen, or refuses what could not be looked at.
        """
        every = rules.unchecked == "refuse"  # who refuses what is not checked wants every frame checked
        seen = self._looks.find(pixels, every=every) if pixels else None
        if seen is None:
            seen = pictures.look(HeldReel(frames(), float(take.fps)), every=every)
            if pixels:
                self._looks.keep(pixels, seen, every=every)
        self.seen[take.key] = seen
        refused, _ = pictures.told(seen, rules, "frames", take.prompt)
        if refused:
            what = " and ".join(CATEGORIES[category] for category in refused)
            raise PolicyError(
                f"{take.name}: its frames read as {what}, which the {rules.name} policy refuses",
                hint="say it otherwise, or try another seed",
            )
        if seen.unable and every:
            message = (
                f"{take.name}: its frames could not be checked: {seen.unable}; the {rules.name} policy refuses that"
            )
            raise PolicyError(message, hint=seen.hint)
        return seen
