"""Flow schedulers of diffusers, as far as they are used here, and how far their times are moved towards noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from functools import wraps
from types import MethodType
from typing import Protocol

import torch


class SchedulerConfig(Protocol):
    """What is used here of a flow scheduler's configuration: a mapping, whose values are attributes as well."""

    num_train_timesteps: int

    def keys(self) -> Iterable[str]:
        """The names of its values."""
        ...

    def __getitem__(self, name: str) -> object: ...

    def __contains__(self, name: object) -> bool: ...


class FlowScheduler(Protocol):
    """What is used here of diffusers' flow schedulers.

    `sigmas` are the noise levels of the steps, from 1 to 0, and one more for the end; `timesteps` what a model is told
    of each step.
    """

    config: SchedulerConfig
    sigmas: torch.Tensor
    timesteps: torch.Tensor
    set_timesteps: Callable[..., None]

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> FlowScheduler:
        """A scheduler with other values."""
        ...


class Sampled(Protocol):
    """A pipeline with a flow scheduler; `sora_scheduler` is the one that its checkpoint came with."""

    scheduler: FlowScheduler
    sora_scheduler: FlowScheduler


def with_shift(pipe: Sampled, shift: float | None) -> None:
    """Set how far a flow scheduler's times are moved towards noise; None leaves the checkpoint's own."""
    own = getattr(pipe, "sora_scheduler", None) or pipe.scheduler
    pipe.sora_scheduler = own  # what the checkpoint came with
    if shift is None:
        pipe.scheduler = own
        return
    name = "flow_shift" if "flow_shift" in own.config else "shift"
    pipe.scheduler = own.__class__.from_config({**own.config, name: shift})


def with_time(scheduler: FlowScheduler, level: float) -> FlowScheduler:
    """The same flow scheduler, with a noise level more among its times; a copy of it has that too."""
    whole = type(scheduler).set_timesteps

    @wraps(whole)  # pipelines look at its parameters
    def with_one_more(self: FlowScheduler, *args: object, **named: object) -> None:
        whole(self, *args, **named)
        self.sigmas = torch.cat([self.sigmas, self.sigmas.new_tensor([level])]).sort(descending=True).values
        self.timesteps = self.sigmas[:-1] * self.config.num_train_timesteps

    later = copy(scheduler)
    later.set_timesteps = MethodType(with_one_more, later)
    return later
