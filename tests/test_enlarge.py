"""Takes enlarged by a network: as many frames, larger, kept; what it needs and lacks is told before the work."""

from __future__ import annotations

import json
import weakref
from pathlib import Path

import numpy as np
import pytest

from sora_cli import stamp
from sora_cli.cli.main import main
from sora_cli.engines.upscaling import Upscaler
from sora_cli.errors import EngineMissing
from sora_cli.flows.enlarge import steadied
from sora_cli.media.read import probe, read_frames
from sora_cli.media.stream import Frames
from tests.boards import catalogue
from tests.test_film import Greys

BOARD = """\
look: off
output: {{size: 192x128, upscale: {model}}}
shots:
  - {{prompt: dark, duration: 1s}}
  - {{prompt: white, duration: 1s}}
"""
FILM = ["storyboard", "board.yaml", "-o", "film.mkv"]


def esrgan(path: Path, seed: int = 0) -> Path:
    """A tiny network of ESRGAN's true class, which enlarges twice; its weights are random."""
    import torch
    from safetensors.torch import save_file
    from spandrel.architectures.ESRGAN import ESRGAN

    torch.manual_seed(seed)
    network = ESRGAN(num_filters=4, num_blocks=1, scale=2)
    save_file({name: weight.contiguous() for name, weight in network.state_dict().items()}, str(path))
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "board.yaml").write_text(BOARD.format(model="tiny.safetensors"))
    return tmp_path


def test_a_picture_in_tiles_is_the_same_as_in_one(home: Path) -> None:
    from sora_cli.engines.upscaling import Upscaler

    model = Upscaler(esrgan(home / "tiny.safetensors"))
    picture = np.random.default_rng(1).integers(0, 256, (70, 90, 3), np.uint8)
    whole = model.enlarged(picture, (180, 140))
    assert whole.shape == (140, 180, 3)
    tiled = model.enlarged(picture, (180, 140), tile=32)
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert model.enlarged(picture, (360, 280)).shape == (280, 360, 3), "what it leaves, Lanczos does"


def test_a_film_is_enlarged_by_its_model_and_only_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    esrgan(home / "tiny.safetensors")
    assert main(["check", "board.yaml"]) == 0
    assert "changes nothing" not in capsys.readouterr().err
    assert main(FILM) == 0
    assert "2 clips to enlarge with tiny.safetensors" in capsys.readouterr().err
    found = probe(home / "film.mkv")
    assert (found.width, found.height, found.frames) == (192, 128, 24)
    with_model = read_frames(home / "film.mkv", 0, 24)
    assert stamp.verify(home / "film.mkv").parameters["upscaled by"] == "tiny.safetensors"
    recipe = json.loads((home / "film.mkv.sora.json").read_text())["recipe"]
    assert recipe["storyboard"]["output"]["upscale"] == "tiny.safetensors"
    assert "tiny.safetensors" in recipe["files"]
    assert main(FILM) == 0
    assert main(["store", "clean", "--keep-days", "0"]) == 0
    assert "up to date" in capsys.readouterr().err
    (home / "film.mkv").unlink()
    assert main(FILM) == 0
    assert "to enlarge" not in capsys.readouterr().err, "its larger clips are kept"
    assert np.array_equal(read_frames(home / "film.mkv", 0, 24), with_model)
    esrgan(home / "tiny.safetensors", seed=1)
    assert main(FILM) == 0
    assert "2 clips to enlarge" in capsys.readouterr().err, "it is another model"
    assert not np.array_equal(read_frames(home / "film.mkv", 0, 24), with_model)


def test_what_stands_still_flickers_less_and_what_moves_stays_sharp() -> None:
    rng = np.random.default_rng(2)
    ground = rng.integers(60, 190, (32, 48, 3))
    given = []
    for number in range(12):
        picture = ground + rng.integers(-1, 2, ground.shape)
        picture[8:16, 3 * number : 3 * number + 8] = (250, 20, 20)
        given.append(picture.astype(np.uint8))

    def enlarge(picture: Frames) -> Frames:
        """As a network that draws detail of its own wherever a value differs."""
        grain = np.random.default_rng(int(picture.sum())).integers(-12, 13, (64, 96, 3))
        return (picture.repeat(2, 0).repeat(2, 1) + grain).clip(0, 255).astype(np.uint8)

    plain, steady = np.stack([enlarge(each) for each in given]), np.stack(list(steadied(given, enlarge)))
    still = np.s_[:, 40:]
    flicker = [float(np.abs(np.diff(each[still].astype(float), axis=0)).mean()) for each in (plain, steady)]
    assert flicker[1] < flicker[0] / 2
    assert np.abs(plain[still].mean((1, 2, 3)) - steady[still].mean((1, 2, 3))).max() < 1
    for number in range(1, 12):
        new = np.s_[number, 16:32, 6 * number + 10 : 6 * number + 16]
        assert np.array_equal(steady[new], plain[new]), "where it comes, nothing of the picture before is left"


