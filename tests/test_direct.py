"""`sora direct`: what is sent stands beside what its author wrote; what a model writes is sent only where it may be."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from sora_cli import storyboard
from sora_cli.cli.main import main
from sora_cli.engines.cards import nano_card
from sora_cli.engines.language import open_language_model
from sora_cli.errors import EngineMissing, RequestError, StoryboardError
from sora_cli.flows.direct import DirectOptions, direct, imagine
from sora_cli.plan import idea
from sora_cli.plan.prompt import Prompt
from sora_cli.plan.rewording import cleaned, objections
from sora_cli.plan.survey import plan_takes
from sora_cli.storyboard.writing import written
from tests.boards import CARD, board

GOLDEN = Path(__file__).parent / "golden" / "direct"
RULES = DirectOptions(sets={})
FILM = """\
# my film
engine: nano
cast: {pip: a small red ball}
shots:
  - prompt: "@pip rolls on the grass"   # at first
    camera: pan left
"""


def quiet(_text: str) -> None:
    """Hears nothing."""


def golden(name: str, now: str) -> None:
    path = GOLDEN / name
    if os.environ.get("SORA_GOLDEN") == "write":
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8")


def save(folder: Path, text: str, name: str = "film.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# -- a tiny causal model of a true class -----------------------------------------------------------------------------


def causal(folder: Path, pieces: list[str], follows: dict[str, str] | None = None) -> str:
    """Save a Llama whose tokens are these pieces, with random weights; or one that says what follows each piece.

    In the second there is nothing but embeddings and a head: its layers add nothing. Words that are no pieces are
    `<unk>`.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    names = ["<unk>", "</s>", *pieces]
    inner = Tokenizer(models.WordLevel({name: at for at, name in enumerate(names)}, "<unk>"))
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.WhitespaceSplit(), decoders.Fuse()
    special = {"unk_token": "<unk>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=inner, **special).save_pretrained(folder)
    size = max(16, -(-len(names) // 4) * 4)
    torch.manual_seed(3)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=size, hidden_size=size, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
            max_position_embeddings=4096, bos_token_id=None, eos_token_id=1,
        )
    )  # fmt: skip
    if follows is not None:
        with torch.no_grad():
            model.model.embed_tokens.weight.copy_(torch.eye(size))
            model.model.layers[0].self_attn.o_proj.weight.zero_()
            model.model.layers[0].mlp.down_proj.weight.zero_()
            model.lm_head.weight.zero_()
            for before, after in follows.items():
                model.lm_head.weight[names.index(after), names.index(before)] = 9.0
    model.save_pretrained(folder)
    return str(folder)


def saying(folder: Path, text: str) -> str:
    """A model that says this to everything."""
    follows = {"<unk>": text, text: "</s>"} if text else {"<unk>": "</s>"}
    return causal(folder, [text] if text else [], follows)


@pytest.fixture(scope="module")
def babbler(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model with random weights."""
    return causal(tmp_path_factory.mktemp("babbler"), [f"word{number} " for number in range(60)])


def test_a_model_streams_is_stopped_at_its_limit_and_says_the_same_for_the_same_seed(babbler: str) -> None:
    model = open_language_model(babbler)
    pieces: list[str] = []
    first = model.answer("a red ball", limit=12, seed=5, heard=pieces.append)
    assert not first.whole
    assert len(first.text.split()) == 12
    assert len(pieces) > 2
    assert "".join(pieces).split() == first.text.split()
    again, other, likeliest = (
        open_language_model(babbler).answer("a red ball", limit=12, seed=seed, heard=quiet) for seed in (5, 6, None)
    )
    assert again == first
    assert other.text != first.text
    assert likeliest == model.answer("a red ball", limit=12, seed=None, heard=quiet) != first


def test_a_question_that_is_too_long_for_a_model_is_refused(babbler: str) -> None:
    with pytest.raises(RequestError, match="reads 4096 tokens, and 5000 are asked"):
        open_language_model(babbler).answer("ball " * 5000, limit=12, seed=None, heard=quiet)


@pytest.mark.parametrize("name", ["", "no/such-model", "nowhere", "/nowhere", "./nowhere", "x" * 5000])
def test_a_model_that_is_not_here_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EngineMissing) as caught:
        open_language_model(name or str(tmp_path))
    assert ("hf download" in caught.value.hint) is (name == "no/such-model")


def test_what_is_no_causal_model_is_told(tmp_path: Path) -> None:
    save(tmp_path, '{"model_type": "wrong"}', "config.json")
    with pytest.raises(EngineMissing, match="cannot be opened as a language model"):
        open_language_model(str(tmp_path))


@pytest.mark.parametrize(("said", "told"), [("the.ball.may.melt", 1), ("OK.", 0), ("", 0)])
def test_what_a_model_says_of_a_prompt_is_its_opinion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str, told: int
) -> None:
    model, film = saying(tmp_path / "model", said), save(tmp_path, FILM)
    assert main(["check", str(film), "--opinion", model]) == 0
    assert (f"{film}:5" in (err := capsys.readouterr().err)) == told
    assert (f"the opinion of {model}: {said}" in " ".join(err.split())) == told
    assert main(["check", str(film), "--opinion", model, "--json"]) == 0
    assert [each["rule"] for each in json.loads(capsys.readouterr().out)["advice"]] == ["opinion"] * told


def test_a_prompt_that_is_too_long_for_a_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = save(tmp_path, FILM.replace("rolls", "rolls a " * 2100))
    assert main(["check", str(film), "--opinion", saying(tmp_path / "model", "well")]) == 0
    assert "has no opinion" in capsys.readouterr().err


# -- a storyboard ----------------------------------------------------------------------------------------------------


def test_rules_write_each_prompt_in_the_models_dialect_and_leave_the_rest_to_the_letter(tmp_path: Path) -> None:
    file = save(tmp_path, (GOLDEN / "street.yaml").read_text(encoding="utf-8"), "street.yaml")
    made = direct(file, None, RULES, quiet)
    golden("street.diff", made.diff + "\n")
    before, after = storyboard.read(file).board, storyboard.read(made.path).board
    assert before is not None
    assert after is not None
    old, new = ([beat for shot in one.shots for beat in shot.beats] for one in (before, after))
    assert [beat.prompt for beat in new] == [beat.prompt for beat in old]
    assert all(beat.sent for beat in new)
    assert [replace(beat, sent="", origin={}) for beat in new] == [replace(beat, sent="", origin={}) for beat in old]
    again = direct(made.path, tmp_path / "again.yaml", RULES, quiet)
    assert again.diff == "", "what is sent already is not sent otherwise"


DUSK = "engine: nano\nlight: dusk\n"


@pytest.mark.parametrize(
    "text",
    [
        "engine: nano\r\nshots:\r\n  - prompt: a ball rolls # x\r\n    camera: pan left\r\n  - a ball\r\n",
        f"{DUSK}shots: [a ball rolls, 'it''s a ball', {{prompt: a\n  ball\n  }}]",
        f"{DUSK}shots:\n- a ball\n- |\n  two\n  lines\n- prompt: >\n    folded\n    words\n\n\n  duration: 1s\n",
        f'{DUSK}x-a: &ball {{prompt: a ball}}\nshots:\n  - *ball\n  - "a \\"ball\\" rolls"\n  - *ball',
        f"{DUSK}x-a: &ball\n  prompt: a ball\nshots:\n  - {{<<: *ball, camera: pan left}}\n  - a cube",
        f"{DUSK}vars: {{hero: red}}\nshots: ['a ${{hero}} ball costs $${{5}}']",
        f"\ufeff{DUSK}shots:\n  - beats: [a ball rolls, {{prompt: it stops, duration: 1s}}]",
    ],
)
def test_however_a_storyboard_is_written_it_means_what_it_meant(tmp_path: Path, text: str) -> None:
    file = tmp_path / "film.yaml"
    file.write_bytes(text.encode("utf-8"))
    made = direct(file, None, RULES, quiet)
    before, after = storyboard.load(file), storyboard.load(made.path)
    told = plan_takes(before, lambda _: CARD), plan_takes(after, lambda _: CARD)
    old, new = ([beat for shot in one.shots for beat in shot.beats] for one in (before, after))
    assert [replace(beat, sent="", origin={}) for beat in new] == [replace(beat, origin={}) for beat in old]
    assert [beat.sent for beat in new] == [beat.sent for beat in made.beats]
    assert any(beat.sent for beat in made.beats) or "alias" in made.beats[0].stays
    assert [take.seed for take in told[0].takes] == [take.seed for take in told[1].takes]
    if "\r" in text:
        assert made.path.read_bytes().count(b"\n") - made.path.read_bytes().count(b"\r\n") == 1, "our own last line"


def test_nothing_is_written_over_a_storyboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = save(tmp_path, FILM)
    for words in (["-o", str(file)], ["-o", str(file), "--overwrite"]):
        assert main(["direct", str(file), *words]) == 2
    assert file.read_text() == FILM
    other = save(tmp_path, "my own", "film.directed.yaml")
    assert main(["direct", str(file)]) == 2
    assert other.read_text() == "my own"
    assert main(["direct", str(file), "-o", str(tmp_path / "new.yaml")]) == 0
    assert main(["direct", str(file), "-o", str(tmp_path / "new.yaml")]) == 0, "its own earlier one is replaced"
    assert "\x1b" not in capsys.readouterr().out


def test_a_model_writes_what_keeps_the_looks_and_the_rest_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = saying(tmp_path / "model", '"A small red ball rolls slowly on the grass."')
    file = save(tmp_path, FILM + "  - a blue cube falls on the beach at night\n")
    assert main(["direct", str(file), "--model", model, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [beat["sent"] for beat in told["beats"]] == ["A small red ball rolls slowly on the grass.", ""]
    assert "it says" in told["beats"][1]["stays"]
    text = Path(told["file"]).read_text(encoding="utf-8")
    assert '  - prompt: "@pip rolls on the grass"   # at first\n    sent: A small red ball rolls slowly' in text
    assert "  - a blue cube falls on the beach at night\n" in text


def test_a_model_that_babbles_changes_nothing(tmp_path: Path, babbler: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = save(tmp_path, FILM)
    assert main(["direct", str(file), "--model", babbler, "--tokens", "8"]) == 0
    said = capsys.readouterr()
    assert "your words stay: it was stopped at its limit of tokens; it left out the looks of pip" in said.err
    assert (tmp_path / "film.directed.yaml").read_text(encoding="utf-8").startswith(FILM)


def test_one_beat_that_a_model_cannot_read_costs_no_other(tmp_path: Path) -> None:
    model = saying(tmp_path / "model", "a small red ball rolls on the grass. pan left")
    file = save(tmp_path, f"{FILM}  - prompt: {'a cube falls ' * 1500}\n")
    first, second = direct(file, None, DirectOptions(sets={}, model=model), quiet).beats
    assert first.sent
    assert "reads 4096 tokens" in second.stays


TOLD = Prompt("", picture="A small red ball rolls. He says \"It's far.\"",
              verbatim=(("the looks of pip", "a small red ball"), ("a line of dialogue", "It's far.")))  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "nothing"),
        ("<think>hm", "nothing"),
        ("A red ball rolls. He says: It's far.", "the looks of pip: a small red ball"),
        ("A small red ball rolls. He says: it's far.", "a line of dialogue: It's far."),
        ("A small red ball It's far. " + "and so on " * 40, "circles"),
        ("A small red ball rolls. He says: It's far. @pip", "@pip"),
        ("A small red ball rolls. He says: It's far.\x1b[31m", "signs"),
        ("A small red ball rolls. He says: It's far. " + "".join(f"word{n} " for n in range(99)), "test reads 60"),
        ("<think>hm</think>\n```\nA Small red ball\nrolls. He says: It's far.\n```", None),
        ("\u201cA small red ball rolls over the hill. He says: It's far.\u201d", None),
    ],
)
def test_what_a_model_wrote_is_sent_only_where_it_says_the_same(answer: str, why: str | None) -> None:
    against = " ".join(objections(cleaned(answer), TOLD, replace(CARD, prompt_tokens=60)))
    assert against == "" if why is None else why in against


@pytest.mark.parametrize(
    ("picture", "answer"),
    [("一只红色的狐狸跑过石桥", "清晨一只红色的狐狸轻快地跑过古老的石桥。"), ("🦊🌉", "🦊 🌉 at night")],
)
def test_other_scripts_are_compared_too(picture: str, answer: str) -> None:
    assert not list(objections(answer, Prompt("", picture=picture), CARD))
    assert list(objections("something else", Prompt("", picture=picture), CARD))


def test_files_that_a_storyboard_names_are_found_from_its_folder_only(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (48, 32)).save(tmp_path / "a.png")
    file = save(tmp_path, "engine: nano\nshots: [{prompt: a ball rolls, from: a.png, light: dusk}]")
    with pytest.raises(RequestError, match="found from its own folder only"):
        direct(file, tmp_path / "sub" / "new.yaml", RULES, quiet)
    assert direct(file, tmp_path / "new.yaml", RULES, quiet).path.exists()


def test_what_cannot_be_written_in_one_place_is_written_in_all_others(tmp_path: Path) -> None:
    shots = "".join(f"  - ball {number}\n" for number in range(40))
    file = save(tmp_path, f"{DUSK}x-a: &ball {{prompt: a ball}}\nshots:\n{shots}  - *ball\n  - *ball\n")
    made = direct(file, None, RULES, quiet)
    assert ["alias" in beat.stays for beat in made.beats] == [False] * 40 + [True] * 2


def test_options_that_would_do_nothing_are_refused(tmp_path: Path) -> None:
    file = save(tmp_path, FILM)
    for words in ([str(file), "--seed", "1"], [str(file), "--tokens", "9"], ["a ball", "--set", "a=b"]):
        assert main(["direct", *words]) == 2


# -- what is sent ----------------------------------------------------------------------------------------------------


def test_what_is_sent_takes_the_place_of_the_prompt_and_what_it_lacks_is_told() -> None:
    shot = {"prompt": "@pip rolls", "sent": "The ball rolls far.", "light": "dusk"}
    plan = plan_takes(board(shot, cast={"pip": "a small red ball"}), lambda _: CARD)
    assert plan.takes[0].prompt == "The ball rolls far."
    assert plan.takes[0].written == "@pip rolls"
    assert [remark.message for remark in plan.remarks] == [
        "engine test is not told the looks of pip: `sent` does not say it"
    ]
    named = plan_takes(board({**shot, "sent": "@pip rolls far."}, cast={"pip": "a small red ball"}), lambda _: CARD)
    assert named.takes[0].prompt == "a small red ball rolls far."
    assert not named.remarks
    same = plan_takes(board({**shot, "prompt": "@pip stops"}, cast={"pip": "a small red ball"}), lambda _: CARD)
    assert same.takes[0].key != named.takes[0].key


def test_labels_and_first_lines_stand_around_what_is_sent() -> None:
    from sora_cli.engines.cards import known
    from sora_cli.plan.prompt import Frames, write

    card = next(entry.card for entry in known() if entry.card.name == "minimax-h3")
    shot = {"prompt": "a ball", "sent": "The ball rolls.", "sound": "rain", "camera": "pan left"}
    told = write(board(shot).shots[0].beats[0], {}, card, Frames(first=True, seconds=5))
    assert told.text.startswith("For the target video, at 0.00 seconds")
    assert "integrated_multimodal_description: [Shot 1] The ball rolls.\n" in told.text
    assert "overall_soundscape: Rain." in told.text
    assert "pan" not in told.text


def test_the_key_of_a_take_is_of_what_is_sent_alone() -> None:
    first, second = (
        plan_takes(board({"name": "one", "prompt": words, "sent": "A ball."}), lambda _: CARD).takes[0]
        for words in ("a ball", "the ball")
    )
    assert first.key == second.key


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("shots: [{prompt: a, sent: '@who'}]", "nobody in the cast"),
        ("shots: [{sent: a, title: x}]", "a title card alone has no pictures"),
        ("shots: [{sent: a, beats: [b]}]", "a shot with beats has no `sent`"),
        ("shots: [{prompt: a, sent: '${x}'}]", "is not set"),
        ("sent: a\nshots: [a]", "unknown key `sent`"),
    ],
)
def test_where_sent_may_stand(tmp_path: Path, text: str, wrong: str) -> None:
    assert wrong in storyboard.read(save(tmp_path, text)).problems[0].message


# -- an idea ---------------------------------------------------------------------------------------------------------


def test_an_action_that_is_told_twice_stands_alone() -> None:
    (scene,) = idea.board_of("A dog barks and barks, a cat").get("scenes")  # type: ignore[misc]
    assert [beat["prompt"] for beat in scene["shots"][0]["beats"]] == ["@dog barks", "@dog barks, a cat"]


def test_ideas_become_storyboards_by_rules(tmp_path: Path) -> None:
    ideas = yaml.safe_load((GOLDEN / "ideas.yaml").read_text(encoding="utf-8"))
    golden("ideas.txt", "\n".join(f"# {line}\n{written(idea.board_of(line))}" for line in ideas))
    for number, line in enumerate(ideas):
        made = imagine(line, tmp_path / f"{number}.yaml", RULES, quiet)
        assert made.beats >= made.shots >= made.scenes >= 1
        assert f"# The idea: {line}" in made.path.read_text(encoding="utf-8").replace("\n# ", " ")


@pytest.mark.parametrize("words", [["ball " * 10_000], ["  "], ["\x1b[31m"]])
def test_what_is_no_idea_is_refused_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["direct", *words]) == 2
    assert not list(tmp_path.iterdir())
    assert "hint" in capsys.readouterr().err


def test_a_models_storyboard_is_checked_and_asked_for_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good, bad = "title: A\nshots: [a ball rolls on the grass]\n", "shots: [{promt: a}]"
    model = causal(tmp_path / "model", [good, bad, "right."], {"<unk>": bad, bad: "</s>", "right.": good, good: "</s>"})
    made = imagine("a ball", None, DirectOptions(sets={}, model=model), quiet)
    assert made.path.name == "a-ball.yaml"
    assert storyboard.load(made.path).title == "A"
    model = saying(tmp_path / "never", bad)
    assert main(["direct", "a cube", "--model", model]) == 1
    assert (tmp_path / "a-cube.refused.txt").read_text() == bad + "\n"
    assert not (tmp_path / "a-cube.yaml").exists()


def test_an_idea_that_the_policy_refuses_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["direct", "naked children play in a bath"]) == 4
    assert not list(tmp_path.iterdir())


def hostile() -> Any:
    """Ideas that are no plain words."""
    return ["a: b: c", "- x", "{", "'", "#", "a ball # rolls", "&a *b", "%YAML 2", "true", "2026-01-01", "~"]


@pytest.mark.parametrize("words", hostile())
def test_an_idea_is_text_whatever_it_would_be_in_yaml(tmp_path: Path, words: str) -> None:
    made = imagine(words, tmp_path / "a.yaml", RULES, quiet)
    prompts = [beat.prompt for shot in storyboard.load(made.path).shots for beat in shot.beats]
    assert "".join(prompts).replace(" ", "") == words.replace(" ", "")


# -- stills ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "keyframes: {engine: nano}\nshots:\n  - prompt: the ball rolls   # on\n    keyframe: a red ball on the grass\n",
        "keyframes: on\nshots:\n  - {prompt: the ball rolls, keyframe: a red ball on the grass}\n",
        "shots:\n  - prompt: the ball rolls\n    keyframe:\n      # first\n      first: a red ball on the grass\n",
        "shots:\n  - prompt: the ball rolls\n    keyframe: {first: a red ball on the grass, first sent: a ball}\n",
        "shots:\n  - prompt: the ball rolls\n    keyframe: >-\n      a red ball\n      on the grass\n    style: ink\n",
    ],
)
def test_the_words_of_stills_are_written_out_as_well(tmp_path: Path, text: str) -> None:
    text = f"engine: nano\nsetting: a beach at sunset\n{text}"
    found = direct(save(tmp_path, text), None, RULES, quiet)
    (before, now) = (storyboard.load(path).shots[0] for path in (tmp_path / "film.yaml", found.path))
    assert [beat.take for beat in found.beats] == ["scene-1/shot-1", "scene-1/shot-1/first still 1"]
    told = plan_takes(storyboard.load(found.path), lambda _name: nano_card())
    (still,) = told.stills["shot-1"]
    assert still.keyframe.beat.sent == found.beats[1].sent == told.prompts[still.stretch.keys[0]].text
    assert still.keyframe.beat.sent.startswith("a beach at sunset")
    assert now.keyframes[0].beat.prompt == before.keyframes[0].beat.prompt == "a red ball on the grass"
    assert now.beats[0].prompt == before.beats[0].prompt


def test_what_is_sent_for_a_still_that_is_not_there_is_told() -> None:
    shots = [{"prompt": "a", "keyframe": {"first": "b", "last sent": "c"}}]
    with pytest.raises(StoryboardError, match="no last still that is told this"):
        board(*shots)
