"""Which engines there are: by name, by hub id, by folder, and those that other packages bring. No torch here."""

from __future__ import annotations

import gc
import importlib
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from sora_cli.bounded import expanded, is_folder
from sora_cli.engines import checkpoint, coherent, folders
from sora_cli.engines.base import LIKE, Engine, EngineCard
from sora_cli.engines.cards import NANO, KnownModel, sized
from sora_cli.engines.cards import known as released
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.options import Memory, with_defaults
from sora_cli.engines.recognition import recognise
from sora_cli.engines.single_files import address, is_adapter, is_single_file, like, model_files, single_file
from sora_cli.errors import EngineMissing, first_of
from sora_cli.packages import added, others
from sora_cli.texts import nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pydantic import BaseModel

    from sora_cli.events import Report

DEFAULT = "nano"
CONVERTED = (1.0, 3.0)
"""Shifts of Wan's checkpoints that diffusers' conversion wrote, whatever the model."""
ENTRY_POINTS = "sora.engines"
FAMILIES = {
    "helios": "sora_cli.engines.families.helios:Helios",
    "lucy": "sora_cli.engines.families.lucy:Lucy",
    "ltx2": "sora_cli.engines.families.ltx2:Ltx2",
    "minimax-h3": "sora_cli.engines.families.minimax_h3:MiniMaxH3",
    "stills": "sora_cli.engines.families.stills:Stills",
    "wan": "sora_cli.engines.families.wan:Wan",
    "wan-vace": "sora_cli.engines.families.wan_vace:WanVace",
}
"""Where the class of each family is. An engine from elsewhere names its own `module:Class` as its card's family."""


class NotHere(EngineMissing):
    """An engine that is known, by its `card`, and whose weights are not on this machine."""

    def __init__(self, message: str, *, hint: str, card: EngineCard) -> None:
        super().__init__(message, hint=hint)
        self.card = card


def card(name: str | None = None) -> EngineCard:
    """The card of an engine on this machine, its weights found and its revision known.

    Args:
        name: a catalogue name, a hub id (`owner/name`, `owner/name@revision`), a folder with a checkpoint, or the name
            of one in SORA_MODELS; None means $SORA_ENGINE, else the embedded model.

    Raises:
        NotHere: it is known, and its weights are not here.
        EngineMissing: there is no such engine, or its folder is not a model we can run.
    """
    found = known(name)
    if found.location is None and any(template.card.name == found.name for template in released()):
        raise _not_here(found)
    return found


def known(name: str | None = None) -> EngineCard:
    """The card of an engine, here or not: `location` is None where its weights are not on this machine.

    Raises:
        EngineMissing: as `card` does, but for weights that are not here.
    """
    if name is None and (machines := os.environ.get("SORA_ENGINE")):
        try:
            return _known(machines)
        except EngineMissing as error:
            error.message = f"SORA_ENGINE: {error.message}"
            error.args = (error.message,)
            raise
    return _known(name or DEFAULT)


def _known(name: str) -> EngineCard:
    for template in released():
        if template.card.name == name:
            return _whole(_placed(template))
    for own in own_cards():
        if own.name == name:
            return own
    folder = expanded(name)
    if folders.has_index(folder):
        return _whole(of_folder(folder.resolve(), name=name))
    if place := next((each for each in folders.local_checkpoints() if each.name == name), None):
        return _whole(of_folder(place.resolve(), name=name))
    repo, _, revision = name.partition("@")
    if found := folders.find(repo, revision or None) if is_repo(repo) else None:
        return _whole(of_folder(found, name=name, source=repo))
    for template in released():
        if template.card.source.lower() == repo.lower():
            return template.card
    raise _missing(name, repo, revision)


def _whole(found: EngineCard) -> EngineCard:
    """A card whose checkpoint has all of its parts."""
    refuse(found)
    return found


def refuse(card: EngineCard) -> None:
    """Raise `EngineMissing` where the checkpoint of a card is not whole, or must not be loaded."""
    if card.location is not None and folders.has_index(card.location):  # others' engines may need none
        with _pulled_again(card.source):
            found = Checkpoint.read(card.location)
            found.refuse()
            found.refuse_incomplete()
            coherent.refuse(found)


@contextmanager
def _pulled_again(source: str) -> Iterator[None]:
    """Name the repository of a model where it should be downloaded again; a folder is not of the hub's."""
    try:
        yield
    except EngineMissing as error:
        if error.hint.endswith(checkpoint.AGAIN):
            near = source if is_repo(source) else like(Path(source).name)
            plain = error.hint.removesuffix(checkpoint.AGAIN) + "copy or download the model again"
            error.hint = f"{error.hint} {near}" if near else plain
        raise