def test_of_what_is_enlarged_hardly_a_frame_is_held(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true, alive = Upscaler.enlarged, list[weakref.ref[Frames]]()

    def watched(model: Upscaler, picture: Frames, size: tuple[int, int]) -> Frames:
        assert sum(each() is not None for each in alive) <= 3
        alive.append(weakref.ref(made := true(model, picture, size)))
        return made

    monkeypatch.setattr(Upscaler, "enlarged", watched)
    esrgan(home / "tiny.safetensors")
    assert main(FILM) == 0
    assert len(alive) == 26, "two takes of 13 frames"


def test_without_a_model_lanczos_enlarges(home: Path) -> None:
    (home / "board.yaml").write_text(BOARD.format(model="").replace(", upscale: ", ""))
    assert main(FILM) == 0
    assert round(float(np.median(read_frames(home / "film.mkv", 3, 1)))) == 80


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("gone.safetensors", "no such file"),
        ("noise.safetensors", "it is not a safetensors file"),
        ("shapeless.safetensors", "it is not a safetensors file"),
        ("board.yaml", "is not a folder"),
        ("nowhere", "no such folder"),
        ("empty", "holds no .safetensors or .pth file"),
        ("two", "holds 2 models"),
        ("../else.pth", "outside the storyboard's folder"),
    ],
)
def test_a_model_that_cannot_be_used_is_told_at_its_line(
    home: Path, capsys: pytest.CaptureFixture[str], model: str, told: str
) -> None:
    (home / "noise.safetensors").write_bytes(b"no weights at all")
    (home / "shapeless.safetensors").write_bytes(len(b'{"a": 3}').to_bytes(8, "little") + b'{"a": 3}')
    for name in ("empty", "two"):
        (home / name).mkdir()
    for name in ("a.pth", "b.pth"):
        (home / "two" / name).touch()
    (home / "board.yaml").write_text(BOARD.format(model=model))
    assert main(["check", "board.yaml"]) == 2
    error = capsys.readouterr().err
    assert "board.yaml:2:" in error
    assert told in error


def test_a_film_no_larger_than_its_takes_is_remarked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    esrgan(home / "tiny.safetensors")
    (home / "board.yaml").write_text(BOARD.format(model="tiny.safetensors").replace("192x128", "48x32"))
    assert main(["plan", "board.yaml"]) == 0
    assert "board.yaml:2:32: no take is smaller than the film: `upscale` changes nothing" in capsys.readouterr().err


def test_weights_of_another_kind_are_refused_before_any_take(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch
    from safetensors.torch import save_file

    (home / "models").mkdir()
    save_file({"a": torch.zeros(2)}, str(home / "models" / "other.safetensors"))
    (home / "board.yaml").write_text(BOARD.format(model="models"))
    assert main(FILM) == 2
    assert "to enlarge pictures" in capsys.readouterr().err
    assert not list((home / "store").rglob("*.mp4"))


def test_a_missing_package_is_told_with_what_to_type(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    esrgan(home / "tiny.safetensors")
    monkeypatch.setattr("sora_cli.packages.find_spec", lambda name: None if name == "spandrel" else name)
    told = []
    for words in (["check", "board.yaml"], FILM):
        assert main(words) == 3
        error = capsys.readouterr().err
        assert "pip install 'sora-cli[upscale]'" in error
        told.append(error[error.index("`upscale` needs") :].splitlines()[0])
    with pytest.raises(EngineMissing) as caught:  # what enlarges says the same
        Upscaler(home / "tiny.safetensors")
    assert {*told, caught.value.message} == {"`upscale` needs the package spandrel, which is not installed"}
