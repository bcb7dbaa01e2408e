"""What is written in a storyboard and will not be in the film, or not as written: nothing is dropped in silence.

Whether an engine makes sound is its card's to say; who plans asks the card, here as for the prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial

from sora_cli.errors import Problem, file_order
from sora_cli.storyboard.model import Beat, Loc, Storyboard
from sora_cli.storyboard.sound import DialogueLine, SoundBed

Timing = Callable[[Beat], frozenset[str] | None]
"""By which keys the engine of a beat is told when its lines are said; None where it does not say them."""
Found = Iterator[tuple[Loc, str, str]]
"""Where something is written, what of it is not rendered, and a hint."""

Finder = Callable[[Storyboard, Timing], Found]


def not_rendered_yet(
    board: Storyboard, timing: Timing = lambda _beat: None, voiced: Collection[tuple[Loc, str]] = ()
) -> tuple[Problem, ...]:
    """Remarks on what is written in the storyboard and will not be in the film, in the order of the file.

    `voiced` are those of the cast whose voices engines are given, each by where the lines are written.
    """
    found: dict[tuple[Loc, str], Problem] = {}
    finders: tuple[Finder, ...] = (*_FINDERS, partial(_voices, voiced=voiced))
    for find in finders:
        for loc, what, hint in find(board, timing):
            found.setdefault((loc, what), Problem(f"not rendered yet: {what}", hint, board.mark(loc)))
    return tuple(sorted(found.values(), key=lambda remark: file_order(remark.mark)))


def _beats(board: Storyboard) -> Iterator[Beat]:
    return (beat for shot in board.shots for beat in shot.beats)


_OF_LINES = {
    "at": "when a line is said",
    "pause": "the pause before a line",
    "level": "how loud a line is",
    "pan": "from where a line is heard",
}
_MINE = "the engine says it in its own way; with `voice: mine` a voice does"


def _lines(board: Storyboard, timing: Timing) -> Iterator[tuple[Loc, DialogueLine, frozenset[str]]]:
    """The lines that the engines of their pictures say, and by which keys these are told when."""
    for beat in _beats(board):
        told = timing(beat)
        for number, line in enumerate(beat.dialogue if told is not None else ()):
            if line.path is None and told is not None:
                yield (*beat.origin["dialogue"], number), line, told


def _dialogue(board: Storyboard, timing: Timing) -> Found:
    """What of lines their engine is not told."""
    for loc, line, told in _lines(board, timing):
        plain = DialogueLine(line.cast, line.line)
        for key, what in _OF_LINES.items():
            if key not in told and getattr(line, key) != getattr(plain, key):
                yield (*loc, key), what, _MINE


def _voices(board: Storyboard, timing: Timing, voiced: Collection[tuple[Loc, str]]) -> Found:
    """Voices and pronunciations, where engines speak."""
    for loc, line, _ in _lines(board, timing):
        who = board.cast.get(line.cast) if line.cast else board.narrator
        if who is not None and who.voice and (loc[:-1], line.cast) not in voiced:
            where: Loc = ("cast", line.cast, "voice") if line.cast else ("narrator", "voice")
            yield where, "this voice where an engine speaks", _MINE
        for word in board.say:
            if word.casefold() in line.line.casefold():
                yield ("say", word), "this pronunciation where an engine speaks", _MINE


def _sounds(board: Storyboard, timing: Timing) -> Found:
    """How loud, and over which cut, an engine's own sounds are heard."""
    for beat in _beats(board):
        if timing(beat) is None or not beat.sound_text:
            continue
        parts = {"at": beat.sound_at if "at" not in (timing(beat) or ()) else 0, "level": beat.sound_level}
        for key, value in {**parts, "leads": beat.sound_leads, "lags": beat.sound_lags}.items():
            if value:
                hint = "the engine makes this sound; a sound file is laid as you write it"
                yield (*beat.origin["sound"], key), f"`{key}` of a sound that an engine makes", hint


def _beat_looks(board: Storyboard, _timing: Timing) -> Found:
    pairs = ((shot, beat) for shot in board.shots for beat in shot.beats if beat.look != shot.look)
    return ((beat.origin["look"], "a look of one beat", "the look of its shot holds") for _, beat in pairs)


def _beds(board: Storyboard, _timing: Timing) -> Found:
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


def _marks(board: Storyboard, _timing: Timing) -> Found:
    """Words of a mark that is a picture."""
    mark: Loc = ("provenance", "watermark")
    if {(*mark, "text"), (*mark, "image")} <= board.written:
        yield (*mark, "text"), "the words of a mark that is a picture", "keep one of `text` and `image`"


_FINDERS: tuple[Finder, ...] = (_dialogue, _sounds, _beat_looks, _beds, _marks)
"""What is written without effect; one goes when all that it finds is rendered."""