def cards() -> list[EngineCard]:
    """Every known engine: `location` is None where its weights are not on this machine.

    Released models first, then those of other packages, then folders in SORA_MODELS and the hub's cache that are none
    of these.
    """
    found = [_placed(template) for template in released()]
    found += own_cards()
    taken = {one.location for one in found}
    named = {str(folder): (folder, "") for folder in folders.local_checkpoints()}
    named |= {repo: (folder, repo) for repo, folder in folders.fetched().items()}
    for name, (folder, source) in named.items():
        if folder not in taken:
            with suppress(EngineMissing):  # a folder of a model that no family runs is no engine
                found.append(of_folder(folder, name=name, source=source))
    return found


def unlisted(listed: Collection[EngineCard]) -> list[EngineMissing]:
    """Why a folder in SORA_MODELS, or a model of the hub's, of a kind that sora runs, is none of these cards."""
    kinds, found = {kind for template in released() for kind in template.pipelines}, []
    there = {card.location for card in listed}
    for folder in {*folders.local_checkpoints(), *folders.fetched().values()} - there:
        try:
            if Checkpoint.read(folder).pipeline in kinds:
                of_folder(folder, name=str(folder))
        except EngineMissing as error:
            found.append(error)
    return sorted(found, key=str)


def own_cards() -> list[EngineCard]:
    """Cards that installed packages bring under the entry point group `sora.engines`."""
    return [_own_card(entry) for entry in added(ENTRY_POINTS)]


def _own_card(entry: EntryPoint) -> EngineCard:
    told, hint = f"the engine {entry.name} of {entry.value} cannot be loaded", "repair or remove its package"
    with others(lambda why: EngineMissing(f"{told}: {why}", hint=hint)):
        loaded = entry.load()
    if not isinstance(loaded, EngineCard):
        raise EngineMissing(f"{entry.value}, an entry point of {ENTRY_POINTS}, is not an EngineCard")
    return loaded


def of_folder(folder: Path, *, name: str, source: str = "") -> EngineCard:
    """The card of a checkpoint: a known model's where its configuration matches one, else its family's.

    Raises:
        EngineMissing: no family runs what the folder holds.
    """
    with _pulled_again(source):
        found = Checkpoint.read(folder)
        found.refuse()
    template, exact = recognise(found, source)
    base = sized(template.card, found)
    if not exact:
        base = replace(base, title=f"{LIKE}{base.title}", licence="see its model card", notes=())
    base = replace(base, options=_shifted(base.options, found))
    rate = found.value("vocoder.output_sampling_rate") or found.value("audio_vae.sampling_rate")
    if isinstance(rate, int) and base.sound_rate:
        base = replace(base, sound_rate=rate)
    return replace(
        base, name=name, source=source or str(folder), location=folder, revision=checkpoint.revision_of(folder)
    )


def _shifted(options: type[BaseModel], found: Checkpoint) -> type[BaseModel]:
    """A card's options with the checkpoint's own shift, where its maker set one that diffusers' conversion does not."""
    own, made_of = found.value("scheduler.flow_shift"), getattr(options, "made_of", None)
    if made_of is None or "shift" not in made_of[1] or not isinstance(own, int | float) or own in CONVERTED:
        return options
    return with_defaults(made_of[0], {**made_of[1], "shift": float(own)})


def open_engine(
    card: EngineCard,
    *,
    memory: Memory | str = "auto",
    report: Report | None = None,
    among: tuple[int, int, Path] | None = None,
) -> Engine:
    """Load an engine's weights and make it ready.

    Args:
        card: from `card()`.
        memory: `auto`, `fast` or `low`, or all of how to fit the model to the machine.
        report: hears what a person should know, such as a step down when memory runs out.
        among: where several processes share its work: the number of this one, how many they are, and where they meet.

    Raises:
        EngineMissing: the weights are not here, incomplete or damaged.
        OutOfMemory: they do not fit.
    """
    where = FAMILIES.get(card.family, card.family)
    module, colon, kind = where.partition(":")
    if not colon:
        raise EngineMissing(f"engine {card.name}: there is no family {card.family}")
    from sora_cli.events import Silent

    _before_libraries()
    try:
        make = getattr(_imported(module), kind)
    except (ImportError, AttributeError, RuntimeError) as error:
        other_build = any("torchvision" in words for words in _chain(error))  # transformers reads it where it is there
        both = "torchvision is not of torch's build: install both from one place, or: pip uninstall torchvision"
        hint = both if other_build else "try: sora doctor"
        raise EngineMissing(f"engine {card.name} cannot be loaded: {error}", hint=hint) from error
    if among is not None:
        from sora_cli.engines.runtime.sharing import join

        join(*among)
    return cast("Callable[..., Engine]", make)(card, memory=memory, report=report or Silent())


