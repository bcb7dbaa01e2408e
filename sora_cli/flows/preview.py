"""What `plan` shows of a storyboard before it is shot: takes, reasons, costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import asdict

from sora_cli.errors import Problem, SoraError, counted, refusal
from sora_cli.flows import preflight
from sora_cli.plan import Plan, film_id
from sora_cli.plan.cost import Cost, amount, expected, largest, tasks, total
from sora_cli.plan.data import TakeFields
from sora_cli.plan.played import starts
from sora_cli.plan.sounds import by_pictures
from sora_cli.plan.takes import latents_go_on
from sora_cli.shoot.workers import Workers
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.engines.base import Take
    from sora_cli.engines.doctor import Check
    from sora_cli.engines.estimate import Estimate
    from sora_cli.plan.schedule import Forecast
    from sora_cli.store import Store

HELPS = 1.1
"""How far above its longest chain of takes a film is shot quicker by more workers."""


def time_told(seconds: float) -> str:
    """A time in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class PlanView(Struct, frozen=True):
    """A plan beside what the store holds of it."""

    plan: Plan
    kept: Mapping[str, bool]
    why: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, Estimate] = field(default_factory=dict)
    """What the largest take of each engine will need on this machine."""
    missing: tuple[Problem, ...] = ()
    """What this machine lacks for it."""
    costs: Mapping[str, Cost] = field(default_factory=dict)
    """About what the takes that are not kept will cost, by their keys."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What people wrote to its shots on a page, by their names."""
    workers: Workers | None = None
    """Who would shoot, where that was asked."""

    def as_dict(self, *, prompts: bool = False) -> dict[str, object]:
        """Plain data, for `--json`; with `prompts` what each take is told, and why."""
        from sora_cli.flows import prompts as sent  # these two are for `--json` alone
        from sora_cli.record.film import PlannedTake, PlanRecord
        from sora_cli.record.sidecar import cost_record

        handed, at = self._handed(), self._at()
        takes = tuple(
            PlannedTake.of(
                take,
                name=take.name,
                key=take.key,
                kept=self.kept[take.key],
                why=self.why.get(take.key, ""),
                at=at.get(take.key),
                skip=take.skip,
                play=take.play,
                latents=take.key in handed,
                **({"cost": cost_record(self.costs[take.key])} if take.key in self.costs else {}),
            )
            for take in self.plan.takes
        )
        record = PlanRecord.of(self.plan, takes, {name: asdict(need) for name, need in self.needs.items()}).to_dict()
        record |= {"cost": self._ahead.as_dict()} if self._ahead else {}
        record |= {"prompts": sent.as_dict(self.plan)} if prompts else {}
        record |= {"notes": dict(self.notes)} if self.notes else {}
        record |= {"workers": [asdict(each) for each in self.forecasts()]} if self.workers else {}
        return {**record, **({"error": refusal(self.missing).as_dict()} if self.missing else {})}

    def _at(self) -> dict[str, float]:
        """When each take plays in the film, in seconds, by key; all candidates of a stretch have its time."""
        begins = starts(self.plan)
        return {
            key: float(begins[stretch.name] / self.plan.fps) for stretch in self.plan.stretches for key in stretch.keys
        }

    def _handed(self) -> set[str]:
        """Keys of the takes that are handed the latents of the frames that they carry on from."""
        made = {take.key: take for take in self.plan.takes}
        return {
            take.key
            for take in self.plan.takes
            if take.opening and take.opening.takes
            if latents_go_on(self.plan.cards[take.engine], take, made[take.opening.takes[0]])
        }

    def rows(self, columns: Sequence[str]) -> Iterator[list[str]]:
        """Rows of the plan table."""
        names, handed = {take.key: take.name for take in self.plan.takes}, self._handed()
        at = self._at()
        for take in self.plan.takes:
            start, source = at.get(take.key), take.opening
            row = {
                "take": take.name,
                "at": "" if start is None else f"{start:.2f}",
                "length": f"{float(take.play / take.fps):.2f}",
                "frames": str(take.frames),
                "size": f"{take.width}x{take.height}",
                "seed": str(take.seed),
                "from": ""
                if source is None
                else names[source.takes[0]] + (", latents" if take.key in handed else "")
                if source.takes
                else (source.path or Path()).name,
                "state": "kept" if self.kept[take.key] else "to shoot",
                "why": self.why.get(take.key, ""),
                "about": time_told(self.costs[take.key].seconds) if take.key in self.costs else "",
                "cost": self._money(take.key),
            }
            yield [row[column] for column in columns]

    def noted(self) -> dict[int, list[str]]:
        """The lines of notes, by the number of the row that they stand under: of their shot's last take."""
        rows = {take.key: number for number, take in enumerate(self.plan.takes)}
        return {
            max(places): f"{shot.name}: {self.notes[shot.name]}".splitlines()
            for shot in self.plan.shots
            if shot.name in self.notes
            if (places := [rows[key] for stretch in shot.stretches for key in stretch.keys])
        }

    def unplaced(self) -> Iterator[Problem]:
        """The notes that have no row: those of title cards, and of shots that are not in the storyboard."""
        shots = {shot.name: shot for shot in self.plan.board.shots}
        for name, note in self.notes.items():
            if name not in shots:
                yield Problem(
                    f"no shot is called {name} here; its note says: {note}", "the shot may have another name now"
                )
            elif not shots[name].beats:
                yield Problem(f"{name}: {note}", "")

    def summary(self) -> str:
        """One line: how much film, how much work."""
        plan, missing = self.plan, sum(not kept for kept in self.kept.values())
        size = f"{plan.width}x{plan.height} at {float(plan.fps):g} fps"
        film = f"{counted(len(plan.shots), 'shot')}, {counted(plan.frames, 'frame')} ({plan.seconds:.2f} s)"
        work = [f"{counted(missing, 'take')} to shoot"]
        if self.priced and self._ahead is not None:
            work += [f"about {time_told(self._ahead.seconds)}", *self._ahead.facts]
        return f"{film}, {size}; {', '.join(work)}"

    def forecasts(self) -> list[Forecast]:
        """How long the takes to shoot need: with the workers that were asked for, or ever more while that helps."""
        if self.workers is None or self._ahead is None:
            return []
        from sora_cli.plan.schedule import forecast  # only where workers are asked for

        takes = [take for take in self.plan.takes if take.key in self.costs]
        known, number = tasks(self.plan, self.costs), self.workers.number
        found = [forecast(takes, known, number or 1)]
        while not number and found[-1].seconds > HELPS * found[-1].path and found[-1].workers < len(takes):
            found.append(forecast(takes, known, 2 * found[-1].workers))
        return found

    def shared(self) -> Problem:
        """How long it takes with several workers, in words."""
        found = self.forecasts()
        if not found:
            return Problem("how long workers need is not known: nothing tells what all of its takes cost")
        each = ", ".join(f"{counted(one.workers, 'worker')} about {time_told(one.seconds)}" for one in found)
        return Problem(f"{each}; the longest chain of takes: {time_told(found[0].path)}")

    def _seconds(self, engine: str) -> float:
        """About how long its takes will need."""
        keys = (take.key for take in self.plan.takes if take.engine == engine and take.key in self.costs)
        return sum(self.costs[key].seconds for key in keys)

    @property
    def priced(self) -> bool:
        """Whether something says what making its takes will cost."""
        return any(cost.money is not None for cost in self.costs.values())

    def _money(self, key: str) -> str:
        money = self.costs[key].money if key in self.costs else None
        return "" if money is None else amount(money)

    @property
    def _ahead(self) -> Cost | None:
        """What all takes to shoot will cost; None where that is not known of each."""
        missing = sum(not kept for kept in self.kept.values())
        return total(self.costs.values()) if len(self.costs) == missing else None

    def needed(self) -> Iterator[Problem]:
        """What is heard by the pictures; for each engine with work to do, what it needs here, and what would fit."""
        if sounds := by_pictures(self.plan):
            yield Problem(sounds, "`sound: {foley: off}` leaves it out")
        todo = Counter(take.engine for take in self.plan.takes if not self.kept[take.key])
        for name, need in self.needs.items():
            stages = {"weights": need.weights_gb, "activations": need.activations_gb, "decode": need.decode_gb}
            stages |= {"encode": need.encode_gb} if need.encode_gb else {}
            parts = ", ".join(f"{stage} {size:.1f}" for stage, size in stages.items())
            facts = f"{name}: {need.device_gb:.1f} GB of device memory ({parts}), {need.host_gb:.0f} GB of the host's"
            seconds, number = self._seconds(name), todo[name]
            least = f", the largest at least {time_told(need.least)}" if need.least else ""
            took = f", about {time_told(seconds)} for {counted(number, 'take')}{least}" if seconds else ""
            how = f"; {need.layout}" if need.layout and need.fits else ""
            wont = "" if need.fits else "; it does not fit here"
            yield Problem(f"{facts}{took}{how}{wont}", need.advice)


