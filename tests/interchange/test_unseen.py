"""Shots of notes and lists that do not say what is seen: none is lost, and what stands for it is told."""

from __future__ import annotations

from pathlib import Path

from sora_cli import storyboard
from sora_cli.flows.bring import bring


def brought(text: str, folder: Path) -> tuple[list[tuple[str, list[tuple[str, str]]]], str, str]:
    """Each shot's prompt and lines; the storyboard's text; and what was told."""
    (folder / "a.md").write_text(text, encoding="utf-8")
    done = bring(folder / "a.md", None)
    beats = [shot.beats for shot in storyboard.load(done.path).shots]
    shots = [
        (each[0].prompt, [(line.cast, line.line) for line in each[0].dialogue]) if each else ("", []) for each in beats
    ]
    return shots, done.path.read_text(), "\n".join(remark.message for remark in done.remarks)


def test_a_shot_that_has_lines_alone_is_kept(tmp_path: Path) -> None:
    shots, _, told = brought(
        "Shot 1:\nDialogue: Mara: It burns.\n\nShot 2: The lamp turns (4s)\n\nShot 3:\nNarrator: Nobody came.\n",
        tmp_path,
    )
    assert shots == [
        ("@mara speaks", [("mara", "It burns.")]),
        ("The lamp turns", []),
        ("Nobody came.", [("", "Nobody came.")]),
    ]
    assert "`Mara speaks` stands for it" in told
    assert brought("Shot 1\nDialogue: Mara: No.\nShot 2\nDialogue: JON: Yes.\n", tmp_path)[0] == [
        ("@mara speaks", [("mara", "No.")]), ("@jon speaks", [("jon", "Yes.")]),
    ]  # fmt: skip


def test_a_line_in_the_place_of_a_shots_words_is_spoken(tmp_path: Path) -> None:
    shots, *_ = brought('1. Mara: "Hello." (4s)\n2. a ball rolls\n3. A sign: "Open"\n', tmp_path)
    assert shots == [
        ("@mara speaks", [("mara", "Hello.")]), ("a ball rolls", []), ('A sign: "Open"', []),
    ]  # fmt: skip


def test_in_a_table_what_is_heard_alone_goes_on_over_the_shot_above(tmp_path: Path) -> None:
    table = (
        "| Visual | Audio |\n|---|---|\n| a ball | VO: One. |\n| | VO: Two. |\n| | Rain. |\n| a cube | VO: Three. |\n"
    )
    shots, text, told = brought(table, tmp_path)
    assert shots == [("a ball", [("", "One."), ("", "Two.")]), ("a cube", [("", "Three.")])]
    assert ("sound: Rain." in text, told) == (True, "")


def test_words_on_the_screen_alone_are_a_title_card_and_what_has_nothing_to_show_is_a_comment(tmp_path: Path) -> None:
    notes = "Shot 1\nText on screen: THE END\nDuration: 5s\n\nShot 2: a lamp (4s)\nShot 3\nSound: thunder\n"
    shots, text, told = brought(notes, tmp_path)
    assert shots == [("", []), ("a lamp", [])]
    assert "title: THE END\n        duration: 5s" in text
    assert "# at the end: shot: 3, sound: thunder" in text
    assert "left out, and its cells kept as a comment" in told
