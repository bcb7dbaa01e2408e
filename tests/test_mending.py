"""`check --fix` renames what chats and other programs call otherwise; all else stays to the letter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sora_cli import storyboard
from sora_cli.cli.main import main
from sora_cli.flows import fix as fixing
from sora_cli.flows.fix import fix

CHAT = """\
# as a chat writes it
title: "The Last Lighthouse"
duration: 11 seconds
aspect_ratio: "16:9"   # wide
fps: 24
characters:
  - name: Mara
    description: a woman, red hair
scenes:
  - scene: 1
    title: Opening
    description: >
      A lighthouse stands
      on a cliff.
    duration: 5 seconds
    shot_type: wide
    camera_movement: slow dolly in

  - scene: 2
    description: '@Mara climbs the stairs.'
    timestamp: "0:05-0:11"
    shot_type: Low angle
    negative_prompt: text
    notes: long
      note
"""
OURS = """\
# as a chat writes it
title: "The Last Lighthouse"
# duration: 11 seconds
output: {aspect: "16:9", fps: 24}   # wide
cast:
  - name: Mara
    looks: a woman, red hair
shots:
  - # scene: 1
    name: Opening
    prompt: >
      A lighthouse stands
      on a cliff.
    duration: 5 seconds
    framing: wide
    camera: slow dolly in

  - name: 2
    prompt: '@Mara climbs the stairs.'
    duration: "0:05-0:11"
    angle: Low angle
    avoid: text
    # notes: long
    #   note
