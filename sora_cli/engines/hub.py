"""Models on this machine, and getting them: through the hub's own client, with its cache, resuming what was begun."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from msgspec import Struct

from sora_cli.bounded import Json
from sora_cli.engines import catalogue, checkpoint, folders, single_files
from sora_cli.engines.base import EngineCard
from sora_cli.engines.estimate import released
from sora_cli.errors import EngineMissing, MachineError, RequestError, SoraError, is_bug

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling
    from tqdm import tqdm

WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
"""What is pulled: configurations, tokenizers, weights; never pickles or code."""

Fetched = Callable[[int, int], None]
"""Called with (bytes fetched, bytes in all)."""


class OptionSchema(TypedDict, total=False):
    """What is read here of an option's JSON schema."""

    type: str
    anyOf: list[OptionSchema]
    default: Json


class Model(Struct, frozen=True):
    """A model as `sora models` lists it: its card, and how much of it is on this machine."""

    card: EngineCard
    disk_gb: float
    lacks: str = ""
    """What is wrong with its checkpoint here; empty where nothing is, or it is not here."""

    @property
    def here(self) -> bool:
        """Whether it is on this machine, whole."""
        return self.card.here and not self.lacks

    def facts(self) -> dict[str, object]:
        """Plain data, for `--json` and `sora models show`."""
        card = self.card
        return {
            "name": card.name,
            "title": card.title,
            "family": card.family,
            "source": card.source,
            "here": self.here,
            "lacks": self.lacks or None,
            "location": str(card.location) if card.location else None,
            "revision": card.revision or None,
            "disk_gb": round(self.disk_gb, 2),
            "memory_gb": round(released(card), 1),
            "licence": card.licence,
            "abilities": sorted(ability.value for ability in card.abilities),
            "needs": sorted(ability.value for ability in card.needs),
            "frames": {
                "step": card.frame_step,
                "offset": card.frame_offset,
                "min": card.min_frames,
                "max": card.max_frames,
            },
            "fps": str(card.fps),
            "size": list(card.native_size),
            "size_step": card.size_step,
            "overlap": card.overlap,
            "tails": card.tails,
            "sound_rate": card.sound_rate or None,
            "references": card.max_references,
            "film_references": card.max_film_references,
            "sound_references": card.max_sound_references,
            "prompt_tokens": card.prompt_tokens or None,
            "options": self.options(),
            "notes": list(card.notes),
        }

    def options(self) -> Mapping[str, OptionSchema]:
        """Its options by name, as JSON schemas."""
        found: Mapping[str, OptionSchema] = self.card.options.model_json_schema().get("properties", {})
        return found

    def row(self) -> dict[str, str]:
        """The few facts that a list has room for."""
        card = self.card
        return {
            "name": card.name,
            "title": card.title,
            "here": "unusable" if self.lacks else "yes" if self.here else "no",
            "size": f"{card.native_size[0]}x{card.native_size[1]}",
            "fps": f"{float(card.fps):g}",
            "longest": f"{float(card.max_frames / card.fps):.1f} s",
            "memory": f"{released(card):.1f} GB",
            "licence": card.licence,
            "takes": ", ".join(sorted(card.abilities)),
        }


def described(model: Model) -> str:
    """The facts of a model in lines, its options with their types and defaults."""
    facts = model.facts().items()
    lines = [f"{name}: {_words(value)}" for name, value in facts if name != "options" and value not in (None, [])]
    lines.append("options:")
    for name, option in model.options().items():
        kinds = option.get("type") or " or ".join(one.get("type", "") for one in option.get("anyOf", []))
        lines.append(f"  {name}: {kinds or 'see its family'}, default {option.get('default')}")
    return "\n".join(lines)


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return ", ".join(str(inner) for inner in value) if isinstance(value, list) else str(value)


def models() -> list[Model]:
    """Every model known or found here, the ones on this machine first."""
    found = [_model(card) for card in catalogue.cards()]
    return sorted(found, key=lambda model: not model.here)


def show(name: str) -> Model:
    """One model, here or not.

    Raises:
        EngineMissing: no such model is known.
    """
    for model in models():
        if name in (model.card.name, model.card.source):
            return model
    return _model(catalogue.card(name))


def _model(card: EngineCard) -> Model:
    try:
        catalogue.refuse(card)
    except EngineMissing as error:
        return Model(card, disk_of(card), str(error))
    return Model(card, disk_of(card))


def faults(found: Sequence[Model]) -> list[str]:
    """What is wrong with models here: folders that are not there, models that cannot be used, or are not listed."""
    gone = [f"SORA_MODELS: no such folder: {folder}" for folder in folders.model_folders(there=False)]
    unusable = [f"{model.card.name} cannot be used: {model.lacks}" for model in found if model.lacks]
    unlisted = catalogue.unlisted([model.card for model in found])
    return [*gone, *unusable, *(f"not listed: {error}" for error in unlisted)]


def disk_of(card: EngineCard) -> float:
    """The size on disk in GB: measured where the model is here, else as its card says."""
    if card.location is None:
        return card.disk_gb
    return sum(path.stat().st_size for path in card.location.rglob("*") if path.is_file()) / 1e9


