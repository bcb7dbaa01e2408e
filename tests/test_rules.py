"""One rule in one place: what `check` says is what every command says, and what the program does."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from sora_cli import events
from sora_cli.cli.main import main
from sora_cli.events import Note, Recording, Stage
from sora_cli.flows import preview
from sora_cli.master.finish import finish
from sora_cli.media.read import read_frames
from sora_cli.plan import plan_takes
from sora_cli.plan.timeline import Bed, Cut, CutShot, Piece
from sora_cli.store import Clip, Store, films
from sora_cli.storyboard import read_text
from sora_cli.storyboard.model import LEAST_OPACITY
from sora_cli.storyboard.sound import LOUDNESS
from tests.boards import CARD, board, catalogue


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with nothing of ours in it but what is written there."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("SORA_ENGINE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, text: str) -> str:
    (folder / "film.yaml").write_text(text)
    return "film.yaml"


def checked(folder: Path, text: str, capsys: pytest.CaptureFixture[str], code: int) -> dict[str, Any]:
    """What `check --json` says of a storyboard, after its exit code was looked at."""
    assert main(["check", written(folder, text), "--json"]) == code
    return dict(json.loads(capsys.readouterr().out))


def said(told: dict[str, Any], kind: str = "problems") -> list[str]:
    return [f"{each.get('line', 0)} {each['message']}" for each in told[kind]]


# -- comments that cut a text off ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        ("- a ball painted #ff0000 rolls on the grass, day", "#ff0000 rolls on the grass, day"),
        ("- prompt: a ball  # is this seen?", "# is this seen?"),
        ("- {prompt: a ball, setting: a wall #ff0000\n    }", "#ff0000"),
        ("- prompt: a ball\n      painted #ff0000", "#ff0000"),
        ("- {title: Take #1\n    }", "#1"),
        ("- a ball painted\n    #ff0000 rolls", "#ff0000 rolls"),
        ("- a ball painted\n    #duration: 3s", ""),
        ("- prompt: a ball\n    #added by Jane\n    duration: 1s", ""),
        ("- {prompt: a, sound: rain #2\n    }", "#2"),
        ("- beats: [a, b #c\n    ]", "#c"),
        ('- "a ball #ff0000"', ""),
        ("- 'a ball' # a note", ""),
        ("- >\n      a ball #ff0000", ""),
        ("- a ball\n  # a note on its own line", ""),
        ("- a ball#1", ""),
        ("- {prompt: 'a', setting: a wall,  # the old one\n     duration: 1s}", ""),
        ("- prompt: 'a'\n    setting: a wall   # the old one", ""),
        ("- prompt: 'a'\n    duration: 4s # seconds", ""),
        ("- prompt: 'a'\n    from: nothing # free", ""),
    ],
)
def test_a_comment_behind_a_text_is_remarked_where_it_may_belong_to_it(line: str, comment: str) -> None:
    reading = read_text(f"shots:\n  {line}\n", folder=Path(), name="hash.yaml")
    assert reading.problems == ()
    assert reading.board is not None
    told = [remark.message for remark in reading.board.remarks]
    assert told == ([f"`{comment}` is a comment, not part of the text before it"] if comment else [])


@pytest.mark.parametrize(
    "text", ["- prompt: #ff0000", "- #ff0000 ball", "- {prompt: a #ff0000 ball, duration: 1s}", "- [a ball #1, b]"]
)
def test_a_comment_that_breaks_the_storyboard_is_named_in_the_hint(text: str) -> None:
    problems = read_text(f"shots:\n  {text}\n  - b\n", folder=Path(), name="hash.yaml").problems
    assert any("is a comment" in problem.hint for problem in problems)


# -- all at once, and with the right exit code -----------------------------------------------------------------------


def test_mistakes_of_every_kind_come_in_one_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """engine: ltx-2.3
provenance: {watermark: {opacity: 0.1}}
shots:
  - {prompt: a, options: {stepz: 1}, duration: -3}
  - {prompt: b, duration: 1s, transition: dissolve 2s, from: ../../x}
  - {prompt: c, engine: nanoo, from: p.heic}
