"""Models of the user's find and follow what an edit replaces: tiny random checkpoints of the true classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sora_cli.cli.main import main
from sora_cli.engines.segmenting import open_segmenter, revisions
from sora_cli.errors import EngineMissing, RequestError
from sora_cli.flows import preflight
from sora_cli.media.stream import Frames
from sora_cli.plan.data import TakeFields
from tests.boards import catalogue
from tests.engines.tiny_segmenters import BUILDERS
from tests.test_film import Greys
from tests.test_tools import film

Model = Callable[[str], str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("segmenters")

    def built(name: str) -> str:
        if not (folder / name).exists():
            BUILDERS[name](folder / name)
        return str(folder / name)

    return built


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "SORA_STORE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(size_step=16))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "a.mp4", [40] * 12, size=(96, 64))
    return tmp_path


def pictures(count: int) -> Frames:
    return np.random.default_rng(0).integers(0, 255, (count, 48, 72, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("names", "named"),
    [(["grounding-dino"], "The red ball"), (["owlv2"], "the red ball"), (["sam2"], "0.5,0.25"),
     (["sam2", "owlv2"], "the red ball"), (["grounding-dino", "sam2"], "the red ball"),
     (["grounding-dino", "sam2"], "0.5,0.25")],
)  # fmt: skip
def test_each_picture_has_a_mask_and_the_same_ones_the_same(model: Model, names: list[str], named: str) -> None:
    models = [model(name) for name in names]
    assert [name for name, _ in revisions(models, named)] == models
    segmenter = open_segmenter(models)
    masks = list(segmenter.masks(iter(pictures(4)), named))
    assert [mask.shape for mask in masks] == [(48, 72)] * 4
    assert all(mask.dtype == np.bool_ for mask in masks)
    assert any(0 < mask.sum() < mask.size for mask in masks)
    again = list(open_segmenter(models).masks(iter(pictures(4)), named))
    assert np.array_equal(masks, again)
    segmenter.close()


def test_what_follows_goes_by_the_box_that_is_found_and_by_the_point(model: Model) -> None:
    follower = open_segmenter([model("sam2")])
    points = [list(follower.masks(iter(pictures(2)), where)) for where in ("0.2,0.2", "0.8,0.7")]
    found = list(open_segmenter([model("sam2"), model("owlv2")]).masks(iter(pictures(2)), "the red ball"))
    assert len({np.stack(masks).tobytes() for masks in (*points, found)}) == 3


def test_what_a_follower_looks_back_at_does_not_grow_with_the_film(model: Model) -> None:
    follower = open_segmenter([model("sam2")])
    masks = list(follower.masks(iter(pictures(40)), "0.5,0.5"))
    assert len(masks) == 40
    assert all(mask.any() for mask in masks)


def test_what_models_cannot_do_together_is_told(model: Model, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    wrong = {
        "is a bert: it neither finds": ([str(tmp_path)], "the red ball"),
        "does not know words": ([model("sam2")], "the red ball"),
        "finds by words, and a point is given": ([model("owlv2")], "0.5,0.5"),
        "do the same": ([model("owlv2"), model("grounding-dino")], "the red ball"),
    }
    for why, (names, named) in wrong.items():
        with pytest.raises(RequestError, match=why) as caught:
            revisions(names, named)
        assert caught.value.hint
    for name, why in ((str(tmp_path / "none"), "is not on this machine"), ("nobody/nothing", "is not on this machine")):
        with pytest.raises(EngineMissing, match=why):
            revisions([name], "the red ball")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(EngineMissing, match=r"config.json cannot be read"):
        revisions([str(tmp_path)], "the red ball")


def test_a_damaged_model_is_told(model: Model, tmp_path: Path) -> None:
    for name in ("sam2", "owlv2"):
        torn = tmp_path / name
        BUILDERS[name](torn)
        (torn / "model.safetensors").write_bytes(b"torn")
        with pytest.raises(EngineMissing, match="cannot be opened as a segmenter"):
            open_segmenter([str(torn)])
    assert model("sam2") != str(torn)


def test_an_edit_by_models_is_shown_made_and_found_once(
    home: Path, model: Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["edit", "a.mp4", "light", "--replace", "the red ball", "--segmenter", model("grounding-dino")]
    assert main([*words, "--show-mask", "-o", "m.png"]) == 0

    def loaded(*_: object) -> None:
        raise AssertionError("it was found before")

    monkeypatch.setattr("sora_cli.shoot.finding.open_segmenter", loaded)
    assert main([*words, "-o", "b.mkv"]) == 0
    assert (home / "b.mkv").exists()
    capsys.readouterr()
    assert main(["edit", "a.mp4", "light", "--segmenter", model("sam2"), "--region", "0,0,1,1", "-o", "c.mkv"]) == 2
    assert "--segmenter is for --replace" in " ".join(capsys.readouterr().err.split())
    assert main(["edit", "a.mp4", "light", "--segmenter", "nobody/none", "--replace", "a ball", "-o", "c.mkv"]) == 3
    assert "the segmenter nobody/none is not on this machine" in " ".join(capsys.readouterr().err.split())


BOARD = """\
output: {size: 96x64, fps: 24}
shots:
  - name: hat
    edit: {of: a.mp4, replace: the red ball, segmenter: MODEL, prompt: light}
"""


def test_a_storyboard_names_models_and_check_loads_none(
    home: Path, model: Model, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    board = home / "board.yaml"

    def planned(text: str) -> TakeFields:
        board.write_text(text)
        return TakeFields.of(preflight.plan_of(preflight.load(board, sets={})).takes[0])

    fields = planned(BOARD.replace("MODEL", model("owlv2")))
    assert TakeFields.model_validate(fields.to_dict()).take_key == fields.take_key
    assert planned(BOARD.replace("segmenter: MODEL, ", "")).take_key != fields.take_key
    both = planned(BOARD.replace("MODEL", f"[{model('owlv2')}, {model('sam2')}]"))
    assert both.take_key != fields.take_key
    assert both.change is not None
    assert both.change.change({}).segmenter == tuple(both.change.segmenter.items())
    with monkeypatch.context() as patch:
        patch.setattr("sora_cli.shoot.finding.open_segmenter", lambda *_: pytest.fail("check loads no model"))
        assert main(["check", "board.yaml"]) == 0
    board.write_text(BOARD.replace("the red ball", "[0.5, 0.5]").replace("MODEL", model("owlv2")))
    assert main(["check", "board.yaml"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "board.yaml:4:" in told
    assert "finds by words, and a point is given" in told
    board.write_text(BOARD.replace("replace: the red ball", "region: [0, 0, 1, 0.5]"))
    assert main(["check", "board.yaml"]) == 2
    assert "`segmenter` is for `replace`" in " ".join(capsys.readouterr().err.split())
    board.write_text(BOARD.replace("the red ball", "[0.5, 0.5]").replace("MODEL", model("sam2")))
    assert main(["storyboard", "board.yaml", "-o", "b.mkv"]) == 0
