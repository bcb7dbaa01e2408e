"""The takes that make a clip of the store again: its own and all that it carries on from, by their cards."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from pydantic import ValidationError

from sora_cli.data import fault_words
from sora_cli.engines.base import EngineCard, Reference, Take
from sora_cli.engines.options import Memory
from sora_cli.errors import RequestError, SoraError
from sora_cli.record import recipe as recipes
from sora_cli.record.film import CardRecord
from sora_cli.record.recipe import MadeTake
from sora_cli.store import Store, file_hash, open_store


def lineage(key: str, card: CardRecord, store: Store) -> dict[str, CardRecord]:
    """A take and all that it carries on from, each after those it needs.

    Raises:
        RequestError: a card is gone or damaged, or takes carry on from each other.
    """
    found, wanted = {key: card.as_given()}, [key]
    while wanted:
        for need in found[wanted.pop()].fields.needs:
            if need not in found:
                found[need] = _card(need, store)
                wanted.append(need)
    try:
        order = [*TopologicalSorter({each: found[each].fields.needs for each in found}).static_order()]
    except CycleError:
        raise RequestError(
            f"there is no record of how take {key} was made: its takes carry on from each other in a circle"
        ) from None
    return {each: found[each] for each in order}


def _card(key: str, store: Store) -> CardRecord:
    """What the store tells of a take."""
    card = store.card(key)
    if card is None:
        raise RequestError(
            f"there is no record of how take {key} was made: it is no longer in the store",
            hint="reproduce the whole film instead",
        )
    return CardRecord.from_dict(card.to_dict(), f"the card of take {key}").as_given()


def made_of(key: str, record: CardRecord) -> MadeTake:
    """What a take was, as its card tells it."""
    fields = record.fields
    return MadeTake(key=key, engine=fields.engine, weights=fields.weights, pixels=record.pixels, made_on=record.made_on)


def memory_of(records: Collection[CardRecord]) -> Memory:
    """The memory options that changed pixels then; all takes of a film share them.

    Raises:
        RequestError: a card holds something else.
    """
    memory = next((record.fields.memory for record in records if record.fields.memory), {})
    try:
        return Memory.model_validate(memory)
    except ValidationError as error:
        raise RequestError(f"a card is damaged: memory: {fault_words(error.errors()[0])}") from None


def take_of(key: str, record: CardRecord, own: Mapping[str, Path], card: EngineCard) -> Take:
    """The take of a card.

    Raises:
        RequestError: its engine cannot make this take.
    """
    fields = record.fields
    width, height = fields.dimensions
    try:
        card.options.model_validate(fields.options)
    except ValidationError as error:
        raise RequestError(
            f"engine {card.name} does not know the options of {key}: {fault_words(error.errors()[0])}"
        ) from None
    if fields.frames > card.max_frames or width * height > 2 * card.max_pixels:
        raise RequestError(
            f"engine {card.name} cannot make {fields.frames} frames of {fields.size}, as take {key} needs"
        )
    return Take(
        name=key,
        key=key,
        engine=fields.engine,
        revision=fields.weights,
        prompt=fields.prompt,
        avoid=fields.avoid,
        width=width,
        height=height,
        fps=fields.rate,
        frames=fields.frames,
        skip=0,
        play=fields.frames,
        seed=fields.seed,
        options=fields.options,
        opening=fields.opening.carry(own) if fields.opening else None,
        closing=fields.closing.carry(own) if fields.closing else None,
        references=tuple(Reference(own[sha], sha, voice) for sha, voice in fields.references),
        sound=fields.sound,
        edition=fields.edition,
        change=fields.change.change(own) if fields.change else None,
        start=fields.start.start if fields.start else None,
    )


def own_files(records: Collection[CardRecord], files: Path | None) -> dict[str, Path]:
    """The files that takes were given, by hash: the user's found in a folder, what voices say spoken anew."""
    wanted = {sha for record in records for sha in record.fields.files}
    found = _spoken(records)
    found |= recipes.search(wanted - found.keys(), [files] if files else [])
    if missing := wanted - found.keys():
        raise RequestError(
            f"files that it was made from are missing: {', '.join(f'SHA-256 {sha}' for sha in sorted(missing))}",
            hint="put them into a folder, under any names, and add --files FOLDER",
        )
    return found


def _spoken(records: Collection[CardRecord]) -> dict[str, Path]:
    """What voices say to be known by, of those that takes were given, by hash; those that are not here say nothing."""
    found: dict[str, Path] = {}
    for voice in {voice for record in records for _, voice in record.fields.references if voice}:
        from sora_cli.sound.speech import Speaker

        with suppress(SoraError):
            if (path := Speaker(open_store()).sample(voice)) is not None:
                found[file_hash(path)] = path
    return found
