"""Teach weights that were trained before there were words for it which side is the camera's.

The encoder hardly heeds the order of words, so "rolls left, pan right" and "rolls right, pan left" were one to it. The
tokenizer tells them apart (`text.normalizer`), and the vectors of its four new words are learned here by the loss of
the transformer, all else frozen (textual inversion, arXiv 2208.01618). What is asked without these words stays as it
was, to the bit.

    python -m examples.nano.sides --to FOLDER      tokenizer and text encoder; some ten minutes of one core

Where the checkpoint knows the words already, their vectors go on from there.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from diffusers import WanVACEPipeline
from tokenizers import AddedToken
from torch import Tensor, nn

from .captions import describe
from .conditions import control
from .config import CHECKPOINT, SEEN_HEIGHT, SEEN_WIDTH, TEXT, TRAINING, device
from .latents import Encoder, actor_weight
from .scene import Scene, draw_scene, pick
from .text import SIDES, TOLD_APART, normalizer
from .transformer import plain_attention
from .words import ACTION_WORDS
from .world import render

SEED, CLIPS, BATCH, STEPS, RATE = 6_000_001, 192, 12, 240, 0.05
ROLLS, PANS, FROM = 0.7, 0.8, 0.25  # shares of clips that roll and pan, and of rolls that are told "from left to right"
NOISE = (0.55, 0.99)  # levels at which motion is settled
NEW = tuple(whose + side for whose in TOLD_APART for side in SIDES)


@dataclass
class Lessons:
    """Clips that roll and pan, and what weighs in them: as `Batch` has it."""

    scenes: list[Scene]
    latents: Tensor
    weight: Tensor

    @classmethod
    def drawn(cls, encoder: Encoder, rng: np.random.Generator) -> Lessons:
        """Render them."""
        scenes = [_scene(rng) for _ in range(CLIPS)]
        latents, weight = [], []
        for first in range(0, CLIPS, 16):
            clips = render(scenes[first : first + 16], device(), (SEEN_HEIGHT, SEEN_WIDTH))
            latents.append(encoder.encode(clips.video * 2 - 1))
            change = encoder.components(clips.video * 2 - 1).diff(dim=2).pow(2).mean(1).sqrt().clamp(max=1)
            weight.append(actor_weight(clips))
            weight[-1][:, 1:] = torch.maximum(weight[-1][:, 1:], change)
        return cls(scenes, torch.cat(latents), 1 + TRAINING.actor_weight * torch.cat(weight)[:, None])


def _scene(rng: np.random.Generator) -> Scene:
    scene = draw_scene(rng, switches=0.0)
    if rng.random() < ROLLS:
        scene = replace(scene, action=pick(rng, ("roll_left", "roll_right")))
    return replace(scene, camera=pick(rng, SIDES)) if rng.random() < PANS else scene


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """A caption that says what rolls and what pans."""
    asked = [name for name in ("action", "camera") if getattr(scene, name).endswith(SIDES)]
    text, said = describe(scene, rng)
    while not all(name in said for name in asked):
        text, said = describe(scene, rng)
    if scene.action.startswith("roll") and rng.random() < FROM:
        words = sorted(ACTION_WORDS[scene.action], key=len, reverse=True)
        found = next((phrase for phrase in words if phrase in text), "")
        there = next(phrase for phrase in words if "from" in phrase)
        text = text.replace(found, there, 1) if found else text
    return text


class Learner:
    """The pipeline whose tokenizer knows the new words, and their vectors."""

    def __init__(self) -> None:
        torch.nn.functional.scaled_dot_product_attention = plain_attention
        self.pipe = WanVACEPipeline.from_pretrained(CHECKPOINT, dtype=torch.float32).to(device())
        self.pipe.transformer.requires_grad_(requires_grad=False)
        self.pipe.text_encoder.requires_grad_(requires_grad=False)
        self.encoder = Encoder(self.pipe.vae)
        tokenizer = self.pipe.tokenizer
        tokenizer.backend_tokenizer.normalizer = normalizer()
        begun = tokenizer.add_tokens([AddedToken(word, normalized=True, single_word=True) for word in NEW]) == 0
        self.ids = torch.tensor(tokenizer.convert_tokens_to_ids(list(NEW)), device=device())
        self.pipe.text_encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        old = tokenizer.convert_tokens_to_ids([f"\u2581{side}" for side in SIDES])
        self.table = self.pipe.text_encoder.get_input_embeddings().weight
        first = self.table[self.ids] if begun else self.table[old].repeat(len(TOLD_APART), 1)
        self.rows = nn.Parameter(first.clone())
        self.average = self.rows.detach().clone()
        self.grey = self.encoder.grey().expand(BATCH, -1, -1, -1, -1)

    def words(self, texts: list[str]) -> Tensor:
        """Captions as `text.Words` has them, which learn through the new rows."""
        tokens = self.pipe.tokenizer(
            texts, padding=True, max_length=TEXT.max_tokens, truncation=True, return_tensors="pt"
        )
        tokens = tokens.to(device())
        vectors = self.table[tokens.input_ids].clone()
        for row, word in zip(self.rows, self.ids, strict=True):
            vectors = torch.where((tokens.input_ids == word)[..., None], row, vectors)
        states = self.pipe.text_encoder(inputs_embeds=vectors, attention_mask=tokens.attention_mask).last_hidden_state
        states = states * tokens.attention_mask[..., None]
        return nn.functional.pad(states, (0, 0, 0, TEXT.max_tokens - states.shape[1]))

    def loss(self, latents: Tensor, weight: Tensor, texts: list[str]) -> Tensor:
        """The weighted flow-matching loss of a batch, as in `transformer.loss_of`, at noise levels of `NOISE`."""
        level = torch.rand(BATCH, device=device()) * (NOISE[1] - NOISE[0]) + NOISE[0]
        at, noise = level.view(-1, 1, 1, 1, 1), torch.randn_like(latents)
        mask = torch.ones(
            BATCH, self.pipe.transformer.config.vace_in_channels - 2 * latents.shape[1], *latents.shape[2:]
        )
        velocity = self.pipe.transformer(
            hidden_states=(1 - at) * latents + at * noise,
            timestep=level * 1000,
            encoder_hidden_states=self.words(texts),
            control_hidden_states=control(self.grey, self.grey, mask.to(latents)),
            return_dict=False,
        )[0]
        return ((velocity - (noise - latents)).pow(2) * weight).mean() / weight.mean()

    def save(self, folder: Path) -> None:
        """Write tokenizer and text encoder, with the average of the rows."""
        with torch.no_grad():
            self.table[self.ids] = self.average
        self.pipe.tokenizer.save_pretrained(folder / "tokenizer")
        self.pipe.text_encoder.to(torch.bfloat16).save_pretrained(folder / "text_encoder")


def main() -> None:
    """Read the command line, learn, and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=SEED, help="of the clips: another to go on")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    rng, learner, began = np.random.default_rng(options.seed), Learner(), time.time()
    lessons = Lessons.drawn(learner.encoder, rng)
    optimizer = torch.optim.Adam([learner.rows], lr=RATE, betas=(0.9, 0.95))
    losses: list[float] = []
    for step in range(options.steps):
        optimizer.param_groups[0]["lr"] = RATE * min(1.0, 2 * (1 - step / options.steps))
        some = rng.choice(CLIPS, BATCH, replace=False)
        texts = [caption(lessons.scenes[i], rng) for i in some]
        loss = learner.loss(lessons.latents[some], lessons.weight[some], texts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        learner.average.lerp_(learner.rows.detach(), 0.05)
        losses.append(loss.item())
        if step % 20 == 19:
            print(f"step {step + 1}, loss {np.mean(losses[-20:]):.4f}, {time.time() - began:.0f} s", flush=True)
    learner.save(options.to)


if __name__ == "__main__":
    main()
