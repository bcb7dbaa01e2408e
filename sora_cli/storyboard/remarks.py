"""What the language has and `sora` does not render yet, so that `check` can say so: nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sora_cli.errors import Problem
from sora_cli.storyboard.model import Beat, Loc, Storyboard


def not_rendered_yet(board: Storyboard) -> tuple[Problem, ...]:
    """Remarks on what is written in the storyboard and will not be in the film, in the order of the file."""
    found: dict[tuple[Loc, str], Problem] = {}
    for what, hint, find in _NOT_YET:
        for loc in find(board):
            remark = Problem(f"not rendered yet: {what}", hint, board.mark(loc))
            found.setdefault((loc, what), remark)
    return tuple(sorted(found.values(), key=_place))


def _place(remark: Problem) -> tuple[int, int]:
    return (remark.mark.line, remark.mark.column) if remark.mark else (0, 0)


def _beats(board: Storyboard) -> Iterator[Beat]:
    return (beat for shot in board.shots for beat in shot.beats)


def _dialogue(board: Storyboard) -> Iterator[Loc]:
    return (beat.origin["dialogue"] for beat in _beats(board) if beat.dialogue)


def _voices(board: Storyboard) -> Iterator[Loc]:
    return (("cast", name, "voice") for name, member in board.cast.items() if member.voice)


def _policy(board: Storyboard) -> Iterator[Loc]:
    yield from [("policy",)] if board.policy != "standard" else []


def _beat_looks(board: Storyboard) -> Iterator[Loc]:
    return (beat.origin["look"] for shot in board.shots for beat in shot.beats if beat.look != shot.look)


def _ambience_words(board: Storyboard) -> Iterator[Loc]:
    yield from [("sound", "ambience")] if board.sound.ambience_text else []


def _music_words(board: Storyboard) -> Iterator[Loc]:
    yield from [("sound", "music")] if board.sound.music_text else []


def _scene_sounds(board: Storyboard) -> Iterator[Loc]:
    for scene in board.scenes:
        if scene.sound != board.sound:
            yield (*scene.loc, "sound")
        beats = (beat for shot in scene.shots for beat in shot.beats)
        yield from (beat.origin["sound"] for beat in beats if beat.bed != scene.sound)


def _beat_sounds(board: Storyboard) -> Iterator[Loc]:
    return (beat.origin["sound"] for beat in _beats(board) if beat.sound_text)


_FILE = "no model here makes sound; name a sound file"
_NOT_YET: tuple[tuple[str, str, Callable[[Storyboard], Iterator[Loc]]], ...] = (
    ("dialogue", "", _dialogue),
    ("voices", "", _voices),
    ("policies other than standard", "", _policy),
    ("a look of one beat", "the look of its shot holds", _beat_looks),
    ("ambience in words", _FILE, _ambience_words),
    ("music in words", _FILE, _music_words),
    ("a scene's, shot's or beat's own ambience and music", "the film's are", _scene_sounds),
    ("the sound of a shot or beat in words", _FILE, _beat_sounds),
)
"""What, a hint, and where it is written. Delete a row when it is rendered."""
