"""The order of the stages: the table of contents of the program.

::

    board    = storyboard.load(path)
    plan     = plan_takes(board, catalogue)
    clips    = shoot(plan, executor, store, report)
    cut      = timeline.assemble(plan, clips)
    master   = finish(cut, board.sound)
    released = stamp.release(master, out, signer)

Commands are prefixes of it. What is heavy (torch, codecs) is imported by the stage that needs it, so that `check`,
`plan` and a film that is up to date cost next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sora_cli import sidecar
from sora_cli.engines import catalogue
from sora_cli.plan import plan_takes
from sora_cli.report import Report
from sora_cli.sidecar import Film
from sora_cli.storyboard import load
from sora_cli.storyboard.model import Storyboard


def read(path: Path, *, sets: Mapping[str, str], allow_outside: bool) -> Storyboard:
    """Read and check a storyboard; raises StoryboardError with all that is wrong."""
    return load.load(path, sets=sets, allow_outside=allow_outside)


def one_shot(data: Mapping[str, Any]) -> Storyboard:
    """A storyboard of one shot, from a command's options; paths count from the working folder."""
    return load.from_data(dict(data), folder=Path.cwd(), name="<command line>", allow_outside=True)


def default_name(board: Storyboard) -> Path:
    """Where a storyboard's film goes when nobody says: its title (or file name), in the working folder."""
    return Path(_slug(board.title or (board.path.stem if board.path else "film")) + ".mp4")


def free_name(prompt: str) -> Path:
    """Where a one-off clip goes when nobody says: the prompt's words, numbered so that nothing is overwritten."""
    stem = _slug(prompt)
    names = (Path(f"{stem}{'' if number == 1 else f'-{number}'}.mp4") for number in itertools.count(1))
    return next(name for name in names if not name.exists())


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60].rstrip("-") or "film"


def make(board: Storyboard, out: Path, *, report: Report, draft: bool = False, only: Sequence[str] = ()) -> Film:
    """Make the film of a storyboard, or find that it is there and up to date.

    Raises:
        SoraError: something could not be done; the clips made until then are kept.
    """
    clock = Clock(report)
    clips_kept = Store(default_folder())
    with clock.stage("plan"):
        plan = plan_takes(board, catalogue.card, draft=draft, only=only)
        signer = stamp.signer()
        key = sidecar.film_key(plan, signer.name)
        done = sidecar.up_to_date(out, key)
    if done is not None:
        return done
    with clock.stage("shoot"):
        clips = _shoot(plan, clips_kept, report)
    playing = {stretch.name: best(clips, [take.key for take in stretch.candidates]) for stretch in plan.stretches}
    with clock.stage("finish"):
        cut = timeline.assemble(plan, playing)
        master = finish(cut, board.sound)
        stamp.release(master, out, signer)
    return film
