"""What the families share: one load for all takes, the way down when memory runs out.

A family is a subclass of `Diffusion` with two methods: `load` makes the diffusers pipeline, `render` runs it for one
take. Everything else a take needs is here, once.
"""

from __future__ import annotations

import gc
import inspect
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import diffusers
import numpy as np
import torch
import transformers
from accelerate.hooks import remove_hook_from_module

from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.engines.checkpoint import AGAIN, Checkpoint
from sora_cli.engines.estimate import SMALL
from sora_cli.engines.options import PACKAGES, LoraOption, Memory, Options
from sora_cli.engines.runtime.adapters import lay
from sora_cli.engines.runtime.device import best_device, best_dtype, name_of, quiet
from sora_cli.engines.runtime.errors import CallbackError, told_as_loading, told_as_rendering
from sora_cli.engines.runtime.offload import Offload, quantization, stop_streaming
from sora_cli.errors import EngineMissing, OutOfMemory, RenderError, counted, first_of
from sora_cli.events import Note, Report, Silent
from sora_cli.packages import require

OnStep = Callable[..., dict[str, object]]
"""What a pipeline calls after each step; what it gives back changes nothing."""

FamilyOptions = TypeVar("FamilyOptions", bound=Options)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

KEPT_PROMPTS = 32
UNUSED = "lm_head"
"""What text encoders do without: their last layer, which says the next word."""


def require_all(folder: Path, missing: Sequence[str]) -> None:
    """Raise `EngineMissing` where the files of a folder lack weights."""
    if missing:
        raise EngineMissing(f"the files in {folder} lack the weights {first_of(missing, 1)}", hint=AGAIN)


# -- engines -----------------------------------------------------------------------------------------


class Loadable(Protocol[T_co]):
    """A class of diffusers or transformers whose weights are read from a folder."""

    def from_pretrained(self, pretrained_model_name_or_path: str, **how: object) -> T_co:
        """One of it, with the weights in a folder."""
        ...


