"""Train the expert for low noise: the transformer that ships, whose last blocks have a token for every cell.

    python -m examples.nano.expert --minutes 90 --cooldown 40       from what ships, or on from `.nano/expert.pt`

Only its last blocks learn: the first ones and the text encoder stay, and cost no backward pass and a quarter of the
tokens. No expert ships yet: see docs/nano.md.
"""

from __future__ import annotations

import argparse
import copy
import signal
import time
from collections.abc import Mapping
from threading import Event

import numpy as np
import torch
from diffusers.models.embeddings import get_1d_rotary_pos_embed
from torch import Tensor, nn

from sora_cli.engines.nano.transformer import PaperTransformer

from .batches import Batch, Batches
from .config import CHECKPOINT, TRAINING, WORK, device
from .muon import optimizers
from .text import Words
from .transformer import LOG_STEPS, WARMUP, errors_of, plain_attention

STATE = WORK / "expert.pt"
FINER_FROM = 4  # the last two of six blocks
LOWEST, HIGHEST = 0.02, 0.75  # noise levels that it learns
AVERAGED = 0.99  # of the slow average stays at every step
HELD = 2  # batches of clips that it never learns from, to tell how far it is
EXAMINED = (0.15, 0.3, 0.5)
MUON_RATE, ADAM_RATE = 4e-3, 1e-3  # it goes on from weights that have learned
PARTS = ("model", "average", "muon", "adam")


