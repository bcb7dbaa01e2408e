"""Checks the lines that video models speak: is what a recogniser hears the line as written?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sora_cli.errors import MachineError, Problem
from sora_cli.plan import Plan
from sora_cli.plan.timeline import Cut, CutShot

if TYPE_CHECKING:
    from sora_cli.media.stream import Sound

ENOUGH = 0.7
"""The least share of a line's words that has to be heard: Whisper tiny mishears some, numbers above all."""


def heard(plan: Plan, cut: Cut) -> dict[str, str] | MachineError:
    """What is said in each shot whose lines a model speaks, by the shot's name; why nothing can be heard here.

    Raises:
        MediaError: a clip cannot be read.
    """
    speaking = {line.shot for line in plan.lines if not line.laid}
    if not speaking:
        return {}
    from sora_cli.sound.transcript import transcript

    try:
        return {shot.name: transcript(_played(shot)) for shot in cut.shots if shot.name in speaking}
    except MachineError as error:
        return error


def remarks(plan: Plan, transcripts: Mapping[str, str] | MachineError) -> Iterator[Problem]:
    """Which lines are not said as they are written."""
    lines = [line for line in plan.lines if not line.laid]
    if isinstance(transcripts, MachineError):
        message = f"sora cannot check whether engines say the lines as written: {transcripts.message}"
        yield Problem(message, transcripts.hint, plan.board.mark(lines[0].loc))
        return
    if not transcripts:
        return
    from sora_cli.sound.transcript import said

    for line in lines:
        words = transcripts.get(line.shot, "")
        if said(line.line.line, words) < ENOUGH:
            message = f"this line is not said as written: {line.shot} is heard as {words!r}"
            hint = "try other seeds (`takes: 3`); with `voice: mine` a voice says it; only English is heard"
            yield Problem(message, hint, plan.board.mark(line.loc))


def _played(shot: CutShot) -> Sound:
    """The sound of what a shot plays of its clips."""
    import numpy as np

    from sora_cli.media.read import read_sound
    from sora_cli.media.stream import SAMPLE_RATE, Sound

    parts = [np.zeros((0, 2), np.float32)]
    for piece in shot.pieces:
        if piece.clip.sound and not piece.silent and piece.frames:
            first, last = (round(at / piece.clip.fps * SAMPLE_RATE) for at in (piece.frames[0], piece.frames[-1] + 1))
            parts.append(read_sound(piece.clip.path)[first:last])
    return Sound(np.concatenate(parts), SAMPLE_RATE)