"""
    told = checked(home, text, capsys, 2)
    assert said(told) == [
        "1 engine ltx-2.3 is not on this machine",
        "2 `0.1`: a mark this faint counts as none",
        "4 engine ltx-2.3 has no option 'stepz'",
        "4 `-3`: a length of time cannot be negative",
        "5 the transition is too long for shot 'shot-2', which has 24 frames",
        "5 `../../x` is outside the storyboard's folder",
        "6 there is no engine nanoo",
        "6 `p.heic`: no such file",
    ]
    for command in ("plan", "storyboard"):
        assert main([command, "film.yaml"]) == 2
        assert all(problem["message"] in capsys.readouterr().err for problem in told["problems"][:1])


def test_wrong_options_are_told_in_the_words_of_other_mistakes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shots = "".join(f"  - {{prompt: a, options: {{{one}}}}}\n" for one in ("steps: 0", "steps: many", "stepz: 3"))
    told = checked(home, f"shots:\n{shots}memory: {{tile: maybe}}\n", capsys, 2)
    assert said(told) == [
        "2 option steps: `0` is out of range: 1 or more",
        "3 option steps: `many` is not a whole number",
        "4 engine nano has no option 'stepz'",
        "5 memory: tile: `maybe` is not true or false",
    ]
    assert told["problems"][2]["hint"].startswith("did you mean `steps`?")
    text = "engine: nano\noptions: {steady: 0.2}\nshots:\n  - prompt: a\n  - {prompt: b, engine: ltx-2.3}\n"
    told = checked(home, text, capsys, 2)
    (odd,) = [each for each in told["problems"] if "no option" in each["message"]]
    assert odd["hint"] == "nano has it: write it on the shots of that engine, not above them all"


def test_a_length_that_cannot_be_read_makes_no_other_mistake(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "shots:\n  - {prompt: a, duration: soon}\n  - {prompt: b, duration: 4s, transition: dissolve 1400ms}\n"
    assert said(checked(home, text, capsys, 2)) == ["2 `soon` is not a length of time"]
    text = "shots:\n  - {prompt: a, engine: wan2.1-flf2v-14b-720p, from: a.png, to: b.png}\n"
    told = said(checked(home, text, capsys, 2))
    assert not any("needs a" in line for line in told), "both ends are written; their files are not there"


def test_an_engine_that_is_known_and_not_here_is_checked_whole(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = "engine: ltx-2.3\nshots: [{prompt: a, sound: rain}]\n"
    told = checked(home, right, capsys, 3)
    assert said(told) == ["1 engine ltx-2.3 is not on this machine"]
    assert said(told, "remarks") == []
    assert main(["plan", "film.yaml"]) == main(["storyboard", "film.yaml"]) == 3
    assert "film.yaml:1:9: engine ltx-2.3" in capsys.readouterr().err


def test_a_wrong_engine_is_told_at_its_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = checked(home, "shots:\n  - a\n  - {prompt: b, engine: nanoo}\n", capsys, 3)
    assert said(told) == ["3 there is no engine nanoo"]
    assert told["problems"][0]["hint"] == "did you mean nano?"


def test_a_film_without_the_mark_that_its_policy_wants_is_refused_with_4(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "policy: strict\nprovenance: {watermark: off}\nshots: [a ball]\n"
    assert said(checked(home, text, capsys, 4)) == ["2 the strict policy does not allow a film without its watermark"]
    assert main(["storyboard", "film.yaml"]) == main(["plan", "film.yaml"]) == 4
    assert len(said(checked(home, text.replace("ball", "ball, {}"), capsys, 2))) >= 2, "with mistakes it is one of them"


@pytest.mark.parametrize(
    ("mark", "right"),
    [
        (f"{{opacity: {LEAST_OPACITY}}}", True),
        ("{opacity: 0.19}", False),
        ("{opacity: 0}", False),
        ('"\\u200b"', False),
        ('{text: "\\u2800\\u3164"}', False),
        ("{text: ☺}", True),
        ("off", True),
    ],
)
def test_a_mark_that_would_be_none_is_refused_at_its_line(mark: str, right: bool) -> None:  # noqa: FBT001  a parameter
    text = f"provenance: {{watermark: {mark}}}\nshots: [a]\n"
    problems = read_text(text, folder=Path(), name="mark.yaml").problems
    assert [problem.mark and problem.mark.line for problem in problems] == ([] if right else [1])


# -- remarks -----------------------------------------------------------------------------------------------------

SPOKEN = """cast: {mara: a red ball}
sound: {music: a slow waltz}
shots:
  - {prompt: "@mara rolls right", duration: 0.5s, dialogue: {cast: mara, line: Hello, at: 0.1s}, sound: rain}