def _before_libraries() -> None:
    """What must be set before torch and the others are first imported."""
    import logging

    # Threads that wait by spinning make a busy machine 20 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    for library in ("TRANSFORMERS", "DIFFUSERS"):  # they talk while being imported, and so do the two below
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    for library in ("torchao", "torch.utils._pytree"):
        logging.getLogger(library).setLevel(logging.ERROR)


def _imported(name: str) -> ModuleType:
    """Import a module and look for garbage once, behind it: what it defines stays, and is not looked through later."""
    if name in sys.modules or not gc.isenabled():
        return importlib.import_module(name)
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def _chain(error: BaseException | None) -> Iterator[str]:
    """What an error says, and those that led to it: libraries wrap them in their own."""
    while error is not None:
        yield str(error)
        error = error.__cause__ or error.__context__


def _placed(template: KnownModel) -> EngineCard:
    """The card with its location and revision, where its weights are here."""
    place = _place(template.card)
    return replace(template.card, location=place, revision=checkpoint.revision_of(place) if place else "")


def _place(wanted: EngineCard) -> Path | None:
    if wanted.name == DEFAULT:
        return NANO if folders.has_index(NANO) else None
    return folders.find(wanted.source)


def _not_here(card: EngineCard) -> NotHere:
    if card.name == DEFAULT:
        return NotHere("the embedded model is not in this installation", hint="install sora again", card=card)
    hint = f"download it (about {card.disk_gb:g} GB): sora models pull {card.source}"
    hint = _other_revision(card.source) or _elsewhere(hint)
    return NotHere(f"engine {card.name} is not on this machine", hint=hint, card=card)


def _other_revision(repo: str) -> str:
    """What to name where the hub's cache has a repository, but not the revision that is meant; empty where not."""
    other = next(iter(folders.revisions(repo)), "")
    return f"another revision of it is: {repo}@{other}; or get it: sora models pull {repo}" if other else ""


def _elsewhere(hint: str) -> str:
    """A hint; before it what may be the reason: a folder of models is named that is not there."""
    gone = next(iter(folders.model_folders(there=False)), None)
    return f"correct SORA_MODELS, which names {gone}: there is no such folder; or {hint}" if gone else hint


def is_repo(name: str) -> bool:
    """Whether this may be a hub id, `owner/name`, and is not plainly a path."""
    return re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name) is not None


def _missing(name: str, repo: str, revision: str = "") -> EngineMissing:
    if is_folder(expanded(name)):
        return _no_checkpoint(name)
    if place := folders.snapshot(repo, revision or None) if is_repo(repo) else None:
        return _others_layout(name, place)
    if is_single_file(name):
        return single_file(name)
    if told := address(name):
        return told
    names = [template.card.name for template in released()] + [own.name for own in own_cards()]
    names += [template.card.source for template in released()]
    several = [known for known in names if known.casefold().startswith(repo.casefold()) and "/" not in known]
    near, kind = nearest(repo, names) or "".join(several[:1]), "folder" if "/" in name else "engine"
    other = _other_revision(repo) if is_repo(repo) else ""
    if is_repo(repo) and (other or not near):
        hint = other or _elsewhere(f"download it: sora models pull {repo}")
        return EngineMissing(f"{name} is not on this machine", hint=hint)
    listed = "list them: sora models; folders of models in SORA_MODELS are known by their names"
    hint = f"did you mean {near}?" if near else _elsewhere(listed)
    if repo.casefold() in ("sora", "sora-2", "sora-2-pro"):
        hint = f"that model runs at OpenAI alone; {listed}"
    elif len(several) > 1:
        hint = f"name one of {first_of(several, 6)}"
    return EngineMissing(f"there is no {'engine' if near else kind} {name}", hint=hint)


def _no_checkpoint(name: str) -> EngineMissing:
    """The error of a folder without an index; one with models of other programs in it is told as those."""
    inside = folders.inside(expanded(name))
    alone = [] if inside else model_files(expanded(name))
    if alone:
        return single_file(name, alone)
    where = f": {inside}" if inside else ": a checkpoint saved by diffusers' save_pretrained"
    return EngineMissing(
        f"{name} holds no model: neither {checkpoint.INDEXES[0]} nor {checkpoint.INDEXES[1]}",
        hint=f"name the folder that holds one of them{where}",
    )


def _others_layout(name: str, place: Path) -> EngineMissing:
    """The error of a repository that is in the hub's cache and has no index: its own layout, or not all was fetched."""
    held = model_files(place)
    if held and all(map(is_adapter, held)):
        return single_file(str(place), held)
    near = like(name)
    told = f"name the same model in diffusers' layout: {near}" if near else f"get all of it: sora models pull {name}"
    return EngineMissing(f"{name} is here without a {checkpoint.INDEXES[0]}, in {place}", hint=told)