def planned(
    board: Storyboard,
    *,
    draft: bool = False,
    only: Sequence[str] = (),
    notes: Mapping[str, str] = MappingProxyType({}),
    workers: Workers | None = None,
) -> PlanView:
    """The plan of a storyboard, beside what the store holds of it; with `workers`, how long they would need.

    Raises:
        StoryboardError, PolicyError, EngineMissing: as `preflight.plan_for` does.
        CertificateError: as `preflight.require_signer` does.
    """
    from sora_cli.store import open_store

    plan, missing = preflight.plan_for(board, draft=draft, only=only)
    if not missing:
        preflight.require_ready(plan, made=False)
    preflight.require_signer()
    clips = open_store()
    preflight.require_drafts(plan, clips)
    kept = {take.key: clips.has(take.key) for take in plan.takes}
    missing_takes = [take for take in plan.takes if not kept[take.key]]
    ahead = expected(plan, clips, missing_takes, (workers or Workers("local")).beside)
    return PlanView(plan, kept, _reasons(plan, clips, kept), _needs(plan, kept), missing, ahead, notes, workers)


def _needs(plan: Plan, kept: Mapping[str, bool]) -> dict[str, Estimate]:
    """What the largest missing take of each engine will need on this machine."""
    from sora_cli.engines.doctor import machine
    from sora_cli.engines.estimate import estimate

    most = largest(take for take in plan.takes if not kept[take.key])
    here = machine() if most else None
    return {
        name: estimate(
            plan.cards[name], (take.width, take.height, take.frames), take.options, memory=plan.memory, machine=here
        )
        for name, take in most.items()
        if here is not None and plan.cards[name].demand is not None
    }


