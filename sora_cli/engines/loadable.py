"""Whether the installed libraries can read a checkpoint: its classes, its small files, its weights in few bits.

Told by its small files and by the text of the libraries, which are not imported: that would load torch.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from sora_cli import bounded, packages
from sora_cli.engines.checkpoint import AGAIN, INDEXES, Checkpoint
from sora_cli.errors import EngineMissing

NEEDED = ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")
"""Parts that no pipeline here leaves out: where one lies in the folder, its index names it."""
_MARKS = {BOM_UTF8: "begins with a byte order mark", BOM_UTF16_LE: "is UTF-16", BOM_UTF16_BE: "is UTF-16"}
"""How files begin that Windows' editors and PowerShell write anew; diffusers and transformers read plain UTF-8."""
_BITS = packages.EXTRAS["quantize"]
"""Kinds of weights in few bits that a package of the same name reads."""
_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
"""Where a tokenizer is told with what it pads; without, it fails when it is asked."""
_PADS = {"T5Tokenizer", "T5TokenizerFast"}
"""Tokenizers that know it without: a folder with their words alone is enough."""
_STEMS = {"diffusers": "diffusion_pytorch_model", "transformers": "model"}
"""How each library calls files of weights."""


def refuse(found: Checkpoint) -> None:
    """Raise `EngineMissing` where a part cannot be loaded by what is installed."""
    _refuse_encoding(found)
    parts = found.components()
    if lost := next((name for name in NEEDED if name not in parts and (found.folder / name).is_dir()), None):
        raise EngineMissing(f"{found.folder / INDEXES[0]} does not name the folder {lost} beside it", hint=AGAIN)
    for name, (library, kind) in parts.items():
        if library in _STEMS and not _has(library, kind, str(found.config(name).get("model_type", ""))):
            raise _newer(found, name, library, kind)
        _refuse_bits(found, name, library)
        if library in _STEMS:
            _refuse_stem(found, name, library)
        settled = kind in _PADS or any((found.folder / name / each).is_file() for each in _SETTINGS)
        if name.startswith("tokenizer") and not settled:
            raise EngineMissing(f"{found.folder / name} has no {_SETTINGS[0]}", hint=AGAIN)


def _refuse_encoding(found: Checkpoint) -> None:
    small = (path for name in found.components() for path in sorted((found.folder / name).glob("*.json")))
    for path in (found.folder / INDEXES[0], *small):
        if path.is_file():
            with bounded.open_regular(path) as file:
                head = file.read(3)
            for mark, told in _MARKS.items():
                if head.startswith(mark):
                    raise EngineMissing(f"{path} {told}", hint=f"save it as UTF-8 without a mark; or {AGAIN}")


def _newer(found: Checkpoint, name: str, library: str, kind: str) -> EngineMissing:
    """The error of a class that a library has not: of a newer release, or misspelt."""
    key = f"{library}_version"
    saved = found.index.get("_diffusers_version") if library == "diffusers" else found.config(name).get(key)
    told = f"{found.folder}: its {name} is a {kind}, which {library} {_installed(library)} does not have"
    newer = isinstance(saved, str) and saved != _installed(library)
    return EngineMissing(told, hint=f"it was saved with {saved}: pip install -U {library}" if newer else AGAIN)


@lru_cache(maxsize=64)
def _has(library: str, kind: str, model: str) -> bool:
    """Whether a library offers a class, by its own text; True where nothing tells. `model` says where to look first."""
    texts, wanted = _texts(library, model), re.compile(rf"\b{re.escape(kind)}\b")
    bare = re.compile(rf"\b{re.escape(kind.removesuffix('Fast'))}\b")  # transformers 5 keeps these names by a rule
    seen = False
    for text in texts:
        seen = True
        if wanted.search(text) or (library == "transformers" and bare.search(text)):
            return True
    return not seen


def _texts(library: str, model: str) -> Iterator[str]:
    """What tells the classes of a library: diffusers' own index; of transformers the likely modules, then all."""
    place = find_spec(library)
    if place is None or place.origin is None:
        return
    own = Path(place.origin)
    yield own.read_text(encoding="utf-8")
    if library == "transformers":
        models = own.parent / "models"
        likely = [models / model if model.isidentifier() else models / "auto", models / "auto"]
        for folder in (*likely, own.parent):
            for path in sorted(folder.rglob("*.py") if folder == own.parent else folder.glob("*.py")):
                yield path.read_text(encoding="utf-8")


def _installed(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "here"


def _refuse_bits(found: Checkpoint, name: str, library: str) -> None:
    """Weights in few bits that nothing here reads."""
    told = found.config(name).get("quantization_config")
    if not isinstance(told, dict):
        return
    four_or_eight = told.get("load_in_4bit") or told.get("load_in_8bit")
    method = "bitsandbytes" if four_or_eight else str(told.get("quant_method", ""))
    what = f"the weights in {found.folder / name}, which are in few bits ({method}),"
    if method in _BITS and not packages.here(method):
        raise EngineMissing(f"{what} need the package {method}", hint=packages.install("quantize"))
    if library == "diffusers" and method not in _BITS and not _reads(method):
        hint = "get the model in bf16 or fp16; `memory: {quantize: int8}` makes it small"
        raise EngineMissing(f"{what} are of a kind that diffusers {_installed(library)} does not read", hint=hint)


@lru_cache(maxsize=16)
def _reads(method: str) -> bool:
    """Whether diffusers has a reader for weights of a kind, by its own table; True where nothing tells."""
    place = find_spec("diffusers")
    table = Path(place.origin).parent / "quantizers" / "auto.py" if place and place.origin else None
    if table is None or not table.is_file():
        return True
    return method != "gguf" and f'"{method}":' in table.read_text(encoding="utf-8")


def _refuse_stem(found: Checkpoint, name: str, library: str) -> None:
    """Weights under the name that the other library gives its files."""
    stem, files = _STEMS[library], found.weights(name)
    other = next((each for each in _STEMS.values() if each != stem), "")
    if files and all(path.name.startswith(other) and not path.name.startswith(stem) for path in files):
        wanted = files[0].name.replace(other, stem, 1)
        raise EngineMissing(f"{library} does not read {files[0]} under its name", hint=f"rename it {wanted}")
