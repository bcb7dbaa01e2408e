"""A transformer's work that several GPUs share: each has all weights, and works on a part of the tokens.

Attention in the manner of Ulysses (arXiv 2309.14509), by diffusers' context parallelism. Each GPU has a process, which
runs the whole pipeline for the same take from the same noise; what the transformer makes is the same in all of them.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from diffusers.models._modeling_parallel import ContextParallelConfig, ContextParallelInput, ContextParallelOutput
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.transformers.transformer_wan_vace import WanVACETransformer3DModel

PATIENCE = timedelta(hours=1)
"""How long one process waits for the others: some may read their weights from a slow disk."""
_TOKENS = ContextParallelInput(split_dim=1, expected_dims=3)
_ANGLES = ContextParallelInput(split_dim=1, expected_dims=4, split_output=True)
VACE: dict[str, Any] = {
    "rope": {0: _ANGLES, 1: _ANGLES},
    "vace_blocks.0": {"control_hidden_states": _TOKENS},
    "vace_blocks.*": {"hidden_states": _TOKENS},
    "blocks.0": {"hidden_states": _TOKENS},
    "proj_out": ContextParallelOutput(gather_dim=1, expected_dims=3),
}
"""Where the tokens of Wan VACE part and meet: diffusers says it of its other transformers, but not of this one."""


def join(rank: int, of: int, meeting: Path) -> None:
    """Meet the other processes that share the work; `meeting` is a file that all of them see."""
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    torch.distributed.init_process_group(
        backend, init_method=meeting.as_uri(), rank=rank, world_size=of, timeout=PATIENCE
    )


def share(model: ModelMixin) -> None:
    """Do a part of a transformer's work here; the processes that were met do the rest."""
    parts: Any = VACE if isinstance(model, WanVACETransformer3DModel) else model._cp_plan  # noqa: SLF001  its only name
    layers = {name for name, _ in model.named_modules()}
    there = {name: part for name, part in parts.items() if "*" in name or name in layers}  # Helios names 40 blocks
    config = ContextParallelConfig(ulysses_degree=torch.distributed.get_world_size(), ulysses_anything=True)
    model.enable_parallelism(config=config, cp_plan=there)
