"""Who shoots: how many workers, of which kind, as options, the storyboard and the environment say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.engines import estimate
from sora_cli.engines.devices import gpus
from sora_cli.errors import RequestError
from sora_cli.packages import require
from sora_cli.storyboard.model import EXECUTORS

if TYPE_CHECKING:
    from sora_cli.plan import Plan

MOST = 1024


class Workers(Struct, frozen=True):
    """Where takes are made. `number` 0: a worker for each GPU, or this process where there is one device at most."""

    kind: str = ""
    """`local` or `ray`; else the storyboard says it, or `SORA_EXECUTOR`."""
    number: int = 0
    ray_address: str = ""
    """Of a cluster to join; where there is none, one is started on this machine."""

    @classmethod
    def asked(cls, kind: str | None = None, number: int | None = None, ray_address: str | None = None) -> Workers:
        """What options ask for; where they say no number, `SORA_WORKERS` does.

        Raises:
            RequestError: there is no such executor, or the environment holds no number.
            MachineError: what it needs is not installed.
        """
        name = kind or os.environ.get("SORA_EXECUTOR")
        if name and name not in EXECUTORS:
            told = "" if kind else "SORA_EXECUTOR: "
            raise RequestError(f"{told}no executor is called {name}", hint=f"write one of {', '.join(EXECUTORS)}")
        if name == "ray":
            require("the executor ray", "ray")
        return cls(kind or "", number if number is not None else _number(), ray_address or "")

    def of_film(self, executor: str | None = None) -> Workers:
        """These, for a film whose storyboard names this `executor`; `RAY_ADDRESS` says where the cluster is.

        Raises:
            RequestError: a cluster is named, and takes are not made by Ray.
        """
        kind = self.kind or executor or os.environ.get("SORA_EXECUTOR") or "local"
        if self.ray_address and kind != "ray":
            raise RequestError("--ray-address: takes are not made by Ray", hint="add --executor ray")
        address = self.ray_address or (os.environ.get("RAY_ADDRESS", "") if kind == "ray" else "")
        return replace(self, kind=kind, ray_address=address)

    def beside(self, plan: Plan) -> int:
        """How many of them share this machine; on a cluster each may have its own."""
        return 1 if self.kind == "ray" else self.number or max(1, len(gpus()) // together(plan))


def together(plan: Plan) -> int:
    """How many GPUs make a take."""
    return max((estimate.together(card, plan.memory) for card in plan.cards.values()), default=1)


def _number() -> int:
    words = os.environ.get("SORA_WORKERS", "").strip()
    if not words:
        return 0
    if not (words.isascii() and words.isdigit() and 1 <= int(words) <= MOST):
        raise RequestError(f"SORA_WORKERS is {words}: not a number of workers", hint=f"write 1 to {MOST}, or unset it")
    return int(words)
