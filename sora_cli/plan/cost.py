"""What making takes costs: time, and as far as that is known energy and money; before they are made, and after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct
from pydantic import JsonValue

from sora_cli.plan.plan import Plan
from sora_cli.storyboard.model import Prices
from sora_cli.storyboard.prices import prices

if TYPE_CHECKING:
    from sora_cli.engines.base import Take
    from sora_cli.engines.estimate import Machine
    from sora_cli.plan.schedule import Task
    from sora_cli.store import Card, Store

JOULES = 3.6e6
"""In a kilowatt-hour."""
PROCESSORS = "RAPL"
"""The counters of a machine's processors alone, which takes that are made beside each other all count."""
ENOUGH = 100
"""Kept takes that tell how long others will need."""


class Cost(Struct, frozen=True):
    """Seconds; joules and money where they are known. `metered` names the counters; else energy is power x time."""

    seconds: float = 0.0
    joules: float | None = 0.0
    money: float | None = 0.0
    metered: str = ""

    def __add__(self, other: Cost) -> Cost:
        """The sum; what is unknown of one is unknown of the sum."""
        metered = self.metered if self.metered == other.metered else "measured in part"
        return Cost(
            self.seconds + other.seconds, _sum(self.joules, other.joules), _sum(self.money, other.money), metered
        )

    def as_dict(self) -> dict[str, JsonValue]:
        """Plain data: what is known."""
        facts = {"seconds": round(self.seconds, 3), "joules": self.joules, "money": self.money}
        found: dict[str, JsonValue] = {name: value for name, value in facts.items() if value is not None}
        return {**found, "energy": self.metered or "power x time"} if self.joules is not None else found

    @property
    def facts(self) -> Iterator[str]:
        """Energy and money in words, where they are known."""
        if self.joules is not None:
            yield f"{_plain(self.joules / JOULES, 4)} kWh ({self.metered or 'power x time'})"
        if self.money is not None:
            yield f"{amount(self.money)} at your prices"


def amount(money: float) -> str:
    """Money in words: two decimals; of a small amount, the first two digits that are not zero."""
    return f"{money:.2f}" if money >= 0.1 or not money else _plain(money, 2)


def _plain(number: float, digits: int) -> str:
    """A number with so many digits that count, without an exponent however small it is."""
    return f"{Decimal(f'{number:.{digits}g}'):f}"


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def total(costs: Iterable[Cost]) -> Cost | None:
    """All of them; None where there are none."""
    found: Cost | None = None
    for cost in costs:
        found = cost if found is None else found + cost
    return found


def priced(seconds: float, at: Prices, joules: float | None = None, metered: str = "", *, share: float = 1.0) -> Cost:
    """The cost of some time, of which the energy may have been measured; `share` is that of the machine meanwhile.

    With a price of electricity and no energy, or without any price, no money is told: it would be made up.
    """
    energy = joules if joules is not None else None if at.power is None else at.power * seconds * share
    parts = [] if at.hour is None else [at.hour * seconds * share / 3600]
    if at.electricity is not None:
        parts += [] if energy is None else [at.electricity * energy / JOULES]
    known = bool(parts) and (at.electricity is None or energy is not None)
    return Cost(seconds, energy, sum(parts) if known else None, metered)


def made(plan: Plan, store: Store) -> dict[str, Cost]:
    """What each take that is kept has cost, by its key; what was measured then, at the prices of now."""
    cards = {take.key: store.card(take.key) for take in plan.takes}
    return of_clips({key: card for key, card in cards.items() if card is not None}, prices(plan.board.cost))


def of_clips(cards: Mapping[str, Card], at: Prices) -> dict[str, Cost]:
    """What making clips has cost, by their keys; those that one machine made beside each other share what it cost.

    So do they what its processors were measured to draw, but not what a GPU was: each counts its own.
    """
    shares = _shares(cards)
    return {
        key: priced(
            card.seconds,
            at,
            card.joules * (shares[key] if card.metered == PROCESSORS else 1.0) if card.metered else None,
            card.metered,
            share=shares[key],
        )
        for key, card in cards.items()
    }


