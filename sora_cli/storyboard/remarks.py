"""What is written in a storyboard and will not be in the film, or not as written: nothing is dropped in silence.

Whether an engine makes sound is its card's to say; who plans asks the card, here as for the prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sora_cli.errors import Problem
from sora_cli.storyboard.model import Beat, Loc, SoundBed, Storyboard

Sounds = Callable[[Beat], bool]
"""Whether the engine of a beat makes sound."""
Found = Iterator[tuple[Loc, str, str]]
"""Where something is written, what of it is not rendered, and a hint."""


def not_rendered_yet(board: Storyboard, sounds: Sounds = lambda _beat: False) -> tuple[Problem, ...]:
    """Remarks on what is written in the storyboard and will not be in the film, in the order of the file."""
    found: dict[tuple[Loc, str], Problem] = {}
    for find in _FINDERS:
        for loc, what, hint in find(board, sounds):
            found.setdefault((loc, what), Problem(f"not rendered yet: {what}", hint, board.mark(loc)))
    return tuple(sorted(found.values(), key=_place))


def _place(remark: Problem) -> tuple[int, int]:
    return (remark.mark.line, remark.mark.column) if remark.mark else (0, 0)


def _beats(board: Storyboard) -> Iterator[Beat]:
    return (beat for shot in board.shots for beat in shot.beats)


def _dialogue(board: Storyboard, sounds: Sounds) -> Found:
    """Lines that the model of their pictures speaks, in its own time and voice."""
    for beat in _beats(board):
        if not beat.dialogue or not sounds(beat) or beat.sound_off:
            continue
        for number, line in enumerate(beat.dialogue):
            if line.at is not None and line.path is None:
                where = (*beat.origin["dialogue"], number, "at")
                yield where, "when a line is said", "the engine says it when it likes; with `sound: off` a voice does"


def _beat_looks(board: Storyboard, _sounds: Sounds) -> Found:
    pairs = ((shot, beat) for shot in board.shots for beat in shot.beats if beat.look != shot.look)
    return ((beat.origin["look"], "a look of one beat", "the look of its shot holds") for _, beat in pairs)


def _beds(board: Storyboard, _sounds: Sounds) -> Found:
    """Words for music, and a loudness of less than the film."""
    for loc, around, bed in _levels(board):
        if bed.music_text and bed.music_text != around.music_text:
            yield loc if len(loc) > 1 else (*loc, "music"), "music in words", "name a sound file"
        if loc != ("sound",) and bed.loudness != around.loudness:
            yield loc, "a scene's, shot's or beat's own loudness", "the film's holds"


def _levels(board: Storyboard) -> Iterator[tuple[Loc, SoundBed, SoundBed]]:
    """Of the film, each scene and each beat: where its sound is written, what lies around it, and what lies there."""
    yield ("sound",), SoundBed(), board.sound
    for scene in board.scenes:
        yield (*scene.loc, "sound"), board.sound, scene.sound
        for beat in (beat for shot in scene.shots for beat in shot.beats):
            yield beat.origin.get("sound", ("sound",)), scene.sound, beat.bed


_FINDERS: tuple[Callable[[Storyboard, Sounds], Found], ...] = (_dialogue, _beat_looks, _beds)
"""What is written without effect; one goes when all that it finds is rendered."""
