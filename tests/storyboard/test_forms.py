"""The short forms: what each means, exactly, and what is said of one that means nothing."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from sora_cli.storyboard import forms, sizes
from sora_cli.storyboard.model import Duration, FilmSize, Transition
from tests.storyboard.boards import board, first_beat, problem, reading

SECONDS = st.decimals(min_value="0.001", max_value=3600, places=3)


@given(SECONDS)
def test_seconds_are_exact(value: object) -> None:
    exact = Duration(seconds=Fraction(str(value)))
    assert forms.duration(f"{value}s") == forms.duration(f"{value}") == forms.duration(f" {value} s ") == exact


@given(st.integers(1, 3_600_000))
def test_milliseconds_and_frames_are_exact(count: int) -> None:
    assert forms.duration(f"{count}ms").seconds == Fraction(count, 1000)
    if count <= 100_000:
        assert forms.duration(f"{count}f") == Duration(frames=count)
        assert forms.duration(f"{count}f").at(Fraction(24)) == Fraction(count, 24)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0.1", Fraction(1, 10)),
        ("4", 4),
        ("'4s'", 4),
        ("1m30s", 90),
        ("1 m 0.5 s", Fraction(121, 2)),
        (".5s", Fraction(1, 2)),
        ("20 seconds", 20),
        ("1 Second", 1),
        ("1.5 sec", Fraction(3, 2)),
        ("1m", 60),
        ("2 min", 120),
        ("1 minute 30 seconds", 90),
        ("1m30", 90),
        ("0:20", 20),
        ("1:05", 65),
        ("00:01:02.5", Fraction(125, 2)),
        ("500 milliseconds", Fraction(1, 2)),
    ],
)
def test_a_duration_in_a_storyboard(written: str, seconds: Fraction) -> None:
    assert first_beat(f"shots: [{{prompt: a, duration: {written}}}]").duration == Duration(seconds=Fraction(seconds))


@pytest.mark.parametrize(
    "written",
    [
        "0",
        "-1s",
        "soon",
        "1.5f",
        "1h",
        "2d",
        "3601",
        "[1]",
        "true",
        "1e2",
        ".inf",
        ".nan",
        "'4 s s'",
        "9" * 30,
        "1:5",
        "0:0:0:4",
        "20 s 1 m",
        "s",
    ],
)
def test_what_is_no_duration(written: str) -> None:
    told = problem(f"shots:\n  - prompt: a\n    duration: {written}")
    assert told.startswith("board.yaml:3:15: ")


@pytest.mark.parametrize(
    ("written", "fps"),
    [
        ("12", Fraction(12)),
        ("23.976", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("25.0", Fraction(25)),
        ("59.94", Fraction(60000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("24fps", Fraction(24)),
    ],
)
def test_frame_rates(written: str, fps: Fraction) -> None:
    assert board(f"output: {{fps: {written}}}\nshots: [a]").fps == fps


@pytest.mark.parametrize("written", ["0", "-3", "241", "24/0", "fast", "[24]", "true", ".inf", "1/1000"])
def test_what_is_no_frame_rate(written: str) -> None:
    assert problem(f"output: {{fps: {written}}}\nshots: [a]").startswith("board.yaml:1:15: ")


TALL = {"720p": (720, 1280), "1080P": (1080, 1920), "480p": (480, 854), "4k": (2160, 3840)}
"""Sizes by their shorter side, upright."""


def test_sizes() -> None:
    def size(written: str) -> FilmSize:
        return replace(board(f"output: {{{written}}}\nshots: [a]").size, lines=None)

    assert size("size: 256x160") == size("size: 256 X 160") == FilmSize(width=256, height=160)
    assert size("aspect: 9:16, height: 320") == size("size: 9:16, height: 320") == FilmSize(height=320, aspect=(9, 16))
    assert size("size: 1080p") == size("size: 1920 by 1080") == size("size: 1920*1080") == FilmSize(1920, 1080)
    assert [(size(f"size: {name}").width) for name in ("360p", "480P", "720p", "4k")] == [640, 854, 1280, 3840]
    for written, (width, height) in TALL.items():
        assert size(f"size: {written}, aspect: 9:16") == FilmSize(width, height)
    assert size("size: 720p, aspect: 1:1") == FilmSize(720, 720)
    assert size("size: 720p, aspect: 21:9") == FilmSize(1680, 720)
    assert size("aspect: 2.39:1, height: 858") == FilmSize(height=858, aspect=(239, 100))
    assert size("size: 2160p, aspect: 2.39:1") == FilmSize(5162, 2160)
    assert size("size: 1:2.35") == FilmSize(aspect=(20, 47))
    assert "out of range" in problem("output: {size: 4k, aspect: 10:1}\nshots: [a]")
    assert "write 256x162" in problem("output: {size: 255x161}\nshots: [a]")
    for wrong in (
        "size: 8x8",
        "size: 99999x16",
        "size: big",
        "size: [1, 2]",
        "aspect: 16",
        "aspect: 100:1",
        "height: 90",
        "size: 64x64, height: 64",
        "size: 64x64, aspect: 1:1",
        "size: 720p, aspect: 1:1, height: 720",
        "aspect: 1:1, height: 91",
        "aspect: 0:1",
    ):
        problem(f"output: {{{wrong}}}\nshots: [a]")


def test_transitions() -> None:
    def coming(written: str) -> Transition:
        return board(f"shots: [a, {{prompt: b, transition: {written}}}]").shots[1].transition

    half, whole = Duration(seconds=Fraction(1, 2)), Duration(seconds=Fraction(1))
    assert coming("cut") == coming("none") == coming("{kind: cut}") == Transition()
    assert coming("dissolve 0.5s") == coming("dissolve") == coming("{kind: dissolve}") == Transition("dissolve", half)
    assert coming("fade 1s") == coming("{kind: fade, duration: 1}") == Transition("fade", whole)
    assert (
        coming("wipe up 1 s") == coming("{kind: wipe, duration: 1s, direction: up}") == Transition("wipe", whole, "up")
    )
    assert coming("wipe") == coming("wipe left 500ms") == Transition("wipe", half, "left")
    assert coming("dissolve 6f") == Transition("dissolve", Duration(frames=6))
    for wrong in (
        "jump",
        "cut 1s",
        "dissolve soon",
        "wipe 1s left",
        "wipe sideways 1s",
        "{kind: jump}",
        "3",
        "{duration: 1}",
        "dissolve 0s",
        "[cut]",
    ):
        problem(f"shots: [a, {{prompt: b, transition: {wrong}}}]")


def test_seeds_takes_and_opacity_have_a_range() -> None:
    assert first_beat("shots: [{prompt: a, seed: 0, takes: 100}]").takes == 100
    for wrong in ("seed: -1", f"seed: {2**63}", "seed: 1.5", "seed: true", "takes: 0", "takes: 101", "takes: many"):
        problem(f"shots: [{{prompt: a, {wrong}}}]")
    for wrong in ("opacity: 0", "opacity: 2", "opacity: .nan", "opacity: half", "opacity: true"):
        problem(f"provenance: {{watermark: {{{wrong}}}}}\nshots: [a]")


@example("0\x1f")  # which Python's own numbers do not have around them, though `strip` takes it away
@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.text()), st.just({})))
def test_a_form_means_something_or_says_why_not(value: object) -> None:
    readers = (forms.text, forms.label, forms.name, forms.phrase, forms.duration, forms.time, forms.moment, forms.rate,
               sizes.size, sizes.aspect, sizes.side, forms.transition, forms.version, forms.off, forms.whole(0, 9),
               forms.number(0, 1), forms.word(forms.TRANSITIONS, "a transition"))  # fmt: skip
    for reader in readers:
        with suppress(forms.Wrong):
            reader(value)


@pytest.mark.parametrize("word", ["off", "no", "false", "Off"])
def test_a_switch_is_off_in_every_word_for_it(word: str) -> None:
    assert board(f"sound: {{foley: {word}}}\nshots: [a ball]\n").sound.foley is False


def test_a_switch_that_is_neither_on_nor_off_is_wrong() -> None:
    assert "`perhaps` is not on or off" in problem("sound: {foley: perhaps}\nshots: [a ball]\n")


@pytest.mark.parametrize(
    ("key", "written", "meant"),
    [
        ("duration", "1,5s", "1.5s"),
        ("duration", "“4s”", "4s"),
        ("duration", "４s", "4s"),  # noqa: RUF001
        ("speed", "2x", "2"),
        ("speed", "50%", "0.5"),
        ("look: {strength", "80%}", "0.8"),
        ("takes", "3 takes", "3"),
        ("transition", "Dissolve 0,5s", "dissolve 0.5s"),
        ("transition", "cross dissolve 1s", "dissolve 1s"),
        ("transition", "fade to black 1s", "fade 1s"),
        ("title", "{text: a, duration: ½s}", ""),
    ],
)
def test_what_was_meant_is_asked(key: str, written: str, meant: str) -> None:
    told = problem(f"shots:\n  - prompt: a\n    {key}: {written}")
    assert ("did you mean" in told) == bool(meant)
    assert not meant or f"hint: did you mean `{meant}`?" in told


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("size: 16x9", "16:9"),
        ("size: 1080", "1080p"),
        ("aspect: 16/9", "16:9"),
        ("fps: '23,976'", ""),
        ("fps: 60 Hz", "60"),
        ("fps: 30p", "30"),
    ],
)
def test_what_was_meant_of_an_output_is_asked(written: str, meant: str) -> None:
    told = problem(f"output: {{{written}}}\nshots: [a]")
    assert ("did you mean" in told) == bool(meant)
    assert not meant or f"hint: did you mean `{meant}`?" in told


def test_a_share_is_no_level_and_no_time() -> None:
    assert "did you mean" not in problem("sound: {duck: 80%}\nshots: [a]")
    assert "did you mean" not in problem("shots: [{prompt: a, duration: 50%}]")


def test_a_number_in_quotes_is_a_number() -> None:
    assert board('look: {match: scene, strength: "0.5"}\nshots: [a]').shots[0].look.strength == 0.5


def test_a_comma_in_a_flow_mapping_is_told() -> None:
    assert "write numbers with a point" in problem("shots: [{prompt: a, speed: 1,5}]")


@pytest.mark.parametrize("written", ["watermark: no", "watermark: None", "watermark: yes"])
def test_no_and_none_as_a_text_are_told(written: str) -> None:
    (told,) = board(f"provenance: {{{written}}}\nshots: [a]").remarks
    assert "is read as a text here" in told.message
    assert told.hint.startswith("write on" if "yes" in written else "write off")
    assert board('provenance: {watermark: "no"}\nshots: [a]').remarks == ()


def test_a_key_without_its_space_is_told_at_its_line() -> None:
    (told,) = board("shots:\n  - a cube\n  - prompt:a red ball\n").remarks
    assert told.message == "`prompt:` is read as a part of the text"
    (wide,) = board("shots:\n  - prompt\uff1a\u4e00\n    duration\uff1a3s\n").remarks
    assert wide.message == "`prompt\uff1a` is read as a part of the text"
    assert told.mark is not None
    assert told.mark.line == 3


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("shots:\n\u00a0\u00a0- a\n", "U+00A0"),
        ("shots:\n  - prompt: “a: b”\n", "quotes are straight here"),
        ("shots:\n  - prompt: a\n\tduration: 1s\n", "spaces, not tabs"),
        ("```yaml\nshots:\n  - a\n```\n", "of Markdown"),
        ("shots:\n\u2013 a\n\u2013 b\n", "a hyphen and a space"),
        ("shots:\n  \u2022 a\n", "`- `"),
        ("shots:\n  - prompt: {red|blue} ball\n", "goes on behind `}`: put all of it in quotes"),
        ('shots:\n  - prompt: "red" ball\n', 'goes on behind `"`: put all of it in quotes'),
        ('shots:\n  - prompt: "it\\\'s"\n', "in double quotes"),
    ],
)
def test_what_pasted_text_brings_is_named(text: str, hint: str) -> None:
    assert hint in problem(text)


@pytest.mark.parametrize(
    ("prompt", "token", "instead"),
    [
        ("a <lora:foo:0.8> ball", "<lora:foo:0.8>", "`lora: FILE`"),
        ("a (red ball:1.3) rolls", "(red ball:1.3)", "no weights"),
        ("a ball --ar 16:9", "--ar 16:9", "`output:`"),
        ("a {red|blue} ball", "{red|blue}", "`sora batch`"),
        ("a __color__ ball", "__color__", "`sora batch`"),
        ("a {{color}} ball", "{{color}}", "${NAME}"),
        ("a ball. Negative prompt: text", "Negative prompt:", "`avoid:`"),
        ("a ball Steps: 20, Sampler: Euler", "Steps: 20, Sampler", "`options:`"),
        ("/imagine a ball", "/imagine", "words alone"),
        ("a ball, (blurry:-1)", "(blurry:-1)", "no weights"),
        ("a ((red ball)) rolls", "((red ball))", "no weights"),
        ("a (red ball)1.3, day", "(red ball)1.3", "no weights"),
        ("a (ball)++ rolls", "(ball)++", "no weights"),
        ("a ball::1.5, day", "ball::1.5", "no weights"),
        ("a ball BREAK a cube", "BREAK", "words alone"),
        ("a ball --no text", "--no", "`avoid:`"),
        ("a ball \u2014ar 16:9", "\u2014ar 16:9", "`output:`"),
        ("a ball. Negative: blurry", "Negative:", "`avoid:`"),
        ("Prompt: a ball", "Prompt:", "words alone"),
    ],
)
def test_the_syntax_of_other_tools_is_told_at_its_place(prompt: str, token: str, instead: str) -> None:
    (told,) = board(f'shots: ["{prompt}"]').remarks
    assert told.message == f"`{token}` is another tool's syntax: it is read as words"
    assert instead in told.hint
    assert told.mark is not None
    assert told.mark.column == len('shots: ["') + prompt.index(token) + 1


@pytest.mark.parametrize(
    "prompt",
    [
        "a sign reads BREAK",
        "BREAK THE GLASS",
        "the door --slowly, at last-- opens",
        "a boy takes a BREAK, then runs",
        "a sign reading BREAK in red",
        "a woman (30s) reads, and a man (60s), tired, sleeps, a photo (1920-1930s) beside a boy (5-8)",
        "a clock (10:30) ticks",
        "a ball (red) \u2014 no cube",
        "a photo: negative",
        "like a photo negative: a white sky",
        "shot on a lens (50mm 1:1.4)",
        "\u2014No te vayas \u2014dice ella",
        "a face \u2014raw, tired\u2014 at a window",
        "10 seconds later, in a 1990s video, the 5 second rule and a 10 second countdown on a video wall",
        "an 80s TV ad; he waits 5 seconds, then runs at 9:16 for the bus, past a square shot glass",
    ],
)
def test_words_that_look_like_it_are_words(prompt: str) -> None:
    assert not board(f'shots: ["{prompt}"]').remarks


@pytest.mark.parametrize(
    "token",
    ["(4s)", "(30s)", "[3 sec]", "Duration: 4 seconds", "10-second cinematic video", "five second shot", "15 seconds"],
)
def test_a_length_among_the_words_of_a_prompt_is_told_unless_it_stands_under_its_key(token: str) -> None:
    (told,) = board(f'shots: ["a ball rolls. {token}"]').remarks
    assert told.message == f"`{token}` is read as words: it is no length"
    assert not board(f'shots: [{{prompt: "a ball rolls. {token}", duration: 5s}}]').remarks


@pytest.mark.parametrize(
    ("token", "meant"), [("Duration: 4", "4s"), ("a five second shot", "5s"), ("1.5s video", "1.5s")]
)
def test_the_hint_names_the_length_that_is_meant(token: str, meant: str) -> None:
    (told,) = board(f'shots: ["a ball rolls. {token}"]').remarks
    assert told.hint == f"write `duration: {meant}` beside the prompt"


@pytest.mark.parametrize("token", ["[00:00-00:03]", "(0-3s)", "[3s - 6.5s]"])
def test_when_a_part_of_a_prompt_plays_is_told(token: str) -> None:
    (told,) = board(f'shots: ["{token} a ball rolls"]').remarks
    assert (told.message, "a beat for each" in told.hint) == (f"`{token}` is read as words: it is no time", True)


@pytest.mark.parametrize(("token", "meant"), [("9:16", "9:16"), ("vertical video", "9:16"), ("2.39:1", "2.39:1")])
def test_a_shape_among_the_words_of_a_prompt_is_told_unless_the_film_has_one(token: str, meant: str) -> None:
    (told,) = board(f'shots: ["a ball rolls, {token}"]').remarks
    assert told.message == f"`{token}` is read as words: it is no shape"
    assert told.hint == f"write `output: {{aspect: {meant}}}`"
    assert not board(f'output: {{aspect: 1:1, height: 256}}\nshots: ["a ball rolls, {token}"]').remarks


@pytest.mark.parametrize("token", ["$hero", "$(hero)", "{hero}", "%hero%", "<hero>", "${hero"])
def test_a_variable_in_other_brackets_is_told_at_its_place(token: str) -> None:
    (told,) = board(f'vars: {{hero: red}}\nshots: ["a {token} ball"]').remarks
    assert told.message == f"`{token}` is read as words"
    assert told.hint == "a variable is written ${hero}"
    assert told.mark is not None
    assert told.mark.column == len('shots: ["a ') + 1


@pytest.mark.parametrize("prompt", ["a ${hero} ball", "a hero", "$${hero}", "a $heroes b", "{her}", "5 % hero", "$5"])
def test_what_is_no_variable_is_not_told(prompt: str) -> None:
    told = [remark.message for remark in board(f'vars: {{hero: red}}\nshots: ["{prompt}"]').remarks]
    assert told == ([] if "${hero}" in prompt else ["the variable `hero` is used nowhere"])


@pytest.mark.parametrize(
    "prompt", ["at 4:30 -- or so", "a ratio (5:3)", "a sign (half: full)", "a_b__c", "[wide] a ball", "${hero|x}"]
)
def test_words_that_look_like_it_are_not_told(prompt: str) -> None:
    assert board(f'vars: {{"hero|x": red}}\nshots: ["{prompt}"]').remarks == ()


@pytest.mark.parametrize(
    ("key", "ours"),
    [("negative prompt", "avoid"), ("Seconds", "duration"), ("voiceover", "dialogue"), ("cfg_scale", "options")],
)
def test_keys_of_other_tools_lead_to_ours(key: str, ours: str) -> None:
    assert f"did you mean `{ours}`?" in problem(f"shots: [{{prompt: a, {key}: 1}}]")


@pytest.mark.parametrize(
    "written",
    [
        'dialogue: "Hi"',
        'dialogue: ["MARA: Hi"]',
        "dialogue: {mara: Hi}",
        "dialogue: [{mara: Hi}]",
        "dialogue: [Hi, Ho]",
    ],
)
def test_lines_as_scripts_have_them_are_told_how_they_are_written(written: str) -> None:
    text = f"cast: {{mara: {{looks: a fox}}}}\nshots: [{{prompt: a, {written}}}]"
    assert 'write it as {cast: NAME, line: "WORDS"}' in "\n".join(str(each) for each in reading(text).problems)


def test_a_cast_may_be_a_list_of_members_with_their_names() -> None:
    (mara, tom) = board("cast: [{name: mara, looks: a fox}, {name: Tom}]\nshots: [a]").cast.values()
    assert (mara.name, mara.looks, tom.name) == ("mara", "a fox", "Tom")
    assert problem("cast: [{name: mara, lok: b}]\nshots: [a]").startswith("board.yaml:1:21: unknown key `lok`")
    for twice in ("[{name: mara}, {name: mara}]", "[{looks: a}]", "[mara]"):
        assert "write it as NAME: {looks: WORDS}" in problem(f"cast: {twice}\nshots: [a]")


def test_from_one_time_to_another_is_a_length() -> None:
    for written in ("0:04-0:08", "00:04 - 00:08", "00:00:04\u201300:00:08", "0:04 to 0:08"):
        assert forms.duration(written).seconds == 4
    for wrong in ("0:08-0:04", "3-5s", "0:04-", "0:04-0:08s"):
        with pytest.raises(forms.Wrong):
            forms.duration(wrong)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("4 sec.", "4s"),
        ("4 Sekunden", "4s"),
        ("4,5 segundos", "4.5s"),
        ("4\u79d2", "4s"),
        ("~4s", "4s"),
        ("ca. 4 s", "4s"),
    ],
)
def test_seconds_of_other_languages_are_asked_for(written: str, meant: str) -> None:
    assert f"did you mean `{meant}`?" in problem(f'shots: [{{prompt: a, duration: "{written}"}}]')


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0.5s dissolve", "dissolve 0.5s"),
        ("smash cut", "cut"),
        ("fade in", "fade"),
        ("fade from white", ""),
        ("iris in", ""),
    ],
)
def test_a_transition_that_there_is_not_is_told_whole(written: str, meant: str) -> None:
    told = problem(f"shots: [a, {{prompt: b, transition: {written}}}]")
    assert f"`{written}` is not a transition" in told
    assert (f"did you mean `{meant}`?" if meant else "write cut, dissolve 0.5s, fade 1s or wipe left 0.5s") in told


@pytest.mark.parametrize("name", ["a.3dl", "a.clf", "A.CDL", "a.spi3d"])
def test_a_colour_table_of_another_kind_is_told_as_in_grade(name: str) -> None:
    told = problem(f"look: {name}\nshots: [a]")
    assert f"`{name}`: sora reads no such colour tables" in told
    assert "ociobakelut" in told


@pytest.mark.parametrize(("title", "words"), [('"One\\nTwo"', "One\nTwo"), ("2049", "2049"), ("{text: 2049}", "2049")])
def test_a_title_card_has_any_words(title: str, words: str) -> None:
    (shot,) = board(f"shots: [title: {title}]").shots
    assert shot.title is not None
    assert shot.title.text == words


@pytest.mark.parametrize("mark", ["</s>", "<|im_end|>", "[INST]"])
def test_marks_that_end_a_prompt_for_its_model_are_told(mark: str) -> None:
    (told,) = board(f'shots: ["a ball {mark} rolls"]').remarks
    assert told.message == f"`{mark}` is a mark of language models: they may read the prompt only up to it"
    assert board('shots: ["a sign says <s and [ins]"]').remarks == ()
