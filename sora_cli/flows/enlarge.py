"""`output: {upscale: MODEL}`: clips that are smaller than the film, enlarged by a network before they are stitched.

An enlarged clip is kept in the store under a key of its own, of the clip's, the model's hash and the size: a second run
enlarges nothing. Without a model the film's own filter enlarges (Lanczos).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from sora_cli.cancel import Cancellation
from sora_cli.errors import counted
from sora_cli.events import Note, Report
from sora_cli.lock import PATIENCE
from sora_cli.media.clip import write_clip
from sora_cli.media.read import open_film, read_sound
from sora_cli.media.read.picture import contain, cover
from sora_cli.media.stream import SAMPLE_RATE, Frames, Sound, largest
from sora_cli.plan import Plan
from sora_cli.plan.timeline import Cut
from sora_cli.store import Clip, ClipFacts, Store, file_hash

if TYPE_CHECKING:  # it loads torch
    from sora_cli.engines.upscaling import Upscaler

VERSION = 2
"""Part of the keys: raised when the same clip would be enlarged otherwise."""
KEPT = 0.7
"""Of a pixel that stands still: how much of the picture before stays in it."""
STILL = 4.0
"""Steps of 8 bits: where pictures differ by as much on the mean, something moves."""
AROUND = 5
"""Pixels of the side of a square, before it is enlarged, over which that is looked at."""


class Enlarger(Struct, frozen=True):
    """Enlarges the clips of a film of `size` pixels with the model at `path`, or not at all."""

    path: Path | None
    size: tuple[int, int]
    fit: str

    @classmethod
    def for_film(cls, plan: Plan) -> Enlarger:
        """What a film asks for."""
        return cls(plan.board.upscale, (plan.width, plan.height), plan.board.fit)

    @classmethod
    def of(cls, plan: Plan) -> Enlarger:
        """What a film asks for. The model is loaded once, to refuse one that cannot be used before any take is made.

        Raises:
            EngineMissing: spandrel is not here.
            RequestError: the file holds no network that enlarges pictures.
        """
        path = plan.board.upscale
        if path is not None:
            from sora_cli.engines.upscaling import Upscaler

            Upscaler(path)
        return cls.for_film(plan)

    def wanted(self, width: int, height: int) -> tuple[int, int] | None:
        """The size that a picture is brought to, where that is larger than it is."""
        if self.path is None or self.fit == "pad":
            return None
        found = (cover if self.fit == "fill" else contain)(width, height, *self.size)
        return found if found[0] > width and found[1] > height else None

    def keys(self, plan: Plan, store: Store) -> list[str]:
        """The keys that the larger clips of a film's takes have in the store, where they were made."""
        if self.path is None:
            return []
        cards = ((take.key, store.card(take.key)) for take in plan.takes)
        sizes = ((key, self.wanted(card.width, card.height)) for key, card in cards if card is not None)
        sha = file_hash(self.path)
        return [found for key, size in sizes if size and store.has(found := _key(key, sha, size))]

    def enlarged(self, cut: Cut, store: Store, report: Report, cancel: Cancellation) -> Cut:
        """The cut with larger clips.

        Raises:
            SoraError: as opening the model does, or the store cannot be written.
        """
        clips = {piece.clip.path: piece.clip for shot in cut.shots for piece in shot.pieces}
        sizes = {path: size for path, clip in clips.items() if (size := self.wanted(clip.width, clip.height))}
        if self.path is None or not sizes:
            return cut
        work = _Enlarging(self.path, store, cancel)
        if lacking := sum(not store.has(work.key(clips[path], size)) for path, size in sizes.items()):
            report(Note(f"{counted(lacking, 'clip')} to enlarge with {self.path.name}"))
        made = {path: work.clip(clips[path], size) for path, size in sizes.items()}
        shots = (
            replace(
                shot,
                pieces=tuple(
                    replace(piece, clip=_in_place(piece.clip, made.get(piece.clip.path))) for piece in shot.pieces
                ),
            )
            for shot in cut.shots
        )
        return replace(cut, shots=tuple(shots))


