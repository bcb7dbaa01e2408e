"""Changed films as they come out of the commands, on a few films of rendered scenes (docs/changing.md has more)."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.nano.changed import borders, outside, replaced
from examples.nano.edits import cases

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def test_outside_a_region_a_film_stays_as_it_was() -> None:
    found = [outside(case, 1 + number) for number, case in enumerate(cases(2))]
    assert all(each and each["mp4 dB"] > 45 and each["mkv dB"] > 60 for each in found), found


def test_a_new_thing_goes_where_the_old_one_went() -> None:
    found = [replaced(case, 1 + number) for number, case in enumerate(cases(3))]
    assert sum(bool(each and each["ok"]) for each in found) >= 2, found


def test_borders_join_the_picture() -> None:
    found = [borders(case, 1 + number) for number, case in enumerate(cases(3))]
    assert sum(bool(each and each["ok"]) for each in found) >= 2, found  # a tree may stand at the border of one
