"""Family detection, held against what the released repositories' own files say.

`released.json` holds those of their fields that matter, each entry with the place it was read from.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sora_cli.engines import cards, catalogue

ENTRIES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "released.json").read_text(encoding="utf-8"))
CARDS = {template.card.name: template.card for template in cards.known()}


def written(entry: dict[str, Any], folder: Path) -> Path:
    for name, content in entry.items():
        if name.endswith(".json"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["name"] for entry in ENTRIES])
def test_a_released_checkpoint_is_recognised_by_its_own_files(entry: dict[str, Any], tmp_path: Path) -> None:
    card = catalogue.of_folder(written(entry, tmp_path), name="mine")
    assert card.title == CARDS[entry["name"]].title
    assert card.abilities == CARDS[entry["name"]].abilities
    assert card.needs == CARDS[entry["name"]].needs


@pytest.mark.parametrize("name", ["ltx-2-distilled", "ltx-2.3-distilled"])
def test_a_distilled_ltx_is_known_by_its_repository(name: str, tmp_path: Path) -> None:
    full = next(entry for entry in ENTRIES if entry["name"] == name.removesuffix("-distilled"))
    card = catalogue.of_folder(written(full, tmp_path), name="x", source=CARDS[name].source)
    assert card.title == CARDS[name].title
    (tmp_path / "LTX-Distilled").mkdir()
    for folder, title in {"LTX-Distilled": CARDS[name].title, "LTX": CARDS[full["name"]].title}.items():
        assert catalogue.of_folder(written(full, tmp_path / folder), name="x").title == title


def test_every_card_is_held_by_an_entry_or_by_its_repository() -> None:
    held = {entry["name"] for entry in ENTRIES} | {"nano", "ltx-2-distilled", "ltx-2.3-distilled"}
    assert set(CARDS) - held == {"ltx-2.5-full"}  # a second folder of ltx-2.5's repository


def test_a_model_like_a_known_one_says_so(tmp_path: Path) -> None:
    entry = next(entry for entry in ENTRIES if entry["name"] == "wan2.1-t2v-14b")
    other = {**entry, "transformer/config.json": {**entry["transformer/config.json"], "num_layers": 7}}
    card = catalogue.of_folder(written(other, tmp_path), name="mine")
    assert card.title.startswith("a model like Wan 2.1 text to video")
    assert card.licence == "see its model card"


def test_wan_moves_its_times_towards_noise_as_its_authors_do() -> None:
    """`sample_shift` of Wan2.2's wan/configs; the checkpoints of A14B have 3 in diffusers' layout."""
    shifts = {"wan2.2-t2v-a14b": 12.0, "wan2.2-i2v-a14b": 5.0, "wan2.2-ti2v-5b": 5.0, "wan2.1-t2v-14b": 5.0}
    assert {name: CARDS[name].options().shift for name in shifts} == shifts  # type: ignore[attr-defined]


@pytest.mark.parametrize(("own", "shift"), [(3.0, 12.0), (8.0, 8.0), (None, 12.0)])
def test_a_checkpoint_whose_maker_moved_its_times_keeps_them(own: float | None, shift: float, tmp_path: Path) -> None:
    entry = next(entry for entry in ENTRIES if entry["name"] == "wan2.2-t2v-a14b")
    card = catalogue.of_folder(
        written({**entry, "scheduler/scheduler_config.json": {"flow_shift": own}}, tmp_path), name="x"
    )
    again, facts = card.__reduce__()  # as another process gets it
    chosen: Any = again(*facts).options()  # type: ignore[operator]
    assert (chosen.shift, chosen.steps, chosen.guidance_low) == (shift, 40, 3.0)


def test_a_chat_template_takes_no_words_of_a_prompt() -> None:
    """Qwen3's takes 8 tokens, and 4 more where it is told not to think; diffusers cuts both together to 512."""
    told = {name: (CARDS[name].prompt_tokens, CARDS[name].template_tokens) for name in CARDS}
    assert told["flux-2-klein"] == told["flux-2-klein-base"] == (500, 12)
    assert told["z-image"] == told["z-image-turbo"] == (504, 8)
    assert told["qwen-image"] == (1024, 0), "its own is not counted by diffusers"
