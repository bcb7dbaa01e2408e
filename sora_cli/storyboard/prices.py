"""What an hour, a kilowatt-hour and a machine's watts are: by the storyboard, else by this machine's `SORA_COST`."""

from __future__ import annotations

import os

from msgspec.structs import asdict, replace

from sora_cli.errors import RequestError
from sora_cli.storyboard.model import Prices
from sora_cli.storyboard.nodes import read_word
from sora_cli.storyboard.shapes import Fault, Form, Key
from sora_cli.storyboard.values import Price, Watts

VARIABLE = "SORA_COST"


class CostForm(Form):
    """What making costs: of its time come energy and money, before and after."""

    example = "{power: 450 W, electricity: 0.30, hour: 2.50}"

    power = Key(Watts, "What the machine draws at work: 450 W. It counts where energy cannot be measured.")
    electricity = Key(Price, "The price of a kilowatt-hour.")
    hour = Key(Price, "The price of an hour of the machine.")


def prices(written: Prices) -> Prices:
    """The prices that hold: those that are written, and the machine's for what is not.

    Raises:
        RequestError: the variable of the environment says something else than prices.
    """
    told = os.environ.get(VARIABLE, "")
    parts = (part.partition(":") for part in told.strip("{} ").split(",") if part.strip())
    data: dict[str, object] = {name.strip(): read_word(value.strip()) for name, _, value in parts}
    faults: list[Fault] = []
    form = CostForm.read(data, (), faults)
    if faults:
        wrong = faults[0].message or f"it knows no `{faults[0].loc[-1]}`"
        raise RequestError(f"{VARIABLE}: {wrong}", hint="write for instance power: 450 W, hour: 2.50")
    return replace(as_prices(form), **{name: value for name, value in asdict(written).items() if value is not None})


def as_prices(form: CostForm | None) -> Prices:
    """The prices in a form."""
    return Prices(form.power, form.electricity, form.hour) if form else Prices()
