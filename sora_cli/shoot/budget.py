"""How much one command may spend: refused before the first take where that is known, stopped between takes else."""

from __future__ import annotations

from msgspec import Struct

from sora_cli.cancel import Cancellation
from sora_cli.errors import RequestError
from sora_cli.events import Event, Note, Report, TakeKept
from sora_cli.plan import Plan, cost
from sora_cli.shoot.workers import Workers
from sora_cli.store import Card, Store
from sora_cli.storyboard.model import Prices
from sora_cli.storyboard.prices import prices

POWER = "energy cannot be measured: write `power` under `cost`, or leave --max-cost out"
HINT = "what was made is kept: run the same command again, with a higher --max-cost"


class Budget(Struct):
    """What may be spent, and what the takes that this command made have cost."""

    most: float
    spent: float = 0.0

    def check(self, plan: Plan, store: Store, report: Report, workers: Workers | None = None) -> None:
        """Refuse a film that is expected to cost more than is left; these are the `workers` that would make it.

        Raises:
            RequestError: it is, or there are no prices.
        """
        if prices(plan.board.cost) == Prices():
            hint = "write `cost: {hour: 2.50}` or `cost: {power: 450 W, electricity: 0.30}`, or set SORA_COST"
            raise RequestError("--max-cost: nothing says what making costs", hint=hint)
        missing = [take for take in plan.takes if not store.has(take.key)]
        ahead = cost.expected(plan, store, missing, (workers or Workers("local")).beside)
        about = cost.total(ahead.values())
        if about is not None and about.money is not None and self.spent + about.money > self.most:
            left = cost.amount(max(0.0, self.most - self.spent))
            message = f"the takes to shoot will cost about {cost.amount(about.money)}, and --max-cost leaves {left}"
            raise RequestError(message, hint="make it shorter or smaller, try --draft, or give a higher --max-cost")
        if len(ahead) < len(missing) or (about is not None and about.money is None):
            report(Note("what this will cost is not known: it is stopped when --max-cost is spent"))

    def hearing(self, plan: Plan, store: Store, report: Report, cancel: Cancellation) -> Report:
        """A report that also counts what takes cost, and stops the work when too much is spent and takes are left."""
        at, before = prices(plan.board.cost), self.spent
        made: dict[str, Card] = {}

        def hear(event: Event) -> None:
            report(event)
            if not isinstance(event, TakeKept) or event.reused or (card := store.card(event.key)) is None:
                return
            made[event.key] = card
            so_far = cost.total(cost.of_clips(made, at).values())
            money = so_far.money if so_far else None
            self.spent = before + (money or 0.0)
            enough = money is not None and self.spent <= self.most
            if enough or all(store.has(take.key) for take in plan.takes if not take.after):
                return
            if money is None:
                cancel.stop("what a take has cost is not known here: --max-cost cannot be held", POWER)
            else:
                spent = cost.amount(self.spent)
                cancel.stop(f"stopped after {spent} was spent, more than --max-cost {self.most:g}", HINT)

        return hear