def source_of(name: str) -> str:
    """The hub's id of a model by its short name or id.

    Raises:
        RequestError: it is neither.
        EngineMissing: it is a single file.
    """
    for card in catalogue.cards():
        if card.name == name and "/" in card.source and not Path(card.source).is_absolute():
            return card.source
        if card.name == name and card.here:
            raise RequestError(f"{name} is here, and not from the hub", hint=f"see it: sora models show {name}")
    if single_files.is_single_file(name):
        raise single_files.single_file(name)
    if catalogue.is_repo(name):
        return name
    raise RequestError(f"{name} is neither a known model nor a hub id (owner/name)", hint="list them: sora models")


def pull(name: str, *, revision: str | None = None, fetched: Fetched | None = None) -> EngineCard:
    """Get a model from the hub into its cache, and return its card. An interrupted download resumes.

    Raises:
        EngineMissing: the hub has no such model or revision, it is gated, or what came is no model we run.
        MachineError: offline, the hub does not answer, or the disk is full.
        RequestError: the name is no hub id.
    """
    repo = source_of(name)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise MachineError(f"cannot get {repo}: HF_HUB_OFFLINE is set", hint="unset it, or copy the model here")
    import huggingface_hub

    try:
        files = _files(repo, revision)
        sizes = {path: int(file.size or 0) for path, file in files.items()}
        total, done = sum(sizes.values()), 0
        _room_for(sum(sizes[path] for path, file in files.items() if not _is_fetched(repo, file)))
        for path, size in sizes.items():
            huggingface_hub.hf_hub_download(repo, path, revision=revision, tqdm_class=_bar(done, total, fetched))
            done += size
            if fetched is not None:
                fetched(done, total)
    except SoraError:
        raise
    except Exception as error:  # of the hub's client, of what carries it over the net, of the disk
        if is_bug(error):
            raise
        raise told(error, repo, revision) from error
    return catalogue.card(f"{repo}@{revision}" if revision else repo)


def _files(repo: str, revision: str | None) -> dict[str, RepoSibling]:
    """The files to get: those of the components, small ones first."""
    from fnmatch import fnmatch

    import huggingface_hub

    info = huggingface_hub.HfApi().model_info(repo, revision=revision, files_metadata=True)
    named = {file.rfilename: file for file in info.siblings or []}
    if not any(name in named for name in checkpoint.INDEXES):
        raise EngineMissing(f"{repo} is not in diffusers' layout", hint="look for the same model with -Diffusers")
    inside = {name: file for name, file in named.items() if any(fnmatch(name, one) for one in WANTED)}
    whole = {name: file for name, file in inside.items() if "/" in name or name in checkpoint.INDEXES}
    return dict(sorted(whole.items(), key=lambda item: item[1].size or 0))


def _is_fetched(repo: str, file: RepoSibling) -> bool:
    """Whether a file lies whole in the hub's cache, where files are named by what is in them."""
    name = file.lfs.sha256 if file.lfs else file.blob_id
    return bool(name) and (folders.repo_cache(repo) / "blobs" / str(name)).is_file()


def _bar(done: int, total: int, fetched: Fetched | None) -> type[tqdm]:
    """A progress bar for the hub's client that draws nothing and tells how far all files have come."""
    from tqdm import tqdm

    class Told(tqdm):  # type: ignore[misc]  # it has no types
        def __init__(self, *given: object, initial: float | None = 0, **more: object) -> None:
            self.seen = int(initial or 0)
            super().__init__(*given, **{**more, "initial": self.seen, "disable": True})

        def update(self, n: float | None = 1) -> None:
            self.seen += int(n or 0)
            if fetched is not None:
                fetched(min(total, done + self.seen), total)

    return Told


def _room_for(size: int) -> None:
    folder = folders.hub_cache()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OSError(28, f"{size / 1e9:.0f} GB are needed in {folder}, {free / 1e9:.0f} GB are free")


def told(error: Exception, repo: str, revision: str | None) -> Exception:
    """What the hub's client raises, in our words."""
    kind, page = type(error).__name__, f"https://huggingface.co/{repo}"
    if kind == "GatedRepoError":
        return EngineMissing(
            f"{repo} is gated: its licence must be accepted first", hint=f"accept it at {page}, then: hf auth login"
        )
    if kind == "RevisionNotFoundError":
        return EngineMissing(f"{repo} has no revision {revision}", hint=f"its revisions: {page}/commits/main")
    if kind in ("RepositoryNotFoundError", "HFValidationError", "EntryNotFoundError"):
        return EngineMissing(f"the hub has no model {repo}", hint="check the name; private ones need: hf auth login")
    if isinstance(error, OSError) and error.errno == 28:
        return MachineError(
            f"cannot get {repo}: the disk is full ({error.strerror})",
            hint="make room, or set HF_HOME to another disk; run the same command again to resume",
        )
    return MachineError(
        f"cannot get {repo}: the hub does not answer ({kind})", hint="try again: what was fetched is kept"
    )


def summary(found: list[Model]) -> Mapping[str, object]:
    """The listing as one JSON document."""
    return {"models": [model.facts() for model in found]}
