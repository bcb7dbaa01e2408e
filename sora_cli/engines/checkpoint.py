"""A checkpoint on disk, read without torch: what it says it is, where it lies, and a hash of what it holds."""

from __future__ import annotations

import hashlib
import math
import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from sora_cli import bounded
from sora_cli.engines.header import ends_unwritten, header_of
from sora_cli.errors import EngineMissing
from sora_cli.remembered import cache_folder, remembered

INDEXES = ("model_index.json", "modular_model_index.json")
LARGEST = 100_000_000
"""No number of a configuration is larger: rates, vocabularies and lengths of contexts have eight digits at most."""
LARGEST_OF = {
    "timesteps": 100_000,
    "layers": 1_000,
    "blocks": 1_000,
    "heads": 10_000,
    "channels": 1_000_000,
    "dim": 1_000_000,
}
"""What is made once for each, by the last word of the field's name; models have a tenth of it."""
MOST = 4 << 20
"""Bytes of an index or a configuration; diffusers' own have some kilobytes."""
SAMPLE = 1 << 20
"""Files above four of these are hashed by their size and three samples of this many bytes."""
SETTLED = 2 * 10**9
"""Nanoseconds after which a file that changes again surely has another time: some disks count in whole seconds."""
LIBRARIES = {"diffusers", "transformers", "sora_cli", "None"}
"""Packages that a checkpoint may name, beside diffusers' own pipeline modules (`wan`, `ltx2`: names without a dot)."""
AGAIN = "get the model again: sora models pull"
HINT_POINTER = "fetch its files: git lfs pull, in its folder"
_POINTER = 1024
"""Bytes of a pointer of Git LFS at most (its specification)."""
_SAFE = "get the model with its weights as .safetensors"
PICKLES = {".bin", ".ckpt", ".pt", ".pth"}
_WITHOUT_WEIGHTS = ("Processor", "ProcessorFast", "Extractor")
"""How classes of a checkpoint's parts end that have no weights, beside tokenizers and schedulers."""
_WORDS = re.compile(r"tokenizer\.json|vocab|\.model$|\.tiktoken$|merges|bpe")
"""Names of files that hold the words of a tokenizer."""
_STEMS = ("diffusion_pytorch_model", "model")
"""How files of weights begin, by diffusers and by transformers."""
_SCALES = ("scale_weight", "weight_scale", "scale_input", "input_scale", "scaled_fp8", "comfy_quant")
"""How tensors end that say how other programs' fp8 weights are scaled; diffusers passes them over."""
_OF = "(?:-[0-9]{5}-of-[0-9]{5})?"
_VARIANT = re.compile(rf"\w+{_OF}\.((?:fp|bf)[0-9]+){_OF}\.safetensors")
"""Names of files of weights in another number type, which stand beside the others or alone (diffusers' `variant`)."""
_PART = re.compile(r"(.+)-[0-9]{5}-of-(0[0-9]{4})\.safetensors")
_READ = re.compile(rf"(?:{'|'.join(_STEMS)}){_OF}(?:\.(?:fp|bf)[0-9]+)?{_OF}\.safetensors")
"""Names of files of weights that are read: no copy beside them, as `model (1).safetensors`."""
UNFINISHED = {".aria2", ".crdownload", ".download", ".incomplete", ".opdownload", ".part", ".partial", ".tmp", ".!qb"}
"""How files end that a download has not finished."""
IGNORED = {".md", ".png", ".jpg", ".jpeg", ".gif", ".mp4", ".webp", ".pyc", ".lock", ".incomplete"}


