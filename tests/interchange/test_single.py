"""Shots that begin at a time of their own, and texts that are one prompt, in parts or among a chat's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interchange.test_around import brought


@pytest.mark.parametrize(
    "heads",
    [
        ("[00:00 - 00:03]", "[00:03 - 00:08]"),
        ("**0:00\N{EN DASH}0:03**", "**0:03\N{EN DASH}0:08**"),
        ("### 0-3 seconds", "### 3-8 seconds"),
        ("0\N{EN DASH}3 sec", "3\N{EN DASH}8 sec"),
        ("**[0:00 - 0:03] The Beach**", "**[0:03 - 0:08] The Hut**"),
        ("**The Beach (0:00-0:03)**", "**The Hut (0:03-0:08)**"),
        ("**Hook (0-3s)**", "**CTA (3-8s)**"),
    ],
)
def test_a_time_over_labels_begins_a_shot_and_is_its_length(tmp_path: Path, heads: tuple[str, str]) -> None:
    for mark in ("", "- "):
        text = "\n".join(f"{head}\n{mark}Visual: A {{}}.\n{mark}SFX: thud\n" for head in heads)
        board, written = brought(text.format("ball", "cube"), tmp_path)
        beats = [shot.beats[0] for shot in board.shots]
        assert [beat.prompt.rpartition(". ")[2] for beat in beats] == ["A ball", "A cube"], written
        assert [beat.duration and beat.duration.seconds for beat in beats] == [3, 5]
        assert [beat.sound_text for beat in beats] == ["thud", "thud"]
        (tmp_path / "a.yaml").unlink()


SETTINGS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 12, Size: 512x512"


@pytest.mark.parametrize(
    "text",
    [
        f"a ball, grass\nNegative prompt: text, logos\n{SETTINGS}\n",
        "Prompt:\na ball, grass\n\nNegative prompt:\ntext, logos\n\nSeed: 12\n",
        "Positive prompt: a ball, grass\nNegative: text, logos\nSteps: 20\nSeed: 12\n",
        "### Prompt\na ball, grass\n\n### Negative Prompt\ntext, logos\n\n### Seed\n12\n",
    ],
)
def test_a_prompt_in_named_parts_is_one_shot(tmp_path: Path, text: str) -> None:
    """As Stable Diffusion's programs and chats write it."""
    board, _ = brought(text, tmp_path)
    (beat,) = [beat for shot in board.shots for beat in shot.beats]
    assert (beat.prompt, beat.avoid, beat.seed) == ("a ball, grass", "text, logos", 12)


def test_one_prompt_among_the_words_of_a_chat_is_all_that_is_shot(tmp_path: Path) -> None:
    for text in ("Here's a prompt:\n\n> {}\n\nEnjoy!\n", 'Video prompt for Veo 3:\n\n"{}"\n\nLet me know!\n',
                 "Sure! Here it is:\n\n```\n{}\n```\n"):  # fmt: skip
        board, written = brought(text.format("A ball rolls. It stops"), tmp_path)
        assert [beat.prompt for shot in board.shots for beat in shot.beats] == ["A ball rolls. It stops"]
        assert f"# {text.splitlines()[0]}" in written
    board, _ = brought("Sure! Some ideas.\n\nA ball rolls.\n\nA cube falls.\n\nLet me know!\n", tmp_path)
    assert [beat.prompt for beat in board.shots[0].beats] == ["A ball rolls.", "A cube falls."]
    board, _ = brought("Here is the sea. It is calm.\n\nA boat comes.\n", tmp_path)
    assert board.shots[0].beats[0].prompt == "Here is the sea. It is calm."


@pytest.mark.parametrize(
    ("behind", "comment"),
    [
        ("**Tips for best results:**\n- Keep the seed.\n- Use 16:9.\n", "# Tips for best results: Keep the seed, Use"),
        ("Key details to keep consistent:\n* Blue coat\n\nHappy creating!\n", "# Key details to keep consistent: Blue"),
        ("## Notes for the editor\nKeep the seed.\n", "# Notes for the editor: Keep the seed"),
        ("**Continuity notes:** same coat.\n", "# Continuity notes: same coat"),
    ],
)  # fmt: skip
def test_notes_below_the_last_shot_are_in_no_prompt(tmp_path: Path, behind: str, comment: str) -> None:
    board, text = brought(f"Shot 1: a ball.\n\nShot 2: a cube.\n\n{behind}", tmp_path)
    assert [shot.beats[0].prompt for shot in board.shots] == ["a ball", "a cube"]
    assert comment in text
    board, _ = brought("Shot 1: a ball.\nDetails:\n- red\n\nShot 2: a cube.\nDetails:\n- blue\n", tmp_path)
    assert not any(shot.beats[0].dialogue for shot in board.shots)


@pytest.mark.parametrize(
    "text",
    [
        "SCENE 1\n\nINT. KITCHEN - DAY\n\nA cook.\n\nSCENE 2\n\nEXT. GARDEN - NIGHT\n\nA dog.\n",
        "Scene 1:\nINT. KITCHEN - DAY\nA cook.\nScene 2:\nEXT. GARDEN - NIGHT\nA dog.\n",
        "**Scene 1**\n**INT. KITCHEN - DAY**\nA cook.\n\n**Scene 2**\n**EXT. GARDEN - NIGHT**\nA dog.\n",
        "Scene 1\n*INT. KITCHEN - DAY*\n*Shot 1*: A cook.\n\n**Scene 2**\n*EXT. GARDEN - NIGHT*\n_Shot 2_ - A dog.\n",
    ],
)
def test_a_number_above_the_heading_of_a_scene_is_no_shot(tmp_path: Path, text: str) -> None:
    board, _ = brought(text, tmp_path)
    assert [shot.beats[0].prompt.rstrip(".") for shot in board.shots] == ["A cook", "A dog"]
    assert [scene.setting for scene in board.scenes] == ["interior, kitchen", "exterior, garden"]
    lights = [shot.beats[0].light for shot in board.shots]
    assert lights == ["daylight", "night"]


def test_lines_of_a_cell_are_sentences_and_sounds_among_them_are_heard(tmp_path: Path) -> None:
    rows = "| 1 | A ball<br>- It stops | SFX: waves<br>VO: It begins. |\n| 2 | A red<br>cube at the<br>Pier | none |\n"
    board, _ = brought(f"| Shot | Visual | Audio |\n|---|---|---|\n{rows}", tmp_path)
    ball, cube = [shot.beats[0] for shot in board.shots]
    assert (ball.prompt, cube.prompt) == ("A ball. It stops", "A red cube at the Pier")
    assert (ball.sound_text, [line.line for line in ball.dialogue]) == ("waves", ["It begins."])
