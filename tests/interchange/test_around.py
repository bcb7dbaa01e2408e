"""What stands around the shots of notes: sign-offs, what holds for the film; times and headings beside shots."""

from __future__ import annotations

from pathlib import Path

import pytest

from sora_cli import storyboard
from sora_cli.errors import StoryboardError
from sora_cli.flows.bring import bring

SHOTS = "**Shot 1 (4s):** a ball.\n\n**Shot 2 (3s):** a cube.\n\n"


def brought(text: str, folder: Path) -> tuple[storyboard.Storyboard, str]:
    """The storyboard of notes, and its text."""
    (folder / "a.md").write_text(text, encoding="utf-8")
    path = bring(folder / "a.md", None).path
    return storyboard.load(path), path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("behind", "style", "comment"),
    [
        ("Style: noir\n", "noir", ""),
        ("**Total Duration:** 7 s\n**Overall Style:** noir\n**Aspect Ratio:** 16:9\n", "noir", "# Total Duration: 7 s"),
        ("---\n## Style Notes\n- noir\n- soft light\n\n### Music\nPiano.\n", "noir, soft light", "# Music: Piano"),
        ("## Visual Style & Mood\n\nnoir\n", "noir", ""),
        ("Thanks,\nJane\n", "", "# Thanks, Jane"),
        ("Best regards,\n\nJane Doe\n", "", "# Best regards, Jane Doe"),
        ("Style: noir\n\nWould you like me to change it?\n", "noir", "# Would you like me to change it?"),
    ],
)
def test_what_stands_below_the_last_shot_is_none_of_its_prompt(
    tmp_path: Path, behind: str, style: str, comment: str
) -> None:
    board, text = brought(SHOTS + behind, tmp_path)
    ball, cube = [shot.beats[0] for shot in board.shots]
    assert (ball.prompt, cube.prompt, cube.style) == ("a ball", "a cube", style)
    assert comment in text
    assert ("16:9" in text) == ("16:9" in behind)


@pytest.mark.parametrize("text", ["a ball\na cube\nStyle: noir\n", "Style: noir\na ball\na cube\n"])
def test_a_style_among_plain_prompts_is_no_shot(tmp_path: Path, text: str) -> None:
    board, _ = brought(text, tmp_path)
    assert [(shot.beats[0].prompt, shot.beats[0].style) for shot in board.shots] == [
        ("a ball", "noir"), ("a cube", "noir"),
    ]  # fmt: skip


def test_what_each_shot_says_is_the_last_ones_too(tmp_path: Path) -> None:
    """Shots with empty lines between their parts; and what one shot alone may have."""
    text = "Shot 1: a ball.\n\nStyle: noir\n\nDuration: 4s\n\nShot 2: a cube.\n\nStyle: ink\n\nMood: calm\n"
    board, _ = brought(text, tmp_path)
    assert [shot.beats[0].prompt for shot in board.shots] == ["a ball", "a cube"]
    assert [(shot.beats[0].style, shot.beats[0].mood) for shot in board.shots] == [("noir", ""), ("ink", "calm")]
    board, text = brought("1. a ball\n2. a cube\n\nBest of all: it spins.\n", tmp_path)
    assert board.shots[1].beats[0].prompt == "a cube. Best of all: it spins"


def test_headings_beside_a_framing_are_the_scene(tmp_path: Path) -> None:
    text = (
        "SHOT 1 - WIDE - EXT. BEACH - DAY\nWaves.\n\nSHOT 2 - EXT. BEACH - DAY - CLOSE UP (4s)\nA crab.\n\n"
        "SHOT 3 - MEDIUM SHOT - INT. HUT - NIGHT (3s)\nA lamp.\n"
    )
    board, _ = brought(text, tmp_path)
    assert [(scene.setting, scene.light) for scene in board.scenes] == [
        ("exterior, beach", "daylight"),
        ("interior, hut", "night"),
    ]
    beats = [shot.beats[0] for shot in board.shots]
    assert [(beat.framing, beat.prompt) for beat in beats] == [
        ("wide", "Waves"), ("close", "A crab"), ("medium", "A lamp"),
    ]  # fmt: skip
    assert [beat.duration and beat.duration.seconds for beat in beats[1:]] == [4, 3]


@pytest.mark.parametrize(
    "text",
    [
        "Second 0-4: a ball\nSecond 4-7: a cube\n",
        "- **Seconds 0\N{EN DASH}4:** a ball\n- **Seconds 4\N{EN DASH}7:** a cube\n",
        "- 0:00-0:04: a ball\n- 0:04-0:07: a cube\n",
        "[Sec 0 to 4] a ball\n[Sec 4 to 7] a cube\n",
    ],
)
def test_times_behind_their_unit_or_a_bullet_are_lengths(tmp_path: Path, text: str) -> None:
    beats = [shot.beats[0] for shot in brought(text, tmp_path)[0].shots]
    told = [(beat.prompt, beat.duration and beat.duration.seconds) for beat in beats]
    assert told == [("a ball", 4), ("a cube", 3)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("storyboard: 1\ntitle: x\nshots:\n  - prompt: a ball\n", 1),
        ("Here it is:\n\n```yaml\ntitle: x\nshots:\n  - prompt: a ball\n```\n", 5),
        ('```json\n{"shots": [{"prompt": "a ball"}]}\n```\n', 2),
        ('{"title": "x", "scenes": [{"shots": ["a ball"]}]}\n', 1),
    ],
)
def test_a_storyboard_in_a_text_is_told_as_that(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(StoryboardError, match="has a storyboard's form") as told:
        brought(text, tmp_path)
    (problem,) = told.value.problems
    assert problem.mark is not None
    assert (problem.mark.line, problem.hint.endswith("sora check a.yaml")) == (line, True)


def test_a_title_has_no_pictures_and_quotes_about_it(tmp_path: Path) -> None:
    assert brought(f'# \U0001f3ac **"The Light"**\n\n{SHOTS}', tmp_path)[0].title == "The Light"


@pytest.mark.parametrize(("text", "hint"), [("Shot 1: a ball\n", "sora import"), ("shot_1:\n  prompt: x\n", "a list")])
def test_shots_that_are_keys_are_told_with_what_to_write(tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(StoryboardError) as told:
        storyboard.load(tmp_path / "a.yaml")
    assert hint in told.value.problems[0].hint