def _shares(cards: Mapping[str, Card]) -> dict[str, float]:
    """The mean share of its machine that each clip was made with: a half while two were made at once there."""
    shares = dict.fromkeys(cards, 1.0)
    machines: defaultdict[str, list[str]] = defaultdict(list)
    for key, card in cards.items():
        if card.machine and card.seconds > 0:
            machines[card.machine].append(key)
    for keys in machines.values():
        ends = {key: round(1000 * cards[key].ended) for key in keys}
        long = {key: max(1, round(1000 * cards[key].seconds)) for key in keys}  # in whole ms, so that none is lost
        moments = sorted([*((ends[key] - long[key], 1, key) for key in keys), *((ends[key], -1, key) for key in keys)])
        busy, each, last, began = 0, 0.0, 0, dict[str, float]()
        for now, more, key in moments:
            each += (now - last) / busy if busy else 0.0  # what one of those at work had of the machine until now
            if more > 0:
                began[key] = each
            else:
                shares[key] = round((each - began[key]) / long[key], 6)
            busy, last = busy + more, now
    return shares


def expected(
    plan: Plan, store: Store, missing: Sequence[Take], beside: Callable[[Plan], int] = lambda _: 1
) -> dict[str, Cost]:
    """About what each of the takes that are `missing` will cost, by its key; without those of which nothing is known.

    Its time is that of kept takes of the same engine, by their pixels and steps; else a rule of thumb for this machine.
    So many workers as make takes `beside` each other on it share what it costs.
    """
    at, rates = prices(plan.board.cost), _rates(plan, store, missing)
    thumb = _Thumb(plan)
    times = {take.key: rates[take.engine] * _work(take) if take.engine in rates else thumb(take) for take in missing}
    costs = {key: priced(seconds, at) for key, seconds in times.items() if seconds > 0}
    number = beside(plan) if costs and at != Prices() else 1
    if number == 1:
        return costs
    from sora_cli.plan import schedule

    takes = [take for take in missing if take.key in costs]
    share = schedule.forecast(takes, schedule.tasks(takes, times), number).seconds / sum(
        times[take.key] for take in takes
    )
    return {key: priced(times[key], at, share=share) for key in costs}


READ = 1.0
"""Seconds to load a gigabyte of weights: a disk of 1 GB/s."""
START = 3.0
"""Seconds to start an engine that is small: mostly libraries."""


def tasks(plan: Plan, costs: Mapping[str, Cost]) -> dict[str, Task]:
    """What counts of each take that has a cost, where several workers share them."""
    from sora_cli.engines.estimate import least_gb, weights_of
    from sora_cli.plan import schedule

    sizes = {name: sum(weights_of(card, on_gpu=True).values()) for name, card in plan.cards.items() if card.demand}
    loads = {name: START + READ * sizes.get(name, 0.0) for name in plan.cards}
    takes = [take for take in plan.takes if take.key in costs]
    rooms = {
        name: least_gb(plan.cards[name], (take.width, take.height, take.frames), take.options, plan.memory)
        for name, take in largest(takes).items()
        if name in sizes
    }
    return schedule.tasks(takes, {key: each.seconds for key, each in costs.items()}, loads, rooms)


def largest(takes: Iterable[Take]) -> dict[str, Take]:
    """The take of each engine, by its name, that has most pixels."""
    found: dict[str, Take] = {}
    for take in takes:
        found[take.engine] = max(found.get(take.engine, take), take, key=_volume)
    return found


def _rates(plan: Plan, store: Store, missing: Sequence[Take]) -> dict[str, float]:
    """Seconds for each pixel and step, by engine, as far as takes of this film tell."""
    wanted, keys = {take.engine for take in missing}, {take.key for take in missing}
    kept = (take for take in plan.takes if take.engine in wanted and take.key not in keys)
    took: dict[str, list[float]] = {}
    for take in islice(kept, ENOUGH):
        if (card := store.card(take.key)) and card.seconds > 0:
            seconds, work = took.setdefault(take.engine, [0.0, 0.0])
            took[take.engine] = [seconds + card.seconds, work + _work(take)]
    return {engine: seconds / work for engine, (seconds, work) in took.items()}


def _volume(take: Take) -> int:
    return take.width * take.height * take.frames


def _work(take: Take) -> float:
    steps = take.options.get("steps")
    return _volume(take) * (steps if isinstance(steps, int) and steps > 0 else 1)


class _Thumb:
    """The rule of thumb for this machine; 0 where it knows nothing. Takes of one kind are looked at once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._found: dict[tuple[object, ...], float] = {}
        self._machine: Machine | None = None

    def __call__(self, take: Take) -> float:
        from sora_cli.engines.doctor import machine
        from sora_cli.engines.estimate import estimate

        size = (take.width, take.height, take.frames)
        kind = (take.engine, *size, str(take.options))
        if kind not in self._found:
            here = self._machine = self._machine or machine()
            card, memory = self._plan.cards[take.engine], self._plan.memory
            self._found[kind] = estimate(card, size, take.options, memory=memory, machine=here).seconds
        return self._found[kind]
