"""Sounds from pictures: hits, rolls and slides found in the frames of takes, and the ambience of places.

It reads only pictures of engines whose card allows it, and only where the author wrote no other sound
(`plan.sounds.foley`). It runs once the takes are made; the same takes sound the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.flows.audio import SPARE, FilmSounds
from sora_cli.plan import Plan, PlannedShot
from sora_cli.plan.sounds import BeatFoley, foley
from sora_cli.plan.takes import derive_seed
from sora_cli.plan.timeline import Bed, Cue, Cut, CutShot, Piece, assemble
from sora_cli.record.film import FoleyRecord
from sora_cli.store import Clip, Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sora_cli.media.read.shelf import Open
    from sora_cli.sound.foley.cues import FoleyCue
    from sora_cli.sound.kept import MadeSound


class Laid(Struct, frozen=True):
    """A cut with the sounds of its pictures, and their records. `alone`: the film has no other sound."""

    cut: Cut
    records: tuple[FoleyRecord, ...] = ()
    alone: bool = False

    def loudness(self, plan: Plan) -> float | None:
        """The loudness of the film in LUFS; None leaves a film of only such sounds as soft as it is."""
        written = ("sound", "loudness") in plan.board.written
        return None if self.alone and not written else plan.board.sound.loudness


def lay(plan: Plan, clips: Mapping[str, Clip], sounds: FilmSounds, store: Store, films: Open | None = None) -> Laid:
    """Place the clips of a film and its sounds in time, with what is heard by the pictures; `films` opens the clips.

    Raises:
        MediaError: a clip cannot be read.
        StoreError: the store cannot be written.
    """
    cut, seen = assemble(plan, clips, sounds.speech, sounds.made), foley(plan)
    if not any(each.hits or each.place for beats in seen.values() for each in beats):
        return Laid(cut)
    from sora_cli.media.read import open_film

    return _Laying(plan, cut, seen, store, films or open_film).laid()


class _Laying:
    """Finds and lays the sounds of one film."""

    def __init__(
        self, plan: Plan, cut: Cut, seen: Mapping[str, tuple[BeatFoley, ...]], store: Store, films: Open
    ) -> None:
        from sora_cli.sound.kept import Sounds

        self._plan, self._cut, self._seen, self._sounds, self._open = plan, cut, seen, Sounds(store), films
        self._records: list[FoleyRecord] = []
        self._looked: dict[str, tuple[list[FoleyCue], NDArray[np.float64]]] = {}

    def laid(self) -> Laid:
        """The cut with all of it."""
        cut, pairs = self._cut, list(zip(self._plan.shots, self._cut.shots, strict=True))
        clips = any(piece.clip.sound and not piece.silent for shot in cut.shots for piece in shot.pieces)
        alone = not (clips or cut.lines or cut.beds or any(shot.cues for shot in cut.shots))
        shots = tuple(replace(placed, cues=(*placed.cues, *self._cues(shot, placed))) for shot, placed in pairs)
        places = [bed for _, scene in groupby(pairs, key=lambda pair: pair[0].scene) for bed in self._places([*scene])]
        beds = sorted([*cut.beds, *places], key=lambda bed: (bed.bus, bed.start))
        return Laid(replace(cut, shots=shots, beds=tuple(beds)), tuple(self._records), alone)

    # -- what happens ----------------------------------------------------------------------------

    def _cues(self, shot: PlannedShot, placed: CutShot) -> Iterator[Cue]:
        from sora_cli.sound.foley.cues import joined

        fps, seconds = self._cut.fps, float(placed.frames / self._cut.fps)
        for number, cue in enumerate(joined(self._happening(shot, placed))):
            at = max(0.0, cue.at)
            if at >= seconds:
                continue
            lasts = None if cue.seconds is None else min(cue.seconds, seconds - at)
            seed = derive_seed(self._plan.board.seed or 0, "foley", shot.name, number)
            made = self._sounds.cue(replace(cue, seconds=lasts), seed)
            rings = placed.start + math.ceil((Fraction(at) + _length(made)) * fps)
            self._note("effects", cue.match.sound, made, float(placed.start / fps) + at, shot.name)
            yield Cue(made.path, placed.start, min(self._cut.frames, rings), Fraction(at).limit_denominator(48_000))

    def _happening(self, shot: PlannedShot, placed: CutShot) -> Iterator[FoleyCue]:
        """What happens in each take, by the time of its shot."""
        at = 0
        for piece, seen in self._pieces(shot, placed):
            if seen.hits and piece.frames:
                for cue in self._look(piece.clip)[0]:
                    if (found := _on_screen(cue, piece, float(at / self._cut.fps))) is not None:
                        yield found
            at += len(piece.frames)

    # -- where it happens ------------------------------------------------------------------------

    def _places(self, scene: Sequence[tuple[PlannedShot, CutShot]]) -> Iterator[Bed]:
        """The sound of a scene's place, under those of its beats that have no ambience of their own."""
        from sora_cli.sound.foley.cues import embedded
        from sora_cli.sound.foley.scenery import bed as sound_of

        shown = [
            self._look(piece.clip)[1]
            for shot, placed in scene
            for piece, seen in self._pieces(shot, placed)
            if seen.place and piece.frames
        ]
        where = sound_of(sum(shown[1:], shown[0]) / len(shown)) if shown else None
        if where is None:
            return
        for bed in _stretches(self._plan, scene, self._seen):
            seconds = float((bed.end - bed.start) / self._cut.fps + bed.leads + bed.lags) + SPARE
            seed = derive_seed(self._plan.board.seed or 0, "foley", scene[0][0].scene, bed.start)
            made = self._sounds.bed(embedded(where), seconds, seed)
            self._note("ambience", where, made, float(bed.start / self._cut.fps), "")
            yield replace(bed, path=made.path)

    def _look(self, clip: Clip) -> tuple[list[FoleyCue], NDArray[np.float64]]:
        """What happens in a clip, and how like each place it is."""
        if clip.key not in self._looked:
            from sora_cli.sound.foley.cues import cues
            from sora_cli.sound.foley.scenery import scores

            with self._open(clip.path) as film:
                # By its index, who is handed the film next seeks in it, and does not open it again.
                frames = film.read(0, min(clip.frames, len(film.index.times)))
            self._looked[clip.key] = cues(frames, float(clip.fps)), scores(frames)
        return self._looked[clip.key]

    def _pieces(self, shot: PlannedShot, placed: CutShot) -> Iterator[tuple[Piece, BeatFoley]]:
        """The pieces of a shot, each with what of it is heard."""
        of_beats = (seen for beat, seen in zip(shot.beats, self._seen[shot.name], strict=True) for _ in beat.stretches)
        return zip(placed.pieces, of_beats, strict=True)

    def _note(self, bus: str, sound: str, made: MadeSound, start: float, shot: str) -> None:
        self._records.append(
            FoleyRecord(bus=bus, sound=sound, shot=shot, start=start, seconds=float(_length(made)), key=made.key)
        )