class Diffusion(ABC, Generic[FamilyOptions]):
    """An engine on a diffusers pipeline: one load for all its takes.

    Args:
        card: what to load, from the catalogue; its `location` holds the weights.
        memory: how to fit it to the machine; a mode by name, or all of it.
        report: hears what a person should know.

    Raises:
        EngineMissing: the checkpoint is not here, incomplete, damaged or of other classes.
        OutOfMemory: it does not fit.
    """

    def __init__(self, card: EngineCard, *, memory: Memory | str = "auto", report: Report | None = None) -> None:
        if card.location is None:
            raise EngineMissing(
                f"engine {card.name} is not on this machine", hint=f"download it: sora models pull {card.source}"
            )
        self.card = card
        self.memory = memory if isinstance(memory, Memory) else Memory.model_validate({"mode": memory})
        self.report = report or Silent()
        self.device = best_device()
        self.device_name = name_of(self.device)
        self.checkpoint = Checkpoint.read(card.location)
        self.checkpoint.refuse()
        weights = sum(map(self.checkpoint.bytes_of, self.checkpoint.components()))
        self.dtype = best_dtype(self.device, weights)
        self.offload = Offload(card, self.memory, self.device, small=weights < SMALL)
        self._adapters: tuple[LoraOption, ...] = ()
        self._prompts: OrderedDict[tuple[object, ...], dict[str, torch.Tensor]] = OrderedDict()
        with told_as_loading(card), quiet():
            self.pipe: Any = self.load()  # its parts differ from family to family, and diffusers types none of them
        self._down_until(self.settle, f"engine {card.name}", lambda: told_as_loading(card))

    @property
    def place(self) -> torch.device:
        """The device that the pipeline computes on, wherever its weights lie."""
        return self.pipe._execution_device  # type: ignore[no-any-return]  # noqa: SLF001  the only name it has

    @abstractmethod
    def load(self) -> object:
        """The pipeline, its weights read, on the CPU."""

    @abstractmethod
    def render(self, take: Take, given: Given, options: FamilyOptions, step: OnStep) -> Footage:
        """Run the pipeline for one take; `step` is for its `callback_on_step_end`."""

    def passes(self, take: Take, given: Given, options: FamilyOptions) -> int:  # noqa: ARG002  some families count by length
        """Count the steps that the take will need, for progress."""
        return int(getattr(options, "steps", 1))

    def options_of(self, given: Mapping[str, object]) -> FamilyOptions:
        """Options of this family's kind, by what is given of them."""
        return self.card.options.model_validate(dict(given))  # type: ignore[return-value]  # as its card has them

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        """Make exactly `take.frames` frames of the take's size; the same take and pixels give the same frames.

        Raises:
            RenderError: the model failed, or what is given does not fit the take.
            OutOfMemory: the device has too little memory.
        """
        options = self.options_of(take.options)
        self._check(take, given)

        def once() -> Footage:
            step = self._step(self.passes(take, given, options), progress)
            self.adapt(getattr(options, "lora", ()))
            self.offload.begin(self.pipe)
            with torch.no_grad():
                return self.render(take, given, options, step)

        try:
            footage = self._down_until(once, take.name, lambda: told_as_rendering(self.card, take))
        except CallbackError as carried:
            raise carried.cause from None
        return self._checked(take, footage)

    def _down_until(self, work: Callable[[], T], name: str, told: Callable[[], AbstractContextManager[None]]) -> T:
        """Do it; when memory runs out, take one step down the ladder, say so, and do it again."""
        while True:
            try:
                with told(), quiet():
                    return work()
            except OutOfMemory as error:
                rung = self.offload.step_down()
                if not rung:
                    raise
                self.report(Note(f"{name}: out of memory; trying again, {rung}", hint=error.hint))
            self._free()
            with told(), quiet():
                self.unhook()
                self.settle()

    def adapt(self, wanted: tuple[LoraOption, ...]) -> None:
        """Lay the wanted adapters over the weights, and no others."""
        if wanted == self._adapters:
            return
        if not hasattr(self.pipe, "load_lora_weights"):
            raise RenderError(f"{self.card.name} takes no LoRA", hint="remove `lora` from the options")
        require("LoRA", PACKAGES["lora"], EngineMissing)
        self._prompts.clear()
        self._adapters = ()
        for told in lay(self.pipe, wanted, self.card.family):
            self.report(Note(told))
        self._adapters = wanted

    def close(self) -> None:
        """Give the device's memory back. The engine is not used again."""
        self._prompts.clear()
        if hasattr(self, "pipe"):
            self.unhook()
            del self.pipe
        self._free()

    def _free(self) -> None:
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def from_pretrained(self, kind: Loadable[T], **given: object) -> T:
        """A pipeline of a class, from the card's folder alone: no network, no pickles, no code of the checkpoint's."""
        for library, _ in self.checkpoint.components().values():
            if library.startswith("sora_cli."):
                __import__(library)  # diffusers wants a module to be imported before a checkpoint may name it
        smaller = quantization(self.memory, self.device, self.dtype, self.checkpoint.components())
        given |= self.encoders(given)
        pipe = kind.from_pretrained(
            str(self.card.location),
            torch_dtype=self.dtypes(),
            local_files_only=True,
            use_safetensors=True,
            variant=self.checkpoint.variant,
            quantization_config=smaller,
            **given,
        )
        for name, part in getattr(pipe, "components", {}).items():
            if isinstance(part, torch.nn.Module):
                self.look_over(name, part)
        return pipe

    def look_over(self, name: str, part: torch.nn.Module) -> None:
        """Refuse a part that lacks weights, and tell of those in its files that it has no place for.

        Raises:
            EngineMissing: a weight is missing.
        """
        place = self.checkpoint.folder / name
        require_all(place, [key for key, held in part.named_parameters() if held.is_meta])
        if isinstance(part, diffusers.ModelMixin):  # transformers' models rename theirs, and leave some out on purpose
            extra = sorted(self.checkpoint.tensors_of(name) - part.state_dict().keys())
            if extra and not self.checkpoint.config(name).get("quantization_config"):
                told = f"{counted(len(extra), 'tensor')} in {place} that a {type(part).__name__} has no place for"
                self.report(Note(f"{told}, such as {extra[0]}: what they do is not done"))

    def encoders(self, given: Collection[str] = ()) -> dict[str, object]:
        """The models of transformers but the `given`: they go on with random numbers for weights that no file holds.

        Raises:
            EngineMissing: a weight is missing.
        """
        found, types = {}, self.dtypes()
        for name, (library, kind) in self.checkpoint.components().items():
            model = getattr(transformers, kind, None) if library == "transformers" else None
            if model is None or name in given or not self.checkpoint.weights(name):
                continue
            place = self.checkpoint.folder / name
            found[name], told = model.from_pretrained(
                str(place),
                dtype=types.get(name, types["default"]),
                local_files_only=True,
                use_safetensors=True,
                variant=self.checkpoint.variant_of(name),
                output_loading_info=True,
            )
            require_all(place, sorted(key for key in told["missing_keys"] if not key.startswith(UNUSED)))
        return found

    def parts(self) -> dict[str, object]:
        """Components that the card reads from another folder than their own."""
        found = {}
        for name, folder in self.card.parts.items():
            kind = getattr(diffusers, self.checkpoint.components()[name][1])
            found[name] = kind.from_pretrained(
                str(self.checkpoint.folder / folder),
                torch_dtype=self.dtype,
                local_files_only=True,
                use_safetensors=True,
                variant=self.checkpoint.variant,
            )
        return found

    def dtypes(self) -> dict[str, torch.dtype]:
        """The number type of each component; autoencoders that were trained in float32 stay in it."""
        exact = self.card.demand.exact if self.card.demand else frozenset({"vae"})
        return {"default": self.dtype, **dict.fromkeys(sorted(exact), torch.float32)}

    def settle(self) -> None:
        """Put the pipeline where it runs."""
        self.pipe.set_progress_bar_config(disable=True)
        self.offload.apply(self.pipe)

    def unhook(self) -> None:
        """Remove the hooks that move weights between host and device."""
        if hasattr(self.pipe, "remove_all_hooks"):  # modular pipelines have it not
            self.pipe.remove_all_hooks()
        for part in self.pipe.components.values():
            if isinstance(part, torch.nn.Module):
                remove_hook_from_module(part, recurse=True)
                stop_streaming(part)

    def use(self, kind: Callable[..., object], **config: object) -> None:
        """Continue with another pipeline class over the same components."""
        if type(self.pipe) is kind:
            return
        self.unhook()
        wanted = inspect.signature(kind).parameters
        held = {name: part for name, part in self.pipe.components.items() if name in wanted}
        self.pipe = kind(**held, **config)
        self.settle()

    def embedded(self, take: Take, avoid: str, *, guided: bool, **asked: object) -> dict[str, object]:
        """Text embeddings of a take's prompt, kept for the next take with the same words.

        For pipelines whose `encode_prompt` returns the prompt's and the negative prompt's embeddings.
        """

        def encode() -> dict[str, torch.Tensor | None]:
            positive, negative = self.pipe.encode_prompt(
                prompt=take.prompt, negative_prompt=avoid, do_classifier_free_guidance=guided, **asked
            )[:2]
            return {"prompt_embeds": positive, "negative_prompt_embeds": negative}

        return self.kept((take.prompt, avoid if guided else None, *sorted(asked.items())), encode, take)

    def kept(
        self, key: tuple[object, ...], encode: Callable[[], Mapping[str, torch.Tensor | None]], take: Take
    ) -> dict[str, object]:
        """What `encode` makes of a prompt, from memory where it was made before; tensors come on the device."""
        if key not in self._prompts:
            self.heed_length(take)
            made = {name: value.cpu() for name, value in encode().items() if value is not None}
            self._prompts[key] = made
            if len(self._prompts) > KEPT_PROMPTS:
                self._prompts.popitem(last=False)
        self._prompts.move_to_end(key)
        place = self.place  # diffusers looks through all parts to find it
        return {name: value.to(place) for name, value in self._prompts[key].items()}

    def heed_length(self, take: Take) -> None:
        """Report a prompt that is longer than the model reads."""
        limit = self.card.prompt_tokens
        if not limit:
            return
        tokens = self.pipe.tokenizer(take.prompt).input_ids
        if len(tokens) > limit:
            read = self.pipe.tokenizer.decode(tokens[: limit - 1], skip_special_tokens=True)
            self.report(
                Note(
                    f"{take.name}: the prompt has {len(tokens)} tokens, {self.card.name} reads {limit}:"
                    f" it ends at ...{read[-40:]!r}",
                    hint="shorten the prompt, the style or the setting",
                )
            )

    def _check(self, take: Take, given: Given) -> None:
        for what, frames in (("opening", given.opening), ("closing", given.closing)):
            if frames is not None and frames.shape[1:] != (take.height, take.width, 3):
                raise RenderError(f"{take.name}: its {what} frames are {frames.shape[2]}x{frames.shape[1]}")
        if given.opening is not None and len(given.opening) > self.card.max_opening:
            limit = f"{self.card.name} takes {self.card.max_opening}"
            raise RenderError(f"{take.name}: {len(given.opening)} opening frames given, {limit}")
        known = sum(len(frames) for frames in (given.opening, given.closing) if frames is not None)
        if known > take.frames:
            raise RenderError(f"{take.name}: {known} given frames for a take of {take.frames}")

    def _checked(self, take: Take, footage: Footage) -> Footage:
        wanted = (take.frames, take.height, take.width, 3)
        if footage.frames.shape != wanted or footage.frames.dtype != np.uint8:
            raise RenderError(f"{take.name}: {self.card.name} made {footage.frames.shape}, not {wanted}")
        return footage

    def _step(self, steps: int, progress: Progress) -> OnStep:
        done = 0

        def step(
            _pipe: object = None, _index: int = 0, _time: object = None, _state: object = None
        ) -> dict[str, object]:
            nonlocal done
            done += 1
            try:
                progress(done, max(steps, done))
            except Exception as cause:  # a pipeline would take it for its own: it comes out as what it was
                raise CallbackError(cause) from cause
            return {}

        return step
