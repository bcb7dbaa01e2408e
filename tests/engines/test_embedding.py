"""The cast is told by an embedding of the user's: tiny random checkpoints of the true classes take the same road."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage import data

from sora_cli.cli.main import main
from sora_cli.engines.base import EngineCard
from sora_cli.engines.embedding import open_embedding
from sora_cli.errors import MachineError
from sora_cli.flows.review import review
from sora_cli.review.likeness import likeness
from tests.boards import catalogue
from tests.test_review import CARRIED, Panning, make, panned

SMALL = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SEEN = {**SMALL, "image_size": 32, "patch_size": 8}
CROPPED = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}


def clip(folder: Path) -> None:
    written = {**SMALL, "vocab_size": 20}
    config = transformers.CLIPConfig(text_config=written, vision_config=SEEN, projection_dim=8)
    transformers.CLIPModel(config).save_pretrained(folder)
    transformers.CLIPImageProcessor(**CROPPED).save_pretrained(folder)


def siglip(folder: Path) -> None:
    config = transformers.SiglipConfig(text_config={**SMALL, "vocab_size": 20}, vision_config=SEEN)
    transformers.SiglipModel(config).save_pretrained(folder)
    transformers.SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


def dino(folder: Path) -> None:
    transformers.Dinov2Model(transformers.Dinov2Config(**SEEN)).save_pretrained(folder)
    transformers.BitImageProcessor(**CROPPED).save_pretrained(folder)


def first_dino(folder: Path) -> None:
    """It has no pooler; its pictures are what their first tokens became."""
    transformers.ViTModel(transformers.ViTConfig(**SEEN), add_pooling_layer=False).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


@pytest.fixture(scope="module", params=[clip, siglip, dino, first_dino], ids=["CLIP", "SigLIP", "DINO 2", "DINO"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param.__name__)
    transformers.utils.logging.disable_progress_bar()
    write: Callable[[Path], None] = request.param
    write(folder)
    return folder


def test_pictures_become_unit_vectors_and_the_same_picture_is_nearest(model: Path) -> None:
    embed = open_embedding(str(model))
    one, two = data.astronaut()[:200, :200], data.coffee()[:100, :150]
    vectors = embed([one, two, one, *[two] * 20])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[2] == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] < 0.999
    assert np.array_equal(open_embedding(str(model))([one]), embed([one])), "none of its weights is drawn"
    framed = np.pad(one, ((0, 200), (0, 200), (0, 0)))
    assert likeness([[framed]], vectors[:1], embed) == pytest.approx(1, abs=1e-3), "the cast fills a quarter"
    assert likeness([[framed], [two]], vectors[:1], embed) < 0.999, "the worst link counts"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def opened(card: EngineCard, **_: Any) -> Panning:
        return Panning(card)

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue())
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", opened)
    return tmp_path


def test_a_film_is_held_to_the_references_of_its_cast(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path_factory.mktemp("clip")
    clip(where)
    monkeypatch.chdir(folder)
    Image.fromarray(panned(6, 1)[0]).save(folder / "her.png")
    cast = {"her": {"looks": "an astronaut", "reference": str(folder / "her.png")}}
    shot = {"name": "walk", "prompt": "@her walks", "duration": "1s"}
    bars = {"identity": 0.5}
    made = make(folder, shot, {**CARRIED, "name": "on"}, cast=cast, review=bars)
    plain, found = review(made.path), review(made.path, str(where))
    assert "identity not measured, because no embedding of pictures is named" in plain.rows[-1].said
    values = {row.name: figure.value for row in found.rows for figure in row.figures if figure.name == "identity"}
    assert values.keys() == {"walk", "film"}
    assert values["walk"] == values["film"]
    assert values["film"] is not None
    assert values["film"] > 0.9, "the shot is the reference, and moves on"
    (folder / "her.png").write_bytes(b"another")
    assert "identity not measured, because her.png was moved or changed" in review(made.path, str(where)).rows[-1].said


def test_weights_that_are_missing_are_told(tmp_path: Path) -> None:
    dino(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["layernorm.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(MachineError, match=r"lack the weights layernorm\.weight"):
        open_embedding(str(tmp_path))


def test_what_is_no_embedding_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    for name in (str(tmp_path), "nobody/nothing-of-this-name", str(tmp_path / "gone")):
        with pytest.raises(MachineError, match="cannot open the embedding") as caught:
            open_embedding(name)
        assert "safetensors" in caught.value.hint
    assert main(["review", str(tmp_path / "no.mp4"), "--embedding", str(tmp_path)]) == 3
