"""What is seen is heard in a film: a ball that an engine draws comes down on a floor, and the film says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.events import Recording
from sora_cli.flows import film
from sora_cli.master.loudness import loudness
from sora_cli.media.read import probe, read_sound, sound_blocks
from sora_cli.plan import plan_takes
from sora_cli.plan.sounds import BeatFoley, foley
from sora_cli.record import sidecar
from sora_cli.stamp import credential
from sora_cli.store import Store, default_folder
from tests.boards import board, catalogue

from .ears import onset_times

CONTACT = 0.5
"""Seconds into a take at which the ball comes down."""


class Ball:
    """Draws a red ball on a plain ground: it falls, comes down at `CONTACT` and rises; or it stays."""

    def __init__(self, card: EngineCard) -> None:
        self.card = card

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:  # noqa: ARG002  the seam's own
        progress(1, 1)
        at = np.arange(take.frames)[:, None, None] / float(take.fps) - CONTACT
        drop = 1.6 * np.abs(at) if "bounces" in take.prompt else 0.3 + 0 * at
        row, column = np.mgrid[: take.height, : take.width] / take.height
        ball = (row - (0.85 - np.minimum(drop, 0.7))) ** 2 + (column - 0.7) ** 2 < 0.08**2
        frames = np.where(ball[..., None], np.uint8([200, 40, 30]), np.uint8([90, 140, 110])).astype(np.uint8)
        return Footage(frames, take.fps)

    def close(self) -> None:
        pass


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(foley=True))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Ball(card))
    return tmp_path


def make(folder: Path, *shots: Any, name: str = "film.mp4", **written: Any) -> film.ReleasedFilm:
    written = {"output": {"size": "192x128"}, "look": "off", **written}
    return film.make(board(*shots, **written), folder / name, report=Recording())


def told(made: film.ReleasedFilm, bus: str = "effects") -> list[Any]:
    return [each for each in sidecar.read(made.path)["foley"] if each["bus"] == bus]  # type: ignore[union-attr, index, call-overload]


BOUNCE = {"prompt": "a ball bounces", "duration": "17f"}
STILL = {"prompt": "a ball stays", "duration": "12f"}


def test_a_ball_that_comes_down_is_heard_at_that_time_and_told(studio: Path) -> None:
    made = make(studio, STILL, BOUNCE)
    (hit,) = told(made)
    assert (hit["sound"], hit["shot"]) == ("impact-rubber", "shot-2")
    assert hit["start"] == pytest.approx(1 + CONTACT, abs=1 / 24)
    onsets, _ = onset_times(read_sound(made.path))
    assert np.abs(onsets - (1 + CONTACT)).min() < 1 / 12
    held = credential.read(made.path)
    assertions = held.manifests[held.active]["assertions"]
    actions = next(each["data"]["actions"] for each in assertions if each["label"].startswith("c2pa.actions"))
    (action,) = [each for each in actions if each.get("description", "").endswith("from what the pictures show")]
    assert "impact-rubber" in action["parameters"]["com.sora.sounds"]
    assert Store(default_folder()).find_sound(hit["key"]) is not None
    assert make(studio, STILL, BOUNCE).reused


def test_the_author_turns_it_off(studio: Path) -> None:
    assert probe(make(studio, STILL, BOUNCE).path).channels
    made = make(studio, STILL, BOUNCE, sound={"foley": False})
    assert not made.reused
    assert probe(made.path).channels == 0


def test_a_film_of_small_sounds_stays_soft_unless_its_author_says(studio: Path) -> None:
    soft, loud = make(studio, BOUNCE), make(studio, BOUNCE, name="loud.mp4", sound={"loudness": -16})
    assert loudness(sound_blocks(soft.path)) < loudness(sound_blocks(loud.path)) - 3


@pytest.mark.parametrize(
    ("trait", "sound", "seen"),
    [
        (True, None, BeatFoley(hits=True, place=True)),
        (False, None, BeatFoley()),
        (True, "off", BeatFoley()),
        (True, "thunder", BeatFoley(hits=False, place=True)),
        (True, {"ambience": "rain"}, BeatFoley(hits=True, place=False)),
        (True, {"ambience": "off"}, BeatFoley(hits=True, place=False)),
        (True, {"foley": False}, BeatFoley()),
    ],
    ids=str,
)
def test_what_is_written_comes_before_what_is_seen(trait: bool, sound: Any, seen: BeatFoley) -> None:  # noqa: FBT001
    written = BOUNCE if sound is None else {**BOUNCE, "sound": sound}
    assert foley(plan_takes(board(written), catalogue(foley=trait))) == {"shot-1": (seen,)}


def test_a_bounce_is_placed_by_the_speed_of_its_shot(studio: Path) -> None:
    (hit,) = told(make(studio, {**BOUNCE, "duration": "24f", "speed": 0.5}))
    assert hit["start"] == pytest.approx(2 * CONTACT, abs=1 / 12)
