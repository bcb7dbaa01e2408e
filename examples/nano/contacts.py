"""How many contacts in nano's own films are heard on time, and whether films in which nothing hits stay silent.

What a contact is, the examiner says, which shares no code with `sora_cli/sound/foley/pictures.py`: the actor's middle,
over means of three frames, is lower than before and after it by 7 % of the picture's height.

    python -m examples.nano.contacts --films 100 --seed 996001
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from sora_cli.sound.foley.cues import cues

from .config import CHECKPOINT, FPS, FRAMES
from .examiner import Examiner, Findings
from .score import Studio, held_out
from .sheet import GUIDANCE, STEPS

DEEP = 0.07  # heights
FRAME = 1 / FPS
QUIET = ("float", "still", "roll_right", "roll_left")
SEED = 996_001


@dataclass(frozen=True, slots=True)
class Seen:
    """A film of nano: what was asked for, its frames, contacts that the examiner sees and hits heard (seconds)."""

    text: str
    action: str
    frames: NDArray[np.uint8]
    contacts: list[float]
    heard: list[float]

    @property
    def on_time(self) -> list[bool]:
        """Of each contact that is seen, whether a hit is heard within a frame of it."""
        return [_near(at, self.heard, FRAME) for at in self.contacts]

    @property
    def unseen(self) -> int:
        """How many hits are heard of which the examiner sees none within a frame and a half."""
        return sum(not _near(at, self.contacts, 1.5 * FRAME) for at in self.heard)


def contacts_seen(found: Findings, clip: int = 0) -> list[float]:
    """Seconds at which the examiner sees an actor touch the ground; not in the first and last frame."""
    y, area = found.y[clip].double().numpy(), found.area[clip].numpy()
    there = area > 0.3 * area.max()
    if there.sum() < 12:
        return []
    smooth = np.convolve(np.pad(y, 1, "edge"), np.ones(3) / 3, "valid")
    lowest, _ = signal.find_peaks(smooth, prominence=DEEP)
    return [k / FPS for k in lowest if there[max(0, k - 2) : k + 3].all() and 1 <= k <= FRAMES - 2]


def hits_heard(frames: NDArray[np.uint8]) -> list[float]:
    """Seconds at which a hit of a film (frames, rows, columns, 3) sounds."""
    return [cue.at for cue in cues(frames, FPS) if cue.seconds is None]


def films(count: int, seed: int) -> Iterator[Seen]:
    """So many films of bounces, then half as many of what is quiet, by captions that were held out."""
    studio, examiner, cases = Studio(CHECKPOINT, STEPS, GUIDANCE), Examiner(), held_out(12 * count, seed)
    bounces = [text for scene, text in cases if scene.action == "bounce"][:count]
    quiet = [text for scene, text in cases if scene.action in QUIET][: count // 2]
    asked = [("bounce", text) for text in bounces] + [("quiet", text) for text in quiet]
    for number, (action, text) in enumerate(asked):
        video = studio.shoot(text, seed + number)
        frames = (video.permute(1, 2, 3, 0) * 255).round().byte().numpy()
        yield Seen(text, action, frames, contacts_seen(examiner.look(video[None])), hits_heard(frames))


def _near(at: float, others: list[float], reach: float) -> bool:
    return any(abs(at - other) <= reach + 1e-9 for other in others)


def main() -> None:
    """Make the films, and print the counts; the frames stay in a folder if you name one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--films", type=int, default=100, help="of bounces; half as many of what is quiet are added")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--keep", type=Path, help="a folder for the films, as .npz")
    options = parser.parse_args()
    seen: list[Seen] = []
    for film in films(options.films, options.seed):
        seen.append(film)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            np.savez(options.keep / f"{len(seen):03}-{film.action}.npz", frames=film.frames, contacts=film.contacts)
    on_time = [one for film in seen if film.action == "bounce" for one in film.on_time]
    silent = [not film.heard for film in seen if film.action == "quiet" and not film.contacts]
    unseen = sum(film.unseen for film in seen if film.action == "bounce")
    print(f"heard on time: {sum(on_time)} of {len(on_time)} contacts; heard and not seen: {unseen}")
    print(f"silent: {sum(silent)} of {len(silent)} films in which nothing hits")


if __name__ == "__main__":
    main()
