"""Train the diffusion transformer by flow matching, on latents made before, with every task from the start.

    python -m examples.nano.transformer                 from the start, or on from the checkpoint, until you stop it
    python -m examples.nano.transformer --minutes 60 --cooldown 15

New chunks of latents are picked up while it trains. `--cooldown` lets the rates fall over the last minutes, which is
worth more than its time when the weights are to be shipped; training can go on from there all the same.
"""

from __future__ import annotations

import argparse
import copy
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone uses
from torch import Tensor, nn

from sora_cli.engines.nano.autoencoder import PLACE_CHANNELS
from sora_cli.engines.nano.transformer import SEEN_CHANNELS, PaperTransformer

from .autoencoder import load, maps_of, spread_of
from .batches import NAMES, UNSEEN, Batch, Batches
from .config import AUTOENCODER, CLIP, TEXT, TRAINING, TRANSFORMER, WORK, device, small_floats
from .muon import optimizers
from .text import Words

STATE = WORK / "transformer.pt"
PARTS = ("model", "average", "matrices", "adam", "reading")
LOG_STEPS = 50
WARMUP = 30  # steps
AVERAGED = 50  # the slow average looks back over a fiftieth of the steps so far
REFERENCE_LOSS = 0.1  # the latent frame of a reference is thrown away after sampling
NAMED_AT = (1, 4)  # blocks before which tokens must tell names
NAMED = {"actor": ("shape", "colour", "action"), "video": ("camera",), "reference": ("shape", "colour")}
NAMING_LOSS = 0.03


def build() -> PaperTransformer:
    """A new transformer, set up to learn fast: modulation and words begin small, its output at 0.

    Raises:
        OSError: the autoencoder was not trained yet.
    """
    autoencoder = load()
    z = AUTOENCODER.components + PLACE_CHANNELS
    model = PaperTransformer(
        patch_size=CLIP.token,
        num_attention_heads=TRANSFORMER.heads,
        attention_head_dim=TRANSFORMER.head_dim,
        in_channels=z,
        out_channels=z,
        text_dim=TEXT.width,
        freq_dim=256,
        ffn_dim=TRANSFORMER.feed_forward,
        num_layers=TRANSFORMER.layers,
        cross_attn_norm=True,
        vace_layers=list(TRANSFORMER.vace_layers),
        vace_in_channels=2 * z + SEEN_CHANNELS,
        rope_max_seq_len=64,
        spread=spread_of(autoencoder),
    )
    model.given_in_part.learn(*maps_of(autoencoder))
    with torch.no_grad():
        for block in [*model.blocks, *model.vace_blocks]:
            block.scale_shift_table.mul_(0.1)
            block.scale_shift_table[:, 2] += 0.3  # the gates of attention and of the feed-forward
            block.scale_shift_table[:, 5] += 0.3
            block.attn2.to_out[0].weight.mul_(0.3)
        model.condition_embedder.time_proj.weight.mul_(0.3)
        model.proj_out.weight.zero_()
        model.proj_out.bias.zero_()
    return model


def noise_levels(count: int) -> Tensor:
    """Random noise levels `(count,)`, 0 to 1, shifted towards noise, where motion and place are settled.

    They are logit-normal (Esser et al. 2024, arXiv 2403.03206), and 15 % of them uniform.
    """
    level = torch.sigmoid(torch.randn(count))
    level = torch.where(torch.rand(count) < 0.15, torch.rand(count), level)
    return TRAINING.time_shift * level / (1 + (TRAINING.time_shift - 1) * level)


def plain_attention(query: Tensor, key: Tensor, value: Tensor, *_: object, **__: object) -> Tensor:
    """Attention over `(clips, heads, tokens, width)` in three steps: with few tokens a CPU's fused kernel is slower.

    Vaswani et al. 2017, arXiv 1706.03762. Masks and the like are not heeded.
    """
    return torch.softmax(query @ key.mT * query.shape[-1] ** -0.5, -1) @ value


