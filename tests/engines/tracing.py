"""The memory and arithmetic of a call, from its shapes alone: no card, and nothing allocated.

Under `shapes_alone` tensors know their shapes and have no numbers. `traced` follows every storage from its birth to its
end, as a card would hold it; attention and RMS norms count as the one kernel that cards have for them, so no matrix of
all pairs of tokens. Not counted: the driver's own memory, fragments, and workspaces of kernels.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


def shapes_alone(*, fakes: bool = False) -> AbstractContextManager[object]:
    """Make tensors without numbers: of torch's device "meta", or `fakes` of its own, which take twice as long."""
    return FakeTensorMode() if fakes else torch.device("meta")


@dataclass(frozen=True)
class Traced:
    """What a call holds at its peak beyond the weights, in bytes, and its floating point operations."""

    peak: int
    flops: int


class _Fused(TorchFunctionMode):
    """Attention and RMS norms as single kernels."""

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if func is functional.rms_norm:
            return torch.empty_like(args[0])
        if func is functional.scaled_dot_product_attention:
            named |= dict(zip(("query", "key", "value", "attn_mask"), args, strict=False))
            query, key, value, mask = (named.get(name) for name in ("query", "key", "value", "attn_mask"))
            if mask is None:
                return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value)[0]
            return torch.ops.aten._scaled_dot_product_efficient_attention(
                query, key, value, mask, compute_log_sumexp=False
            )[0]
        return func(*args, **named)


class _Held(TorchDispatchMode):
    """Bytes of all storages that are alive, and the most there were."""

    def __init__(self, weights: Iterator[torch.Tensor]) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known = {weight.untyped_storage()._cdata: 0 for weight in weights}

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(made):
            if isinstance(leaf, torch.Tensor):
                self.born(leaf.untyped_storage())
        return made

    def born(self, storage: torch.UntypedStorage) -> None:
        name = storage._cdata
        if name not in self.known:
            self.known[name] = storage.nbytes()
            self.now += self.known[name]
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self.gone, name)

    def gone(self, name: int) -> None:
        self.now -= self.known.pop(name)


def traced(model: torch.nn.Module, work: Callable[[], object]) -> Traced:
    """What `work` needs beyond the weights of `model`; what it is given is made inside it, and counted."""
    held = _Held(weight for tensors in (model.parameters(), model.buffers()) for weight in tensors)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), _Fused(), counter, held:
        work()
    return Traced(held.peak, counter.get_total_flops())


def built(make: Callable[[], torch.nn.Module], dtype: torch.dtype) -> torch.nn.Module:
    """A model as diffusers loads it: of `dtype`, but for the parts that it keeps in float32."""
    with default(dtype):
        model = make()
    kept = set(getattr(model, "_keep_in_fp32_modules", None) or ())
    for path, module in model.named_modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if kept & {*path.split("."), name}:
                module._parameters[name] = torch.nn.Parameter(torch.empty(weight.shape, dtype=torch.float32))
    return model.requires_grad_(requires_grad=False)


def gigabytes(model: torch.nn.Module) -> float:
    """Its weights, as they were built."""
    return sum(weight.numel() * weight.element_size() for weight in model.parameters()) / 1e9


@contextmanager
def default(dtype: torch.dtype) -> Iterator[None]:
    """New tensors are of `dtype`."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
