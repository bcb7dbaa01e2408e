"""Edits that name no end go on to the end of what they are of: its length is known once all before them is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

from msgspec.structs import replace

from sora_cli.errors import MediaError
from sora_cli.plan.findings import Findings
from sora_cli.storyboard.model import Beat, Duration, Shot, Storyboard


def ended(board: Storyboard, lengths: Callable[[Shot], Iterator[Fraction]], findings: Findings) -> Storyboard:
    """The storyboard, in which each edit ends somewhere; `lengths` tells the seconds of a shot's beats."""
    if all(beat.edit is None or beat.edit.end is not None for shot in board.shots for beat in shot.beats):
        return board
    seconds: dict[str, Fraction] = {}

    def done(beat: Beat) -> Beat:
        edit = beat.edit
        if edit is None or edit.end is not None:
            return beat
        end = seconds.get(edit.shot) if edit.of is None else _film(edit.of)
        if end is None:
            end = edit.start + 1  # what is wrong with the film is told where files are looked at
        elif end <= edit.start:
            name = edit.of.name if edit.of else f"shot {edit.shot!r}"
            findings.wrong(beat, "edit", f"{name} ends at {float(end):.4g} s", "begin the stretch earlier")
            end = edit.start + 1
        return replace(beat, edit=replace(edit, end=end), duration=Duration(seconds=end - edit.start))

    def shot_done(shot: Shot) -> Shot:
        made = replace(shot, beats=tuple(done(beat) for beat in shot.beats))
        seconds[shot.name] = sum(lengths(made), Fraction(0))
        return made

    scenes = (replace(scene, shots=tuple(shot_done(shot) for shot in scene.shots)) for scene in board.scenes)
    return replace(board, scenes=tuple(scenes))


def _film(path: Path) -> Fraction | None:
    """Seconds of a film; None where it cannot be read."""
    from sora_cli.media.read import probe  # opens files of all kinds; most storyboards change no film

    try:
        found = probe(path)
    except MediaError:
        return None
    return Fraction(len(found.shown_at(found.fps))) / found.fps if found.fps else None
