"""A film and a take as data: what today's code writes, what earlier code wrote, and what somebody hostile might."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from sora_cli import storyboard
from sora_cli.cancel import Cancellation
from sora_cli.engines import catalogue
from sora_cli.errors import Interrupted, RequestError, SoraError
from sora_cli.events import Silent
from sora_cli.flows.reproduce import _facts, reproduce
from sora_cli.plan import Plan, plan_takes
from sora_cli.plan.data import TakeFields
from sora_cli.record.film import CardRecord, FilmRecord
from sora_cli.store import Store
from tests.unattended.conftest import SITE
from tests.unattended.drawing import CARD

GOLDEN = Path(__file__).parent / "golden" / "films"
"""Two films and their sidecars as version 0.1.0 of 2026-11-25 wrote them."""
FILMS = ("the-lamp", "the-sea")


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The golden films in a folder of one's own, and the engine that draws."""
    site = tmp_path / "site" / "sora_drawing-1.dist-info"
    site.mkdir(parents=True)
    for name, text in SITE.items():
        (site / name).write_text(text)
    monkeypatch.syspath_prepend(str(site.parent))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_ENGINE", "drawing")
    shutil.copytree(GOLDEN, tmp_path / "room")
    return tmp_path / "room"


def stopped() -> Cancellation:
    """Work that is called off before the first take: all that can be known is asked by then."""
    cancel = Cancellation()
    cancel.signal = signal.SIGINT
    cancel._asked.set()
    return cancel


def asked(room: Path) -> str:
    """What `reproduce` says before it renders; nothing where it would go on."""
    try:
        reproduce(room / "the-lamp.mp4", Store(room / "store"), Silent(), stopped())
    except SoraError as error:
        return error.message
    except Interrupted:
        return ""
    raise AssertionError("it went on")


@pytest.mark.parametrize("name", FILMS)
def test_sidecars_of_the_first_version_are_read_whole(name: str) -> None:
    told = json.loads((GOLDEN / f"{name}.json").read_text())
    record = FilmRecord.from_dict(told, name)
    assert [take.to_dict() for take in record.takes] == told["takes"]
    assert record.recipe is not None
    assert record.recipe.to_dict() == told["recipe"]
    assert record.film.to_dict() == told["film"]


