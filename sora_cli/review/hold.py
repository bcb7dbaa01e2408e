"""What holds along a scene: each link of its shots beside its first link, told as soon as a link is over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from sora_cli.media.stream import Frames
from sora_cli.review.compare import Difference, Still, apart
from sora_cli.review.parts import ShotSpan, sampled


class Album:
    """Keeps the few pictures that comparing needs, for as long as it needs them.

    The first link of a scene is its anchor. A shot that is its scene's only link is held to its own first picture.
    """

    def __init__(self, parts: Sequence[ShotSpan]) -> None:
        self.links: dict[str, list[Difference]] = defaultdict(list)
        """By the name of its shot: how far each link is from its scene's anchor."""
        self._due: dict[int, list[tuple[ShotSpan, bool]]] = defaultdict(list)
        self._open: dict[str, list[Still]] = defaultdict(list)
        self._anchors: dict[str, list[Still]] = {}
        self._last = {part.scene: part.end - 1 for part in parts}
        self._links = Counter(part.scene for part in parts for _ in part.links)
        for part in parts:
            for link in part.links:
                for number in sampled(*link):
                    self._due[number].append((part, number == link[1] - 1))

    def __call__(self, number: int, picture: Frames) -> None:
        """Look at picture `number`."""
        for part, last in self._due.pop(number, ()):
            self._open[part.name].append(Still(picture))
            if last:
                self._compare(part, self._open.pop(part.name))
        self._forget(number)

    def _compare(self, part: ShotSpan, pictures: list[Still]) -> None:
        anchor = self._anchors.setdefault(part.scene, pictures)
        alone = anchor is pictures and self._links[part.scene] == 1
        now, then = (pictures[-1:], pictures[:1]) if alone else (pictures, anchor)
        found = apart(now, then)
        self.links[part.name].append(replace(found, other=now[-1] is not then[0]))

    def _forget(self, number: int) -> None:
        """Let go of the anchors of scenes that are over."""
        for scene in [scene for scene in self._anchors if self._last[scene] <= number]:
            del self._anchors[scene]
