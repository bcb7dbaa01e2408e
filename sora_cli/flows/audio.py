"""The lines and sounds of a film, made or found in the store before its shots are made."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from sora_cli.plan import Plan
from sora_cli.plan.sounds import PlannedSound, in_words
from sora_cli.plan.takes import derive_seed
from sora_cli.store import Store

if TYPE_CHECKING:
    from sora_cli.plan.timeline import Cut
    from sora_cli.sound.kept import MadeSound
    from sora_cli.stamp import SpokenLine


SPARE = 2.0
"""Seconds by which a bed is longer than its pictures, for the crossfade into the next."""


class FilmSounds(Struct, frozen=True):
    """Files of the lines, by key, and the sounds in words."""

    speech: Mapping[str, Path]
    made: Mapping[PlannedSound, tuple[MadeSound, ...]]

    @property
    def models(self) -> list[str]:
        """The models that made some of them."""
        return sorted({one.by for made in self.made.values() for one in made} - {""})

    def words(self, model: str) -> list[str]:
        """The words of the sounds that this model made; of those made by rules, if the name is empty."""
        by = {sound.words: [one for one in made if one.recording is None] for sound, made in self.made.items()}
        return [words for words, made in by.items() if any(one.by == model for one in made)]


def prepare(plan: Plan, store: Store) -> FilmSounds:
    """Speak the lines of a plan and make its sounds, where the store does not have them yet.

    Raises:
        MachineError: no voice can speak here.
        RequestError: its subtitles cannot be burned in.
        StoreError: the store cannot be written.
    """
    if plan.board.subtitles == "burn":
        from sora_cli.master.burn import check_burnt
        from sora_cli.plan.timeline import subtitles

        check_burnt((each.text for each in subtitles(plan)), plan.width, plan.height)
    return FilmSounds(_spoken(plan, store), _made(plan, store))


def _spoken(plan: Plan, store: Store) -> dict[str, Path]:
    lines = [line for line in plan.lines if line.laid]
    if not lines:
        return {}
    from sora_cli.sound.speech import Speaker

    speaker = Speaker(store)
    return {line.said.key: speaker.path(line.spoken) for line in lines if line.spoken is not None}


def _made(plan: Plan, store: Store) -> dict[PlannedSound, tuple[MadeSound, ...]]:
    wanted = in_words(plan)
    if not wanted:
        return {}
    from sora_cli.sound.kept import Sounds

    with contextlib.closing(Sounds(store, plan.board.sounds, plan.sounds)) as sounds:
        return {sound: sounds.make(sound.words, *_asked(plan, sound)) for sound in wanted}


def _asked(plan: Plan, sound: PlannedSound) -> tuple[float, int]:
    """How long a sound is made, and its seed."""
    seed = derive_seed(plan.board.seed or 0, sound.bus, sound.words, sound.place)
    return float(sound.seconds(plan.fps)) + SPARE, seed


def keys(plan: Plan, store: Store) -> list[str]:
    """The keys of all that a film uses from the store: its takes, its lines, its sounds in words."""
    found = [take.key for take in plan.takes]
    found += [line.said.key for line in plan.lines if line.laid and line.spoken is not None]
    found += [each.path.stem for take in plan.takes for each in take.references if each.voice]
    if wanted := in_words(plan):
        from sora_cli.sound.kept import Sounds

        sounds = Sounds(store, plan.board.sounds, plan.sounds)
        found += [key for sound in wanted for key in sounds.keys(sound.words, *_asked(plan, sound))]
    return found


def spoken_lines(plan: Plan) -> tuple[SpokenLine, ...]:
    """The lines that a model spoke, as the credential lists them."""
    from sora_cli.media.stream import SAMPLE_RATE
    from sora_cli.stamp import claims

    return tuple(
        claims.SpokenLine(
            who=line.line.cast or "narrator",
            text=line.line.line,
            voice=line.spoken.voice,
            start=line.start / SAMPLE_RATE,
            end=line.end / SAMPLE_RATE,
        )
        for line in plan.lines
        if line.laid and line.spoken is not None
    )


def own_sounds(plan: Plan, cut: Cut, made: Mapping[PlannedSound, Sequence[MadeSound]]) -> list[tuple[Path, int, int]]:
    """The user's own sound files in a film, each with its place in film frames: beds, sounds of shots, recordings.

    Recordings that words found in the user's folder count as well.
    """
    from sora_cli.media.stream import SAMPLE_RATE
    from sora_cli.plan.sounds import every

    sounds = every(plan)
    found = [(sound.path, sound.start, sound.end) for sound in sounds if sound.path is not None]
    found += [(one.recording, sound.start, sound.end) for sound, all_ in made.items() for one in all_ if one.recording]
    for line in plan.lines:
        if line.line.path is not None:
            first = int(line.start * cut.fps / SAMPLE_RATE)
            found.append(
                (line.line.path, first, min(cut.frames, max(first + 1, int(line.end * cut.fps / SAMPLE_RATE))))
            )
    return found
