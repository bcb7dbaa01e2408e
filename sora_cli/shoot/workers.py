"""Who shoots: how many workers, of which kind, as options and the environment say."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sora_cli.errors import RequestError

KINDS = ("local", "ray")
MOST = 1024


@dataclass(frozen=True, slots=True)
class Workers:
    """Where takes are made. `number` 0: a worker for each GPU, or this process where there is one device at most."""

    kind: str = "local"
    number: int = 0
    ray_address: str = ""
    """Of a cluster to join; where there is none, one is started on this machine."""

    @classmethod
    def asked(cls, kind: str | None = None, number: int | None = None, ray_address: str | None = None) -> Workers:
        """What options ask for; where they say nothing, `SORA_EXECUTOR`, `SORA_WORKERS` and `RAY_ADDRESS` do.

        Raises:
            RequestError: there is no such executor, or the environment holds no number.
        """
        kind = kind or os.environ.get("SORA_EXECUTOR") or "local"
        if kind not in KINDS:
            raise RequestError(f"no executor is called {kind}", hint=f"write one of {', '.join(KINDS)}")
        address = ray_address or (os.environ.get("RAY_ADDRESS", "") if kind == "ray" else "")
        if address and kind != "ray":
            raise RequestError("--ray-address: takes are not made by Ray", hint="add --executor ray")
        return cls(kind, number if number is not None else _number(), address)


def _number() -> int:
    words = os.environ.get("SORA_WORKERS", "").strip()
    if not words:
        return 0
    if not (words.isascii() and words.isdigit() and 1 <= int(words) <= MOST):
        raise RequestError(f"SORA_WORKERS is {words}: not a number of workers", hint=f"write 1 to {MOST}, or unset it")
    return int(words)