"""
SHOT = "shots: [{prompt: a, duration: 1s}]\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_storyboard_as_a_chat_writes_it_is_one_of_ours_then(end: str, mark: str, tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_bytes((mark + CHAT.replace("\n", end)).encode())
    done = fix(path, sets={}, allow_outside=False)
    assert path.read_bytes().decode() == mark + OURS.replace("\n", end)
    board = storyboard.read(path).board
    assert board is not None
    assert [float(beat.duration.seconds or 0) for shot in board.shots for beat in shot.beats if beat.duration] == [5, 6]
    assert (done.renamed, done.moved) == (17, 0)
    assert fix(path, sets={}, allow_outside=False).renamed == 0, "what is mended stays"


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("title: x\nclips:\n- text: a\n  length: 2\n", "title: x\nshots:\n- prompt: a\n  duration: 2\n"),
        ('{"shots": [{"Prompt": "a", "model": "nano"}]}', '{"shots": [{"prompt": "a", "engine": "nano"}]}'),
        ("storyboard:\n    title: x\n    shots:\n    - a\n", "title: x\nshots:\n- a\n"),
        ("project:\n  name: x\n  style: b\nshots: [a]\n", "title: x\nstyle: b\nshots: [a]\n"),
        (f"output: {{fps: 24}}\nresolution: 640x480\n{SHOT}", f"output: {{size: 640x480, fps: 24}}\n{SHOT}"),
        (f"output:\n  fps: 24\nratio: 1:1\n{SHOT}", f"output:\n  aspect: 1:1\n  fps: 24\n{SHOT}"),
        (f"author: Jo\nwatermark: off\n{SHOT}", f"provenance: {{author: Jo, watermark: off}}\n{SHOT}"),
        (f"author: Jo, Bo and Al\n{SHOT}", f'provenance: {{author: "Jo, Bo and Al"}}\n{SHOT}'),
        (f"author: Jo, Bo\nprovenance: {{watermark: off}}\n{SHOT}",
         f'provenance: {{author: "Jo, Bo", watermark: off}}\n{SHOT}'),
        ("shots:\n- {prompt: a,\n   notes: b, # c\n   duration: 3s}\n",
         "shots:\n- {prompt: a,\n   # notes: b, # c\n   duration: 3s}\n"),
        ("Title: x\nShots:\n- {Prompt: a, Depth_of_Field: deep}\n",
         "title: x\nshots:\n- {prompt: a, depth of field: deep}\n"),
        ("shots:\n- prompt: a\n  dialogue: null\n  transition: ~\n",
         "shots:\n- prompt: a\n  # dialogue: null\n  # transition: ~\n"),
        ("shots: [{prompt: a, Transition: Cross fade}]", "shots: [{prompt: a, transition: dissolve}]"),
        ("shots: [{promt: a, duration: '1,5s'}]", "shots: [{prompt: a, duration: '1.5s'}]"),
        ("shots: [a, {prompt: b, transition: Crossfade}]", "shots: [a, {prompt: b, transition: dissolve}]"),
        ("shots: [{prompt: a, audio: {sfx: rain}}]", "shots: [{prompt: a, sound: {words: rain}}]"),
        ("shots: [{prompt: a, shot_type: tracking shot}]", "shots: [{prompt: a, camera: tracking shot}]"),
        ("shots: [{prompt: a, camera_angle: Close-up}]", "shots: [{prompt: a, framing: Close-up}]"),
        ("shots: [{shot: 1, scene: a hill, action: b}]", "shots: [{name: 1, setting: a hill, prompt: b}]"),
        ("shots: [{subject: a fox, action: It runs}]", 'shots: [{prompt: "a fox. It runs"}]'),
        ("shots:\n- subject: a fox\n  action: runs away\n",
         'shots:\n- prompt: "a fox runs away"\n'),
        ("shots:\n- prompt: a\n  start: '0:04' \n  end: '0:07'  # c\n", "shots:\n- prompt: a\n  duration: 3s  # c\n"),
        ('{"shots": [{"prompt": "a", "end_time": 4.5, "start_time": 2}]}',
         '{"shots": [{"prompt": "a", "duration": "2.5s"}]}'),
        ("shots: [{prompt: a, dialogue: It burns}]",
         'shots: [{prompt: a, dialogue: {line: "It burns"}}]'),
        ("cast: {mara: x}\nshots: [{prompt: a, dialogue: ['Mara: \"No.\"', 'VO: Yes']}]",
         'cast: {mara: x}\nshots: [{prompt: a, dialogue: [{cast: mara, line: "No."}, {line: "Yes"}]}]'),
        ("cast: {mara: x}\nshots:\n- prompt: a\n  dialogue:\n    MARA: No.\n    narrator: Yes\n",
         'cast: {mara: x}\nshots:\n- prompt: a\n  dialogue:\n    [{cast: mara, line: "No."}, {line: "Yes"}]\n'),
        ("scenes:\n  pier: # c\n    setting: b\n    shots:\n      one: a ball\n      two:\n          prompt: a cube\n",
         ("scenes:\n  - name: pier # c\n    setting: b\n    shots:\n      - name: one\n        prompt: a ball\n"
          "      -   name: two\n          prompt: a cube\n")),
        ('{"scenes": {"pier": {"shots": {"1": {"prompt": "a"}}}}}',
         '{"scenes": [{"name": "pier", "shots": [{"name": "1", "prompt": "a"}]}]}'),
        ("shots: [{prompt: a, title: {text: b, position: Middle}}]",
         "shots: [{prompt: a, title: {text: b, position: center}}]"),
        ("shots: [{subject: A cat., action: A caterpillar crawls.}]",
         'shots: [{prompt: "A cat. A caterpillar crawls."}]'),
        ("shots: [{prompt: a, dialogue: '\"Go!\" she said. \"Now!\"'}]",
         'shots: [{prompt: a, dialogue: {line: "\\"Go!\\" she said. \\"Now!\\""}}]'),
        ("vars: {n: 2s}\nshots: [{visual: 'a ${n}', length: '${n}'}]",
         "vars: {n: 2s}\nshots: [{prompt: 'a ${n}', duration: '${n}'}]"),
        ("cast:\n- id: mia\n  name: Grandpa Joe\n- id: bo\n  name: 'Bo' # c\nshots: [a]\n",
         "cast:\n- name: mia\n- name: Bo # c\nshots: [a]\n"),
        ("cast: [{id: mia, looks: id}, {id: bo}]\nshots: [a]\n",
         "cast: [{name: mia, looks: id}, {name: bo}]\nshots: [a]\n"),
        ("shots:\n- prompt: a\n  camera: {move: static, angle: low, focal_length: 50mm} # c\n",
         "shots:\n- prompt: a\n  angle: low\n  lens: 50mm\n  camera: {move: static} # c\n"),
        ("shots:\n- prompt: a\n  camera:\n    shot_type: wide\n    move: static\n    speed: slow\n  seed: 1\n",
         "shots:\n- prompt: a\n  framing: wide\n  camera:\n    move: static\n    speed: slow\n  seed: 1\n"),
        ("shots:\n- prompt: a\n  audio:\n    sfx: rain\n    voiceover: Go.\n",
         'shots:\n- prompt: a\n  dialogue: {line: "Go."}\n  sound:\n    words: rain\n'),
        ('{"shots": [{"prompt": "a", "camera": {"angle": "low"}}]}', '{"shots": [{"prompt": "a", "angle": "low"}]}'),
        ("x-b: &b {lighting: day}\nshots: [{<<: *b, prompt: a}]", "x-b: &b {light: day}\nshots: [{<<: *b, prompt: a}]"),
    ],
)  # fmt: skip
def test_what_has_one_answer_is_mended_at_its_place(written: str, mended: str, tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(written)
    fix(path, sets={}, allow_outside=False)
    assert path.read_text() == mended
    assert storyboard.read(path).problems == ()


@pytest.mark.parametrize(
    "written",
    [
        "shots: [{subject: a fox, camera: pan left, action: it runs}]",
        "shots: [{prompt: a, dialogue: 'Tom: It runs.'}]",
        "shots:\n- prompt: a\n  dialogue:\n  - Tom: It runs.\n",
        "duration: 30s\nshots: [a, b]\n",
        "defaults: {duration: 4s}\nshots: [a]\n",
        "shots: [{prompt: a, num_frames: 97}]",
        "shots: [{prompt: a, start: 4, end: 4}]",
        "shots:\n- start: 0\n  prompt: a\n  end: 4\n",
        "shots: [{prompt: a, image: gone.png}]",
        "shots: [{prompt: a, type: b-roll}]",
        "shots: [{prompt: a, dialogue: {character: TOM, line: b}}]",
        "scenes:\n- {name: a, description: b}\n- {name: c, shots: [d]}\n",
        "shots: [{text: a, duration: 2s, visual: 'b: c'}]",
        "shots: [{prompt: a, description: b}]",
        "shots:\n- {prompt: a,\n   notes: b, duration: 3s,\n   seed: 3}\n",
        "&a shots: [*a]\n",
        "shots: [a, {prompt: b, transition: Fade out}]",
        "shots: [{prompt: a, camera: {type: wide}}]",
        "shots: [{prompt: a, angle: high, camera: {move: static, angle: low}}]",
        "cast: [{id: mia}, {name: bo}]\nshots: [a]\n",
        "shots:\n  one: |\n    a red ball\n    rolls\n  two: a fox\n    runs\n",
    ],
)
def test_what_may_mean_several_things_is_left_and_told(written: str, tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(written)
    assert fix(path, sets={}, allow_outside=False).renamed == 0
    assert path.read_text() == written
    assert storyboard.read(path).problems


def test_a_check_says_that_fix_mends_and_a_fix_shows_what_it_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "film.yaml"
    path.write_text("engine: nano\nshots:\n- action: the red ball rolls\n  lenght: 2s\n")
    assert main(["check", str(path)]) == 2
    assert "2 problems; --fix mends up to 2 of them" in " ".join(capsys.readouterr().err.split())
    assert main(["check", str(path), "--fix", "--json"]) == 0
    out, err = capsys.readouterr()
    fixed = json.loads(out)["fixed"]
    assert (fixed["renamed"], fixed["moved"]) == (2, 0)
    assert "+- prompt: the red ball rolls" in fixed["diff"]
    assert "2 mistakes mended" in err


def test_titles_that_may_be_names_are_told(tmp_path: Path) -> None:
    told = [
        [each.message for each in (storyboard.read_text(text, folder=tmp_path, name="a").board or board).remarks]
        for board in [storyboard.from_data({"shots": ["a"]}, folder=tmp_path)]
        for text in (
            "shots: [{prompt: a, title: One}, {prompt: b, title: Two}]",
            "shots: [{prompt: a, title: One}, {prompt: b}]",
            "shots: [{prompt: a, title: Sale}, {prompt: b, title: Sale}]",
            "shots: [{prompt: a, title: {text: One, position: top}}, {prompt: b, title: Two}]",
        )
    ]
    assert told == [["each shot shows its title on the picture"], [], [], []]


def test_a_long_file_is_mended_soon(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(
        "clips:\n" + "".join(f"- {{shot: {at}, visual: a, length: 2s, lighting: day}}\n" for at in range(80))
    )
    assert fix(path, sets={}, allow_outside=False).renamed == 321
    assert storyboard.read(path).problems == ()


def test_many_prompts_that_deny_something_are_moved_at_few_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose words the file does not hold as they are read keeps them; all others lose theirs."""
    reads, again = [], fixing.read_again
    monkeypatch.setattr(fixing, "read_again", lambda *args, **named: reads.append(args) or again(*args, **named))
    path = tmp_path / "film.yaml"
    shots = [f"- a ball {at} rolls, no people\n" for at in range(60)]
    shots[30] = '- prompt: "a ball rolls, no peo\\x70le"\n'
    path.write_text("shots:\n" + "".join(shots))
    assert fix(path, sets={}, allow_outside=False).moved == 59
    assert len(reads) < 20
    board = storyboard.read(path).board
    assert board is not None
    avoided = [beat.avoid for shot in board.shots for beat in shot.beats]
    assert avoided == ["people"] * 30 + [""] + ["people"] * 29


