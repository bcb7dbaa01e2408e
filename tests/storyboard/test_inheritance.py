"""What holds where: the nearest wins, style and avoid add up, and every value knows where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sora_cli.storyboard import from_data, not_rendered_yet
from sora_cli.storyboard.cast import kind_of
from sora_cli.storyboard.model import Beat, Look, Watermark
from sora_cli.storyboard.sound import SoundBed
from tests.storyboard.boards import HERE, board, first_beat, problem, reading

WORDS = ("camera", "light", "setting", "framing", "angle", "lens", "depth of field", "mood", "pace")
SINGLE = {key: key.replace(" ", "_") for key in ("engine", *WORDS)}
LEVELS = ("film", "scene", "shot", "beat")


def nested(values: dict[str, dict[str, Any]]) -> Beat:
    """The beat of a storyboard in which each level writes its own values."""
    beat = {"prompt": "a", **values.get("beat", {})}
    shot = {"beats": [beat], **values.get("shot", {})}
    scene = {"shots": [shot], **values.get("scene", {})}
    return from_data({"scenes": [scene], **values.get("film", {})}, folder=HERE).shots[0].beats[0]


@given(st.sampled_from(sorted(SINGLE)), st.sets(st.sampled_from(LEVELS)))
def test_the_nearest_level_wins(key: str, writers: set[str]) -> None:
    words = {"film": "w", "scene": "x", "shot": "y", "beat": "z"}
    beat = nested({level: {key: words[level]} for level in writers})
    nearest = next((level for level in reversed(LEVELS) if level in writers), None)
    assert getattr(beat, SINGLE[key]) == (words[nearest] if nearest else None if key == "engine" else "")
    locs = {"film": (), "scene": ("scenes", 0), "shot": ("scenes", 0, "shots", 0)}
    locs["beat"] = (*locs["shot"], "beats", 0)
    assert beat.origin.get(SINGLE[key]) == ((*locs[nearest], key) if nearest else None)


@given(st.sampled_from(["style", "avoid"]), st.sets(st.sampled_from(LEVELS)))
def test_style_and_avoid_add_up(key: str, writers: set[str]) -> None:
    beat = nested({level: {key: f"{level} words, "} for level in writers})
    assert getattr(beat, key) == ", ".join(f"{level} words" for level in LEVELS if level in writers)


@given(st.dictionaries(st.sampled_from(LEVELS), st.dictionaries(st.sampled_from("abc"), st.integers(0, 9))))
def test_options_are_merged_key_by_key(written: dict[str, dict[str, int]]) -> None:
    beat = nested({level: {"options": options} for level, options in written.items()})
    expected: dict[str, int] = {}
    for level in LEVELS:
        expected |= written.get(level, {})
    assert beat.options == expected
    assert {key for key in beat.origin if key.startswith("options.")} == {f"options.{key}" for key in expected}


def test_the_films_seed_is_not_a_beats() -> None:
    assert nested({"film": {"seed": 7}}).seed is None
    assert nested({"film": {"seed": 7}, "scene": {"seed": 8}}).seed == 8
    assert nested({"shot": {"seed": 9}, "beat": {"seed": 1}}).seed == 1


def test_a_look_is_merged() -> None:
    beat = nested({"film": {"look": {"match": "film", "strength": 0.8}}, "shot": {"look": {"strength": 0.5}}})
    assert beat.look == Look("film", None, 0.5)
    assert nested({"film": {"look": {"strength": 0.3}}, "beat": {"look": "off"}}).look == Look("off", None, 0.3)


def test_the_sound_of_a_film_and_of_a_beat(tmp_path: Path) -> None:
    (tmp_path / "song.wav").touch()
    text = """
sound: {music: song.wav, ambience: rain, loudness: -16}
scenes:
  - sound: {ambience: off}
    shots:
      - {prompt: a, sound: footsteps}
      - {prompt: b, sound: song.wav}
      - {prompt: c, sound: off}
      - {sound: steps, beats: [d, {prompt: e, sound: off}]}
  - {sound: off, shots: [f, {prompt: g, sound: h}]}
"""
    found = board(text, tmp_path)
    bed = SoundBed(music_path=tmp_path / "song.wav", ambience_text="rain", loudness=-16)
    assert found.sound == bed
    assert found.scenes[0].sound == SoundBed(music_path=tmp_path / "song.wav", loudness=-16, quiet=True)
    assert found.scenes[1].sound == SoundBed(loudness=-16, foley=False)
    beats = [beat for shot in found.shots for beat in shot.beats]
    assert [beat.sound_text for beat in beats] == ["footsteps", "", "", "steps", "", "", "h"]
    assert [beat.sound_off for beat in beats] == [False, False, True, False, True, True, False]
    assert beats[1].sound_path == tmp_path / "song.wav"


def test_how_early_a_sound_in_words_comes_is_not_how_early_the_ambience_does() -> None:
    found = board(
        "sound: {ambience: rain, leads: 0.5s}\n"
        "shots: [{prompt: a, sound: {words: thunder, leads: 2s}}, {prompt: b, sound: {leads: 1s}},\n"
        "  {prompt: c, sound: {words: thunder, ambience: surf, leads: 2s}}]"
    )
    beats = [shot.beats[0] for shot in found.shots]
    assert [float(beat.bed.leads) for beat in beats] == [0.5, 1, 2]
    assert [float(beat.sound_leads) for beat in beats] == [2, 1, 2]
    assert beats[0].origin["sound.leads"] == ("sound", "leads")


def test_what_a_shot_writes_once_for_its_beats(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).touch()
    text = """
