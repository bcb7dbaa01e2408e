"""Files of weights as other programs keep them, named where sora takes a folder: what they are, what to name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from sora_cli.bounded import expanded, is_file, open_regular
from sora_cli.engines import checkpoint, folders
from sora_cli.engines.cards import known as released
from sora_cli.engines.header import has_low_rank, header_of
from sora_cli.errors import EngineMissing, first_of

EXAMPLE = "Wan-AI/Wan2.1-VACE-1.3B-diffusers"
"""What is named where a name tells nothing."""
MOST_LOOKED_AT = 1_000
"""Entries of a folder among which files of models are looked for."""
ENOUGH = 2
"""How many words two names have in common that name the same model."""


def model_files(folder: Path) -> list[Path]:
    """The files of a folder that have the ending of a model, as other programs keep them; else of the folders in it."""
    with suppress(OSError):
        found = (list(islice(folder.glob(f"{deep}*.*"), MOST_LOOKED_AT)) for deep in ("", "*/", "*/*/"))
        models = ([path for path in each if path.suffix.lower() in SINGLE_FILES] for each in found)
        return sorted(next(filter(None, models), []))
    return []


ARCHIVE = "an archive"
SINGLE_FILES = {
    ".safetensors": "weights alone",
    ".sft": "weights alone",
    ".bin": "weights alone",
    ".gguf": "a GGUF",
    ".ckpt": "a pickle",
    ".pt": "a pickle",
    ".pth": "a pickle",
    ".onnx": "an ONNX model",
    **dict.fromkeys((".zip", ".tar", ".tgz", ".gz", ".xz", ".7z", ".rar"), ARCHIVE),
}
"""Endings of the models of other programs, and what they are."""


def is_single_file(name: str) -> bool:
    """Whether a name is a file, or has the ending of a single model file, as other programs use."""
    path = expanded(name)
    return is_file(path) or path.suffix.lower() in SINGLE_FILES


def as_single_file(name: str) -> str:
    """What a single file is that is named as a model, or would be by its ending: `NAME is a single file (a GGUF)`."""
    path = expanded(name)
    kind = SINGLE_FILES.get(path.suffix.lower(), "no model")
    if checkpoint.is_pointer(path):
        kind = "a pointer of Git LFS, without what it points to"
    elif path.suffix.lower() in checkpoint.UNFINISHED:
        kind = "a download that was not finished"
    elif is_adapter(path):
        kind = "a LoRA, or its like"
    elif kind == SINGLE_FILES[".safetensors"]:
        kind = _kind_of(path)
    return f"{name} {f'is a single file ({kind})' if is_file(path) else 'would be a single file, and there is none'}"


def _kind_of(path: Path) -> str:
    """What a file with the ending of weights is, by how it begins."""
    with suppress(OSError):
        with open_regular(path) as file:
            begin = file.read(64)
        try:
            header_of(path)
        except ValueError:
            page = begin.lstrip().lower().startswith((b"<!doctype", b"<html"))
            return "a page that was saved" if page else "cut short, or no weights" if begin else "empty"
    return SINGLE_FILES[".safetensors"]


def is_adapter(path: Path) -> bool:
    """Whether a file holds an adapter, by the names of its tensors."""
    with suppress(OSError, ValueError):
        return has_low_rank(header_of(path).shapes)
    return False


def single_file(name: str, inside: Sequence[Path] = ()) -> EngineMissing:
    """The error of a single file that is named as an engine, or of a folder of such: what it is, what to name instead.

    `inside` are the files of models in a folder of this name.
    """
    path = expanded(name)
    one = inside[0] if len(inside) == 1 or (inside and all(map(is_adapter, inside))) else path
    if is_adapter(one):
        told = "lay it over the engine that it was made for: --option lora=FILE, or `options: {lora: FILE}`"
        return EngineMissing(as_single_file(str(one)), hint=told)
    if is_file(path) and SINGLE_FILES.get(path.suffix.lower()) == ARCHIVE:
        return EngineMissing(as_single_file(name), hint="unpack it, and name the folder that was in it")
    example = next(filter(None, map(like, (path.name, f"{path.parent.name} {path.name}", one.name))), EXAMPLE)
    around = next((str(place) for place in one.parents if folders.has_index(place)), "")
    hint = f"name the folder that contains it: {around}" if around else f"download one: sora models pull {example}"
    what = as_single_file(str(one))
    if len(inside) > 1:
        files = first_of([each.name for each in inside], 2)
        what = f"{name} holds no {checkpoint.INDEXES[0]}, but files of other programs: {files}"
    return EngineMissing(f"{what}; sora takes diffusers folders, for example {example}", hint=hint)


_HUB = re.compile(r"(?:https?://)?(?:hf\.co|huggingface\.co)/(\w[\w.-]*/\w[\w.-]*)")


def address(name: str) -> EngineMissing | None:
    """The error of an address that is named as an engine, of the web or a file; None where a name is none."""
    hub = _HUB.match(name)
    if not hub and "://" not in name:
        return None
    hint = f"name it as the hub does: {hub[1]}" if hub else "download it, and name its folder"
    if name.startswith("file:///"):
        hint = f"name its folder as a path: {unquote(name.removeprefix('file://'))}"
    return EngineMissing(f"{name} is an address, not a model", hint=hint)


def like(name: str) -> str:
    """The repository of the released model whose name is likest to that of another program's; empty where none is."""
    words = _words(name)
    sources = [template.card.source for template in released()]
    theirs = {source: _words(source.rpartition("/")[2]) for source in sources}
    best = max(sources, key=lambda source: len(theirs[source] & words) - len(theirs[source] - words))
    return best if len(theirs[best] & words) >= ENOUGH else ""


def _words(name: str) -> set[str]:
    """The words of a model's name: `Wan2_1-T2V-A14B_fp8` has wan2.1, t2v, 14b and fp8."""
    plain = re.sub(r"(?<=\d)_(?=\d)", ".", name.lower())
    return {re.sub(r"^a(?=\d)", "", word) for word in re.split(r"[^a-z0-9.]+", plain) if word}
