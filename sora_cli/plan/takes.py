"""A beat made exact: the takes that an engine makes of it, what each carries on from, and their keys. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, ValidationError

from sora_cli.adapters import weights_in
from sora_cli.engines.base import Ability, Carry, EngineCard, Reference, Take
from sora_cli.engines.changes import EDITION, Change, Start
from sora_cli.engines.options import avoided, listed
from sora_cli.plan.abilities import (
    check_abilities,
    check_adapters,
    check_length,
    check_needs,
    check_parts,
    check_prompt,
    check_start,
    tell_misfits,
    unused,
)
from sora_cli.plan.continuity import Continuity, PlannedBeat, Stretch
from sora_cli.plan.data import TakeFields
from sora_cli.plan.findings import Findings
from sora_cli.plan.keyframes import Still, possible
from sora_cli.plan.negative import without_contradictions
from sora_cli.plan.prompt import Frames, Prompt, write
from sora_cli.plan.speaking import Heard, Part, muted, placed, timing
from sora_cli.plan.voiced import Sample, voices_for, with_voices
from sora_cli.storyboard.keyframes import Keyframe, StillChoice, name_of
from sora_cli.storyboard.model import Beat, CastMember, Loc, Shot, Storyboard

HURRIED = Fraction(11, 10)
"""From this stride on a remark says that a take plays faster than it was made."""


OF_FILMS = ("click", "level", "identity")
"""Bars that takes are not held to."""


class AnyOptions(BaseModel):
    """The options of an unknown engine: all are accepted."""

    model_config = ConfigDict(extra="allow", defer_build=True)


ANY_ENGINE = EngineCard(
    name="", title="", family="", source="", revision="", options=AnyOptions, abilities=frozenset(Ability),
    frame_step=1, frame_offset=0, max_frames=10**9, fps=Fraction(24), size_step=2, max_pixels=10**9,
    native_size=(1280, 720), film_size=(1280, 720), default_seconds=Fraction(3600), overlap=1, max_references=10**6,
    max_film_references=10**6, max_sound_references=10**6, stills=True,
)  # fmt: skip
"""Stands in for an engine that nobody knows, so that the rest of a storyboard is checked: it can do everything."""


def stretches_for(card: EngineCard, needed: int, given: int) -> int:
    """How many equal stretches hold `needed` frames, when `given` of the first one repeat what came before.

    Parts differ by one frame at most; the longest must fit behind what its take repeats.
    """
    if needed <= card.room(given):
        return 1
    return max(2, -(-needed // max(1, card.room(max(given, card.overlap)))))


def derive_seed(*parts: object) -> int:
    """A 32-bit seed from what identifies a take; changes in one part change it wholly."""
    digest = hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def card_of(board: Storyboard, cards: Mapping[str | None, EngineCard], beat: Beat) -> EngineCard:
    """The card of the engine that makes a beat; `ANY_ENGINE` where what is written of it could not be read."""
    levels = (beat.loc[:end] for end in range(len(beat.loc) + 1))
    if board.lost and any((*level, "engine") in board.lost for level in levels):
        return ANY_ENGINE
    return cards[beat.engine or board.engine]


def _edition(card: EngineCard, opening: Carry | None, change: Change | None) -> int:
    """What counts where the same take shows other frames than it did in an earlier version."""
    begun = card.edition if opening is not None and opening.count == 1 else 0
    return begun + (EDITION if change is not None and not change.whole else 0)


def latents_go_on(card: EngineCard, take: Take, source: Take) -> bool:
    """Whether a take is given the latents of the frames that it carries on from, without decoding and encoding them.

    They are those of the last frames of `source`, and only its own engine reads them.
    """
    same = (take.engine, take.revision) == (source.engine, source.revision)
    return card.tails and same and take.opening is not None and take.opening.at == source.frames - 1


class TakeMaker(Struct, dict=True):
    """Makes the beats of one film exact, shot by shot; each shot comes after those that its `from` and `to` name.

    `findings` gathers what the author should know.
    """

    board: Storyboard
    cards: Mapping[str | None, EngineCard]
    film: tuple[int, int]
    full: tuple[int, int]
    """The film's size where it is no draft: stills are chosen once, for both."""
    fps: Fraction
    draft: bool
    findings: Findings
    memory: Mapping[str, object] = field(default_factory=dict)
    """What of the fitting to the device changes pixels."""
    prompts: dict[str, Prompt] = field(default_factory=dict)
    """What each take is told, by its key."""
    stills: dict[str, tuple[Still, ...]] = field(default_factory=dict)
    """By the shot's name."""
    drafts: Mapping[str, Stretch] = field(default_factory=dict)
    """What the takes go on from, by the name of the stretch."""
    sample: Sample = lambda _name: None
    """Finds the voices that engines are given as sounds."""
    fitting: dict[tuple[str, bool, str], dict[str, object]] = field(default_factory=dict)
    """Options in which nothing was found to tell, by engine, whether for a draft, and as written: shots share them."""
    voiced: set[tuple[Loc, str]] = field(default_factory=set)
    """Whose voice an engine is given, by where their lines are written."""

    @cached_property
    def continuity(self) -> Continuity:
        """What the takes carry on from."""
        return Continuity(self.board, self.findings, self.fps)

    @property
    def planned(self) -> Mapping[str, tuple[PlannedBeat, ...]]:
        """The beats of the shots that are planned, by the shot's name."""
        return self.continuity.planned

    def shot(self, scene: str, shot: Shot, label: str, lengths: Sequence[int]) -> None:
        """Plan all beats of a shot, each carrying on from the one before it.

        `label` is what its seeds hang on; `lengths` are film frames, one for each beat.
        """
        done: list[PlannedBeat] = []
        self.continuity.begin(shot)
        self.stills[shot.name] = tuple(self.stills_of(scene, shot, label))
        for number, (beat, frames) in enumerate(zip(shot.beats, lengths, strict=True)):
            name = "/".join([scene, shot.name] + ([str(number + 1)] if len(shot.beats) > 1 else []))
            if frames < 1 and (beat.dialogue or not beat.spoken):  # where nobody speaks, the reader has said so
                message = f"shorter than one frame at {float(self.fps):g} frames a second"
                where, hint = ("edit", "end it later") if beat.edit else ("duration", "write 1f, or more")
                self.findings.wrong(beat, where, message, hint)
            done.append(self.beat(shot, beat, done, name=name, label=f"{label}/{number}", frames=max(1, frames)))
        self.continuity.planned[shot.name] = tuple(done)

    def stills_of(self, scene: str, shot: Shot, label: str) -> Iterator[Still]:
        """The stills of a shot, as takes of one frame; what cannot be is told."""
        for keyframe in shot.keyframes:
            card = card_of(self.board, self.cards, keyframe.beat)
            played = card_of(self.board, self.cards, shot.beats[0 if keyframe.place == "first" else -1])
            if possible(self.findings, keyframe, played, card):
                yield self.still(shot, keyframe, card.still, f"{scene}/{shot.name}", label)

    def still(self, shot: Shot, keyframe: Keyframe, card: EngineCard, name: str, label: str) -> Still:
        """A still with the seed of its number, the same in a draft."""
        beat, called = keyframe.beat, name_of(shot, keyframe)
        choice = self.board.stills.get(called, StillChoice())
        check_abilities(self.findings, card, beat)
        own = f"{keyframe.place} still {choice.number}"
        options = self.options(card, beat, draft=False)
        made = self.take(card, beat, film=self.full, name=f"{name}/{own}", play=1, given=0, options=options)
        return Still(called, keyframe, self.candidates(beat, *made, f"{label}/{own}"), choice)

    def beat(
        self, shot: Shot, beat: Beat, before: Sequence[PlannedBeat], *, name: str, label: str, frames: int
    ) -> PlannedBeat:
        """One beat, split into equal stretches where it is longer than the engine's longest clip."""
        card = card_of(self.board, self.cards, beat)
        check_abilities(self.findings, card, beat)
        options = self.options(card, beat, draft=self.draft)
        stills = {still.keyframe.place: still.carry for still in self.stills[shot.name]}
        opening, given = self.continuity.opening(card, shot, beat, before)
        opening = opening if before else stills.get("first", opening)
        closing = self.continuity.closing(card, shot, beat)
        closing = stills.get("last", closing) if beat is shot.beats[-1] else closing
        check_needs(self.findings, card, beat, opening=opening, closing=closing)
        step = shot.speed * card.fps / self.fps
        smooth = step < 1 and (shot.speed < 1 or self.board.motion == "interpolate")
        last = (frames - 1) * step
        needed = (math.ceil(last) if smooth else math.floor(last)) + 1
        count = stretches_for(card, needed, given)
        check_length(self.findings, card, beat, needed, count)
        stretches: list[Stretch] = []
        for index in range(count):
            if index:
                opening = self.continuity.carry_on(card, stretches[-1])
                given = opening.count
            begin, end = (needed * number // count for number in (index, index + 1))
            part = Part(shot.speed * card.fps, begin, end if index < count - 1 else None)
            take = self.take(
                card,
                beat,
                film=self.film,
                name=name if count == 1 else f"{name}.{index + 1}",
                given=given,
                opening=opening,
                play=end - begin,
                options=options,
                closing=closing if index == count - 1 else None,
                heard=part.heard(beat) if card.makes_sound else None,
                change=self.continuity.change(card, beat, begin - given),
                start=self.start(card, beat, name if count == 1 else f"{name}.{index + 1}"),
            )
            stretches.append(self.candidates(beat, *take, f"{label}.{index}"))
            self.continuity.note(card, shot, beat, stretches[-1])
        return PlannedBeat(frames, tuple(stretches), shot.speed, smooth)

    def start(self, card: EngineCard, beat: Beat, name: str) -> Start | None:
        """What a take begins with: the draft's, where the film goes on from it, or the film that it changes."""
        if name in self.drafts:
            check_start(self.findings, card, beat)
            return Start(self.board.from_draft, self.drafts[name].choices)
        return Start(beat.edit.strength) if beat.edit is not None and beat.edit.strength else None

    def take(
        self,
        card: EngineCard,
        beat: Beat,
        *,
        film: tuple[int, int],
        name: str,
        play: int,
        given: int,
        options: Mapping[str, object],
        opening: Carry | None = None,
        closing: Carry | None = None,
        heard: tuple[Heard, ...] | None = None,
        change: Change | None = None,
        start: Start | None = None,
    ) -> tuple[Take, Prompt]:
        """A take without its seed and key, and how its words came about."""
        width, height = card.size_for(film, options)
        frames = card.frames_for(given + play)
        framed = opening is not None or closing is not None
        skip, stride = self.played(card, beat, frames, play, given, opening=opening, closing=closing)
        alone = unused(self.findings, card, beat, opening, closing)
        speaking = () if framed and card.references_alone else heard
        voiced, cast, references = self.referenced(card, beat, speaking, alone=alone)
        ends = Frames(
            opening is not None, closing is not None, bool(references), float(frames / card.fps),
            self.continuity.hour, placed(heard, skip, stride, card.fps) if heard is not None else None,
        )  # fmt: skip
        prompt = write(voiced, cast, card, ends)
        if "quality_avoid" in options and "quality_avoid" not in beat.options:
            kept, dropped = without_contradictions(str(options["quality_avoid"]), beat)
            if kept != options["quality_avoid"]:
                options, prompt = {**options, "quality_avoid": kept}, replace(prompt, not_avoided=dropped)
        check_prompt(self.findings, card, beat, prompt, options)
        take = Take(
            name=name, key="", engine=card.name, revision=card.revision, prompt=prompt.text,
            avoid=avoided(beat.avoid, *prompt.avoided) if card.can(Ability.NEGATIVE_PROMPT) else "",
            width=width, height=height, fps=card.fps, frames=frames,
            skip=skip, play=play, seed=0, options=options, opening=opening, closing=closing,
            references=references,
            sound=card.makes_sound and not muted(beat), stride=stride, memory=self.memory,
            edition=_edition(card, opening, change),
            written=beat.prompt if beat.sent else "", change=change, start=start,
        )  # fmt: skip
        return take, prompt

    def referenced(
        self, card: EngineCard, beat: Beat, heard: Sequence[Heard] | None, *, alone: bool
    ) -> tuple[Beat, Mapping[str, CastMember], tuple[Reference, ...]]:
        """The beat and its cast with the voices of who is `heard` among their references; and these, if not `alone`."""
        speaking = heard if heard and timing(card, beat) is not None else ()
        voices = list(voices_for(card, beat, self.board.cast, speaking, self.sample))
        self.voiced |= {(beat.origin["dialogue"], name) for name, _, _ in voices}
        voiced, cast = with_voices(beat, self.board.cast, voices)
        spoken = {path: voice for _, voice, path in voices}
        return voiced, cast, () if alone else self.continuity.references(card, voiced, spoken)

    def played(
        self,
        card: EngineCard,
        beat: Beat,
        frames: int,
        play: int,
        given: int,
        *,
        opening: Carry | None,
        closing: Carry | None,
    ) -> tuple[int, Fraction]:
        """What of a take's frames plays: the frames before the first, and the stride.

        What the grid adds is left out at the end; but at the front where the last frame counts: it is a given one, or
        its latents can be handed on. Between two given ends nothing may be left out at either: there all frames are
        passed through, evenly, a little faster.
        """
        if closing is None:
            return (frames - play if card.tails and opening is None else given), Fraction(1)
        if opening is None or play == 1:
            if opening is not None and not given:
                self.findings.wrong(
                    beat, "duration", "one frame cannot be both the first and the last", "make the beat longer"
                )
            return frames - play, Fraction(1)
        stride = Fraction(frames - 1 - given, play - 1)
        if stride >= HURRIED:
            made = f"engine {card.name} makes {frames - given} frames from the first to the last one, and {play} play"
            hint = f"make the beat longer, or remove {'`to`' if beat.end else '`last` of its `keyframe`'}"
            self.findings.remark(beat, "to", f"{made}: it moves {float(stride):.1f} times as fast", hint)
        return given, stride

    def candidates(self, beat: Beat, take: Take, prompt: Prompt, label: str) -> Stretch:
        """The take with as many seeds as the beat's `takes` asks for, and those of the policy for takes it refuses."""
        made: list[Take] = []
        spared = beat.until_good and beat.pick is not None
        for number in range(beat.pick if spared and beat.pick else beat.takes):
            name = f"{take.name}#{number + 1}" if number else take.name
            # The keys of spare takes are their own: what carries on from the best of four is another take than what
            # carries on from the first good one; and which is good hangs on the author's bars.
            spare = (label, "spare", *self._bars()) if beat.until_good and number else (label,)
            after = tuple(each.key for each in made) if beat.until_good and not spared else ()
            seeded = replace(take, seed=self.seed(beat, spare, number), name=name, after=after)
            made.append(replace(seeded, key=TakeFields.of(seeded).take_key))
            self.prompts[made[-1].key] = prompt
        for number in range(0 if beat.pick else self.board.rules.second_seeds):
            name, after = f"{take.name}#{len(made) + 1}", tuple(each.key for each in made)
            second = replace(
                take, seed=self.seed(beat, (label, "second"), number), name=name, after=after, stands_in=True
            )
            made.append(replace(second, key=TakeFields.of(second).take_key))
            self.prompts[made[-1].key] = prompt
        if beat.pick is not None:
            made.insert(0, made.pop(beat.pick - 1))
        return Stretch(take.name, tuple(made), picked=beat.pick is not None)

    def _bars(self) -> Iterator[str]:
        """The bars that the author sets for takes, in words."""
        return (f"{name} {value:g}" for name, value in sorted(self.board.bars.items()) if name not in OF_FILMS)

    def seed(self, beat: Beat, label: tuple[str, ...], number: int) -> int:
        """A seed written on the shot or beat is used as it is for its first take; all others are derived."""
        own = any(part in ("shots", "beats") for part in beat.origin.get("seed", ()))
        if beat.seed is not None and own and number == 0 and label[0].endswith("/0.0"):
            return beat.seed
        base = beat.seed if beat.seed is not None else (self.board.seed or 0)
        return derive_seed(base, *label, number)

    def with_lora(self, card: EngineCard, beat: Beat) -> dict[str, object]:
        """The beat's options, with the LoRA of each member of the cast that it names."""
        named = [(name, str(path)) for name in beat.cast if (path := self.board.cast[name].lora)]
        if not named or card.options is AnyOptions:  # of an unknown engine nothing is known
            return dict(beat.options)
        if "lora" not in card.options.model_fields:
            message = f"engine {card.name} takes no LoRA, and {named[0][0]} has one"
            self.findings.wrong(beat, "prompt", message, "use nano, Wan or LTX-2, or remove `lora` from the cast")
            return dict(beat.options)
        written = listed(beat.options["lora"]) if beat.options.get("lora") else []
        folder = self.board.folder
        there = {weights_in(folder / str(each.get("path"))).resolve() for each in written if isinstance(each, dict)}
        new = [{"path": path} for _, path in named if Path(path).resolve() not in there]
        return {**beat.options, "lora": [*written, *new]}

    def options(self, card: EngineCard, beat: Beat, *, draft: bool) -> dict[str, object]:
        """The engine's options, checked by its own model; in a draft the draft's win."""
        told = self.findings.count
        written = self.with_lora(card, beat)
        kind = (card.name, draft, repr(written))
        found = self.fitting.get(kind) or self.checked(card, beat, written, draft=draft)
        if self.findings.count == told:
            self.fitting[kind] = found
        return found

    def checked(self, card: EngineCard, beat: Beat, written: Mapping[str, object], *, draft: bool) -> dict[str, object]:
        """Options as they are `written`, checked and whole."""
        try:
            place = {"folder": self.board.folder, "inside": None if self.board.allow_outside else self.board.folder}
            chosen = card.options.model_validate(written, context=place)
            if draft:
                chosen = card.options.model_validate({**written, **card.draft}, context=place)
        except ValidationError as error:
            tell_misfits(self.findings, card, beat, error, self.cards.values())
            return {}
        check_adapters(self.findings, card, beat, chosen)
        found = chosen.model_dump(mode="json")
        check_parts(self.findings, card, beat, found)
        return found