class Expert(PaperTransformer):
    """nano's transformer whose blocks from `FINER_FROM` on have a token for every cell, not for 2 x 2 of them.

    A cell's token begins as what the blocks before made of its patch, and is told of its own cell and the eight around
    it. At noise levels under half, what is left to tell lies in single cells. As `begin` makes it, its output is
    that of the transformer that ships, but for the places of a patch's four cells.
    """

    def __init__(self, sizes: Mapping[str, object]) -> None:
        super().__init__(**sizes)  # type: ignore[arg-type]  # of another one's config
        channels, width = self.config.in_channels, self.proj_out.in_features
        self.finer = nn.Conv3d(2 * channels + 1, width, (1, 3, 3), padding=(0, 1, 1))
        nn.init.zeros_(self.finer.weight)
        nn.init.zeros_(self.finer.bias)

    def remainder(self, hidden_states: Tensor, timestep: Tensor, **told: Tensor) -> Tensor:  # type: ignore[override]
        """As the network's own forward, with a token for every cell from block `FINER_FROM` on."""
        frames, rows, columns = hidden_states.shape[2:]
        moved, step, words, _ = self.condition_embedder(timestep, told["encoder_hidden_states"], None)
        step, places = step.unflatten(1, (6, -1)), self.rope(hidden_states)
        tokens = self.patch_embedding(hidden_states).flatten(2).mT
        given, hints = self.vace_patch_embedding(told["control_hidden_states"]).flatten(2).mT, {}
        for i, block in zip(self.config.vace_layers, self.vace_blocks, strict=True):
            hints[i], given = block(tokens, words, given, step, places)
        for i, block in enumerate(self.blocks):
            if i == FINER_FROM:
                patches = tokens.unflatten(1, (frames, rows // 2, columns // 2))
                cells = self._cells(hidden_states, told["control_hidden_states"])
                tokens = (patches.repeat_interleave(2, 2).repeat_interleave(2, 3) + cells).flatten(1, 3)
                places = self._between(frames, rows, columns)
            tokens = block(tokens, words, step, places) + hints.get(i, 0)
        shift, scale = (self.scale_shift_table + moved.unsqueeze(1)).chunk(2, dim=1)
        tokens = (self.norm_out(tokens.float()) * (1 + scale) + shift).type_as(tokens)
        return self._unfolded(tokens.unflatten(1, (frames, rows // 2, 2, columns // 2, 2)))

    def _cells(self, noisy: Tensor, control: Tensor) -> Tensor:
        """What each cell's token is told besides: (clips, frames, rows, columns, width)."""
        given, grey, mask = control.tensor_split((noisy.shape[1], 2 * noisy.shape[1]), 1)
        unknown = mask.float().mean(1, keepdim=True).to(noisy)
        told: Tensor = self.finer(torch.cat([noisy, given - unknown * grey, unknown], 1))
        return told.movedim(1, -1)

    def _between(self, frames: int, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """Rotary places of cells, where a patch of 2 x 2 is one step: cosines and sines (1, tokens, 1, width)."""
        angles = []
        for axis, (count, share, width) in enumerate(
            ((frames, 1, self.rope.t_dim), (rows, 2, self.rope.h_dim), (columns, 2, self.rope.w_dim))
        ):
            at = torch.arange(count, device=self.device) / share
            both = get_1d_rotary_pos_embed(width, at, use_real=True, freqs_dtype=torch.float64)
            shape = [1, 1, 1, width]
            shape[axis] = count
            angles.append([part.view(shape).expand(frames, rows, columns, width) for part in both])
        cosines, sines = (torch.cat(parts, -1).flatten(0, 2)[None, :, None] for parts in zip(*angles, strict=True))
        return cosines, sines

    def _unfolded(self, tokens: Tensor) -> Tensor:
        """What each of a patch's cells tells, from tokens (clips, frames, rows / 2, 2, columns / 2, 2, width)."""
        weight, bias = (w.unflatten(0, (2, 2, -1)) for w in (self.proj_out.weight, self.proj_out.bias))
        told = torch.einsum("bfhiwjd,ijcd->bcfhiwj", tokens, weight.to(tokens.dtype))
        told = told + bias.permute(2, 0, 1)[:, None, None, :, None]
        return told.flatten(5, 6).flatten(3, 4)


def begin() -> Expert:
    """The transformer that ships, with tokens of single cells in its last blocks."""
    shipped = PaperTransformer.from_pretrained(CHECKPOINT / "transformer", dtype=torch.float32)
    expert = Expert({name: value for name, value in shipped.config.items() if not name.startswith("_")})
    expert.load_state_dict(shipped.state_dict(), strict=False)
    return expert


def learns(name: str) -> bool:
    """Whether a weight of this name learns: all from the first finer block on."""
    if name.startswith("blocks."):
        return int(name.split(".")[1]) >= FINER_FROM
    return name.startswith(("finer", "proj_out", "scale_shift_table"))


def error_of(model: PaperTransformer, batch: Batch, words: Tensor, level: Tensor) -> Tensor:
    """The mean squared error of the velocity, weighted: (clips,)."""
    error, weight = errors_of(model, batch, words, level)
    return (error * weight).flatten(1).mean(1) / weight.mean()


class Trainer:
    """Weights, their slow average, optimizers and counters: all that a checkpoint holds."""

    def __init__(self) -> None:
        if device().type == "cpu":
            torch.nn.functional.scaled_dot_product_attention = plain_attention
        self.words = Words()
        self.model = begin().to(device())
        for name, weight in self.model.named_parameters():
            weight.requires_grad_(learns(name))
        self.average = copy.deepcopy(self.model).requires_grad_(requires_grad=False)
        self.muon, self.adam = optimizers(
            self.model.named_parameters(), lambda n, w: w.ndim == 2 and "blocks" in n and "table" not in n
        )
        self.step, self.samples = 0, 0
        if STATE.exists():
            state = torch.load(STATE, map_location=device(), weights_only=True)
            for name in PARTS:
                getattr(self, name).load_state_dict(state[name])
            self.step, self.samples = state["step"], state["samples"]

    def save(self) -> None:
        """Write the checkpoint aside, then rename it into place."""
        draft = STATE.with_suffix(".draft")
        parts = {name: getattr(self, name).state_dict() for name in PARTS}
        torch.save({**parts, "step": self.step, "samples": self.samples}, draft)
        draft.replace(STATE)

    def learn(self, batch: Batch, rate: float) -> float:
        """One step; the loss."""
        warm = rate * min(1.0, (self.step + 1) / WARMUP)
        for optimizer, base in ((self.muon, MUON_RATE), (self.adam, ADAM_RATE)):
            for group in optimizer.param_groups:
                group["lr"] = base * warm
            optimizer.zero_grad()
        level = LOWEST + (HIGHEST - LOWEST) * torch.rand(len(batch.latents), device=device())
        loss = error_of(self.model, batch, self.read(batch), level).mean()
        if not torch.isfinite(loss):
            raise SystemExit(f"the loss is {loss.item()} at step {self.step}: {STATE} is as it was last saved")
        loss.backward()
        torch.nn.utils.clip_grad_norm_([w for w in self.model.parameters() if w.requires_grad], 1.0)
        self.muon.step()
        self.adam.step()
        self.step += 1
        self.samples += len(batch.latents)
        with torch.no_grad():
            kept = min(AVERAGED, self.step / (self.step + 10))
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - kept)
        return loss.item()

    @torch.no_grad()
    def read(self, batch: Batch) -> Tensor:
        """What the text encoder makes of the captions."""
        return self.words(batch.captions, batch.text_length)


@torch.no_grad()
def examine(trainer: Trainer, batches: list[Batch]) -> str:
    """The error on clips kept back, at three noise levels, with the same noise each time."""
    told = []
    for level in EXAMINED:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            errors = [
                error_of(trainer.average, b, trainer.read(b), torch.full((len(b.latents),), level, device=device()))
                for b in batches
            ]
        told.append(f"{torch.cat(errors).mean():.4f} at {level}")
    return ", ".join(told)


def train(minutes: float, cooldown: float) -> None:
    """Train for some minutes, or for ever."""
    torch.manual_seed(int(time.time()))
    trainer, batches = Trainer(), Batches()
    kept_back = copy.copy(batches)
    if len(batches.clips) < 2:
        raise SystemExit("one chunk of latents is kept back: run `python -m examples.nano.latents` for more")
    kept_back.clips, kept_back.rng = [batches.clips.pop(0)], np.random.default_rng(1)
    held = [kept_back.draw(TRAINING.stills_first) for _ in range(HELD)]
    began = saved = time.time()
    losses: list[float] = []
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())  # `kill` lets it save first
    print(f"{trainer.samples} samples, {examine(trainer, held)}", flush=True)
    while (spent := (time.time() - began) / 60) < minutes and not stop.is_set():
        rate = min(1.0, max(0.03, (minutes - spent) / cooldown)) if cooldown else 1.0
        losses.append(trainer.learn(batches.draw(TRAINING.stills_first), rate))
        if trainer.step % LOG_STEPS == 0:
            print(f"{trainer.samples} samples, {spent:.0f} min, loss {sum(losses) / len(losses):.4f}", flush=True)
            losses.clear()
        if time.time() - saved > 60 * TRAINING.save_minutes:
            trainer.save()
            saved = time.time()
    trainer.save()
    print(f"{trainer.samples} samples, {examine(trainer, held)}", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--cooldown", type=float, default=0.0, help="minutes at the end in which the rates fall")
    options = parser.parse_args()
    train(options.minutes, options.cooldown)


if __name__ == "__main__":
    main()
