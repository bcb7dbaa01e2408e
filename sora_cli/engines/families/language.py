"""A causal model of transformers, as a writer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, cast

import torch
import transformers
from transformers import AutoTokenizer, GenerationConfig, PreTrainedConfig, PreTrainedTokenizerBase, TextStreamer
from typing_extensions import override

from sora_cli.engines.families.diffusion import Loadable, require_all
from sora_cli.engines.language import Answer, Heard
from sora_cli.engines.runtime.device import best_device, best_dtype, quiet
from sora_cli.engines.runtime.errors import told_as_answering, told_as_opening
from sora_cli.errors import RequestError

WHAT = "language model"
TEMPERATURE, TOP_P = 0.7, 0.9
"""How freely it draws its words where a seed is given."""


_LIKELIEST = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}


LOCAL = {"local_files_only": True, "trust_remote_code": False}
"""Nothing is fetched, and no code of a model's folder is run."""


class Generating(Protocol):
    """What is used of a model of transformers that makes tokens."""

    config: PreTrainedConfig
    generation_config: GenerationConfig
    device: torch.device
    dtype: torch.dtype

    def generate(self, *given: torch.Tensor, **how: object) -> torch.Tensor:
        """Tokens `(1, n)`, those that were given in front where the model goes on with them."""
        ...


def whole(kind: Loadable[Any], folder: Path, **how: object) -> Any:
    """A model of transformers from safetensors in a folder; it would go on with random numbers for what they lack.

    Raises:
        EngineMissing: a weight is missing.
    """
    model, told = kind.from_pretrained(str(folder), use_safetensors=True, output_loading_info=True, **how, **LOCAL)
    require_all(folder, sorted(told["missing_keys"]))
    return model


def loaded(kind: Loadable[torch.nn.Module], folder: Path, device: torch.device, size: int) -> Generating:
    """A model of transformers on a device, from safetensors in a folder that hold `size` bytes."""
    dtype = best_dtype(device, size)
    return cast("Generating", whole(kind, folder, dtype=dtype).to(device).eval())


class Causal:
    """A causal model on the best device here; see `LanguageModel`."""

    def __init__(self, name: str, folder: Path, words: Path, kind: str) -> None:
        """Load the model in a folder, of a class of transformers ("": any causal one), and the tokenizer in `words`."""
        self.name, self.device = name, best_device()
        size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        hint = "name a causal model with its tokenizer and .safetensors weights"
        with told_as_opening(name, WHAT, hint), quiet():
            self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(str(words), **LOCAL)
            self.model = loaded(getattr(transformers, kind or "AutoModelForCausalLM"), folder, self.device, size)

    def answer(self, asked: str, *, limit: int, seed: int | None, heard: Heard) -> Answer:
        """What it says to a question."""
        with told_as_answering(self.name, WHAT), quiet(), torch.inference_mode(), torch.random.fork_rng():
            return self._answer(asked, limit, seed, heard)

    def _answer(self, asked: str, limit: int, seed: int | None, heard: Heard) -> Answer:
        ids = self._encoded(asked)
        count, most = ids.shape[1], int(getattr(self.model.config.get_text_config(), "max_position_embeddings", 0) or 0)
        limit = min(limit, most - count) if most else limit
        if limit < 1:
            message = f"{self.name} reads {most} tokens, and {count} are asked"
            raise RequestError(message, hint="write less, or name a model that reads more")
        drawn = {"do_sample": True, "temperature": TEMPERATURE, "top_p": TOP_P} if seed is not None else _LIKELIEST
        pad = self.tokenizer.pad_token_id
        pad = self.tokenizer.eos_token_id if pad is None else pad
        torch.manual_seed(seed or 0)
        made = self.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=limit,
            pad_token_id=pad,
            streamer=_Streamer(self.tokenizer, heard),
            **drawn,
        )
        new = made[0, count:].tolist()
        ends = self.model.generation_config.eos_token_id
        ended = new[-1:] and new[-1] in (ends if isinstance(ends, list) else [ends])
        return Answer(str(self.tokenizer.decode(new, skip_special_tokens=True)), bool(ended) or len(new) < limit)

    def _encoded(self, asked: str) -> torch.Tensor:
        """The question as the model was taught to be asked, where its tokenizer says how; (1, tokens)."""
        if getattr(self.tokenizer, "chat_template", None):
            chat = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": asked}], tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
            found = self.tokenizer(str(chat), return_tensors="pt", add_special_tokens=False)
        else:
            found = self.tokenizer(asked, return_tensors="pt")
        ids: torch.Tensor = found["input_ids"]
        return ids.to(self.device)


class _Streamer(TextStreamer):
    """Hands each piece of the answer on as it comes."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, heard: Heard) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._heard = heard

    @override
    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        self._heard(text)
