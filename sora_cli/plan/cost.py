"""What making takes costs: time, and as far as that is known energy and money; before they are made, and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sora_cli.plan.plan import Plan
from sora_cli.store import Store
from sora_cli.storyboard.model import Prices
from sora_cli.storyboard.prices import prices

if TYPE_CHECKING:
    from sora_cli.engines.base import Take
    from sora_cli.engines.estimate import Machine

JOULES = 3.6e6
"""Of a kilowatt-hour."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds; joules and money where they are known. `metered` names the counters; else energy is power x time."""

    seconds: float = 0.0
    joules: float | None = 0.0
    money: float | None = 0.0
    metered: str = ""

    def __add__(self, other: Cost) -> Cost:
        """Both; what is not known of one is not known of both."""
        metered = self.metered if self.metered == other.metered else "measured in part"
        return Cost(
            self.seconds + other.seconds, _sum(self.joules, other.joules), _sum(self.money, other.money), metered
        )

    def as_dict(self) -> dict[str, float | str]:
        """Plain data: what is known."""
        told = {"seconds": round(self.seconds, 3), "joules": self.joules, "money": self.money}
        found: dict[str, float | str] = {name: value for name, value in told.items() if value is not None}
        return {**found, "energy": self.metered or "power x time"} if self.joules is not None else found

    @property
    def facts(self) -> Iterator[str]:
        """Energy and money in words, where they are known."""
        if self.joules is not None:
            yield f"{self.joules / JOULES:.4g} kWh ({self.metered or 'power x time'})"
        if self.money is not None:
            yield f"{amount(self.money)} at your prices"


def amount(money: float) -> str:
    """Money in words: two digits behind the point, of little the first two that are none."""
    return f"{money:.2f}" if money >= 0.1 or not money else f"{money:.2g}"


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def total(costs: Iterable[Cost]) -> Cost | None:
    """All of them; None where there are none."""
    found: Cost | None = None
    for cost in costs:
        found = cost if found is None else found + cost
    return found


def priced(seconds: float, at: Prices, joules: float | None = None, metered: str = "") -> Cost:
    """The cost of some time, of which the energy may have been measured.

    With a price of electricity and no energy, or without any price, no money is told: it would be made up.
    """
    energy = joules if joules is not None else None if at.power is None else at.power * seconds
    parts = [] if at.hour is None else [at.hour * seconds / 3600]
    if at.electricity is not None:
        parts += [] if energy is None else [at.electricity * energy / JOULES]
    known = bool(parts) and (at.electricity is None or energy is not None)
    return Cost(seconds, energy, sum(parts) if known else None, metered)


def made(plan: Plan, store: Store) -> dict[str, Cost]:
    """What each take that is kept has cost, by its key; what was measured then, at the prices of now."""
    at, found = prices(plan.board.cost), {}
    for take in plan.takes:
        if card := store.card(take.key):
            found[take.key] = priced(card.seconds, at, card.joules if card.metered else None, card.metered)
    return found


def expected(plan: Plan, store: Store) -> dict[str, Cost]:
    """About what each take that is not kept will cost, by its key; those are left out of which nothing is known.

    Its time is that of kept takes of the same engine, by their pixels and steps; else a rule of thumb for this machine.
    """
    at, rates = prices(plan.board.cost), _rates(plan, store)
    missing = [take for take in plan.takes if not store.has(take.key)]
    machine = _machine() if any(take.engine not in rates for take in missing) else None
    found = {}
    for take in missing:
        seconds = rates[take.engine] * _work(take) if take.engine in rates else _estimate(plan, take, machine)
        if seconds > 0:
            found[take.key] = priced(seconds, at)
    return found


def _rates(plan: Plan, store: Store) -> dict[str, float]:
    """Seconds for each pixel and step, by engine, as far as takes of this film tell."""
    took: dict[str, list[float]] = {}
    for take in plan.takes:
        if (card := store.card(take.key)) and card.seconds > 0:
            seconds, work = took.setdefault(take.engine, [0.0, 0.0])
            took[take.engine] = [seconds + card.seconds, work + _work(take)]
    return {engine: seconds / work for engine, (seconds, work) in took.items()}


def _work(take: Take) -> float:
    steps = take.options.get("steps")
    return take.width * take.height * take.frames * (steps if isinstance(steps, int) and steps > 0 else 1)


def _machine() -> Machine:
    from sora_cli.engines.doctor import machine

    return machine()


def _estimate(plan: Plan, take: Take, machine: Machine | None) -> float:
    from sora_cli.engines.estimate import estimate

    if machine is None:
        return 0.0
    size = (take.width, take.height, take.frames)
    return estimate(plan.cards[take.engine], size, take.options, memory=plan.memory, machine=machine).seconds