BOARD = """\
engine: drawing
memory: {cache: 0.1}
shots:
  - {name: a, prompt: a ball, from: dawn.png, reference: [coat.png, dawn.png], duration: 3s}
  - {prompt: a cube, from: a, to: dawn.png, look: {match: film, strength: 0.5}}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    shutil.copytree(GOLDEN, tmp_path / "x")
    (tmp_path / "x" / "b.yaml").write_text(BOARD)
    board = storyboard.load(tmp_path / "x" / "b.yaml")
    return plan_takes(board, lambda name: CARD if name == "drawing" else catalogue.card("nano"))


def test_keys_stay_what_they_were_on_2026_11_28(plan: Plan) -> None:
    """Whoever changes a key has every clip of every user shot again."""
    assert [take.key for take in plan.takes] == [
        "8f516843ca9e4e11ddd02a576d6f7b2c",
        "1cf86bb429e166e5abfeb25e0adebc6e",
        "0544e12426434e72ff15281bbe072e41",
    ]


def test_a_planned_take_is_the_record_that_its_key_is_made_of(plan: Plan) -> None:
    for take in plan.takes:
        record = TakeFields.of(take)
        assert record.take_key == take.key
        assert TakeFields.from_dict(json.loads(json.dumps(record.to_dict())), "it") == record


def test_a_film_of_the_first_version_is_made_again(room: Path) -> None:
    found = reproduce(room / "the-lamp.mp4", Store(room / "store"), Silent(), Cancellation())
    assert [take.state for take in found.takes] == ["agrees"] * 3
    assert found.film is not None
    assert found.film.frames == 15


def test_a_film_whose_sidecar_would_have_too_long_a_name_has_none(tmp_path: Path) -> None:
    assert _facts(tmp_path / f"{'a' * 248}.mp4") == {}


def mutants(told: Any, count: int) -> Iterator[tuple[list[str | int], Any]]:
    """The data with one place of it changed, taken away or put in twice the size."""
    dice = random.Random(7)  # noqa: S311  no secret
    odd = [
        None, True, -1, 0, 3, 1 << 70, 1e308, "", "x", "../../etc", "/", "/dev/zero", "\0", "a" * 200_000, [], {},
        [[]], {"": None}, ["a"] * 2_000, {"takes": {}}, float("inf"), "1/0", "0x0", "99999x99999",
    ]  # fmt: skip
    for _ in range(count):
        copy, path = deepcopy(told), list[str | int]()
        place = copy
        while isinstance(place, dict | list) and place and (not path or dice.random() < 0.8):
            path.append(dice.choice(list(place) if isinstance(place, dict) else range(len(place))))
            holder, place = place, place[path[-1]]
        holder[path[-1]] = dice.choice(odd)
        yield path, copy


def test_two_hundred_damaged_sidecars_are_refused_before_anything_is_rendered_or_do_no_harm(room: Path) -> None:
    told = json.loads((GOLDEN / "the-lamp.json").read_text())
    refused = 0
    for path, mutant in mutants(told, 200):
        (room / "the-lamp.json").write_text(json.dumps(mutant))
        message = asked(room)
        refused += bool(message)
        assert message.isprintable(), (path, message)
        assert len(message) < 2_000, path
    assert refused > 50, "most places of a sidecar matter"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 200_000, "nested too deep"),
        (b'{"recipe": ' * 5_000 + b"1" + b"}" * 5_000, "nested too deep"),
        (b"\xff\xfe", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_a_sidecar_that_is_no_data_is_refused(room: Path, content: bytes, words: str) -> None:
    (room / "the-lamp.json").write_bytes(content)
    assert words in asked(room)


@pytest.mark.parametrize("kind", ["pipe", "endless", "folder", "large"])
def test_a_sidecar_that_is_no_file_is_refused(room: Path, kind: str) -> None:
    sidecar = room / "the-lamp.json"
    sidecar.unlink()
    if kind == "pipe":
        os.mkfifo(sidecar)
    elif kind == "endless":
        sidecar.symlink_to("/dev/zero")
    elif kind == "folder":
        sidecar.mkdir()
    else:
        with sidecar.open("wb") as file:
            file.truncate(1 << 33)
    assert "cannot be read" in asked(room)


@pytest.mark.parametrize("place", ["/", "/dev/zero", "..", "pipe", "\0", "a" * 900])
def test_a_sidecar_cannot_have_folders_and_devices_looked_through(room: Path, place: str) -> None:
    """What went in is looked for in files that it names, and in folders that the user names."""
    os.mkfifo(room / "pipe")
    told = json.loads((GOLDEN / "the-lamp.json").read_text())
    told["files"] = dict.fromkeys(told["files"], place)
    (room / "the-lamp.json").write_text(json.dumps(told))
    assert "from are missing" in asked(room)


def test_a_card_that_hangs_on_itself_or_asks_for_what_cannot_be_is_refused(room: Path) -> None:
    told = json.loads((GOLDEN / "the-lamp.json").read_text())["takes"][2]
    names = {"engine", "weights", "prompt", "avoid", "size", "fps", "frames", "seed", "options", "from", "to",
             "reference", "sound"}  # fmt: skip
    good = {"frames": told["frames"], "fields": {name: told[name] for name in names}, "pixels": told["pixels"]}
    assert CardRecord.from_dict(good, "it").fields.needs
    clip = room / told["key"][:2] / f"{told['key']}.mp4"
    clip.parent.mkdir()
    shutil.copy(room / "the-lamp.mp4", clip)
    none = {**good["fields"], "from": None}
    for fields, words in (
        ({**good["fields"], "from": {**told["from"], "takes": [told["key"]]}}, "in a circle"),
        (good["fields"], "no longer in the store"),
        ({**none, "options": {"shade": "x"}}, "does not know the options"),
        ({**none, "frames": 900_000}, "cannot make 900000 frames"),
        ({**none, "size": "90000x90000"}, "cannot make 13 frames"),
        ({**none, "memory": {"quantize": 3}}, "memory"),
        ({**none, "fps": "1/0"}, "fps"),
    ):
        clip.with_suffix(".json").write_text(json.dumps({**good, "fields": fields}))
        with pytest.raises(RequestError, match=words):
            reproduce(clip, Store(room / "store"), Silent(), stopped())