class Checkpoint(Struct, frozen=True):
    """A folder in diffusers layout: its index and the configurations of its components."""

    folder: Path
    index: Mapping[str, object]

    @classmethod
    def read(cls, folder: Path) -> Checkpoint:
        """Read the index of a checkpoint.

        Raises:
            EngineMissing: the folder holds no index, or it cannot be read.
        """
        for name in INDEXES:
            if (folder / name).is_file():
                return cls(folder, read_json(folder / name))
        raise EngineMissing(
            f"{folder} holds no model: neither {INDEXES[0]} nor {INDEXES[1]}",
            hint="name the folder that holds one of them: a checkpoint saved by diffusers' save_pretrained",
        )

    @property
    def pipeline(self) -> str:
        """The pipeline's class, as the checkpoint names it (modular ones may name their blocks only)."""
        return str(self.index.get("_class_name") or self.index.get("_blocks_class_name") or "")

    def components(self) -> dict[str, tuple[str, str]]:
        """Component name to (library, class); those that the checkpoint leaves out are left out."""
        found = {}
        for name, value in self.index.items():
            if isinstance(value, list) and len(value) >= 2 and value[1] is not None:
                library, kind = value[0], value[1]
                if library is None and len(value) > 2 and isinstance(value[2], dict):  # modular: [null, null, spec]
                    library, kind = (value[2].get("type_hint") or [None, None])[:2]
                found[name] = (str(library), str(kind))
        return found

    def config(self, component: str) -> dict[str, object]:
        """The configuration of a component; empty where it has none."""
        for name in ("config.json", "scheduler_config.json", "preprocessor_config.json"):
            path = self.folder / component / name
            if path.is_file():
                return read_json(path)
        return {}

    def value(self, dotted: str) -> object:
        """A value by path: `index.boundary_ratio`, `transformer.num_layers`; None where there is none."""
        component, _, key = dotted.partition(".")
        return (self.index if component == "index" else self.config(component)).get(key)

    def bytes_of(self, component: str) -> int:
        """The size of a component's weights on disk, in bytes."""
        return sum(path.stat().st_size for path in self.weights(component) if path.exists())

    def weights(self, component: str) -> list[Path]:
        """The files of a component's weights that are read: those of a variant only where there are no others.

        Copies beside them are none of it, nor is a whole file beside its parts, or parts that their index has not.
        """
        part = self.folder / component
        files = _weight_files(part)
        named = [path for path in files if _READ.fullmatch(path.name)] or files
        variant = self.variant_of(component)
        read = [path for path in named if _variant_in(path) == variant]
        listed = _listed(part, variant)
        return [path for path in read if path.name in listed] or read

    @property
    def variant(self) -> str | None:
        """The variant without which a component has no weights, as `from_pretrained` takes it: `fp16`.

        Of several that one which most components have.
        """
        alone = [found for name in self.components() if (found := _variants(self.folder / name))]
        return max(sorted(set().union(*alone)), key=lambda each: sum(each in one for one in alone), default=None)

    def variant_of(self, component: str) -> str | None:
        """The same of one component."""
        own = _variants(self.folder / component)
        common = self.variant if len(own) > 1 else None
        return common if common in own else min(own, default=None)

    def parameters_of(self, folder: str) -> int:
        """How many numbers the weights in a folder are, by the headers of its files; 0 where one cannot be read."""
        try:
            headers = [header_of(path) for path in self.weights(folder)]
            return sum(math.prod(shape) for one in headers for shape in one.shapes.values())
        except (OSError, ValueError):
            return 0

    def tensors_of(self, folder: str) -> set[str]:
        """The names of a folder's tensors; none where a file cannot be read."""
        try:
            return {name for path in self.weights(folder) for name in header_of(path).shapes}
        except (OSError, ValueError):
            return set()

    def refuse(self) -> None:
        """Raise `EngineMissing` where it cannot be loaded, or must not be, as far as is known without loading it."""
        self.refuse_foreign_code()
        self.refuse_unbounded()
        self.refuse_unfetched()

    def refuse_unfetched(self) -> None:
        """Raise `EngineMissing` where a file of weights was not fetched: it is a pointer, a dead link or left out."""
        for name, (library, _) in self.components().items():
            part = self.folder / name
            variant = self.variant_of(name)
            whole = f"model.{variant}.safetensors" if variant else "model.safetensors"
            alone = library == "transformers" and (part / whole).exists()  # it reads that one first
            gone = [] if alone else [part / one for one in sorted(_listed(part, variant)) if not _is_there(part / one)]
            if gone:
                raise EngineMissing(f"{gone[0]} is missing: the index of its weights names it", hint=AGAIN)
        for path in (path for name in self.components() for path in self.weights(name)):
            if path.with_name(f"{path.name}.aria2").exists():
                raise EngineMissing(f"{path} is not whole: its download by aria2 was not finished", hint=AGAIN)
            if not path.exists():
                raise EngineMissing(f"{path} is a link that leads nowhere", hint=AGAIN)
            if is_pointer(path):
                raise EngineMissing(f"{path} holds no weights: Git LFS did not fetch them", hint=HINT_POINTER)
            if found := _PART.fullmatch(path.name):
                stem, of = found[1], found[2]
                names = (f"{stem}-{number:05d}-of-{of}.safetensors" for number in range(1, int(of) + 1))
                missing = next((other for name in names if not _is_there(other := path.with_name(name))), None)
                if missing is not None:
                    raise EngineMissing(f"{missing} is missing: one of the {int(of)} files of its weights", hint=AGAIN)
                if not any(path.parent.glob("*.index*.json")):
                    raise EngineMissing(f"{path.parent} has no {stem}.safetensors.index.json", hint=AGAIN)
            with suppress(OSError):
                self._refuse_content(path)

    def _refuse_content(self, path: Path) -> None:
        """The same of what a file of weights holds."""
        try:
            header = header_of(path)
        except ValueError as error:
            told = f"{path} holds no weights: it is cut short, or no safetensors file"
            raise EngineMissing(told, hint=AGAIN) from error
        if header.end > path.stat().st_size:
            raise EngineMissing(f"{path} is cut short", hint=AGAIN)
        if ends_unwritten(path, header):
            told = f"{path} ends in zeros, where its last weights should be: its download or copy was not finished"
            raise EngineMissing(told, hint=AGAIN)
        scaled = next((name for name in header.shapes if name.endswith(_SCALES)), None)
        if scaled is not None and not self.config(path.parent.name).get("quantization_config"):
            why = "which would be read without their scales"
            told = f"{path} holds scaled weights of another program ({scaled}), {why}"
            raise EngineMissing(told, hint="get the model in bf16 or fp16; `memory: {quantize: int8}` makes it small")

    def refuse_incomplete(self) -> None:
        """Raise `EngineMissing` where a part that its index names is not there, or has no weights that sora loads."""
        if not (self.folder / INDEXES[0]).is_file():
            return  # parts of a modular pipeline may lie elsewhere
        for name, (_, kind) in self.components().items():
            part = self.folder / name
            if not part.is_dir():
                raise EngineMissing(f"{self.folder} has no folder {name}, which its {INDEXES[0]} names", hint=AGAIN)
            names = [path.name for path in part.iterdir()]
            if pointer := next((each for each in names if is_pointer(part / each)), None):
                raise EngineMissing(f"{part / pointer} was not fetched by Git LFS", hint=HINT_POINTER)
            if name.startswith("tokenizer"):
                if not (kind.startswith("ByT5") or any(_WORDS.search(each) for each in names)):  # ByT5 reads bytes
                    raise EngineMissing(f"{part} holds no words: no tokenizer.json and no vocabulary", hint=AGAIN)
            elif kind.endswith("Scheduler"):
                if "scheduler_config.json" not in names:
                    raise EngineMissing(f"{part} has no scheduler_config.json", hint=AGAIN)
            elif not kind.endswith(_WITHOUT_WEIGHTS):
                _refuse_without_weights(part, names)

    def refuse_foreign_code(self) -> None:
        """Raise `EngineMissing` where a component would be loaded by a module that is neither diffusers' nor ours."""
        for name, (library, kind) in self.components().items():
            top = library.split(".")[0]
            if top not in LIBRARIES and ("." in library or top == "__main__"):
                raise EngineMissing(
                    f"{self.folder}: its {name} wants {kind} from the module {library}, which sora will not run",
                    hint="only checkpoints made of diffusers' and transformers' own classes are loaded",
                )

    def refuse_unbounded(self) -> None:
        """Raise `EngineMissing` where a configuration asks for more memory than any machine has."""
        for name in self.components():
            for field, value in _numbers(self.config(name)):
                most = LARGEST_OF.get(field.rpartition("_")[2], LARGEST)
                if abs(value) > most and value != float("inf"):
                    raise EngineMissing(
                        f"{self.folder}: its {name} wants {field} of {value:g}, and {most:g} is the most", hint=AGAIN
                    )


