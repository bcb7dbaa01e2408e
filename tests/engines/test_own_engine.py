from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from sora_cli.engines import catalogue, hub
from sora_cli.engines.base import Given
from tests.contracts.test_engines import pictures, silence, take_for

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example_is_short() -> None:
    assert len((EXAMPLES / "own_engine.py").read_text(encoding="utf-8").splitlines()) < 80


def test_an_engine_found_by_its_entry_point_makes_a_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    entry = metadata.EntryPoint("waves", "own_engine:CARD", "sora.engines")
    monkeypatch.setattr(catalogue, "added", lambda group: [entry] if group == "sora.engines" else [])
    card = catalogue.card("waves")
    assert [model.row()["here"] for model in hub.models() if model.card.name == "waves"] == ["yes"]
    engine = catalogue.open_engine(card)
    take = take_for(card, width=64, height=36, frames=8, options={"waves": 2})
    footage = engine.generate(take, Given(), silence)
    assert footage.frames.shape == (8, 36, 64, 3)
    opening = pictures(take, 1)
    assert np.array_equal(engine.generate(take, Given(opening=opening), silence).frames[:1], opening)
    engine.close()
    sys.modules.pop("own_engine")
