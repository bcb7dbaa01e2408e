"""The store: what is found is whole; what fails leaves nothing under a clip's name."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest

from sora_cli.errors import StoreError
from sora_cli.lock import Lock
from sora_cli.store import Clip, ClipFacts, Store
from sora_cli.store.store import Kept

KEY = "ab" + "0" * 30
FACTS = ClipFacts(
    frames=5, width=32, height=16, fps=Fraction(24000, 1001), sound=False, seconds=1.5, score=0.25,
    fields={"prompt": "a ball", "seed": 1},
)  # fmt: skip


def write(path: Path) -> None:
    path.write_bytes(b"frames")


def kept(store: Store) -> Clip:
    return store.keep(KEY, FACTS, write, None)


def test_what_is_kept_is_found_as_it_was(tmp_path: Path) -> None:
    clip = Store(tmp_path).keep(KEY, FACTS, write, lambda path: path.write_bytes(b"tail"))  # type: ignore[func-returns-value]
    assert clip == Store(tmp_path).find(KEY)
    assert (clip.fps, clip.frames, clip.score) == (FACTS.fps, 5, 0.25)
    assert clip.path.read_bytes() == b"frames"
    assert clip.tail is not None
    assert clip.tail.read_bytes() == b"tail"


def test_nothing_is_found_in_an_empty_store(tmp_path: Path) -> None:
    assert Store(tmp_path / "none").find(KEY) is None


@pytest.mark.parametrize("damage", [b"frameS", b"fram", b""])
def test_a_damaged_clip_counts_as_absent(tmp_path: Path, damage: bytes) -> None:
    clip = kept(Store(tmp_path))
    clip.path.write_bytes(damage)
    assert Store(tmp_path).find(KEY) is None


@pytest.mark.parametrize("card", ["", "{", "[]", "{}"])
def test_a_damaged_card_counts_as_absent(tmp_path: Path, card: str) -> None:
    clip = kept(Store(tmp_path))
    clip.path.with_suffix(".json").write_text(card)
    assert Store(tmp_path).find(KEY) is None


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, os.strerror(28))

    with pytest.raises(StoreError, match="No space left"):
        Store(tmp_path).keep(KEY, FACTS, fails, None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def stopped(path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path).keep(KEY, FACTS, stopped, None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_card_comes_last(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def looks(path: Path) -> None:
        write(path)
        seen.append([other.name for other in tmp_path.rglob("*.json")])

    Store(tmp_path).keep(KEY, FACTS, looks, None)
    assert seen == [[]]


def test_why_names_the_fields_that_changed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept(store)
    store.films.remember("film", {"one": KEY})
    before = store.films.remembered("film")
    assert store.changed(before["one"], "cd", {"prompt": "a cube", "seed": 1}) == ["prompt"]
    assert store.changed(before.get("two"), "cd", {"prompt": "a cube"}) == []
    assert store.changed(before["one"], KEY, FACTS.fields) == []


def test_cards_are_plain_json(tmp_path: Path) -> None:
    card = json.loads(kept(Store(tmp_path)).path.with_suffix(".json").read_text())
    assert card["fields"] == {"prompt": "a ball", "seed": 1}


def test_the_size_of_the_store_is_not_counted_anew_for_each_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, limit=1_000_000)
    scans = 0
    really = Store.files

    def files(self: Store) -> Iterator[Kept]:
        nonlocal scans
        scans += 1
        return really(self)

    monkeypatch.setattr(Store, "files", files)
    for number in range(100):
        store.make_room("a", 1000)
        store.keep(f"{number:032x}", FACTS, write, write if number % 2 else None)
    assert scans == 1
    size = store.size()
    store.make_room("a", 1_000_000 - size)  # to the last byte
    with pytest.raises(StoreError, match="past its limit"):
        store.make_room("a", 1_000_001 - size)
    store.path("0" * 32, "mp4").unlink()  # somebody else cleaned: whoever is refused wants the truth
    store.make_room("a", 1_000_001 - size)


def test_what_others_keep_counts_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, limit=10_000)
    store.make_room("a", 1000)
    other = tmp_path / "00" / f"{0:032x}.mp4"
    other.parent.mkdir()
    other.write_bytes(bytes(9_500))
    monkeypatch.setattr("sora_cli.store.store.COUNTED_ANEW", 0.0)
    with pytest.raises(StoreError, match="past its limit"):
        store.make_room("a", 1000)


def test_a_sound_that_somebody_else_keeps_is_waited_for_and_taken(tmp_path: Path) -> None:
    store, calls = Store(tmp_path), []

    def makes(path: Path) -> None:
        calls.append(path)
        time.sleep(0.1)
        path.write_bytes(b"samples")

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(store.keep_sound, KEY, {"words": "rain"}, makes) for _ in range(4)]
        assert {each.result().read_bytes() for each in done} == {b"samples"}
    assert len(calls) == 1


def test_what_a_killed_maker_of_a_sound_left_goes_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.path(KEY, "flac")
    path.parent.mkdir()
    part, lock = path.with_name(f".{KEY}.01234567.part.flac"), store.path(KEY, "lock")
    part.touch()
    store.keep_sound(KEY, {}, write)
    assert not part.exists()
    lock.touch()
    assert store.find_sound(KEY)
    assert not lock.exists()


def test_the_lock_that_a_killed_writer_of_a_films_note_left_goes_away(tmp_path: Path) -> None:
    films, film = Store(tmp_path / "store").films, tmp_path / "film.mp4"
    films.released(film, film.with_suffix(".json"), [KEY])
    note = next(iter(films.releases()))[0]
    note.with_suffix(".lock").touch()
    films.released(film, film.with_suffix(".json"), [KEY])
    assert [path.name for path in note.parent.iterdir()] == [note.name]


def test_a_folder_without_locks_is_told_with_what_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_handle: int, **_how: bool) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("sora_cli.lock._lock", refuses)
    with pytest.raises(StoreError, match="has no locks") as told:
        Lock.take(tmp_path / "film.lock")
    assert "-o for the film, SORA_STORE for the store" in (told.value.hint or "")
