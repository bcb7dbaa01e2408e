"""Muon, an optimizer of weight matrices: momentum whose steps are made orthogonal.

By Keller Jordan, github.com/KellerJordan/Muon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from .config import small_floats

# Coefficients of each iteration, from Polar Express (arXiv 2505.16932): three of its iterations do what five of the
# reference implementation's do, and these matrices are small enough for that to matter.
POLAR_EXPRESS = ((8.2051, -22.9019, 16.4607), (4.0664, -2.8612, 0.5184), (3.9096, -2.8234, 0.5250))


def orthogonalise(matrices: Tensor) -> Tensor:
    """The nearest matrices whose singular values are all near 1: `(count, rows, columns)`, rows <= columns, float32."""
    x = matrices / (1.01 * matrices.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    x = x.bfloat16() if small_floats() else x  # a processor without it takes fourteen times as long (measured)
    for a, b, c in POLAR_EXPRESS:
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.float()


class Muon(torch.optim.Optimizer):
    """Momentum (Nesterov's), made orthogonal.

    A step's root mean square is 0.2 times the rate, as AdamW's is, so that both share a schedule (arXiv 2502.16982).
    """

    def __init__(self, weights: Iterable[nn.Parameter], rate: float, momentum: float = 0.95) -> None:
        super().__init__(weights, {"lr": rate, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Move every weight that has a gradient, those of one shape together. `closure` is not called."""
        for group in self.param_groups:
            alike: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    direction = self._direction(weight, self.state[weight], group["momentum"])
                    alike.setdefault(tuple(direction.shape), []).append((weight, direction))
            for shape, members in alike.items():
                steps = orthogonalise(torch.stack([direction for _, direction in members]))
                for (weight, _), step in zip(members, steps, strict=True):
                    turned = step.T if weight.shape[0] > weight[0].numel() else step
                    weight.add_(turned.reshape(weight.shape), alpha=-group["lr"] * 0.2 * max(shape) ** 0.5)

    @staticmethod
    def _direction(weight: Tensor, state: dict[str, Tensor], momentum: float) -> Tensor:
        """The gradient with momentum (Nesterov's), as a wide matrix."""
        gradient = weight.grad if weight.grad is not None else torch.zeros_like(weight)
        moving = state.setdefault("momentum", torch.zeros_like(weight))
        moving.mul_(momentum).add_(gradient)
        matrix = (gradient + momentum * moving).flatten(1)
        return matrix.T if matrix.shape[0] > matrix.shape[1] else matrix


def optimizers(
    weights: Iterable[tuple[str, nn.Parameter]], matrices: Callable[[str, Tensor], bool]
) -> tuple[Muon, torch.optim.AdamW]:
    """Muon for the weights that `matrices` chooses by name and weight, AdamW for the rest.

    Both have the rate 0: it is set at every step. Weights that need no gradient are left out.
    """
    named = list(weights)
    chosen = [w for n, w in named if w.requires_grad and matrices(n, w)]
    rest = [w for n, w in named if w.requires_grad and not matrices(n, w)]
    return Muon(chosen, 0.0), torch.optim.AdamW(rest, lr=0.0, betas=(0.9, 0.97), weight_decay=0.0)