def test_words_in_other_letters_are_written_as_they_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.yaml"
    shots = "shots:\n  - {prompt: a ball, from: Nothing}\n  - {prompt: a ball, from: Previous, look: OFF}\n"
    path.write_text(f"policy: Strict\nlook: Scene\n{shots}")
    assert main(["check", str(path), "--fix"]) == 0
    small = shots.replace("N", "n").replace("P", "p").replace("OFF", "off")
    assert path.read_text() == f"policy: strict\nlook: scene\n{small}"
    assert "a.yaml: 5 mistakes mended\n" in (told := capsys.readouterr().err).replace(f"{tmp_path}/", ""), told
    path.write_text("title: a\ntitle: b\nshots: [a ball]\n")
    assert main(["check", str(path), "--fix"]) == 2
    assert "nothing that --fix can mend" in capsys.readouterr().err


def test_words_of_an_edit_are_told_at_its_prompt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.yaml"
    edit = "    edit:\n      of: a\n      region: [0.3, 0.1, 0.4, 0.3]\n      prompt: a zorgon\n"
    path.write_text(f"shots:\n  - {{name: a, prompt: a ball, duration: 1s}}\n  - name: b\n{edit}")
    assert main(["check", str(path)]) == 0
    assert "a.yaml:7:15: engine nano does not know: zorgon" in capsys.readouterr().err