def _reasons(plan: Plan, clips: Store, kept: Mapping[str, bool]) -> dict[str, str]:
    """Why each take that is not kept will be shot: new, or which of its fields changed; what was done for others."""
    names = {take.key: take.name for take in plan.takes}
    before = clips.films.remembered(film_id(plan.board))
    reasons: dict[str, str] = {}
    for take in plan.takes:
        if kept[take.key]:
            reasons |= _corrected(take, names, clips)
            continue
        moved = {"from": take.opening, "to": take.closing}
        words = []
        old = before.get(take.name)
        for name in clips.changed(old, take.key, TakeFields.of(take).to_dict()) if old else ():
            carry = moved.get(name)
            shot_again = carry is not None and [names[key] for key in carry.takes if not kept.get(key, True)]
            words.append(f"{name} ({shot_again[0]} is shot again)" if shot_again else name)
        reasons[take.key] = ", ".join(words) + " changed" if words else "new"
    return reasons


def _corrected(take: Take, names: Mapping[str, str], clips: Store) -> dict[str, str]:
    """By its key: that a kept take began on corrected frames, since those that it carries on from had drifted."""
    hold = take.opening.hold if take.opening is not None else None
    card = clips.card(take.key) if hold is not None and hold.above else None
    if hold is None or card is None or card.drift <= hold.above:
        return {}
    facts = f"their colour had drifted by {card.drift:.1f} from {names[hold.takes[0]]}, more than {hold.above:g}"
    return {take.key: f"began on corrected frames: {facts}"}


def doctor() -> list[Check]:
    """What works on this machine and what is missing: engines and devices, encoders, the signing certificate."""
    from sora_cli import stamp
    from sora_cli.engines.doctor import Check, doctor
    from sora_cli.media.deliveries import DELIVERIES
    from sora_cli.media.film import missing_encoders

    missing = missing_encoders()
    found = ", ".join(missing) + " missing" if missing else f"all for {', '.join(DELIVERIES)}"
    checks = [*doctor(), Check("encoders", ok=not missing, found=found, hint="pip install --upgrade av")]
    checks.append(_store())
    try:
        signer = stamp.find_signer()
        whose = "self-made on this machine" if signer.self_made else f"from {signer.source}"
        facts = f"{signer.subject}, {whose}, until {signer.ends:%Y-%m-%d}"
        return [*checks, Check("certificate", ok=True, found=facts)]
    except SoraError as error:
        return [*checks, Check("certificate", ok=False, found=error.message, hint=error.hint)]


def _store() -> Check:
    """Whether clips can be kept."""
    from sora_cli.engines.doctor import LITTLE, Check, writable
    from sora_cli.store import open_store

    try:
        store = open_store()
        free, may = store.free() / 1e9, writable(store.folder)
        found = f"{free:.0f} GB free at {store.folder}" if may else f"nothing may be written to {store.folder}"
        return Check("store", ok=may and free > LITTLE, found=found, hint="SORA_STORE names another folder")
    except SoraError as error:
        return Check("store", ok=False, found=error.message, hint=error.hint)
