from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard
from tests.engines import tiny

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported: as open_engine does
os.environ.setdefault("GOMP_SPINCOUNT", "0")

Cards = Callable[[str], EngineCard]


@pytest.fixture(scope="session")
def tiny_card(tmp_path_factory: pytest.TempPathFactory) -> Cards:
    """The card of a tiny checkpoint of a family, built once a session."""
    folder = tmp_path_factory.mktemp("tiny")

    def card(name: str) -> EngineCard:
        for package in tiny.NEEDED.get(name, ()):
            pytest.importorskip(package)
        if not (folder / name).exists():
            tiny.build(name, folder / name)
        return catalogue.card(str(folder / name))

    return card


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No engine, model folder or hub cache of this machine."""
    monkeypatch.delenv("SORA_ENGINE", raising=False)
    monkeypatch.delenv("SORA_MODELS", raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