class Naming(nn.Module):
    """A loss on inner tokens, for training alone: whether what a clip shows can be told by name from them.

    Told are the actor's shape, colour and action from the tokens where it is, the camera's move from all, and shape and
    colour from the tokens of the reference: so that what is seen or read comes to where it is drawn. Copying a colour
    pays at once, copying a shape only when all of it is right; told by the velocity alone, the model learned the first
    and never began on the second (measured over 40,000 references).
    The idea of a loss on inner tokens is that of REPA (arXiv 2410.06940).
    """

    def __init__(self, model: PaperTransformer) -> None:
        super().__init__()
        width = TRANSFORMER.heads * TRANSFORMER.head_dim
        told = [(where, name) for where, names in NAMED.items() for name in names]
        self.heads = nn.ModuleDict(
            {
                f"{where} {name} {block}": nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(NAMES[name])))
                for where, name in told
                for block in NAMED_AT
            }
        )
        self.tokens: dict[int, Tensor] = {}
        for block in NAMED_AT:
            model.blocks[block].register_forward_pre_hook(partial(self._keep, block))

    def _keep(self, block: int, _block: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.tokens[block] = given[0]

    def forward(self, batch: Batch) -> Tensor:
        """The loss on the batch that has just gone through the model: one number."""
        actor = F.max_pool2d(batch.shown, CLIP.token[1:])
        reference, video = torch.zeros_like(actor), torch.ones_like(actor)
        if batch.reference:
            reference[:, 0], video[:, 0] = 1, 0
        shares = {"actor": actor, "video": video, **({"reference": reference} if batch.reference else {})}
        loss = torch.zeros((), device=actor.device)
        for where, share in shares.items():
            for block in NAMED_AT:
                tokens = _pooled(self.tokens[block], share)
                for name in NAMED[where]:
                    if (batch.names[name] != UNSEEN).any():
                        loss = loss + F.cross_entropy(self.heads[f"{where} {name} {block}"](tokens), batch.names[name])
        return loss


def _pooled(tokens: Tensor, share: Tensor) -> Tensor:
    """The mean of tokens (clips, tokens, width), each counted by its share (clips, frames, rows, columns)."""
    share = share.flatten(1)[..., None]
    return (tokens.float() * share).sum(1) / share.sum(1).clamp(min=1e-3)


def loss_of(model: Callable[..., Any], batch: Batch, words: Tensor) -> tuple[Tensor, float]:
    """The weighted flow-matching loss (Lipman et al. 2023, arXiv 2210.02747), and the plain one for the log.

    `words` are the captions `(clips, tokens, width)`.
    """
    error, weight = errors_of(model, batch, words, noise_levels(len(batch.latents)).to(batch.latents.device))
    return (error * weight).mean() / weight.mean(), float(error.detach().mean())


def errors_of(model: Callable[..., Any], batch: Batch, words: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
    """The squared errors of the velocity at noise levels `(clips,)`, of the latents' shape, and their weights.

    The weights are `(clips, 1, latent frames, rows, columns)`.
    """
    at = level.view(-1, 1, 1, 1, 1)
    noise = torch.randn_like(batch.latents)
    with torch.autocast(batch.latents.device.type, torch.bfloat16, enabled=small_floats()):
        velocity = model(
            hidden_states=(1 - at) * batch.latents + at * noise,
            timestep=level * 1000,
            encoder_hidden_states=words,
            control_hidden_states=batch.control,
            return_dict=False,
        )[0]
    weight = 1 + TRAINING.actor_weight * batch.weight
    if batch.reference:
        weight = torch.cat([torch.full_like(weight[:, :, :1], REFERENCE_LOSS), weight[:, :, 1:]], 2)
    return (velocity.float() - (noise - batch.latents)).pow(2), weight


class Trainer:
    """Weights, their slow average, optimizers and counters: all that a checkpoint holds."""

    def __init__(self) -> None:
        if device().type == "cpu":  # a third of the time of a step (measured)
            torch.nn.functional.scaled_dot_product_attention = plain_attention
        self.words = Words()
        self.model = nn.ModuleDict({"transformer": build(), "text_encoder": self.words.encoder}).to(device())
        # Compiling takes a minute or two for each shape of batch, and is worth a third of the time of those that recur.
        self.compiled = torch.compile(self.model["transformer"], dynamic=False) if shutil.which("g++") else None
        self.average = copy.deepcopy(self.model).requires_grad_(requires_grad=False)
        self.matrices: torch.optim.Optimizer
        self.matrices, self.adam = optimizers(
            self.model["transformer"].named_parameters(),
            lambda n, w: w.ndim == 2 and "blocks" in n and "table" not in n,
        )
        if not TRAINING.muon:
            weights = self.matrices.param_groups[0]["params"]
            self.matrices = torch.optim.AdamW(weights, lr=0.0, betas=(0.9, 0.98), weight_decay=0.0)
        self.reading = torch.optim.AdamW(self.words.encoder.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=0.0)
        self.naming = Naming(self.model["transformer"]).to(device())  # not saved: it learns again in no time
        self.naming_adam = torch.optim.AdamW(self.naming.parameters(), lr=TRAINING.adam_rate)
        self.step, self.samples, self.clips = 0, 0, 0
        if STATE.exists():
            state = torch.load(STATE, map_location=device(), weights_only=True)
            for name in PARTS:
                getattr(self, name).load_state_dict(state[name])
            self.step, self.samples, self.clips = state["step"], state["samples"], state["clips"]

    def save(self) -> None:
        """Write the checkpoint: aside first, then renamed into place."""
        draft = STATE.with_suffix(".draft")
        parts = {name: getattr(self, name).state_dict() for name in PARTS}
        torch.save({**parts, "step": self.step, "samples": self.samples, "clips": self.clips}, draft)
        draft.replace(STATE)

    def learn(self, batch: Batch, rate: float) -> tuple[float, float, float]:
        """Take one step; the weighted loss, the plain one and that of naming. `rate` is a share of the rates, 0 to 1.

        The text encoder learns along from clips only, and slowly: stills would make it forget what they cannot show.

        Raises:
            SystemExit: the loss is no number any more.
        """
        warm = rate * min(1.0, (self.step + 1) / WARMUP)
        reading = 0.0 if batch.stills else TRAINING.text_rate
        for optimizer, base in (
            (self.matrices, TRAINING.matrix_rate),
            (self.adam, TRAINING.adam_rate),
            (self.reading, reading),
        ):
            for group in optimizer.param_groups:
                group["lr"] = base * warm
            optimizer.zero_grad()
        with torch.set_grad_enabled(reading > 0):
            words = self.words(batch.captions, batch.text_length)
        usual = self.compiled is not None and not batch.stills and batch.text_length == TEXT.max_tokens
        loss, plain = loss_of(self.compiled if usual else self.model["transformer"], batch, words)
        if not torch.isfinite(loss):
            raise SystemExit(
                f"the loss is {loss.item()} at step {self.step}: nothing was saved since the last checkpoint"
            )
        naming = self.naming(batch)
        (loss + NAMING_LOSS * naming).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.matrices.step()
        self.adam.step()
        self.naming_adam.step()
        self.naming_adam.zero_grad()
        if reading > 0:
            self.reading.step()
        self.step += 1
        self.samples += len(batch.latents)
        self.clips += 0 if batch.stills else len(batch.latents)
        with torch.no_grad():
            share = max(0.0005, AVERAGED / (self.step + AVERAGED))
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), share)
        return loss.item(), plain, float(naming.detach())


