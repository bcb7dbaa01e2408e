"""What is written in a storyboard and will not be in the film, or not as written: nothing is dropped in silence.

Whether an engine makes sound is its card's to say; who plans asks the card, here as for the prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sora_cli.errors import Problem
from sora_cli.storyboard.model import Beat, Loc, Storyboard

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
    for beat in _beats(board):
        if not beat.dialogue:
            continue
        loc = beat.origin["dialogue"]
        if not sounds(beat):
            yield loc, "dialogue", "its engine makes no sound; `sora models` lists those that do"
        elif beat.sound_off:
            yield loc, "dialogue where the sound is off", "take `sound: off` away to hear it"
        else:
            for number, line in enumerate(beat.dialogue):
                if line.at is not None:
                    yield (*loc, number, "at"), "when a line is said", "the engine says it when it likes"


def _voices(board: Storyboard, _sounds: Sounds) -> Found:
    return ((("cast", name, "voice"), "voices", "") for name, member in board.cast.items() if member.voice)


def _policy(board: Storyboard, _sounds: Sounds) -> Found:
    hint = "of strict, the visible mark alone is held to" if board.policy == "strict" else ""
    yield from [(("policy",), "policies other than standard", hint)] if board.policy != "standard" else []


def _beat_looks(board: Storyboard, _sounds: Sounds) -> Found:
    pairs = ((shot, beat) for shot in board.shots for beat in shot.beats if beat.look != shot.look)
    return ((beat.origin["look"], "a look of one beat", "the look of its shot holds") for _, beat in pairs)


def _beds(board: Storyboard, _sounds: Sounds) -> Found:
    for key, words in (("ambience", board.sound.ambience_text), ("music", board.sound.music_text)):
        if words:
            yield ("sound", key), f"{key} in words", "no engine makes the sound under a whole film; name a sound file"
    own = "a scene's, shot's or beat's own ambience and music"
    for scene in board.scenes:
        if scene.sound != board.sound:
            yield (*scene.loc, "sound"), own, "the film's are"
        beats = (beat for shot in scene.shots for beat in shot.beats)
        yield from ((beat.origin["sound"], own, "the film's are") for beat in beats if beat.bed != scene.sound)


def _beat_sounds(board: Storyboard, sounds: Sounds) -> Found:
    hint = "its engine makes no sound; name a sound file, or an engine that does"
    beats = (beat for beat in _beats(board) if beat.sound_text and not sounds(beat))
    return ((beat.origin["sound"], "the sound of a shot or beat in words", hint) for beat in beats)


_FINDERS: tuple[Callable[[Storyboard, Sounds], Found], ...] = (
    _dialogue, _voices, _policy, _beat_looks, _beds, _beat_sounds,
)  # fmt: skip
"""What is written without effect; one goes when all that it finds is rendered."""
