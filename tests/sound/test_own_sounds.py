"""Your own folder of sounds: files found by their names, before any other; told where it is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sora_cli import storyboard
from sora_cli.errors import MediaError, StoryboardError
from sora_cli.flows import audio, preflight
from sora_cli.plan import Plan, plan_takes
from sora_cli.plan.sounds import recordings
from sora_cli.plan.timeline import Cut
from sora_cli.record import sidecar
from sora_cli.store import Store
from tests.boards import catalogue

RATE = 44_100


def ring(folder: Path, name: str, hertz: float, seconds: float = 0.5) -> None:
    folder.mkdir(exist_ok=True)
    at = np.arange(int(seconds * RATE)) / RATE
    soundfile.write(folder / name, 0.3 * np.sin(2 * np.pi * hertz * at), RATE)


def planned(folder: Path, words: str, named: str = "mine") -> Plan:
    shot = {"prompt": "a ball", "duration": "1s", "sound": {"words": words}}
    data = {"shots": [shot], "sounds": {"folder": named}}
    return plan_takes(storyboard.from_data(data, folder=folder, allow_outside=False), catalogue())


def test_a_file_is_taken_where_all_words_of_its_name_are_asked_for(tmp_path: Path) -> None:
    ring(tmp_path / "mine", "barking-dog.wav", 440)
    plan = planned(tmp_path, "a dog is barking, far away")
    assert plan.remarks == ()
    sounds = audio.prepare(plan, Store(tmp_path / "store"))
    ((made,),) = sounds.made.values()
    assert (made.recording, made.length) == (tmp_path / "mine" / "barking-dog.wav", 24_000)
    cut = Cut(width=8, height=8, fps=plan.fps, shots=())
    assert audio.own_sounds(plan, cut, sounds.made) == [(made.recording, 0, 12)]
    assert (sounds.words(""), sounds.models) == ([], [])
    assert planned(tmp_path, "a cat").remarks


def test_a_file_that_was_replaced_is_another_sound(tmp_path: Path) -> None:
    found = []
    for hertz in (440, 660):
        ring(tmp_path / "mine", "gong.wav", hertz)
        plan = planned(tmp_path, "a gong")
        ((made,),) = audio.prepare(plan, Store(tmp_path / "store")).made.values()
        found.append((made.key, sidecar.film_key(plan, "signer")))
    assert len(set(found)) == len({key for key, _ in found}) == 2
    assert len({film for _, film in found}) == 2


def test_a_plan_looks_through_the_folder_once_and_a_file_that_changes_later_is_told(tmp_path: Path) -> None:
    mine, store = tmp_path / "mine", Store(tmp_path / "store")
    ring(mine, "gong.wav", 440)
    plan = planned(tmp_path, "a large gong")
    key = sidecar.film_key(plan, "signer")
    ring(mine, "large-gong.wav", 660)  # fits better, and came too late
    ((made,),) = audio.prepare(plan, store).made.values()
    assert made.recording == mine / "gong.wav"
    assert list(recordings(plan)) == [mine / "gong.wav"]
    assert (audio.keys(plan, store)[-1], sidecar.film_key(plan, "signer")) == (made.key, key)
    preflight.require_same(plan)
    (mine / "large-gong.wav").replace(mine / "gong.wav")
    with pytest.raises(MediaError, match="replaced or changed while"):
        preflight.require_same(plan)


def test_what_is_wrong_with_the_folder_is_told_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for written, said in (("none", "no such folder"), ("file", "is not a folder"), ("..", "is outside")):
        with pytest.raises(StoryboardError) as caught:
            planned(tmp_path, "a gong", named=written)
        assert said in str(caught.value)