def train(minutes: float, cooldown: float) -> None:
    """Train for so many minutes, or until you stop it; the rates fall in the last `cooldown` minutes.

    SIGTERM ends it after the step, and it is saved.
    """
    torch.manual_seed(int(time.time()))
    trainer, batches = Trainer(), Batches()
    weights = sum(w.numel() for w in trainer.model["transformer"].parameters())
    print(f"{weights / 1e6:.2f}M weights, at {trainer.samples} samples", flush=True)
    began = saved = time.time()
    first = trainer.samples
    losses: dict[str, list[float]] = {}
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())  # `kill` lets it save first
    while (spent := (time.time() - began) / 60) < minutes and not stop.is_set():
        rate = min(1.0, max(0.03, (minutes - spent) / cooldown)) if cooldown else 1.0
        batch = batches.draw(trainer.samples)
        loss, plain, naming = trainer.learn(batch, rate)
        losses.setdefault(batch.name, []).append(loss)
        losses.setdefault("plain", []).append(plain)
        losses.setdefault(f"naming {batch.name}", []).append(naming)
        if trainer.step % LOG_STEPS == 0:
            means = ", ".join(f"{n} {sum(v) / len(v):.4f}" for n, v in sorted(losses.items()))
            pace = (trainer.samples - first) / (time.time() - began)
            seen = f"{trainer.samples} samples ({trainer.clips} clips), {pace:.1f}/s"
            print(f"step {trainer.step}, {seen}, {means}; {batches}", flush=True)
            losses.clear()
            batches.look()
        if time.time() - saved > 60 * TRAINING.save_minutes:
            trainer.save()
            saved = time.time()
    trainer.save()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--cooldown", type=float, default=0.0, help="minutes at the end in which the rates fall")
    options = parser.parse_args()
    train(options.minutes, options.cooldown)


if __name__ == "__main__":
    main()
