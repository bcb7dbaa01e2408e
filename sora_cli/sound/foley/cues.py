"""From what pictures show to sounds in their place: nano's films are heard by this, never by their prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import scenery
from .base import Foley, Match, Samples, make
from .pictures import Event, Frames, events
from .recipes import RECIPES
from .synthesis import Synthesis
from .tools import RATE, Manner

SOUNDS = {"impact": "impact-rubber", "collision": "impact-wood", "roll": "rolling", "slide": "sliding"}
FULL = 2.5  # heights a second: a hit as hard as this is at its full level
FADE = 0.08  # seconds over which a roll or a slide begins and ends


@dataclass(frozen=True, slots=True)
class Cue:
    """One sound on the timeline of a shot.

    Attributes:
        match: which sound, and how it is made.
        at: seconds into the shot.
        seconds: its length; None is an event's own.
        level: dB against the sound's own level.
        x: where it stands, from -1 (left) to 1 (right).
    """

    match: Match
    at: float
    seconds: float | None
    level: float
    x: float = 0.0


def cues(frames: Frames, fps: float) -> list[Cue]:
    """What is heard in one shot (frames, rows, columns, 3): its place throughout, and what happens in it."""
    found = [_cue(event) for event in events(frames, fps)]
    where = scenery.bed(frames)
    if where is None:
        return found
    return [Cue(_match(where, Manner()), 0.0, len(frames) / fps, 0.0), *found]


def _match(sound: str, manner: Manner) -> Match:
    return Match(sound, sound, Synthesis.name, RECIPES[sound].bed is not None, manner)


def _cue(event: Event) -> Cue:
    strong = float(np.clip(20 * np.log10(event.strength / FULL), -18, 3))
    if event.seconds:
        manner = Manner(speed=float(np.clip(event.strength / 0.5, 0.5, 2)))
        return Cue(_match(SOUNDS[event.kind], manner), event.time, event.seconds, 0.5 * strong, event.x)
    force = float(np.clip(event.strength / FULL - 0.5, -1, 1))
    return Cue(_match(SOUNDS[event.kind], Manner(force=force)), event.time, None, strong, event.x)


def render(cues_: Sequence[Cue], seconds: float, seed: int, library: Foley | None = None) -> Samples:
    """The cues of a shot as samples (samples, 2), exactly so many seconds; each cue is another take by its number."""
    library = library or Synthesis()
    total = np.zeros((round(seconds * RATE), 2), np.float32)
    for number, cue in enumerate(cues_):
        sound = _stands(make(library, cue.match, cue.seconds, seed + number, cue.level), cue)
        first = round(cue.at * RATE)
        part = sound[: max(0, len(total) - first)]
        total[first : first + len(part)] += part
    return total


def _stands(sound: Samples, cue: Cue) -> Samples:
    """A sound at its place, faded in and out where it has a given length; a place's bed stays as wide as it is."""
    if cue.seconds is not None and cue.at > 0:
        n = np.arange(len(sound))
        edge = np.clip(np.minimum(n, len(sound) - n) / (FADE * RATE), 0, 1)
        sound = sound * edge.astype(np.float32)[:, None]
    if cue.x == 0:
        return sound
    turn = (cue.x + 1) * np.pi / 4
    mono = sound.mean(axis=1, keepdims=True, dtype=np.float32)
    return np.asarray(mono * np.array([np.cos(turn), np.sin(turn)], np.float32) * np.float32(2**0.5))