cast: {mara: {looks: a woman, reference: [a.png, b.png]}, otto: {reference: b.png}}
shots:
  - name: x
    from: a.png
    to: b.png
    takes: 3
    beats: ["@mara and @otto and @mara", {prompt: "@otto", takes: 2, reference: c.png}, c]
  - {prompt: "@otto", reference: [c.png, a.png]}
"""
    (one, two, three), (four,) = (shot.beats for shot in board(text, tmp_path).shots)
    assert one.cast == ("mara", "otto")
    assert [path.name for path in one.references] == ["a.png", "b.png"]
    assert [path.name for path in two.references] == ["c.png"]
    assert [path.name for path in four.references] == ["c.png", "a.png"]
    assert (one.takes, two.takes, three.takes, four.takes) == (3, 2, 3, 1)
    assert one.start is not None
    assert one.start.path == tmp_path / "a.png"
    assert (one.end, two.start, two.end, three.start) == (None, None, None, None)
    assert three.end is not None
    assert one.origin["start"] == ("shots", 0, "from")
    assert one.origin["takes"] == ("shots", 0, "takes")
    assert two.origin["references"] == ("shots", 0, "beats", 1, "reference")


def test_references_may_be_films_and_sounds(tmp_path: Path) -> None:
    for name in ("a.png", "walk.mp4", "voice.wav"):
        (tmp_path / name).touch()
    text = "cast: {mara: {looks: a woman, reference: [voice.wav, a.png, walk.mp4]}}\nshots: ['@mara']"
    found = first_beat(text, tmp_path).references
    assert [(path.name, kind_of(path)) for path in found] == [
        ("voice.wav", "sound"), ("a.png", "picture"), ("walk.mp4", "film"),
    ]  # fmt: skip


def test_title_cards() -> None:
    found = board("shots: [{title: The Sea, duration: 2s}, {prompt: a, title: {text: Hi, position: top, duration: 1}}]")
    card, over = found.shots
    assert card.beats == ()
    assert card.title is not None
    assert (card.title.text, card.alone and card.alone.seconds) == ("The Sea", 2)
    assert over.title is not None
    assert (over.title.position, len(over.beats)) == ("top", 1)
    assert "no `takes`" in problem("shots: [{title: a, takes: 2}]")
    assert "title card" in problem("shots: [{title: a}, {prompt: b, from: previous}]")


def test_watermarks() -> None:
    def mark(written: str) -> Watermark:
        return board(f"provenance: {{watermark: {written}}}\nshots: [a]").provenance.watermark

    assert mark("true") == mark("on") == Watermark()
    assert mark("my film") == Watermark(text="my film")
    assert mark("{opacity: 0.3}") == Watermark(opacity=0.3)
    for off in ("off", "false"):
        assert "strict" in problem(f"policy: strict\nprovenance: {{watermark: {off}}}\nshots: [a]")


def test_policies(tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text("extends: strict")
    assert board("policy: house.yaml\nshots: [a]", tmp_path).policy_path == tmp_path / "house.yaml"
    assert board("policy: strict\nshots: [a]").policy == "strict"
    assert "did you mean `strict`" in problem("policy: strickt\nshots: [a]")
    assert "no such file" in problem("policy: home.yaml\nshots: [a]")


def test_prompt_and_duration_belong_to_the_beats() -> None:
    for key in ("prompt: b", "duration: 1s", "dialogue: []"):
        told = problem(f"shots:\n  - beats: [a]\n    {key}\n")
        assert told.startswith("board.yaml:3:5: a shot with beats")


@pytest.mark.parametrize(
    "text", ["shots: []", "scenes: []", "title: x", "scenes: [{shots: []}]", "shots: [{beats: []}]"]
)
def test_a_film_without_shots_is_none(text: str) -> None:
    assert reading(text).problems


def test_names_of_those_without_one() -> None:
    found = board("scenes: [{shots: [a, {prompt: b, name: shot-1}]}, {name: x, shots: [c]}]")
    assert [shot.name for shot in found.shots] == ["shot-1-b", "shot-1", "shot-3"]
    assert [shot.named for shot in found.shots] == [False, True, False]
    assert [scene.name for scene in found.scenes] == ["scene-1", "x"]
    for wrong in ("previous", "a/b", "'..\\x'", "''", "[a]", "x" * 81, '"a\\nb"'):
        problem(f"shots: [{{prompt: a, name: {wrong}}}]")


def test_a_mention_is_no_address() -> None:
    text = 'cast: {mara: a woman, old-man: a man}\nshots: ["me@mara.org and (@mara), @old-man\'s hat, @mara."]'
    assert first_beat(text).cast == ("mara", "old-man")


def test_marks_of_values_and_of_their_parents() -> None:
    found = board("title: x\nshots:\n  - a\n  - prompt: b\n")
    for loc, place in {
        ("title",): (1, 8), ("shots", 0, "prompt"): (3, 5), ("shots", 1, "prompt"): (4, 13), ("shots", 1, "to"): (4, 5),
        (): (1, 1),
    }.items():  # fmt: skip
        mark = found.mark(loc)
        assert mark is not None
        assert (mark.line, mark.column) == place


def test_what_is_not_rendered_yet_is_said(tmp_path: Path) -> None:
    for name in ("a.png", "b.cube"):
        (tmp_path / name).touch()
    text = """
policy: strict
cast: {mara: {looks: a woman, voice: en}}
look: a.png
sound: {ambience: rain, music: a tune}
scenes:
  - sound: wind
    shots:
      - {prompt: a, title: hi, sound: steps, look: b.cube, dialogue: {cast: mara, line: hello}}
      - {beats: [a, {prompt: b, look: off}]}
"""
    said = not_rendered_yet(board(text, tmp_path))
    assert [f"{remark.mark.line if remark.mark else 0} {remark.message[18:]}" for remark in said] == [
        "5 music in words",
        "10 a look of one beat",
    ]  # fmt: skip
