"""Sounds of what pictures show, at their times: for films of nano, from the frames and never from the prompt."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from sora_cli.media.stream import Frames, Samples

from .base import Manner, SoundMatch
from .blocks import make
from .examples import EVENTS
from .pictures import APART, Contact, contacts
from .synthesis import Synthesis
from .tools import RATE

SOUNDS = {"impact": "impact-rubber", "roll": "rolling", "slide": "sliding"}
FULL = 2.5  # heights a second: a hit as hard as this is at its full level
FADE = 0.08  # seconds over which a roll or a slide begins and ends


class FoleyCue(Struct, frozen=True):
    """One sound on the timeline of a shot.

    Attributes:
        match: which sound, and how it is made.
        at: seconds into the shot.
        seconds: how long a roll or a slide lasts; None is a hit, which has its own length.
        level: dB against the sound's own level.
        x: where it stands, from -1 (left) to 1 (right).
    """

    match: SoundMatch
    at: float
    seconds: float | None
    level: float
    x: float = 0.0

    @property
    def end(self) -> float:
        """Seconds into the shot that it is over; of a hit, that the next may come."""
        return self.at + (APART if self.seconds is None else self.seconds)


def cues(frames: Frames, fps: float) -> list[FoleyCue]:
    """Find the sounds of the contacts in a take's frames (frames, rows, columns, 3)."""
    return [_cue(event) for event in contacts(frames, fps)]


def embedded(sound: str, manner: Manner | None = None) -> SoundMatch:
    """Match an embedded sound by its own name, such as `rolling`."""
    return SoundMatch(sound, sound, Synthesis.name, sound not in EVENTS, manner or Manner())


def _cue(event: Contact) -> FoleyCue:
    strong = round(float(np.clip(20 * np.log10(event.strength / FULL), -18, 3)), 1)
    x = round(event.x, 2)
    if event.seconds:
        manner = Manner(speed=round(float(np.clip(event.strength / 0.5, 0.5, 2)), 2))
        return FoleyCue(embedded(SOUNDS[event.kind], manner), event.time, event.seconds, 0.5 * strong, x)
    force = round(float(np.clip(event.strength / FULL - 0.5, -1, 1)), 2)
    return FoleyCue(embedded(SOUNDS[event.kind], Manner(force=force)), event.time, None, strong, x)


def joined(found: Iterable[FoleyCue]) -> list[FoleyCue]:
    """Join the cues of a shot's takes. A take repeats the end of the one before: a hit counts once."""
    kept: list[FoleyCue] = []
    for cue in sorted(found, key=lambda one: one.at):
        alike = [number for number, one in enumerate(kept) if (one.seconds is None) == (cue.seconds is None)]
        if not alike or cue.at >= kept[alike[-1]].end + (0 if cue.seconds is None else 2 * FADE):
            kept.append(cue)
            continue
        before = kept[alike[-1]]
        if cue.seconds is None or before.seconds is None:
            kept[alike[-1]] = max(before, cue, key=lambda one: one.level)
        else:
            longer = max(before, cue, key=lambda one: one.seconds or 0)
            kept[alike[-1]] = replace(longer, at=before.at, seconds=max(before.end, cue.end) - before.at)
    return kept


def sound(cue: FoleyCue, seed: int) -> Samples:
    """The samples of a cue at its place (samples, 2); what has a given length fades in and out."""
    made = make(Synthesis(), cue.match, cue.seconds, seed, cue.level)
    if cue.seconds is not None:
        n = np.arange(len(made))
        edge = np.clip(np.minimum(n, len(made) - n) / (FADE * RATE), 0, 1)
        made = made * edge.astype(np.float32)[:, None]
    if cue.x == 0:
        return made
    turn = (cue.x + 1) * np.pi / 4
    mono = made.mean(axis=1, keepdims=True, dtype=np.float32)
    return np.asarray(mono * np.array([np.cos(turn), np.sin(turn)], np.float32) * np.float32(2**0.5))
