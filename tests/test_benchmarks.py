"""Benchmarks are run by hand, and must not rot meanwhile."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.benchmarks.pairs import Cost, Row, machine

NAMES = sorted(path.stem for path in (Path(__file__).parent / "benchmarks").glob("bench_*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_fits_the_code_that_it_measures(name: str) -> None:
    assert import_module(f"tests.benchmarks.{name}").__doc__


def test_a_row_tells_least_median_and_most_and_memory() -> None:
    ours = [Cost(1, cpu, 100) for cpu in (1.0, 2.0, 4.0)]
    row = Row("this", "that", ours, [Cost(2, 2, 50)] * 3, bar=1.0)
    assert str(row) == "| this | that | 3 | 1.00, 2.00, 4.00 s | **1.00** (0.50 to 2.00) | 0.50 | 100 MB, 2.00 | 1 |"
    assert row.held
    assert "ffmpeg" in machine()
