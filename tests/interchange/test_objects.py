"""Prompts in JSON; speakers and times on lines of their own; what a style is of."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from sora_cli import storyboard
from sora_cli.errors import StoryboardError
from sora_cli.flows.bring import bring
from sora_cli.interchange.cues import cued
from sora_cli.storyboard.model import Beat

BALL = {"id": 1, "prompt": "a ball", "duration_seconds": 4, "aspect_ratio": "9:16", "audio": "waves"}
CUBE = {
    "id": 2,
    "prompt": "a cube",
    "aspect_ratio": "9:16",
    "camera": {"movement": "pan", "direction": "left"},
    "dialogue": [{"character": "Mara", "line": "It burns."}],
}


def beats_of(text: str, folder: Path, name: str = "a.txt") -> tuple[storyboard.Storyboard, list[Beat]]:
    (folder / name).write_text(text, encoding="utf-8")
    board = storyboard.load(bring(folder / name, None).path)
    return board, [shot.beats[0] for shot in board.shots]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", f"{json.dumps(BALL)}\n{json.dumps(CUBE)}\n"),
        ("a.json", json.dumps([BALL, CUBE], indent=2)),
        ("a.md", f"Here are they:\n\n```json\n{json.dumps(BALL, indent=2)}\n```\n\nShot 2:\n{json.dumps(CUBE)}\n"),
    ],
)
def test_prompts_that_are_an_object_each_are_shots(name: str, text: str, tmp_path: Path) -> None:
    board, (ball, cube) = beats_of(text, tmp_path, name)
    written = (tmp_path / "a.yaml").read_text(encoding="utf-8")
    assert [written.count(each) for each in ('output: {aspect: "9:16"}', "sound: waves", "aspect_ratio")] == [1, 1, 0]
    assert [shot.name for shot in board.shots] == ["1", "2"]
    assert (ball.prompt, ball.duration and ball.duration.seconds) == ("a ball", 4)
    assert (cube.prompt, cube.camera) == ("a cube", "pan left")
    assert [(line.cast, line.line) for line in cube.dialogue] == [("mara", "It burns.")]


@pytest.mark.parametrize(
    ("settings", "length", "output"),
    [
        ({"video_length": 81, "resolution": "832x480", "fps": 16}, "81f", 'output: {fps: "16", aspect: "26:15"}'),
        ({"num_frames": "49", "size": "720*1280"}, "49f", 'output: {aspect: "9:16"}'),
        ({"seconds": "8", "size": "720x1280", "model": "sora-2"}, "8s", 'output: {aspect: "9:16"}'),
        ({"num_frames": 81, "width": 832, "height": 480}, "81f", 'output: {aspect: "26:15"}'),
        ({"seconds": "8", "size": "Close-up"}, "8s", "framing: close"),
    ],
)
def test_settings_of_programs_that_make_films_keep_their_meaning(
    settings: dict[str, object], length: str, output: str, tmp_path: Path
) -> None:
    _, (beat,) = beats_of(json.dumps({"prompt": "a ball", "negative_prompt": "text", "seed": 5, **settings}), tmp_path)
    written = (tmp_path / "a.yaml").read_text(encoding="utf-8")
    for each in (output, f"duration: {length}\n", "avoid: text\n", "seed: 5\n"):
        assert each in written
    assert beat.prompt == "a ball"


@pytest.mark.parametrize("text", ['{"3": {"class_type": "KSampler"}}', '{"last_node_id": 9, "nodes": []}'])
def test_a_workflow_of_comfyui_is_told_as_one(text: str, tmp_path: Path) -> None:
    with pytest.raises(StoryboardError, match="a workflow of ComfyUI"):
        beats_of(text, tmp_path, "a.json")
    with pytest.raises(StoryboardError, match="a workflow of ComfyUI"):
        storyboard.load(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("told", "prompts"),
    [
        ({"multi_prompts_gen_type": 0}, ["a ball", "it rolls", "a cube"]),
        ({"type": "WanGP v9.1"}, ["a ball", "it rolls", "a cube"]),
        ({"multi_prompts_gen_type": "PG"}, ["a ball it rolls", "a cube"]),
        ({"multi_prompts_gen_type": 2}, ["a ball it rolls a cube"]),
        ({}, ["a ball it rolls # mine a cube"]),
    ],
)
def test_prompts_of_wan2gp_are_videos_as_its_settings_say(
    told: dict[str, object], prompts: list[str], tmp_path: Path
) -> None:
    text = json.dumps({"prompt": "a ball\nit rolls\n# mine\n\na cube", "seed": 5, "video_length": 33, **told})
    _, beats = beats_of(text, tmp_path, "a.json")
    assert [beat.prompt for beat in beats] == prompts
    assert {beat.duration and beat.duration.frames for beat in beats} == {33}


@pytest.mark.parametrize(
    "said",
    [
        "Mara waits.\n\nMARA\nIt burns.\nStill.\n",
        "a pier.\n\nMARA\n(quietly)\nIt burns.\nStill.\n",
        "Mara waits.\nMara:\nIt burns. Still.\n",
        'a pier.\nMara:\n"It burns. Still."\n',
        "a pier.\nMARA (O.S.)\n\u201cIt burns. Still.\u201d\n",
    ],
)
def test_a_speaker_over_her_words_says_them(said: str, tmp_path: Path) -> None:
    _, (pier, lamp) = beats_of(f"SHOT 1 (4s)\n{said}\nSHOT 2 (3s)\nthe lamp turns.\n", tmp_path)
    assert [(line.cast, line.line) for line in pier.dialogue] == [("mara", "It burns. Still.")]
    assert (pier.prompt.lower().lstrip("@").split()[0], "burns" in pier.prompt) in {("a", False), ("mara", False)}
    assert (lamp.prompt, lamp.dialogue) == ("the lamp turns", ())


def test_speakers_are_found_soon_in_a_long_text() -> None:
    begun = time.process_time()
    lines = [(at, "ABC DEF" if at % 2 else "Mara DEF. It burns") for at in range(20_000)]
    assert len(cued([(0, "Shot 1: a"), *lines], str, lambda text: text.startswith("Shot"))) <= len(lines) + 1
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("words", ["THE PIER\nThe lamp turns.", "CLOSE UP\nThe lamp turns.", "NIGHT\nThe lamp turns."])
def test_a_line_in_capitals_is_no_speaker_where_nobody_is_called_so(words: str, tmp_path: Path) -> None:
    _, (lamp, _) = beats_of(f"Shot 1\n{words}\n\nShot 2: a ball\n", tmp_path)
    assert (lamp.dialogue, "lamp turns" in lamp.prompt) == ((), True)


@pytest.mark.parametrize(
    "text",
    [
        "00:00 - 00:04\nA ball\nrolls.\n\n00:04 - 00:07\nA cube falls.\n",
        "[0-4s]\nA ball rolls.\n[4-7s]\nA cube falls.\n",
        "**0:00\N{EN DASH}0:04**\nA ball rolls.\n\n**0:04\N{EN DASH}0:07:**\nA cube falls.\n",
    ],
)
def test_words_below_their_times_are_shots(text: str, tmp_path: Path) -> None:
    _, found = beats_of(text, tmp_path)
    assert [(beat.prompt, beat.duration and beat.duration.seconds) for beat in found] == [
        ("A ball rolls", 4),
        ("A cube falls", 3),
    ]


@pytest.mark.parametrize(
    ("text", "styles"),
    [
        ("Shot 1: a ball\nShot 2: a cube\nStyle: noir\n", ["noir", "noir"]),
        ("Shot 1: a ball\nStyle: noir\nShot 2: a cube\nStyle: ink\n", ["noir", "ink"]),
        ("## Shot 1\nPrompt: a ball\nStyle: noir.\n\n## Shot 2\nPrompt: a cube\nDuration: 3s\n", ["noir", ""]),
        ("## Shot 1\nPrompt: a ball\n\n## Shot 2\nPrompt: a cube\nStyle: ink\n", ["", "ink"]),
        ("Style: noir\n\nPrompt: a ball\nPrompt: a cube\n", ["noir", "noir"]),
        ("Scene 1: Beach\nStyle: noir\nShot 1: a ball\nShot 2: a cube\n", ["noir", "noir"]),
        ("Shot,Description,Style\n1,a ball,noir\n2,a cube,\n", ["noir", ""]),
    ],
)
def test_a_style_is_of_its_shot_or_of_the_film_by_where_it_stands(text: str, styles: list[str], tmp_path: Path) -> None:
    _, found = beats_of(text, tmp_path, "a.csv" if "," in text else "a.txt")
    assert [beat.style for beat in found] == styles
    assert [beat.prompt for beat in found] == ["a ball", "a cube"]


def test_seconds_and_frames_of_a_japanese_list_count_at_24_where_no_rate_is_told(tmp_path: Path) -> None:
    for rate, seconds in (("", 3.5), ("FPS: 25\n", 3.48)):
        _, (beat, *_) = beats_of(f"{rate}カット,内容,秒+コマ\n1,赤いボール,3+12\n2,青い箱,2+0\n", tmp_path, "a.csv")
        assert beat.duration is not None
        assert float(beat.duration.seconds or 0) == seconds


def test_scenes_and_shots_in_chinese_numbers_are_read(tmp_path: Path) -> None:
    board, (fox, eyes) = beats_of("场景一：海边\n第一镜：狐狸跑过石桥，4秒\n第二镜：狐狸的眼睛\n", tmp_path)  # noqa: RUF001
    assert [scene.setting for scene in board.scenes] == ["海边"]
    assert (fox.prompt, eyes.prompt) == ("狐狸跑过石桥", "狐狸的眼睛")


def test_a_place_in_capitals_over_all_that_is_seen_in_a_shot_is_no_speaker(tmp_path: Path) -> None:
    text = "SHOT 1\na quiet pier.\n\nSHOT 2\nPIER\nThe waves roll in. PIER lamps burn.\n\nSHOT 3\nPIER\nA boat.\n"
    board, beats = beats_of(text, tmp_path)
    assert [shot.name for shot in board.shots] == ["1", "2", "3"]
    assert [beat.prompt for beat in beats][1:] == ["PIER. The waves roll in. PIER lamps burn", "PIER. A boat"]
    assert not any(beat.dialogue for beat in beats)


def test_what_objects_in_an_object_say_is_told_by_column(tmp_path: Path) -> None:
    """As chats write prompts for models of video: what is heard is not spoken, and the place no name."""
    whole = {
        "shot": {"composition": "wide shot", "camera_motion": "slow dolly in", "film_grain": "none"},
        "subject": {"description": "A red ball", "wardrobe": "none"},
        "scene": {"location": "a beach", "time_of_day": "dusk"},
        "visual_details": {"action": "It rolls along the sand"},
        "audio": {"ambient": "waves", "dialogue": {"character": "Mara", "line": "Here it comes."}},
        "dialogue": "none",
    }
    camera = {"movement": "pan left", "angle": "low angle"}
    others = [
        {"visual": "a ball", "audio": {"dialogue": "Mara: Hi.", "sfx": "waves"}, "camera": camera},
        {"visual": "a cube", "audio": {"music": "piano", "sound_effects": ["thud", "wind"], "voiceover": "It ends."}},
    ]
    _, (beat,) = beats_of(json.dumps(whole), tmp_path)
    assert (beat.prompt, beat.setting, beat.sound_text) == ("A red ball. It rolls along the sand", "a beach", "waves")
    assert [(line.cast, line.line) for line in beat.dialogue] == [("mara", "Here it comes.")]
    _, beats = beats_of(json.dumps(others), tmp_path)
    assert [(each.sound_text, each.dialogue[0].line) for each in beats] == [
        ("waves", "Hi."),
        ("thud, wind", "It ends."),
    ]
    assert (beats[0].camera, beats[0].angle) == ("pan left", "low")
