"""Models of sound: tiny ones of the true classes make the sounds of a board, by the road of the large ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from transformers import GPT2Model

pytest.importorskip("torchsde")

from sora_cli.engines.runtime.device import quiet
from sora_cli.engines.sounds import open_sound_model, sound_card
from sora_cli.errors import EngineMissing
from sora_cli.flows import audio
from sora_cli.plan import plan_takes
from sora_cli.sound.kept import Sounds
from sora_cli.store import Store
from sora_cli.storyboard.sound import SoundSources
from tests.boards import board, catalogue

from . import tiny_sounds

MAKERS: dict[str, Callable[[Path], None]] = {
    "stable-audio": tiny_sounds.stable_audio, "audioldm2": tiny_sounds.audioldm2,
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {name: tmp_path_factory.mktemp(name) for name in MAKERS}
    for name, folder in found.items():
        with quiet():
            MAKERS[name](folder)
    return found


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    from sora_cli.engines.families import sounds

    monkeypatch.setattr(sounds.StableAudio, "steps", 3)
    monkeypatch.setattr(sounds.AudioLDM2, "steps", 3)


@pytest.mark.parametrize("name", MAKERS)
def test_a_model_makes_what_is_asked_for_again_and_otherwise(folders: dict[str, Path], name: str) -> None:
    model = open_sound_model(sound_card(str(folders[name])))
    first, again, other = (model.make("a red ball", 0.4, seed) for seed in (1, 1, 2))
    assert (first.shape, first.dtype) == ((19_200, 2), np.float32)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, model.make("the grass", 0.4, 1))
    assert 0.001 < np.abs(first).max() <= 0.701
    model.close()


def test_a_bare_language_model_as_older_checkpoints_name_it_goes_on_too(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    old = shutil.copytree(folders["audioldm2"], tmp_path / "old")
    GPT2Model.from_pretrained(old / "language_model").save_pretrained(old / "language_model")
    index = old / "model_index.json"
    index.write_text(index.read_text(encoding="utf-8").replace("GPT2LMHeadModel", "GPT2Model"), encoding="utf-8")
    made = [
        open_sound_model(sound_card(str(folder))).make("a red ball", 0.4, 1) for folder in (old, folders["audioldm2"])
    ]
    assert np.array_equal(*made)


@pytest.mark.parametrize("name", MAKERS)
def test_a_bed_goes_round_where_it_is_longer_than_the_model_makes(
    folders: dict[str, Path], name: str, tmp_path: Path
) -> None:
    sounds = Sounds(Store(tmp_path), SoundSources(engine=str(folders[name])))
    (made,) = sounds.make("rain on wood and a dog", 2.0, 5)  # embedded sounds have no dog, a model is given the whole
    assert (made.length, made.by) == (96_000, str(folders[name]))
    samples, _ = soundfile.read(made.path)
    assert np.sqrt((samples[-9_600:] ** 2).mean()) > 0.1 * np.sqrt((samples[:9_600] ** 2).mean())
    assert sounds.keys("rain on wood and a dog", 2.0, 5) == [made.key]
    assert sounds.make("rain on wood and a dog", 2.0, 5) == (made,)


def test_a_board_names_the_model_and_its_words_are_told_as_made_by_it(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = str(folders["stable-audio"])
    shot = {"prompt": "a ball", "duration": "1s", "sound": {"words": "a barking dog"}}
    plan = plan_takes(board(shot, sounds={"engine": folder}), catalogue())
    assert plan.remarks == ()
    sounds = audio.prepare(plan, Store(tmp_path))
    assert (sounds.models, sounds.words(folder), sounds.words("")) == ([folder], ["a barking dog"], [])


def test_a_model_that_is_not_here_or_is_none_is_told_at_its_line(tmp_path: Path) -> None:
    shot = {"prompt": "a ball", "sound": {"words": "thunder"}}
    with pytest.raises(EngineMissing, match="stable-audio-open is not on this machine") as caught:
        plan_takes(board(shot, sounds={"engine": "stable-audio-open"}), catalogue())
    assert (caught.value.exit_code, caught.value.hint) == (
        3,
        "download it: sora models pull stabilityai/stable-audio-open-1.0",
    )
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "WanPipeline"}))
    with pytest.raises(EngineMissing, match="not a sound model: it holds a WanPipeline"):
        sound_card(str(tmp_path))
    with pytest.raises(EngineMissing, match="thunderer is not on this machine"):
        sound_card("thunderer")


def test_a_checkpoint_of_foreign_code_is_not_opened(tmp_path: Path) -> None:
    index = {"_class_name": "StableAudioPipeline", "vae": ["evil.code", "Vae"]}
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(EngineMissing, match="will not run"):
        sound_card(str(tmp_path))
