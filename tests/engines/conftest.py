from __future__ import annotations

from tests.engines.fixtures import alone, tiny_card

__all__ = ["alone", "tiny_card"]