"""


def test_what_check_remarks_every_command_remarks(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remarks = checked(home, SPOKEN + "options: {steps: 1}\n", capsys, 0)["remarks"]
    assert "not rendered yet: music in words" in [remark["message"] for remark in remarks]
    assert main(["plan", "film.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["remarks"] == remarks
    for words in (["storyboard", "film.yaml"], ["batch", "film.yaml"]):
        for _ in ("made", "up to date"):
            assert (
                main([*words, "-o", "out/" if words[0] == "batch" else "a.mp4", "--draft", "--events", "--json"]) == 0
            )
            out, err = capsys.readouterr()
            lines = [json.loads(line) for line in out.splitlines() if line.startswith('{"time"')]
            notes = [line["message"] for line in lines if line["event"] == "note"]
            for remark in remarks:
                assert len([note for note in notes if note.endswith(remark["message"])]) == 1
                assert remark["message"] in err
            document = json.loads(out[out.index("\n[" if words[0] == "batch" else "\n{\n") :])
            assert (document[0] if words[0] == "batch" else document)["remarks"] == remarks


def test_words_beside_the_picture_of_a_mark_are_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (64, 48)).save(home / "a.png")
    (told,) = checked(home, "provenance: {watermark: {text: a, image: a.png}}\nshots: [a red ball]", capsys, 0)[
        "remarks"
    ]
    assert (told["column"], told["message"]) == (32, "not rendered yet: the words of a mark that is a picture")


def test_remarks_know_what_an_engine_renders(tmp_path: Path) -> None:
    reading = read_text(SPOKEN, folder=tmp_path, name="film.yaml")
    assert reading.board is not None

    def messages(**changes: Any) -> list[str]:
        assert reading.board is not None
        return [remark.message for remark in plan_takes(reading.board, catalogue(**changes)).remarks]

    sounding = {"abilities": CARD.abilities | {"sound"}}
    assert [message for message in messages() if "not rendered" in message] == ["not rendered yet: music in words"]
    assert "not rendered yet: when a line is said" in messages(**sounding)
    prompts = [plan_takes(reading.board, catalogue(**changes)).takes[0].prompt for changes in ({}, sounding)]
    assert ["Hello" in prompt and "rain" in prompt for prompt in prompts] == [False, True]


# -- the plan ------------------------------------------------------------------------------------------------------


def test_each_take_of_the_plan_shows_when_it_plays() -> None:
    planned = plan_takes(
        board({"prompt": "a", "duration": "4s"}, {"beats": [{"prompt": "b", "duration": "1s"}, "c"], "takes": 2}),
        catalogue(),
    )
    view = preview.PlanView(planned, {take.key: False for take in planned.takes})
    assert [row[0] for row in view.rows(["at"])] == [
        "0.00", "1.00", "2.00", "3.00", "4.00", "4.00", "5.00", "5.00",
    ]  # fmt: skip


def test_why_takes_are_shot_again_is_read_once_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    plain = films.read_facts

    def counting(path: Path) -> dict[str, Any]:
        noted = plain(path)
        read.append(len(noted))
        return noted

    def cost(count: int) -> int:
        planned = plan_takes(board(*(f"a ball {number}" for number in range(count)), title=str(count)), catalogue())
        store = Store(tmp_path / str(count))
        store.films.remember(preview.film_id(planned.board), {take.name: "0" * 32 for take in planned.takes})
        read.clear()
        with monkeypatch.context() as patch:
            patch.setattr(films, "read_facts", counting)
            reasons = preview._reasons(planned, store, {take.key: False for take in planned.takes})
        assert len(reasons) == count
        return sum(read)

    assert 0 < cost(1_000) < 12 * cost(100)


# -- stages, and the sound ---------------------------------------------------------------------------------------------


def test_the_stages_that_are_published_are_those_that_are_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "film.yaml").write_text("shots: [{prompt: a red ball, duration: 0.5s, options: {steps: 1}}]\n")
    assert main(["storyboard", "film.yaml", "-o", "a.mp4", "--draft", "--events"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {line["stage"] for line in lines if line["event"] == "stage_started"}
    (published,) = [each for each in events.events_schema()["oneOf"] if each["title"] == "stage_started"]
    training = {"look", "prepare", "train"}  # told by tests/engines/test_train_command.py
    assert set(published["properties"]["stage"]["enum"]) == told | training == set(Stage.__args__)  # type: ignore[attr-defined]


def test_the_first_picture_and_the_last_are_in_the_film(home: Path) -> None:
    for name, colour in (("a.png", (200, 40, 40)), ("b.png", (40, 40, 200))):
        Image.new("RGB", (192, 128), colour).save(home / name)
    text = "look: off\noutput: {size: 192x128}\nprovenance: {watermark: off}\npolicy: off\n"
    shot = "shots: [{prompt: a red ball, from: a.png, to: b.png, duration: 1s, options: {steps: 2}}]\n"
    assert main(["storyboard", written(home, text + shot), "-o", "ends.mp4"]) == 0
    frames = read_frames(home / "ends.mp4", 0, 12)
    first, last = (frames[at].reshape(-1, 3).mean(0) for at in (0, -1))
    assert np.abs(first - [200, 40, 40]).max() < 40
    assert np.abs(last - [40, 40, 200]).max() < 80, "as near as two steps of the small model come"


def test_a_storyboard_that_says_nothing_of_loudness_has_16() -> None:
    assert LOUDNESS == -16
    for sound in (None, "off", {"music": "a tune"}):
        assert board("a", **({"sound": sound} if sound else {})).sound.loudness == LOUDNESS
    assert board("a", sound={"loudness": -20}).sound.loudness == -20


def test_a_loudness_that_peaks_leave_no_room_for_is_told(tmp_path: Path) -> None:
    clicks = np.zeros((48_000 * 6, 2), np.float32)
    clicks[::24_000] = 0.9
    soundfile.write(tmp_path / "clicks.wav", clicks, 48_000)
    clip = Clip(key="", path=Path("none"), sha256="", frames=144, width=8, height=8, fps=Fraction(24))
    shot = CutShot(name="a", scene="s", start=0, pieces=(Piece(clip, tuple(range(144))),))
    music = Bed(bus="music", path=tmp_path / "clicks.wav", start=0, end=144)
    cut = Cut(width=8, height=8, fps=Fraction(24), shots=(shot,), beds=(music,))
    for loudness, told in ((-16.0, 1), (None, 0)):
        heard = Recording()
        sound = finish(cut, loudness, report=heard).sound
        assert sound is not None
        for _ in range(2):
            assert sum(len(block) for block in sound()) == 48_000 * 6
        notes: list[Note] = heard.of(Note)
        assert len(notes) == told
        assert all("not at -16" in note.message for note in notes)
