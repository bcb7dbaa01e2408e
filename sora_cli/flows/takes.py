"""The takes of a film side by side, in words and in a picture: which one plays, and each one's score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from sora_cli import stamp
from sora_cli.errors import RequestError
from sora_cli.flows import outputs, places
from sora_cli.media.read import open_film, require_file
from sora_cli.media.sheet import SheetRow, is_sheet_of, side_by_side
from sora_cli.media.stream import middles
from sora_cli.record import recipe as recipes
from sora_cli.record import sidecar
from sora_cli.record.film import RecipeRecord, TakeRecord
from sora_cli.review.bars import is_good
from sora_cli.store import Store
from sora_cli.store.card import NO_CARD

COLUMNS = ("take", "plays", "seed", "score", "good", "parts")
SHOWN = 5
"""Frames of a take in the picture."""


class ToldTake(Struct, frozen=True, kw_only=True):
    """A take of a film; of one that the store does not hold a credential tells little. `skip` and `play` are frames."""

    name: str
    key: str
    shot: str
    plays: bool
    seed: int | None
    score: float
    good: bool
    parts: Mapping[str, float]
    skip: int
    play: int


class Told(Struct, frozen=True):
    """What is known of a film's takes, and of its title; `signed` where its credential says so, not its sidecar."""

    title: str
    takes: tuple[ToldTake, ...]
    signed: bool = False


def told_of(film: Path, store: Store) -> Told:
    """Read the takes of a film in its sidecar; of one that has none, in its credential, with what the store knows.

    Raises:
        UnusableFile: there is no such film.
        RequestError: neither lists its takes.
    """
    require_file(film)
    record = sidecar.record_of(film)
    if record is not None:
        return Told(record.title, tuple(map(_noted, record.takes)))
    signed = stamp.verify(film)
    if not signed.recipe:
        message = f"the takes of {film} are not known: neither a sidecar nor a credential lists them"
        raise RequestError(message, hint="name a film of a storyboard")
    recipe = recipes.read(signed.recipe)
    playing = {part.name: part for part in signed.parts if part.relationship == "componentOf"}
    bars = {name: bar for name, bar in _bars(recipe) if isinstance(bar, int | float)}
    takes = (_signed(name, made.key, playing.get(name), store, bars) for name, made in recipe.takes.items())
    return Told(signed.title, tuple(takes), signed=True)


def _noted(take: TakeRecord) -> ToldTake:
    """A take that a sidecar tells of."""
    return ToldTake(**{name: getattr(take, name) for name in ToldTake.__struct_fields__})


def _bars(recipe: RecipeRecord) -> Iterable[tuple[str, object]]:
    written = recipe.storyboard.get("review")
    return written.items() if isinstance(written, Mapping) else ()


def _signed(
    name: str, key: str, part: stamp.IngredientVerdict | None, store: Store, bars: Mapping[str, float]
) -> ToldTake:
    """A take that a credential names; `part` is what it says of one that plays."""
    card = store.card(key) or NO_CARD
    seed = card.fields.get("seed", part.parameters.get("seed") if part else None)
    return ToldTake(
        name=name,
        key=key,
        shot=name.partition("#")[0].split("/")[1] if "/" in name else "",  # SCENE/SHOT/BEAT#NUMBER
        plays=part is not None,
        skip=0,
        play=card.frames,
        seed=seed if isinstance(seed, int) else None,
        score=card.score,
        good=is_good(card, bars),
        parts=card.parts,
    )


def table(told: Told) -> Iterator[list[str]]:
    """A row of words for each take."""
    unknown = "the store does not hold it" if told.signed else "not measured, because an earlier version made it"
    for take in told.takes:
        parts = ", ".join(f"{name} {value:g}" for name, value in take.parts.items())
        rated = bool(take.parts)
        yield [
            take.name,
            "plays" if take.plays else "",
            "" if take.seed is None else str(take.seed),
            f"{take.score:.2f}" if rated else "",
            ("yes" if take.good else "no") if rated else "",
            parts or unknown,
        ]


def as_dict(film: Path, told: Told) -> dict[str, object]:
    """Plain data, for `--json`."""
    names = ("name", "key", "shot", "plays", "seed", "score", "good", "parts")
    return {"film": str(film), "takes": [{name: getattr(take, name) for name in names} for take in told.takes]}


def picture(
    film: Path, told: Told, store: Store, asked: Path | str | None, *, overwrite: bool = False
) -> tuple[Path | None, list[str]]:
    """Draw the takes side by side, where their clips are still here; the names of those whose clips are not.

    Raises:
        RequestError: the picture would replace a file that is not one of this film, or its name is not that of a PNG.
    """
    out = places.file_at(asked, film.with_name(f"{film.name}.takes.png"))
    places.require_ending(out, ".png", "draw the takes", str(out.with_suffix(".png")))
    outputs.check({out: lambda path: is_sheet_of(path, film)}, [film, *sidecar.beside(film)], overwrite=overwrite)
    found = {take.name: _row(take, store) for take in told.takes}
    rows = [row for row in found.values() if row is not None]
    gone = [name for name, row in found.items() if row is None]
    return (side_by_side(film, rows, out, told.title) if rows else None), gone


def _row(take: ToldTake, store: Store) -> SheetRow | None:
    clip = store.find(take.key)
    if clip is None:
        return None
    places = [min(place, clip.frames - 1) for place in middles(take.skip, take.play, SHOWN)]
    with open_film(clip.path) as reel:
        frames = list(reel.pictures(places))
    words = f"score {take.score:.2f}" if take.parts else ""
    return SheetRow(f"{take.name}{' (plays)' if take.plays else ''}", words, frames)
