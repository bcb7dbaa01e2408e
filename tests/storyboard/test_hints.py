"""What people write otherwise is told once, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from sora_cli.storyboard import read
from sora_cli.storyboard.direction import loose_words
from sora_cli.storyboard.model import Transition

SHOT = "shots: [{name: one, prompt: a ball, duration: 2s}]\n"


def told(text: str, folder: Path, **sets: str) -> list[tuple[str, str]]:
    """Each problem of this text and its hint."""
    (folder / "a.yaml").write_text(text)
    return [(each.message, each.hint) for each in read(folder / "a.yaml", sets=sets).problems]


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("cast: {m: {description: a man}}\nshots: ['@m walks']", "did you mean `looks`?"),
        ("shots: [a, {prompt: b, transition: {type: fade, duration: 1s}}]", "did you mean `kind`?"),
        ("shots: [{prompt: a, keyframe: {first: b, end: c}}]", "did you mean `last`?"),
        ("shots: [{prompt: a, takes: {max: 4}}]", "did you mean `up to`?"),
        ("shots: [{prompt: a, dialogue: {line: b, start: 1s}}]", "did you mean `at`?"),
        ("shots: [{prompt: a, say: Hello}]", "did you mean `dialogue`?"),
        ("shots: [{prompt: a, caption: Hello}]", "did you mean `title`?"),
        ("shots: [{caption: a ball}]", "did you mean `prompt`?"),
        ("shots: [{prompt: a, dialogue: {line: b, voice: en-us-1}}]", "a voice is somebody's"),
        ("takes: 2\nshots: [a]", "`takes` belongs to a shot or a beat"),
        ("prompt: a ball", "a film is made of shots: write `shots:`, and under it `- prompt: ...`"),
        ("shots: [a, {prompt: b, transition: fade to black 1s}]", "0.5s; a transition is how a shot comes in"),
        ("include: b.yaml\nshots: [a]", "a storyboard is one file"),
        ("cast: {m: {extends: b}}\nshots: [a]", "a storyboard is one file"),
        ("base: &b {prompt: a}\nshots: [*b]", "a key of your own begins with `x-`"),
        ("author: Mara\nshots: [a]", "`provenance: {author: ...}`"),
        ("project: x\nshots: [a]", "did you mean `title`?"),
        ("shots: [{prompt: a, shot_number: 1}]", "did you mean `name`?"),
        ("shots: [{visual: a}]", "did you mean `prompt`?"),
        ("shots: [{prompt: a, shot_type: wide}]", "did you mean `framing`?"),
        ("shots: [{prompt: a, camera_movement: pan left}]", "did you mean `camera`?"),
        ("shots: [{prompt: a, notes: b}]", "a note: make it a comment, `# ...`"),
        ("shots: [{prompt: a, camera: {move: pan left, angle: low}}]", "stand beside `camera:`"),
        ("shots: [{prompt: a, camera: {movement: dolly, direction: in}}]", "did you mean `move`?"),
        ("shots: [{prompt: a, duration: 0-3s}]", "did you mean `3s`?"),
        ("shots: [{prompt: a, num_frames: 97}]", "write `duration: 97f`"),
        ("shots: [{prompt: a, start: 4, duration: 4s}]", "write how long each is, `duration: 4s`"),
        ("shots: [{prompt: a, style: b, palette: c}]", "`style` is written here already: put both into one"),
        ("shots: [{prompt: a, duration: 2s (48 frames)}]", "did you mean `2s`?"),
        ("output: {aspect: portrait}\nshots: [a]", "did you mean `9:16`?"),
        ("defaults: {duration: 2s}\nshots: [a]", "a key of yours begins with `x-`"),
        ("output: {file: a.mp4}\nshots: [a]", "`sora storyboard FILE -o FILM`"),
        ("output: {width: 256, height: 160}\nshots: [a]", "write `size: WIDTHxHEIGHT`"),
        ("output: 256x160\nshots: [a]", "write it as {size: 256x160, fps: 24}"),
        ("shots: [{prompt: a, from: [b.png, c.png]}]", "write one of them; more pictures stand in `reference:`"),
        ("shots: [{prompt: a, title: {text: b, position: upper left}}]", "did you mean `top-left`?"),
        ("cost: {budget: 5}\nshots: [a]", "`--max-cost 5`"),
        ("cost: 450 W\nshots: [a]", "write it as {power: 450 W"),
        ("review: strict\nshots: [a]", "write it as {colour: 3"),
        ("say: Mara\nshots: [a]", "write it as WORD: HOW"),
        ("keyframes: sana\nshots: [a]", "write on, off or {engine: sana}"),
        (f"stills: {{one: 2}}\n{SHOT}", "add `keyframes: on`"),
        ("shots: {one: {prompt: a}, two: {prompt: b}}", "write it as - {name: one, ...}"),
        ("shots: [{one: {prompt: a}}]", "write `name: one` beside its keys"),
        ("shots: [{shot: {prompt: a}}]", "take `shot` out"),
        ("shots: [a ball: 2s]", "write it as {prompt: a ball, duration: 2s}"),
        ("shots: [[a, b]]", "write each of its items behind a `- ` of its own"),
        ("shots: [true]", 'if it is meant as text, write "true"'),
        ("shots: [{prompt: a, title: [b, c]}]", 'write it as one text: "b, c"'),
        ("shots: [{prompt: a, takes: [1, 2]}]", "write it as {up to: 4, until: good}"),
        ("shots: [{prompt: a, duration: four seconds}]", "did you mean `4 seconds`?"),
        ('shots: [{prompt: a, duration: 4"}]', "did you mean `4s`?"),
        ("shots: [{prompt: a, duration: 1_500ms}]", "did you mean `1500ms`?"),
        ("seed: 1,000\nshots: [a]", "did you mean `1000`?"),
        ("shots: [a, {prompt: b, transition: dip to black 1s}]", "did you mean `fade 1s`?"),
        (f"{SHOT[:-2]}, {{edit: {{of: one, region: [30%, 0%, 40%, 30%], prompt: b}}}}]", "mean [0.3, 0, 0.4, 0.3]?"),
        ("watermark: off\nshots: [a]", "`watermark` belongs to `provenance`"),
        ("training: allowed\nshots: [a]", "`training` belongs to `provenance`"),
        (r'shots: ["C:\films\a.png"]', "in double quotes a backslash is written twice"),
    ],
)
def test_what_people_write_is_told_once_and_with_what_to_write(written: str, hint: str, tmp_path: Path) -> None:
    ((_, found),) = told(written, tmp_path)
    assert hint in found


@pytest.mark.parametrize("text", ['{"prompt": "a ball", "seed": 3}', '[{"prompt": "a"}, {"prompt": "b"}]'])
def test_a_prompt_with_its_settings_is_told_as_that(text: str, tmp_path: Path) -> None:
    (tmp_path / "a b.json").write_text(text)
    (told,) = read(tmp_path / "a b.json").problems
    assert told.message.startswith("this is a prompt with its settings")
    assert f"sora import '{tmp_path}" in told.hint
    (tmp_path / "b.json").write_text('{"prompt": "a ball", "shots": [{"prompt": "b"}]}')
    assert "unknown key `prompt`" in read(tmp_path / "b.json").problems[0].message


def test_what_is_seen_in_two_keys_is_one_prompt(tmp_path: Path) -> None:
    found = told("shots: [{subject: a, action: b, framing: wide}]", tmp_path)
    assert [hint for _, hint in found] == ["write one `prompt:` of `subject` and `action`"] * 2


def test_scenes_that_are_shots_and_keys_under_the_version_are_told_where_they_stand(tmp_path: Path) -> None:
    for written in ("scenes: [{prompt: a ball}]", "scenes: [{name: one, description: a ball}]"):
        assert "write `shots:` in the place of `scenes:`" in told(written, tmp_path)[0][1]
    hints = [hint for _, hint in told("storyboard:\n  title: x\n  shots: [a]\n", tmp_path)]
    assert any("take the line `storyboard:` out" in hint for hint in hints)
    assert told("storyboard: 1.0\nshots: [a]", tmp_path) == []


def test_a_term_under_another_key_is_told_with_its_own(tmp_path: Path) -> None:
    for written, hint in (
        ("camera: Close-up", "write it as `framing: close`"),
        ("camera: none", "take the line out; for one that stands still, write static"),
        ("framing: pan left", "write it as `camera: pan left`"),
        ("framing: low angle", "write it as `angle: low`"),
    ):
        (tmp_path / "a.yaml").write_text(f"shots: [{{prompt: a, {written}}}]")
        board = read(tmp_path / "a.yaml").board
        assert board is not None
        assert [each.hint for each in loose_words(board)] == [hint]
    (tmp_path / "a.yaml").write_text("shots: [{prompt: a, framing: Extreme Close-Up (ECU)}]")
    board = read(tmp_path / "a.yaml").board
    assert board is not None
    assert board.shots[0].beats[0].framing == "detail"


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("shots:\n  - 'a ball\n  - a box\n", "this quote is never closed"),
        ("shots:\n  - > a ball\n", "a text that begins with > or | needs quotes"),
        ("shots:\n  - a ball\n  -a box\n", "begins with a hyphen and a space"),
        ("shots:\n  - a ball\n\nI hope that helps!\n", "this line is no `key: value`"),
        ("shots:\u00a0\n  - a ball\n", "write a plain colon and a space behind a key: `shots: ...`"),
        ("shots\uff1a\n  - a ball\n", "write a plain colon and a space behind a key: `shots: ...`"),
        ("shots = [a]\n", "write a plain colon and a space behind a key: `shots: ...`"),
        ("shots:\n  - prompt:\u00a0a ball\n    duration: 1s\n", "a space behind a key: `prompt: ...`"),
    ],
)
def test_what_is_no_yaml_is_told_by_what_stands_there(written: str, hint: str, tmp_path: Path) -> None:
    ((_, found),) = told(written, tmp_path)
    assert hint in found


@pytest.mark.parametrize("written", ["prompt:\u00a0a ball", "prompt = a ball"])
def test_a_key_without_its_colon_is_no_word_of_a_prompt(written: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"shots:\n  - {written}\n")
    board = read(tmp_path / "a.yaml").board
    assert board is not None
    assert any("is read as a part of the text" in each.message for each in board.remarks)


@pytest.mark.parametrize(
    "written",
    ["variables: {n: 3}", "vars: [n, 3]", "vars: n=3", "vars: {n: [1, 2]}", "vars: {n: {m: 3}}", "vars: {n: }"],
)
def test_variables_that_cannot_be_read_are_not_told_again_where_they_are_used(written: str, tmp_path: Path) -> None:
    assert len(told(f'{written}\nshots: [{{prompt: "a ${{n}}", takes: "${{n}}"}}, "${{n.m}}"]\n', tmp_path)) == 1


def test_a_recording_is_no_line_that_is_read_out(tmp_path: Path) -> None:
    (tmp_path / "my hello.wav").touch()
    for name in ("hello.wav", "my hello.wav"):
        ((message, hint),) = told(f"shots: [{{prompt: a, dialogue: {{line: {name}}}}}]", tmp_path)
        assert (message, hint) == (f"`{name}`: a line is told in words", f"write `file: {name}`")


def test_pixels_are_no_parts_of_a_picture(tmp_path: Path) -> None:
    text = f"{SHOT[:-2]}, {{edit: {{of: one, region: [30, 10, 40, 30], prompt: b}}}}]"
    assert told(text, tmp_path)[0][0] == "these are no parts of the picture: 1 is all of its width or height"


def test_a_text_that_a_comma_has_parted_is_told_as_that(tmp_path: Path) -> None:
    ((message, hint),) = told("shots: [{prompt: a ball rolls, then stops, duration: 1s}]", tmp_path)
    assert message == "`then stops` has no value"
    assert "put a text with a comma in it in quotes" in hint


def test_no_and_none_are_off_wherever_something_is_switched(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "sound: {ambience: none, music: no music}\nsubtitles: no\nlook: none\n"
        "shots: [{prompt: a, sound: No sound}, {prompt: b, transition: no}]\n"
    )
    found = read(tmp_path / "a.yaml")
    board = found.board
    assert board is not None
    assert not found.problems
    assert (board.subtitles, board.shots[0].look.match, board.shots[1].transition) == ("off", "off", Transition())
    assert (board.sound.ambience_text, board.sound.music_text, board.shots[0].beats[0].sound_off) == ("", "", True)


def test_a_sound_with_an_unknown_key_is_told_once(tmp_path: Path) -> None:
    ((_, hint),) = told("shots: [{prompt: a, sound: {file: a.wav, at: 1s}}]", tmp_path)
    assert hint == "did you mean `words`?"


def test_off_is_a_switch_wherever_words_may_stand_and_a_word_in_quotes(tmp_path: Path) -> None:
    keys = ("style", "avoid", "light", "camera", "setting", "mood", "depth of field")
    above = "\n".join(f"{key}: red" for key in keys)
    (tmp_path / "a.yaml").write_text(
        f"{above}\nshots:\n  - {{prompt: a, title: off, {', '.join(f'{key}: off' for key in keys)}}}\n"
        "  - {prompt: b, title: 'off', light: 'off'}\n"
    )
    board = read(tmp_path / "a.yaml").board
    assert board is not None
    first, second = board.shots
    assert first.title is None
    assert not any(getattr(first.beats[0], key.replace(" ", "_")) for key in keys)
    assert second.title is not None
    assert (second.title.text, second.beats[0].light, second.beats[0].style) == ("off", "off", "red")


def test_a_shot_whose_title_is_off_has_nothing_to_show(tmp_path: Path) -> None:
    ((message, _),) = told("shots: [{title: off}]", tmp_path)
    assert message == "this shot has no prompt, no beats and no title"
