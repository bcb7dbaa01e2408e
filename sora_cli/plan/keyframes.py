"""Stills: takes of one frame that shots begin and end on; and the animatic, a film of them alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.engines.base import Ability, Carry, EngineCard
from sora_cli.errors import Problem, first_of
from sora_cli.plan.continuity import PlannedBeat, Stretch
from sora_cli.plan.findings import Findings
from sora_cli.storyboard.keyframes import Keyframe, StillChoice
from sora_cli.storyboard.model import Shot

if TYPE_CHECKING:  # which holds what is here
    from sora_cli.plan.plan import Plan, PlannedShot

EXAMPLE = "flux-2-klein"
MOST_NAMED = 8
"""Stills that a remark names."""


class Still(Struct, frozen=True):
    """The still of a keyframe, as it is used: `name` is what commands call it, `stretch` its one frame, in takes."""

    name: str
    keyframe: Keyframe
    stretch: Stretch
    choice: StillChoice

    @property
    def carry(self) -> Carry:
        """What a take is given of it."""
        return Carry(takes=self.stretch.choices, at=0)

    @property
    def approved(self) -> bool:
        """Whether this very still was approved."""
        return self.choice.approved in self.stretch.keys

    @property
    def state(self) -> str:
        """Whether it was approved, in words."""
        if self.approved:
            return "approved"
        return "changed since it was approved" if self.choice.approved else "not approved"


def possible(findings: Findings, keyframe: Keyframe, card: EngineCard, still: EngineCard) -> bool:
    """Whether an engine takes the still that another one makes; if not, a problem at its line says so."""
    wanted = Ability.FIRST_FRAMES if keyframe.place == "first" else Ability.LAST_FRAME
    if not card.makes_video:
        return False  # told of its shot
    if not card.can(wanted):
        given = "cannot begin on a given frame" if keyframe.place == "first" else "cannot end on a given frame"
        message = f"engine {card.name} {given}: it cannot use a still"
        hint = "remove `keyframe`, or name an engine that takes it, such as wan2.1-vace-1.3b"
        findings.problems.append(Problem(message, hint, findings.board.mark(keyframe.loc)))
    elif not still.makes_stills:
        message = f"engine {still.name} makes video, not stills"
        hint = f"name a model of pictures: `keyframes: {{engine: {EXAMPLE}}}`"
        named = keyframe.beat.origin.get("engine") == ("keyframes", "engine")
        loc = ("keyframes", "engine") if named else keyframe.loc
        findings.problems.append(Problem(message, hint, findings.board.mark(loc)))
    else:
        return True
    return False


def unapproved(plan: Plan) -> Iterator[Problem]:
    """A remark on the stills that are used without having been approved."""
    found = [still for shot in plan.shots for still in plan.stills.get(shot.name, ()) if not still.approved]
    if found:
        names = [f"{still.name} (number {still.choice.number}, {still.state})" for still in found]
        hint = "look at them with `sora stills`, then --approve SHOT or --approve-all"
        yield Problem(
            f"these stills are used as they are: {first_of(names, MOST_NAMED)}",
            hint,
            plan.board.mark(found[0].keyframe.loc),
        )


def animatic(plan: Plan) -> Plan:
    """The plan of the same film in which each shot shows its stills: nothing but stills is made, all else stays.

    A shot with a last still shows it in its second half. One that carries on from another shot shows that one's; where
    there is none it is black, which is told.
    """
    shown = {shot.name: _shown(plan, shot) for shot in plan.board.shots}
    shots = tuple(replace(shot, beats=tuple(_held(plan, shot, shown[shot.name]))) for shot in plan.shots)
    takes = {take.key: take for shot in shots for stretch in shot.stretches for take in stretch.candidates}
    used = {take.engine for take in takes.values()}
    # What is heard by pictures is heard by what moves in them.
    cards = {name: replace(card, foley=False) for name, card in plan.cards.items() if name in used}
    without = [shot for shot in plan.shots if shot.beats and not shown[shot.name]]
    reported = {*unapproved(plan)}
    remarks = [remark for remark in plan.remarks if remark not in reported]
    remarks += [
        Problem("this shot has no still: it is black in an animatic", "", plan.board.mark(shot.loc)) for shot in without
    ]
    return replace(plan, shots=shots, takes=tuple(takes.values()), cards=cards, remarks=tuple(remarks))


def _shown(plan: Plan, shot: Shot) -> tuple[Still, ...]:
    """The stills of a shot, or else the last one of the shot that it carries on from."""
    number = {each.name: place for place, each in enumerate(plan.board.shots)}
    here, found, passed = shot, plan.stills.get(shot.name, ()), {shot.name}
    while not found and here.beats:
        link = here.beats[0].start
        if link is None or link.kind not in {"shot", "previous"}:
            break
        here = plan.board.shots[number[link.name] if link.kind == "shot" else number[here.name] - 1]
        if here.name in passed:
            break  # a circle, which was told
        passed.add(here.name)
        found = plan.stills.get(here.name, ())[-1:]
    return found


def _held(plan: Plan, shot: PlannedShot, stills: Sequence[Still]) -> Iterator[PlannedBeat]:
    """The beats of a shot, each as long as it was, of stills that are held."""
    for number, beat in enumerate(shot.beats, 1):
        shown = stills if number == len(shot.beats) else stills[:1]
        held = tuple(replace(still.stretch, name=f"{still.stretch.name} in {shot.name}/{number}") for still in shown)
        yield PlannedBeat(beat.frames, held, plan.fps * max(1, len(held)) / beat.frames)