def _in_place(clip: Clip, larger: Clip | None) -> Clip:
    """A take's clip, whose pictures are read from the larger one."""
    return clip if larger is None else replace(clip, path=larger.path, width=larger.width, height=larger.height)


def steadied(pictures: Iterable[Frames], enlarge: Callable[[Frames], Frames]) -> Iterator[Frames]:
    """Pictures `(height, width, 3)` enlarged one by one; what stands still shows a running mean, and no flicker.

    A network draws detail anew in each picture, other detail wherever a value differs. A pixel is as still as what is
    around it in the two pictures that were given, and takes over so much of the one before, at most `KEPT`.
    """
    from PIL import Image  # most films enlarge nothing
    from scipy.ndimage import uniform_filter

    before, last = None, None
    for picture in pictures:
        larger = enlarge(picture)
        if before is not None and last is not None:
            change = largest(np.abs(np.subtract(picture, before, dtype=np.float32)))
            kept = KEPT * np.clip(1 - uniform_filter(change, AROUND) / STILL, 0, 1)
            high, wide = larger.shape[:2]
            part = np.asarray(Image.fromarray(kept).resize((wide, high), Image.Resampling.BILINEAR))[..., None]
            larger = np.rint(larger * (1 - part) + last * part).astype(np.uint8)
        before, last = picture, np.ascontiguousarray(larger)
        yield last


def _key(clip: str, model: str, size: tuple[int, int]) -> str:
    text = json.dumps(["enlarged", VERSION, clip, model, *size])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class _Enlarging:
    """One run: the model is opened for the first clip that the store lacks."""

    def __init__(self, path: Path, store: Store, cancel: Cancellation) -> None:
        self._path, self._store, self._cancel = path, store, cancel
        self._sha = file_hash(path)

    @cached_property
    def _model(self) -> Upscaler:
        from sora_cli.engines.upscaling import Upscaler

        return Upscaler(self._path)

    def key(self, clip: Clip, size: tuple[int, int]) -> str:
        """The key of an enlarged clip: a hash of all that it hangs on."""
        return _key(clip.key, self._sha, size)

    def clip(self, clip: Clip, size: tuple[int, int]) -> Clip:
        """The enlarged clip, from the store or made now; somebody else who makes it is waited for."""
        key = self.key(clip, size)
        while (lock := self._store.lock(key)) is None:
            self._cancel.check()
            time.sleep(PATIENCE)
        with lock:
            return self._store.find(key) or self._made(key, clip, size)

    def _made(self, key: str, clip: Clip, size: tuple[int, int]) -> Clip:
        started = time.monotonic()
        self._store.make_room(f"the larger {clip.path.name}", clip.frames * size[0] * size[1] * 3)
        model, seen = self._model, hashlib.sha256()
        sound = Sound(read_sound(clip.path, SAMPLE_RATE), SAMPLE_RATE) if clip.sound else None

        def pictures() -> Iterator[Frames]:
            with open_film(clip.path) as film:
                for larger in steadied(film.pictures(range(clip.frames)), lambda each: model.enlarged(each, size)):
                    self._cancel.check()
                    seen.update(larger.data)
                    yield larger

        def facts() -> ClipFacts:
            return ClipFacts(
                frames=clip.frames,
                width=size[0],
                height=size[1],
                fps=clip.fps,
                sound=clip.sound,
                seconds=time.monotonic() - started,
                score=clip.score,
                fields={"enlarged": clip.key, "model": self._sha, "size": f"{size[0]}x{size[1]}"},
                given=(clip.key,),
                pixels=seen.hexdigest(),
            )

        return self._store.keep(key, facts, lambda path: write_clip(path, pictures(), clip.fps, sound), None)
