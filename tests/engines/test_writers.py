"""The language model inside an engine's checkpoint writes prompts: LTX-2's is its own enhancer."""

from __future__ import annotations

from pathlib import Path

import pytest

from sora_cli.cli.main import main
from sora_cli.engines.language import open_language_model
from sora_cli.errors import EngineMissing
from tests.engines.fixtures import Cards


@pytest.mark.parametrize("name", ["ltx2", "qwen-image", "flux2-klein"])
def test_the_language_model_inside_an_engine_writes(tiny_card: Cards, name: str) -> None:
    engine = str(tiny_card(name).location)
    pieces: list[str] = []
    first = open_language_model(engine).answer("a red ball", limit=9, seed=5, heard=pieces.append)
    again = open_language_model(engine).answer("a red ball", limit=9, seed=5, heard=pieces.append)
    assert again == first
    assert "".join(pieces) == 2 * first.text


def test_it_is_stopped_where_its_context_ends(tiny_card: Cards) -> None:
    model = open_language_model(str(tiny_card("flux2-klein").location))
    with pytest.raises(Exception, match="are asked"):
        model.answer("ball " * 200_000, limit=9, seed=None, heard=lambda _: None)


def test_a_storyboard_is_directed_by_the_engine_that_shoots_it(
    tiny_card: Cards, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = tmp_path / "film.yaml"
    board.write_text("engine: nano\nshots: [a red ball rolls on the grass]\n", encoding="utf-8")
    assert main(["direct", str(board), "--model", str(tiny_card("ltx2").location), "--tokens", "9"]) == 0
    assert "your words stay" in capsys.readouterr().err  # its weights are random: what it writes is nonsense


def test_an_engine_whose_text_encoder_does_not_write_is_told(tiny_card: Cards) -> None:
    with pytest.raises(EngineMissing, match="holds no language model that writes"):
        open_language_model(str(tiny_card("wan").location))
    with pytest.raises(EngineMissing, match="engine ltx-2 is not on this machine"):
        open_language_model("ltx-2")