def _weight_files(part: Path) -> list[Path]:
    """The safetensors files in a folder; not what macOS leaves beside each on disks of others (`._a.safetensors`)."""
    return sorted(path for path in part.glob("*.safetensors") if not path.name.startswith("."))


def _is_there(path: Path) -> bool:
    """Whether a folder has an entry of a name, though it be a link that leads nowhere."""
    return path.is_symlink() or path.exists()


def _variant_in(path: Path) -> str | None:
    found = _VARIANT.fullmatch(path.name)
    return found[1] if found else None


def _variants(part: Path) -> set[str]:
    """The variants that a folder's weights are there as; none where they are there as none too."""
    found = {_variant_in(path) for path in _weight_files(part) if _READ.fullmatch(path.name)}
    return set() if None in found else {each for each in found if each}


def _listed(part: Path, variant: str | None) -> set[str]:
    """The files that the index of a folder's weights names; none where it has no index.

    That of another variant is not read: the small files of all are often fetched, and the weights of one.
    """
    found: set[str] = set()
    for path in part.glob(f"*.safetensors.index{f'.{variant}' if variant else ''}.json"):
        files = read_json(path).get("weight_map")
        found |= {str(name) for name in files.values()} if isinstance(files, dict) else set()
    return found


def _refuse_without_weights(part: Path, names: Collection[str]) -> None:
    """Raise `EngineMissing` where a model's folder, of these names, has no configuration or no weights by name."""
    weights = [name for name in names if name.endswith(".safetensors")]
    if "config.json" not in names:
        if weights or not names:
            raise EngineMissing(f"{part} has no config.json", hint=AGAIN)
        return  # what it is, is told by its class alone
    if any(_READ.fullmatch(name) for name in weights):
        return
    if weights:
        hint = f"sora reads {' and '.join(f'{stem}.safetensors' for stem in _STEMS)}: {AGAIN}"
        told = f"the weights in {part} are called {weights[0]}, and not as diffusers calls them"
        raise EngineMissing(told, hint=hint)
    if any(Path(name).suffix in PICKLES for name in names):
        raise EngineMissing(f"the weights in {part} are pickles, which may run code", hint=_SAFE)
    if other := next((name for name in names if name.endswith(".gguf")), None):
        raise EngineMissing(f"the weights in {part} are a GGUF, {other}", hint=_SAFE)
    if begun := next((name for name in names if Path(name).suffix.lower() in UNFINISHED), None):
        raise EngineMissing(f"{part} holds no weights: {begun} is a download that was not finished", hint=AGAIN)
    raise EngineMissing(f"{part} holds no weights", hint=AGAIN)