def _length(made: MadeSound) -> Fraction:
    from sora_cli.media.stream import SAMPLE_RATE

    return Fraction(made.length, SAMPLE_RATE)


def _on_screen(cue: FoleyCue, piece: Piece, begin: float) -> FoleyCue | None:
    """A cue of a clip by the time of its shot; None where the piece does not play it, nor the one that it repeats."""
    speed, fps = float(piece.speed), float(piece.clip.fps)
    first, last = piece.frames[0] - piece.repeats, piece.frames[-1] + 1
    if not first / fps <= cue.at < last / fps:
        return None
    lasts = cue.seconds and min(cue.seconds, last / fps - cue.at) / speed
    return replace(cue, at=begin + (cue.at - piece.frames[0] / fps) / speed, seconds=lasts)


def _stretches(
    plan: Plan, scene: Sequence[tuple[PlannedShot, CutShot]], seen: Mapping[str, tuple[BeatFoley, ...]]
) -> list[Bed]:
    """Neighbouring beats of a scene under which its place is heard, each run of them as one bed, without its file."""
    written = {shot.name: shot.beats for shot in plan.board.shots}
    beds: list[Bed] = []
    for shot, placed in scene:
        at, overlap = placed.start, placed.overlap
        for beat, made, each in zip(written[shot.name], shot.beats, seen[shot.name], strict=True):
            end, bed = at + made.frames, beat.bed
            if each.place and beds and beds[-1].end >= at:
                beds[-1] = replace(beds[-1], end=end, lags=bed.lags)
            elif each.place:
                beds.append(
                    Bed(bus="ambience", path=Path(), start=at, end=end, leads=bed.leads, lags=bed.lags, overlap=overlap)
                )
            at, overlap = end, 0
    return beds
