"""The subtitles of a film: those that a command line asks for, and the file beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from sora_cli import atomic
from sora_cli.bounded import read_facts
from sora_cli.errors import RequestError
from sora_cli.flows.outputs import Own
from sora_cli.media.stream import Subtitle
from sora_cli.plan import Plan
from sora_cli.record import sidecar
from sora_cli.storyboard import forms
from sora_cli.storyboard.model import Storyboard
from sora_cli.storyboard.values import subtitles_of


def asked(board: Storyboard, kind: str | None) -> Storyboard:
    """The storyboard with the subtitles that a command line asks for, whatever it says itself.

    Raises:
        RequestError: there is no such kind, or nobody speaks.
    """
    if kind is None:
        return board
    try:
        subtitles = subtitles_of(kind)
    except forms.Wrong as error:
        raise RequestError(f"--subtitles {kind}: {error.message}", hint=error.hint) from None
    if subtitles != "off" and not any(beat.dialogue for shot in board.shots for beat in shot.beats):
        raise RequestError("nobody speaks in this film, so there are no subtitles", hint="remove --subtitles")
    return replace(board, subtitles=subtitles, data={**board.data, "subtitles": subtitles})


def beside(film: Path, board: Storyboard) -> Path | None:
    """Where a film's subtitles lie, where they are a file of their own."""
    return film.with_suffix(f".{board.subtitles}") if board.subtitles in {"srt", "vtt"} else None


def of_film(plan: Plan, film: Path) -> Mapping[Path, Own]:
    """The file that is written with a film, known for its own by what it says, or by its hash in the film's sidecar."""
    path = beside(film, plan.board)
    if path is None:
        return {}
    text = _text(plan)

    def own(there: Path) -> bool:
        content = there.read_bytes()
        sha = read_facts(sidecar.beside(film)[0]).get("subtitles")
        return content == text.encode() or sha == hashlib.sha256(content).hexdigest()

    return {path: own}


def write(plan: Plan, film: Path, said: Sequence[Subtitle] | None = None) -> str:
    """Write the file, where there is one; gives its hash, empty where there is none.

    It has what is said in an edit of the plan, or in the plan.

    Raises:
        MediaError: the disk refuses.
    """
    path = beside(film, plan.board)
    if path is None:
        return ""
    text = _text(plan, said)
    with atomic.writing(path):
        if not path.exists() or path.read_bytes() != text.encode():
            atomic.write(path, text)
    return hashlib.sha256(text.encode()).hexdigest()


def _text(plan: Plan, said: Sequence[Subtitle] | None = None) -> str:
    from sora_cli.plan.timeline import subtitles
    from sora_cli.sound.subtitles import written

    return written(subtitles(plan) if said is None else said, plan.board.subtitles)