def _numbers(value: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a configuration, with the name of the field that it is in."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _numbers(each, str(key))
    elif isinstance(value, list):
        for each in value:
            yield from _numbers(each, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


def read_json(path: Path, again: str = AGAIN) -> dict[str, object]:
    """A JSON object from a file. `again` is what to do where it is damaged.

    Raises:
        EngineMissing: the file cannot be read or holds no object.
    """
    if is_pointer(path):
        raise EngineMissing(f"{path} holds no configuration: Git LFS did not fetch it", hint=HINT_POINTER)
    try:
        value: object = bounded.read_json(path, MOST)
    except (OSError, ValueError) as error:
        raise EngineMissing(f"{path} cannot be read: {error}", hint=again) from error
    if not isinstance(value, dict):
        raise EngineMissing(f"{path} holds no JSON object", hint=again)
    return value


def is_pointer(path: Path) -> bool:
    """Whether a file is what Git LFS leaves in the place of a large one."""
    try:
        if path.stat().st_size > _POINTER:
            return False
        return bounded.read_bytes(path, _POINTER).startswith(b"version https://git-lfs")
    except OSError:
        return False


def revision_of(folder: Path) -> str:
    """A content hash of a checkpoint, quick at any size: 16 hex digits.

    Small files are hashed whole; of large ones the size and the first, middle and last megabyte. Pictures and prose
    do not count. A folder of the hub's cache is named by its commit instead, which is returned as it is. What was
    hashed is remembered by the files' sizes and times, to the nanosecond, unless one was changed just now.
    """
    if folder.parent.name == "snapshots" and len(folder.name) == 40:
        return folder.name
    facts = {path: path.stat() for path in _content(folder)}
    as_is = [(str(path), each.st_size, each.st_mtime_ns, each.st_ctime_ns) for path, each in facts.items()]
    name = hashlib.sha256(repr(as_is).encode("utf-8", "surrogateescape")).hexdigest()
    before = remembered(cache_folder() / "revisions.jsonl", f"{SAMPLE} {sorted(IGNORED)}")
    kept = before.find(name)
    if isinstance(kept, str) and re.fullmatch("[0-9a-f]{16}", kept):
        return kept
    found = _hashed(folder, {path: each.st_size for path, each in facts.items()})
    if time.time_ns() - max((each.st_ctime_ns for each in facts.values()), default=0) > SETTLED:
        before.keep({name: found})
    return found


def _hashed(folder: Path, sizes: Mapping[Path, int]) -> str:
    digest = hashlib.sha256()
    for path, size in sizes.items():
        name = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
        digest.update(name + f"\0{size}\0".encode())
        digest.update(_sampled(path))
    return digest.hexdigest()[:16]


def _content(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if any(part.startswith((".", "__")) for part in inside[:-1]) or inside[-1].startswith("."):
            continue
        if path.suffix.lower() not in IGNORED and path.is_file():
            yield path


def _sampled(path: Path) -> bytes:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= 4 * SAMPLE:
            return hashlib.sha256(file.read()).digest()
        digest = hashlib.sha256()
        for start in (0, (size - SAMPLE) // 2, size - SAMPLE):
            file.seek(start)
            digest.update(file.read(SAMPLE))
        return digest.digest()
