"""What a film uses of the store, noted when it is released: it stays for as long as a file of the film's is there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sora_cli.flows import audio
from sora_cli.plan import Plan
from sora_cli.store import Store


def released(plan: Plan, store: Store, film: Path, sidecar: Path, also: Iterable[str] = ()) -> None:
    """Note that a film, or an export, is made of clips and sounds of the store, and of those with the keys `also`.

    They are kept for as long as the file `sidecar` exists.

    Raises:
        StoreError: the store cannot be written.
    """
    keys = [*audio.keys(plan, store), *_named(plan, store), *_larger(plan, store), *also]
    store.films.released(film, sidecar, keys)


def _named(plan: Plan, store: Store) -> list[str]:
    """The keys of clips of the store that the storyboard names or searches for."""
    named = {path.resolve(): path.stem for path in plan.board.material.values()}
    return [key for path, key in named.items() if store.path(key, "mp4").resolve() == path]


def _larger(plan: Plan, store: Store) -> list[str]:
    """The keys of the film's larger clips, where a model enlarges them."""
    if plan.board.upscale is None:
        return []
    from sora_cli.flows.enlarge import Enlarger  # it reads and writes films

    return Enlarger.for_film(plan).keys(plan, store)
