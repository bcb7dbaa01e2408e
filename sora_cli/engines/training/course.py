"""Training an adapter: flow matching at logit-normal noise levels, AdamW, and an end where the held-out loss turns.

An adapter is a pair of small matrices beside each matrix of attention and feed-forward (LoRA, Hu et al. 2021, arXiv
2106.09685). Where a model has two transformers, one for high noise and one for low, both learn the same adapter.

Noise levels are logit-normal (Esser et al. 2024, arXiv 2403.03206), shifted as the scheduler shifts sampling. What
captions of other things give is held to what it was before (after the prior preservation of DreamBooth, arXiv
2208.12242, with the model itself as its own example).

All that is random of a step comes from the seed and its number, so a course that was stopped goes on as if it had
not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import TypeVar

import torch
from diffusers.training_utils import cast_training_params
from msgspec.structs import replace
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor

from sora_cli import atomic
from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard, Given
from sora_cli.engines.families.diffusion import Diffusion
from sora_cli.engines.options import Memory, Options
from sora_cli.engines.runtime.device import quiet
from sora_cli.engines.runtime.errors import told_as_rendering
from sora_cli.engines.training import LAYERS, CourseSettings, Example, LossCheck
from sora_cli.engines.training.student import Call, Lesson, Student
from sora_cli.errors import RenderError
from sora_cli.events import Report
from sora_cli.media.stream import Frames

T = TypeVar("T")

ADAPTER = "made"
WARMUP = 20
LEAST_RATE = 0.1
"""What is left of the rate at the end."""
KEEPING = 0.25
"""Share of what is learned that holds what other captions give."""
KEPT_WEIGHT = 4.0
"""How much more that counts: what moved is far less than what is yet to be learned."""
CHANNELS_FIRST = 5
"""Dimensions of latents whose channels come first; packed ones have three, and channels last."""
MOST_WEIGHT = 6.0
"""The most that a place counts, of the mean."""
LEVELS = (0.15, 0.4, 0.65, 0.9)
"""Noise levels at which the held-out loss is measured, and, but for the lowest, what the model knows before: there it
errs in fine texture, which is everywhere."""
SINGLES_FIRST = 0.5
"""Share of the steps in which single frames are learned alone, where there are enough: they teach what things look like
at a fraction of the cost."""
SINGLES_AFTER = 0.25
"""Share of the steps after that."""
SINGLES = 3
"""Single frames that are learned at once for each clip."""
PATIENCE = 3
"""Checks without a better held-out loss, after which it has turned."""


class LoraCourse:
    """The training of one adapter on one engine; see `training.Course`."""

    def __init__(self, card: EngineCard, settings: CourseSettings, kept: Path, report: Report) -> None:
        self.card, self.settings = card, settings
        engine = catalogue.open_engine(card, memory=Memory(quantize=settings.quantize), report=report)
        if not isinstance(engine, Diffusion):
            raise RenderError(f"engine {card.name} is not one of diffusers' pipelines")
        self.engine: Diffusion[Options] = engine
        self.student = Student(engine, settings.size, kept)
        self.networks = list(self.student.networks.values())
        again = engine.device.type == "cuda" if settings.checkpointing is None else settings.checkpointing
        for network in self.networks:
            network.requires_grad_(requires_grad=False)
            with torch.random.fork_rng():
                torch.manual_seed(settings.seed)
                shape = LoraConfig(r=settings.rank, lora_alpha=settings.rank, target_modules=LAYERS)
                network.add_adapter(shape, adapter_name=ADAPTER)
            cast_training_params(network, dtype=torch.float32)
            if again and network._supports_gradient_checkpointing:  # noqa: SLF001  the only name it has
                network.enable_gradient_checkpointing()
        self.network = self.networks[0]
        for other in self.networks[1:]:
            _share(self.network, other)
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(self.weights, lr=settings.rate, betas=(0.9, 0.99), weight_decay=0.01)
        self.step, self.worse = 0, 0
        self.least = math.inf
        self.best = self._adapter()
        self.lessons: list[Lesson] = []
        self.held: list[Lesson] = []

    def prepare(self, examples: Sequence[Example], told: Callable[[int, int], None]) -> None:
        """As declared by `Course`."""
        made: list[Lesson] = []
        with self._telling():
            for number, example in enumerate(examples, 1):
                calls = [self.student.call(words, example.frames) for words in (example.caption, *example.others)]
                crops = 1 if example.held else self.settings.crops
                latents = self.student.latents(example.identity, example.read, crops)
                made.append(Lesson(latents, calls[0], tuple(calls[1:]), single=example.frames == 1))
                told(number, len(examples))
            self._settle(learning=True)
            for example, lesson in zip(examples, made, strict=True):
                (self.held if example.held else self.lessons).extend(self._crops(lesson))

    def _crops(self, lesson: Lesson) -> Iterator[Lesson]:
        """A lesson for each crop; so many are looked at at once as are learned at once."""
        for some in torch.split(lesson.latents, self.settings.batch):
            weights = self._unknown(replace(lesson, latents=some))
            for at in range(len(some)):
                yield replace(lesson, latents=some[at : at + 1], weight=weights[at : at + 1])

    @torch.no_grad()
    def _unknown(self, lesson: Lesson) -> Tensor:
        """How much each place of a lesson counts: as much as the model errs there before it learns.

        A plain mean is nearly all of a set that it can draw already, and hardly of who is new in it.
        """
        each = [self._errors_at(lesson, level) for level in LEVELS[1:]]
        errors = torch.stack([errors / _mean(errors) for errors in each]).mean(0)
        errors = errors.mean(1 if errors.ndim == CHANNELS_FIRST else -1, keepdim=True)
        weight = (errors / _mean(errors)).clamp(max=MOST_WEIGHT)
        return (weight / _mean(weight)).cpu()

    def _errors_at(self, lesson: Lesson, level: float) -> Tensor:
        """The errors of one lesson at a noise level, with the same noise each time."""
        random = torch.Generator().manual_seed(self.settings.seed)
        count, *shape = lesson.latents.shape
        noise = torch.randn((1, *shape), generator=random).expand(count, *shape).to(self.engine.device)
        return self.student.errors([lesson], [lesson.call] * count, torch.full((count,), level), noise, wanted=None)

    @property
    def over(self) -> bool:
        """As declared by `Course`."""
        return self.step >= self.settings.steps or self.worse >= PATIENCE

    def study(self, told: Callable[[int, int], None]) -> LossCheck:
        """As declared by `Course`."""
        settings, losses, early = self.settings, [], self._singles_alone
        until = min(settings.steps, (self.step // self._apart + 1) * self._apart)
        with self._telling():
            while self.step < until:
                losses.append(self._learn())
                told(self.step, settings.steps)
            held = self._held_loss() if self.held else None
        better = held is None or early or held < self.least
        self.worse = 0 if better else self.worse + 1
        if better:
            self.least, self.best = math.inf if held is None else held, self._adapter()
        return LossCheck(self.step, sum(losses) / max(1, len(losses)), held, better)

    @property
    def _apart(self) -> int:
        """Steps from one check to the next."""
        return max(1, math.ceil(self.settings.steps / self.settings.checks))

    def _learn(self) -> float:
        """One step; its loss."""
        random = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.step)
        batch = self._batch(random)
        noise = torch.randn((len(batch), *batch[0].latents.shape[1:]), generator=random).to(self.engine.device)
        level = _levels(len(batch), self.settings.shift or self.student.shift(batch[0]), random)
        kept = _kept(batch, random)
        calls = [_one(each.others, random) if at < kept else each.call for at, each in enumerate(batch)]
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate * self._pace()
        wanted = noise - torch.cat([lesson.latents for lesson in batch]).to(noise)
        weight = torch.cat([lesson.weight for lesson in batch]).to(noise)
        if kept:
            wanted[:kept] = self._unchanged(batch[:kept], calls[:kept], level[:kept], noise[:kept])
            weight[:kept] *= KEPT_WEIGHT
        loss = (self.student.errors(batch, calls, level, noise, wanted=wanted) * weight).mean()
        if not torch.isfinite(loss):
            hint = "try a lower --rate; the LoRA of the last check is kept"
            raise RenderError(f"the loss is {loss.item()} at step {self.step}", hint=hint)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def _pace(self) -> float:
        """The share of the rate that is due: it rises at first, then falls along a cosine."""
        rise = min(1.0, (self.step + 1) / WARMUP)
        fall = 0.5 + 0.5 * math.cos(math.pi * self.step / self.settings.steps)
        return rise * (LEAST_RATE + (1 - LEAST_RATE) * fall)

    def _batch(self, random: torch.Generator) -> list[Lesson]:
        """Lessons of one shape, drawn at random; where there are enough single frames, these first, then clips too."""
        lessons = self.lessons
        if self._many_singles:
            single = self._singles_alone or float(torch.rand((), generator=random)) < SINGLES_AFTER
            lessons = [each for each in lessons if each.single == single]
        first = _one(lessons, random)
        alike = [each for each in lessons if each.latents.shape == first.latents.shape]
        count = self.settings.batch * (SINGLES if first.single else 1)
        return [first, *(_one(alike, random) for _ in range(count - 1))]

    @property
    def _many_singles(self) -> bool:
        """Whether there are clips, and as many single frames."""
        singles = sum(lesson.single for lesson in self.lessons)
        return 0 < len(self.lessons) - singles <= singles

    @property
    def _singles_alone(self) -> bool:
        """Whether single frames are learned alone at this step."""
        return self._many_singles and self.step < SINGLES_FIRST * self.settings.steps

    @torch.no_grad()
    def _unchanged(self, batch: Sequence[Lesson], calls: Sequence[Call], level: Tensor, noise: Tensor) -> Tensor:
        """What the model says without the adapter."""
        clean = torch.cat([lesson.latents for lesson in batch]).to(noise)
        at = level.to(noise).view(-1, *[1] * (clean.ndim - 1))
        for network in self.networks:
            network.disable_adapters()
        try:
            return self.student.velocity((1 - at) * clean + at * noise, calls, level).float()
        finally:
            for network in self.networks:
                network.enable_adapters()

    @torch.no_grad()
    def _held_loss(self) -> float:
        """The loss on what is held out, at the same noise each time."""
        every = [
            self._errors_at(lesson, level) * lesson.weight.to(self.engine.device)
            for lesson in self.held
            for level in LEVELS
        ]
        return float(torch.stack([errors.mean() for errors in every]).mean())

    def _adapter(self) -> dict[str, Tensor]:
        found = get_peft_model_state_dict(self.network, adapter_name=ADAPTER)
        return {name: weight.detach().cpu().clone().contiguous() for name, weight in found.items()}

    # -- files -----------------------------------------------------------------------------------------

    def save_state(self, state: Path) -> None:
        """As declared by `Course`."""
        parts = {"adapter": self._adapter(), "best": self.best, "optimizer": self.optimizer.state_dict()}
        state.parent.mkdir(parents=True, exist_ok=True)
        with atomic.aside(state) as part:
            torch.save({**parts, "step": self.step, "least": self.least, "worse": self.worse}, part)

    def resume(self, state: Path) -> int:
        """As declared by `Course`."""
        try:
            told = torch.load(state, map_location="cpu", weights_only=True)
            set_peft_model_state_dict(self.network, told["adapter"], adapter_name=ADAPTER)
            self.optimizer.load_state_dict(told["optimizer"])
            self.best, self.step = told["best"], int(told["step"])
            self.least, self.worse = float(told["least"]), int(told["worse"])
        except (OSError, RuntimeError, UnpicklingError, EOFError, KeyError, ValueError, TypeError):
            return 0
        return self.step

    def save(self, path: Path, facts: Mapping[str, str]) -> None:
        """As declared by `Course`."""
        with atomic.aside(path) as part:
            type(self.engine.pipe).save_lora_weights(
                str(part.parent),
                transformer_lora_layers=self.best,
                weight_name=part.name,
                save_function=partial(_save, facts={**facts, "format": "pt"}),
            )

    def sample(self, prompt: str, seed: int, frames: int) -> Frames:
        """As declared by `Course`."""
        self._settle(learning=False)
        try:
            take = self.student.take(prompt, frames, seed, self.card.draft)
            return self.engine.generate(take, Given(), lambda *_: None).frames
        finally:
            self._settle(learning=True)

    def close(self) -> None:
        """As declared by `Course`."""
        self.engine.close()

    def _settle(self, *, learning: bool) -> None:
        """Put the transformer alone on the GPU to learn; all as the engine has it to sample."""
        if self.engine.device.type == "cpu":
            return
        self.engine.unhook()
        if learning:
            for part in self.engine.pipe.components.values():
                if isinstance(part, torch.nn.Module):
                    part.to("cpu")
            for network in self.networks:
                network.to(self.engine.device)
        else:
            self.engine.settle()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        with told_as_rendering(self.card, self.student.take("training", 1)), quiet():
            yield


def _share(one: torch.nn.Module, other: torch.nn.Module) -> None:
    """Let the adapter of another transformer be that of one: what is learned by either is learned by both."""
    learned = {name: weight for name, weight in one.named_parameters() if weight.requires_grad}
    for name, weight in learned.items():
        owner, _, last = name.rpartition(".")
        setattr(other.get_submodule(owner), last, weight)


def _mean(values: Tensor) -> Tensor:
    """The mean of each crop."""
    return values.mean(tuple(range(1, values.ndim)), keepdim=True)


def _save(weights: dict[str, Tensor], path: str, *, facts: dict[str, str]) -> None:
    save_file({name: weight.contiguous() for name, weight in weights.items()}, path, metadata=facts)


def _levels(count: int, shift: float, random: torch.Generator) -> Tensor:
    """Logit-normal noise levels `(count,)`, spread evenly over their distribution, shifted towards noise."""
    at = (torch.randperm(count, generator=random) + torch.rand(count, generator=random)) / count
    level = torch.sigmoid(torch.special.ndtri(at.clamp(1e-4, 1 - 1e-4)))
    return shift * level / (1 + (shift - 1) * level)


def _kept(batch: Sequence[Lesson], random: torch.Generator) -> int:
    """How many lessons, the first of a batch, hold what other captions give: `KEEPING` of them in the mean."""
    share = KEEPING if all(each.others for each in batch) else 0.0
    return int(len(batch) * share + float(torch.rand((), generator=random)))


def _one(choices: Sequence[T], random: torch.Generator) -> T:
    return choices[int(torch.randint(len(choices), (1,), generator=random))]
