"""Which sounds a film plays, and when: beds and effects, from the storyboard to film frames. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.errors import EngineMissing, Problem, counted
from sora_cli.storyboard.model import Beat, Loc, Shot, Storyboard
from sora_cli.storyboard.sound import SoundBed, SoundSources

if TYPE_CHECKING:
    from sora_cli.plan.continuity import PlannedBeat
    from sora_cli.plan.plan import Plan, PlannedShot

Bus = Literal["ambience", "music", "effects"]


class PlannedSound(Struct, frozen=True, kw_only=True):
    """A sound by its file or its words, over film frames `start` up to, not including, `end`.

    It begins `at` seconds after the first of them, at `level` dB; it comes `leads` seconds earlier and goes `lags`
    seconds later than its pictures. `overlap` frames of its first shot play together with the shot before.
    """

    bus: Bus
    path: Path | None
    words: str
    start: int
    end: int
    at: Fraction = Fraction(0)
    level: float = 0.0
    leads: Fraction = Fraction(0)
    lags: Fraction = Fraction(0)
    overlap: int = 0
    place: str = ""
    """What its seed depends on: its scene, or its shot and its number there."""
    loc: Loc = ()
    """Where it is written."""

    def seconds(self, fps: Fraction) -> Fraction:
        """How long it is heard, joins included."""
        return max(Fraction(1), (self.end - self.start) / fps + self.leads + self.lags - self.at)


def beds(plan: Plan) -> list[PlannedSound]:
    """Ambience, then music, each in film order; one that goes on over several shots is one."""
    under = list(_under(plan))
    ambience = [replace(place, bus="ambience", path=bed.ambience_path, words=bed.ambience_text) for bed, place in under]
    music = [replace(place, bus="music", path=bed.music_path, words=bed.music_text) for bed, place in under]
    return [*_joined(ambience), *_joined(music)]


def _under(plan: Plan) -> Iterator[tuple[SoundBed, PlannedSound]]:
    """What lies under each beat, and its place."""
    written = {shot.name: (shot, scene.sound) for scene in plan.board.scenes for shot in scene.shots}
    for planned in plan.shots:
        shot, scene = written[planned.name]
        at, overlap = planned.start, planned.overlap
        # A title card alone has no beats; its scene's bed lies under it.
        pairs = zip(shot.beats, planned.beats, strict=True)
        beats = [(beat.bed, made.frames, beat.origin.get("sound", ("sound",))) for beat, made in pairs]
        for bed, frames, loc in beats or [(scene, planned.frames, ("sound",))]:
            place = PlannedSound(
                bus="ambience",
                path=None,
                words="",
                start=at,
                end=at + frames,
                leads=bed.leads,
                lags=bed.lags,
                overlap=overlap,
                place=planned.scene,
                loc=loc,
            )
            yield bed, place
            at, overlap = at + frames, 0


def _joined(sounds: Sequence[PlannedSound]) -> Iterator[PlannedSound]:
    """Neighbours that are the same sound as one; silence left out."""
    for (path, words), group in groupby(sounds, key=lambda sound: (sound.path, sound.words)):
        first, *others = group
        last = others[-1] if others else first
        if path is not None or words:
            yield replace(first, end=last.end, lags=last.lags)


def effects(plan: Plan) -> list[list[PlannedSound]]:
    """The sounds of each shot's beats, shot by shot; one written for several beats goes on over all of them."""
    shots = {shot.name: shot for shot in plan.board.shots}
    return [list(_effects(shots[planned.name], planned)) for planned in plan.shots]


def every(plan: Plan) -> list[PlannedSound]:
    """All sounds of a plan: beds, then effects."""
    return [*beds(plan), *chain.from_iterable(effects(plan))]


def runs(shot: Shot, planned: PlannedShot) -> Iterator[tuple[list[Beat], list[PlannedBeat], int]]:
    """The beats of a shot that share one sound: as they are written, as they are planned, and their film frames."""
    pairs = zip(shot.beats, planned.beats, strict=True)
    for _, group in groupby(pairs, key=lambda pair: _written(pair[0])):
        beats, made = zip(*group, strict=True)
        yield list(beats), list(made), sum(each.frames for each in made)


