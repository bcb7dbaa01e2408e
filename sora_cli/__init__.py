"""sora: a YAML storyboard becomes a stamped film, on your own machine.

The public names, for programs::

    board = sora_cli.load("board.yaml")
    film = sora_cli.make(board, Path("film.mp4"), report=sora_cli.Silent())
    verdict = sora_cli.verify(film.path)

`sora_cli.events` has what the work tells. `sora_cli.errors` has what can go wrong: every error is a `SoraError`, with a
message, a hint and an exit code.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sora_cli.errors import SoraError
    from sora_cli.events import Event, Report, Silent
    from sora_cli.flows.film import make, one_shot
    from sora_cli.plan import Plan, plan_takes
    from sora_cli.stamp import verify
    from sora_cli.storyboard import load

__version__ = "0.1.0"

__all__ = [
    "Event",
    "Plan",
    "Report",
    "Silent",
    "SoraError",
    "__version__",
    "load",
    "make",
    "one_shot",
    "plan_takes",
    "verify",
]

for _name, _word in {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}.items():
    os.environ.setdefault(_name, _word)  # libraries that report on their use are asked not to, before one is imported

_PLACES = {
    "Event": "events",
    "Report": "events",
    "Silent": "events",
    "SoraError": "errors",
    "Plan": "plan",
    "plan_takes": "plan",
    "load": "storyboard",
    "make": "flows.film",
    "one_shot": "flows.film",
    "verify": "stamp",
}


def __getattr__(name: str) -> object:
    """A public name, imported when it is first used: codecs and signing cost nothing to programs that only read."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
