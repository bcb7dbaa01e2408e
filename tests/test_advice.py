"""Advice names the faults of lines that were written before its rules, and leaves good lines alone."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from sora_cli import storyboard
from sora_cli.cli.main import main
from sora_cli.engines.cards import nano_card
from sora_cli.flows.fix import fix
from sora_cli.plan.advice import CUTS, RULES, advise
from sora_cli.plan.survey import plan_takes
from tests.boards import board, catalogue

GOLDEN = Path(__file__).parent / "golden" / "advice"
Lines = dict[str, list[Any]]


@cache
def lines_of(name: str) -> tuple[dict[str, Any], Lines]:
    """The cast of a file of lines, and its lines by fault."""
    data = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8"))
    return data.pop("members"), data


CAST, LINES = lines_of("lines")


def looked_at(name: str, step: slice) -> tuple[int, list[str], list[str]]:
    """Of these lines: how many have a fault, which were missed, which good ones blamed."""
    cast, faults = lines_of(name)
    count, missed, blamed = 0, [], []
    for fault, lines in faults.items():
        for line in lines[step]:
            rules = found(line if isinstance(line, list) else [line], cast=cast)
            count += fault != "good"
            if fault == "good" and rules:
                blamed.append(f"{line}: {rules}")
            elif fault not in {"good", *rules}:
                missed.append(f"{fault}: {line}")
    return count, missed, blamed


def found(shots: list[Any], **film: Any) -> set[str]:
    """The rules that find something in these shots."""
    board = storyboard.from_data({"cast": CAST, "shots": shots, **film}, folder=Path())
    return {advice.rule for advice in advise(plan_takes(board, lambda _: nano_card()))}


def test_there_are_ninety_lines_with_a_fault_and_sixty_good_ones() -> None:
    assert sum(len(lines) for fault, lines in LINES.items() if fault != "good") == 90
    assert len(LINES["good"]) == 60
    assert set(LINES) - {"good"} == {name for name, *_ in (*RULES, *CUTS)} - {"speech", "avoid", "cut"}, (
        "these came later"
    )


@pytest.mark.parametrize(
    ("name", "step"), [("lines", slice(0, None, 2)), ("lines", slice(1, None, 2)), ("harder", slice(None))]
)
def test_nine_of_ten_faults_are_named_and_few_good_lines_blamed(name: str, step: slice) -> None:
    count, missed, blamed = looked_at(name, step)
    assert len(missed) <= count / 10, missed
    assert len(blamed) <= 1, blamed


@pytest.mark.parametrize(
    ("prompt", "rule"),
    [
        ('@mara says "hello" to @rex', "speech"),
        ("@mara leans over and whispers, \u201crun\u201d", "speech"),
        ('a sign says "hello"', "text"),
        ("the same woman as before sits in a cafe", "pronoun"),
        ("Continue the previous scene: @rex jumps into the lake", "pronoun"),
        ('a poster reads "hello"', "text"),
        ("a ball rolls on the grass. Cut to a cube that falls", "cut"),
        ("@mara opens the door, then cut to the street", "cut"),
        ("Shot 1: a ball rolls on the grass. Shot 2: a cube falls", "cut"),
    ],
)
def test_speech_is_no_text_on_the_picture(prompt: str, rule: str) -> None:
    assert found([prompt]) == {rule}


@pytest.mark.parametrize(
    "prompt",
    [
        "it rains on the roofs", "a chemist in 1890 heats a flask", "a man of 70 years waters roses",
        "no longer young, @mara dances", "the night train passes a sleeping village at dawn",
        "a chef cuts tomatoes", "a woman with hair cut to the chin walks on a pier",
        "一只红色的狐狸跑过石桥", "the fox named rexford sleeps",
    ],
)  # fmt: skip
def test_near_misses_are_left_alone(prompt: str) -> None:
    assert found([prompt]) == set()


@pytest.mark.parametrize("word", ["sign ", "sun sets ", "the words ", "no ", "runs ", '"', "runs left to ", "he "])
def test_a_hostile_prompt_is_looked_at_at_once(word: str) -> None:
    begun = time.process_time()
    found([word * (19_000 // len(word))] * 3)
    assert time.process_time() - begun < 2


def test_a_shot_that_carries_on_knows_who_is_there() -> None:
    shots = ["@mara closes the door", {"prompt": "she sits on the bed", "from": "previous"}]
    assert found(shots) == set()


def test_what_is_wanted_and_avoided_contradicts() -> None:
    assert found(["children play with a ball"], avoid="ball, text") == {"contradiction"}


def test_what_is_denied_under_avoid_is_asked_for() -> None:
    board = storyboard.from_data({"avoid": "no text, blur, without people", "shots": ["a ball rolls"]}, folder=Path())
    (told,) = advise(plan_takes(board, lambda _: nano_card()), grave_alone=True)
    assert told.problem.message == "`no text` under `avoid` asks to avoid that there is none"
    assert told.problem.hint == "write `avoid: text, people`"
    assert not found([{"prompt": "a ball rolls on the grass", "avoid": "noise, nothing, notebooks"}])


def test_two_hours_are_told_where_both_are_written() -> None:
    text = "light: night, noon\nshots: [a boat sails, a ship sails]\n"
    both = storyboard.read_text(text, folder=Path(), name="x").board
    one = storyboard.read_text("light: night\nshots:\n- a boat sails at noon\n", folder=Path(), name="x").board
    lines = []
    for film in (both, one):
        assert film is not None
        found = advise(plan_takes(film, catalogue()), grave_alone=True)
        lines.append([each.problem.mark.line for each in found if each.problem.mark])
    assert lines == [[1], [3]]


FILM = """\
engine: nano
cast: {mara: a woman}
shots:
  - prompt: mara walks along the beach, no people
  - prompt: seven birds sit on a wire
