"""Language models, by transformers: where one is on this machine, and how it is opened."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from msgspec import Struct

from sora_cli.bounded import expanded, is_file, is_folder
from sora_cli.engines import catalogue
from sora_cli.engines.catalogue import is_repo
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.single_files import as_single_file, is_single_file
from sora_cli.errors import EngineMissing

Heard = Callable[[str], None]
"""Called with each piece of a text as it is written."""


class Answer(Struct, frozen=True):
    """What a model wrote; `whole`: it came to its end, and was not stopped at its limit."""

    text: str
    whole: bool


class LanguageModel(Protocol):
    """Answers in words."""

    name: str

    def answer(self, asked: str, *, limit: int, seed: int | None, heard: Heard) -> Answer:
        """What it says to a question, in at most `limit` tokens.

        Without a `seed` it says what is likeliest, else what it draws with it: the same words each time.

        Raises:
            RequestError: the question is longer than it reads.
            WorkError: it failed.
            OutOfMemory: they do not fit in the memory.
        """
        ...


def open_language_model(name: str) -> LanguageModel:
    """Load a causal model and its tokenizer.

    Args:
        name: a folder as transformers' `save_pretrained` writes it, a hub id whose files are here, or an engine whose
            checkpoint holds a whole language model: LTX-2's reads prompts, and is its enhancer as well.

    Raises:
        EngineMissing: it is not on this machine, is no causal model, or is damaged.
        OutOfMemory: it does not fit.
    """
    families = importlib.import_module("sora_cli.engines.families.language")
    found = _inside(name) or Inside(folder_of(name, "language model"))
    return cast("LanguageModel", families.Causal(name, found.folder, found.tokenizer or found.folder, found.kind))


class Inside(Struct, frozen=True):
    """Where a language model lies: its folder, that of its tokenizer (None: the same), and its class ("": any)."""

    folder: Path
    tokenizer: Path | None = None
    kind: str = ""


def _inside(name: str) -> Inside | None:
    """The language model in an engine's checkpoint, one that is there to rewrite prompts first; None: no engine.

    Raises:
        EngineMissing: the engine is not on this machine, or holds none that writes.
    """
    try:
        place = catalogue.card(name).location
    except catalogue.NotHere:
        raise
    except EngineMissing:
        return None
    if place is not None:
        parts = Checkpoint.read(place).components()
        words = place / ("processor" if "processor" in parts else "tokenizer")
        for part in ("prompt_enhancer", "text_encoder"):
            library, kind = parts.get(part, ("", ""))
            if library == "transformers" and kind.endswith(("ForConditionalGeneration", "ForCausalLM")):
                return Inside(place / part, words, kind)
    hint = "name a causal model: a folder that transformers' save_pretrained wrote, or a hub id"
    raise EngineMissing(f"{name} holds no language model that writes", hint=hint)


def folder_of(name: str, what: str) -> Path:
    """The folder of a model of transformers by its name; `what` it is stands in the errors.

    Raises:
        EngineMissing: it is not on this machine.
    """
    folder = expanded(name)
    if is_folder(folder):
        if is_file(folder / "config.json"):
            return folder.resolve()
        raise EngineMissing(
            f"{name} holds no {what}: it has no config.json",
            hint="name a folder that transformers' save_pretrained wrote, with all its files",
        )
    if is_single_file(name):
        hint = "name a folder that transformers' save_pretrained wrote, or a hub id (owner/name)"
        raise EngineMissing(f"{as_single_file(name)}, and no {what} that sora can read", hint=hint)
    import huggingface_hub

    repo, _, revision = name.partition("@")
    try:
        return Path(huggingface_hub.snapshot_download(repo, revision=revision or None, local_files_only=True))
    except (OSError, ValueError) as error:  # not in the cache, or no name that the hub could have
        hint = f"download it: hf download {repo}" if is_repo(repo) else "name a folder or a hub id (owner/name)"
        raise EngineMissing(f"the {what} {name} is not on this machine", hint=hint) from error