def _effects(shot: Shot, planned: PlannedShot) -> Iterator[PlannedSound]:
    at = planned.start
    for number, ((first, *_), made, frames) in enumerate(runs(shot, planned)):
        by_model = any(stretch.candidates[0].sound for stretch in made[0].stretches)
        if first.sound_path is not None or (first.sound_text and not by_model):
            yield PlannedSound(
                bus="effects",
                path=first.sound_path,
                words=first.sound_text,
                start=at,
                end=at + frames,
                at=first.sound_at,
                level=first.sound_level,
                leads=first.sound_leads,
                lags=first.sound_lags,
                place=f"{planned.name}/{number}",
                loc=first.origin.get("sound", first.loc),
            )
        at += frames


def _written(beat: Beat) -> tuple[object, ...]:
    return beat.sound_path, beat.sound_text, beat.origin.get("sound")


class BeatFoley(Struct, frozen=True):
    """What of a beat is found in its pictures: `hits` and rolls and slides, its `place`."""

    hits: bool = False
    place: bool = False


FOLEY_VERSION = 1
"""Part of the key of a film with sounds that are found in pictures: raised when others would be found."""


def foley(plan: Plan) -> dict[str, tuple[BeatFoley, ...]]:
    """What is heard by the pictures of each beat, by shot; sounds that an author wrote for it come first."""
    written = {shot.name: shot.beats for shot in plan.board.shots}
    return {
        planned.name: tuple(map(partial(_seen, plan), written[planned.name], planned.beats)) for planned in plan.shots
    }


def by_pictures(plan: Plan) -> str:
    """One sentence on what is heard by a film's pictures; empty if nothing is."""
    seen = [each for beats in foley(plan).values() for each in beats]
    hits, places = (sum(flags) for flags in ([one.hits for one in seen], [one.place for one in seen]))
    parts = [f"what hits, rolls and slides ({counted(hits, 'beat')})"] if hits else []
    parts += [f"the place ({counted(places, 'beat')})"] if places else []
    return f"heard by the pictures: {' and '.join(parts)}" if parts else ""


def _seen(plan: Plan, beat: Beat, made: PlannedBeat) -> BeatFoley:
    bed, cards = beat.bed, [plan.cards[stretch.candidates[0].engine] for stretch in made.stretches]
    if not (cards and all(card.foley for card in cards) and bed.foley) or beat.sound_off:
        return BeatFoley()
    own = bool(beat.sound_path or beat.sound_text)
    return BeatFoley(hits=not own, place=not (bed.ambience_path or bed.ambience_text or bed.quiet))


def in_words(plan: Plan) -> list[PlannedSound]:
    """The sounds of a plan that are made from words, each once. Music is left out: nothing here makes it."""
    return [sound for sound in every(plan) if sound.words and sound.bus != "music"]


def no_model(board: Storyboard) -> Iterator[Problem]:
    """A problem, if the model of sound that a storyboard names is not installed."""
    if not board.sounds.engine:
        return
    from sora_cli.engines.sounds import sound_card

    try:
        sound_card(board.sounds.engine)
    except EngineMissing as error:
        yield Problem(error.message, error.hint, board.mark(("sounds", "engine")), code=3)


def chosen(plan: Plan) -> list[tuple[str, str]]:
    """The recordings and models that a storyboard's own `sounds` choose, by name and hash: the files can change."""
    if plan.board.sounds == SoundSources():
        return []
    found = [plan.sounds[sound.words] for sound in in_words(plan)]
    return [(match.sound, match.revision) for each in found for match in each.matches]


def recordings(plan: Plan) -> dict[Path, str]:
    """The files of the folder that a board's `sounds` names which are heard in the film, each with its SHA-256."""
    return {path: sha for found in plan.sounds.values() for path, sha in found.recordings}


def with_sounds(plan: Plan) -> Plan:
    """The plan with the sounds that its words find.

    Raises:
        EngineMissing: the model of sound that the storyboard names is not here.
        RequestError: its folder of sounds is not a folder.
        MachineError: a library of another package cannot be loaded.
    """
    wanted = dict.fromkeys(sound.words for sound in in_words(plan))
    if not wanted:
        return plan
    from sora_cli.sound.kept import Sounds
    from sora_cli.store import open_store

    sounds = Sounds(open_store(), plan.board.sounds)
    return replace(plan, sounds={words: sounds.find(words) for words in wanted})


def silent_words(plan: Plan) -> Iterator[Problem]:
    """Remarks on words for which there is no sound, and on choices that a person should know of."""
    for sound in in_words(plan) if plan.sounds else ():
        found = plan.sounds[sound.words]
        notes = [match.note for match in found.matches if match.note]
        for message in (*found.missing, *notes):
            hint = "use other words, or name a sound file" if message in found.missing else ""
            yield Problem(message, hint, plan.board.mark(sound.loc))