"""


def test_the_grave_is_always_told_and_the_rest_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(FILM)
    assert main(["check", str(path), "--json"]) == 0
    told = [(advice["rule"], advice["line"]) for advice in json.loads(capsys.readouterr().out)["advice"]]
    assert told == [("negation", 4), ("cast", 4)]
    assert main(["check", str(path), "--advice"]) == 0
    err = capsys.readouterr().err
    assert "film.yaml:5:13: `seven birds sit`: models count to about four" in err
    assert "hint: write @mara" in err


# -- what is moved to `avoid` --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "fixed"),
    [
        ("shots:\n  - a beach, no people\n", "shots:\n  - prompt: a beach\n    avoid: people\n"),
        ("shots:\n  - 'a beach, no people'", "shots:\n  - prompt: 'a beach'\n    avoid: people\n"),
        (
            "shots:\n  - name: x\n    prompt: a beach, no people or dogs  # note\n    framing: wide\n",
            "shots:\n  - name: x\n    prompt: a beach  # note\n    avoid: people, dogs\n    framing: wide\n",
        ),
        (
            "shots:\r\n  - prompt: a beach, no people\r\n    avoid: text\r\n",
            "shots:\r\n  - prompt: a beach\r\n    avoid: people, text\r\n",
        ),
        (
            "avoid: text\nshots: [{name: x, prompt: 'a street without cars in the rain', framing: wide}]\n",
            "avoid: text\nshots: [{name: x, avoid: cars, prompt: 'a street in the rain', framing: wide}]\n",
        ),
        (
            "shots: [{prompt: 'a sea, no ships', avoid: \"text\"}]\n",
            "shots: [{prompt: 'a sea', avoid: \"ships, text\"}]\n",
        ),
        (
            "shots:\n  - beats:\n      - a beach, no people\n      - {prompt: 'b, no x'}\n",
            "shots:\n  - beats:\n      - prompt: a beach\n        avoid: people\n      - {avoid: x, prompt: 'b'}\n",
        ),
    ],
)
def test_what_is_denied_is_moved_and_all_else_stays(written: str, fixed: str, tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_bytes(written.encode())
    done = fix(path, sets={}, allow_outside=False)
    assert path.read_bytes().decode() == fixed
    assert done.moved
    assert fix(path, sets={}, allow_outside=False).moved == 0, "what is fixed stays"


@pytest.mark.parametrize(
    "written",
    [
        "shots: [a beach]\n",
        "shots:\n  - a beach, not crowded\n",
        "shots:\n  - >-\n    a beach, no people\n",
        "vars: {x: a beach, y: ', no people'}\nshots:\n  - ${x}${y}\n",
        "shots: [a beach, 'a sea, no ships']\n",
        "shots:\n  - &a {prompt: 'a sea, no ships'}\n  - *a\n",
        "shots: [\n",
    ],
)
def test_what_cannot_be_moved_for_certain_is_left_as_it_is(written: str, tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(written)
    assert fix(path, sets={}, allow_outside=False).moved == 0
    assert path.read_text() == written


def test_a_fixed_file_is_told_and_a_link_stays_a_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "real.yaml").write_text(FILM)
    path = tmp_path / "film.yaml"
    path.symlink_to("real.yaml")
    assert main(["check", str(path), "--fix"]) == 0
    err = capsys.readouterr().err
    assert "+    avoid: people" in err
    assert "1 denied thing moved to `avoid`" in err
    assert path.is_symlink()
    assert "no people" not in (tmp_path / "real.yaml").read_text()
    path.write_text(FILM)
    assert main(["check", str(path), "--fix", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["fixed"]
    assert (told["moved"], "+    avoid: people" in told["diff"]) == (1, True)


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("an empty pier without people", "negation"),
        ("a wide shot, a close-up of her hand", "contradiction"),
        ("a red door, the camera pans left", "contradiction"),
        ("she waits at a door", "pronoun"),
        ("nine gulls on a rail", "count"),
        ("a beautiful scene", "vague"),
        ("a man opens the door, sits down and pours tea", "overload"),
        ("mara waits at the pier", "cast"),
    ],
)
def test_the_words_of_keyframes_are_read_too(words: str, rule: str) -> None:
    shots = [
        {"prompt": "the @mara ball rolls on the grass", "keyframe": words},
        {"prompt": "the @mara ball rolls on the grass", "keyframe": {"first": "on", "last": words}},
        {"prompt": "the @mara ball rolls on the grass", "keyframe": "on"},
    ]
    cast = {"mara": {"looks": "a small red ball with a white stripe"}}
    written = board(*shots, cast=cast, keyframes={"engine": "flux-2-klein"})
    found = list(advise(plan_takes(written, catalogue(stills=True))))
    assert [advice.rule for advice in found] == [rule, rule]
    assert all("--fix" not in advice.problem.hint for advice in found)


def test_cuts_and_what_is_denied_are_told_in_other_languages() -> None:
    cuts = (
        "Ein Ball rollt. Schnitt auf einen Würfel", "une balle roule, puis coupe sur un cube",
        "Una palla. Stacco su un cubo",
        "una pelota rueda. Corte a un cubo", "Мяч катится. Склейка. Куб падает", "红球滚动，镜头切换到方块",  # noqa: RUF001
        "赤いボールが転がる。次のカット：箱", "Szene 1: ein Ball. Szene 2: ein Würfel",  # noqa: RUF001
    )  # fmt: skip
    others = ("ein Schnitt auf seiner Hand blutet", "elle coupe à la main le pain", "él hace un corte de pelo")
    told = [found([line]) for line in (*cuts, *others)]
    assert ["cut" in each for each in told] == [True] * len(cuts) + [False] * len(others)
    denied = (
        "eine Straße ohne Menschen",
        "une rue sans personne",
        "una calle sin gente",
        "улица без людей",
        "没有人的街道",
    )
    assert all("negation" in found([line]) for line in denied)
    for avoid, better in (
        ("kein Text, keine Logos", "Text, Logos"), ("pas de texte", "texte"), ("sin texto", "texto"),
        ("без текста", "текста"),
        ("没有文字", "文字"), ("文字なし", "文字"), ("Wasser, 无人机", ""),
    ):  # fmt: skip
        board = storyboard.from_data({"shots": [{"prompt": "a red ball rolls", "avoid": avoid}]}, folder=Path())
        told_ = [each.problem.hint for each in advise(plan_takes(board, lambda _: nano_card())) if each.rule == "avoid"]
        assert told_ == ([f"write `avoid: {better}`"] if better else [])
