"""References: what a cast may name, which engine takes what of it, and that a changed one is a new take."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sora_cli.cancel import Cancellation
from sora_cli.engines.base import Ability, EngineCard, Footage, Given, Progress, Take
from sora_cli.engines.cards import known
from sora_cli.errors import StoryboardError
from sora_cli.events import Recording
from sora_cli.flows import film
from sora_cli.flows.lineage import own_files
from sora_cli.media.clip import write_clip
from sora_cli.media.stream import Sound
from sora_cli.plan import Plan, plan_takes
from sora_cli.record import sidecar
from sora_cli.record.film import CardRecord, FilmRecord
from sora_cli.shoot.camera import Camera
from sora_cli.shoot.executors.local import LocalExecutor
from sora_cli.shoot.shoot import shoot
from sora_cli.stamp import credential
from sora_cli.stamp.claims import GENERATED
from sora_cli.store import Store, file_hash
from sora_cli.storyboard import read_text
from tests.boards import CARD, board, catalogue

ALL = {"max_references": 3, "max_film_references": 1, "max_sound_references": 2, "max_references_in_all": 5,
       "sound_rate": 8000}  # fmt: skip
NAMES = ("a.png", "b.png", "c.png", "walk.mp4", "run.mp4", "voice.wav", "song.wav", "cry.wav")


@pytest.fixture
def refs(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        (tmp_path / name).write_bytes(bytes([number]))
    return tmp_path


def told(folder: Path, written: str, **card: Any) -> str:
    """The only problem of a storyboard whose cast has these references, as it is shown."""
    text = f"cast:\n  mara:\n    looks: a woman\n    reference: {written}\nshots:\n  - '@mara walks'\n"
    reading = read_text(text, folder=folder, name="board.yaml", sets={})
    assert reading.board is not None
    with pytest.raises(StoryboardError) as caught:
        plan_takes(reading.board, catalogue(**card))
    (problem,) = caught.value.problems
    return str(problem)


def plan(folder: Path, references: Any, **card: Any) -> Plan:
    cast = {"mara": {"looks": "a woman", "reference": references}}
    return plan_takes(board("@mara walks", cast=cast, folder=folder), catalogue(**{**ALL, **card}))


def test_an_engine_that_takes_pictures_only_refuses_others_at_their_place(refs: Path) -> None:
    film = told(refs, "[a.png, walk.mp4]")
    assert film.startswith("board.yaml:4:24: engine test takes no film as a reference")
    assert "hint: name pictures" in film
    assert told(refs, "voice.wav").startswith("board.yaml:4:16: engine test takes no sound as a reference")
    words = frozenset(Ability) - {Ability.REFERENCES, Ability.SOUND}
    alone = told(refs, "walk.mp4", abilities=words, max_references=0)
    assert alone.startswith("board.yaml:4:16: engine test takes no film as a reference")
    assert "only words describe the cast" in alone


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[a.png, walk.mp4, run.mp4]", "4:34: engine test takes 1 reference film, not 2"),
        ("[a.png, voice.wav, song.wav, cry.wav, b.png, c.png]", "4:61: engine test takes 5 references in all, not 6"),
        ("voice.wav", "4:16: engine test takes a sound beside a picture or film only"),
    ],
)
def test_limits_are_told_at_the_first_one_too_many(refs: Path, written: str, message: str) -> None:
    assert told(refs, written, **{**ALL, "max_sound_references": 3}).startswith(f"board.yaml:{message}")


def test_pictures_are_refused_where_the_beat_names_too_many(refs: Path) -> None:
    shot = {"prompt": "a ball", "reference": ["a.png", "b.png", "c.png"]}
    with pytest.raises(StoryboardError, match="takes 2 reference pictures, not 3"):
        plan_takes(board(shot, folder=refs), catalogue())


def test_another_file_is_another_take_and_pictures_keep_the_keys_they_had(refs: Path) -> None:
    (take,) = plan(refs, ["a.png", "walk.mp4", "voice.wav"]).takes
    assert [reference.path.name for reference in take.references] == ["a.png", "walk.mp4", "voice.wav"]
    (refs / "voice.wav").write_bytes(b"another")
    (changed,) = plan(refs, ["a.png", "walk.mp4", "voice.wav"]).takes
    (turned,) = plan(refs, ["walk.mp4", "a.png", "voice.wav"]).takes
    assert len({take.key, changed.key, turned.key}) == 3
    (refs / "same.mp4").write_bytes(b"one")
    (refs / "same.m4a").write_bytes(b"one")
    keys = {plan(refs, ["a.png", name]).takes[0].key for name in ("same.mp4", "same.m4a")}
    assert len(keys) == 2, "the same bytes, read as a film and as a sound"


def test_an_engine_of_references_or_frames_says_which_beats_go_without(refs: Path) -> None:
    cast = {"mara": {"looks": "a woman", "reference": ["a.png"]}}
    shot = {"beats": ["@mara walks", "@mara stands"]}
    planned = plan_takes(board(shot, cast=cast, folder=refs), catalogue(**ALL, references_alone=True))
    assert [len(take.references) for take in planned.takes] == [1, 0]
    (remark,) = planned.remarks
    assert "given frames or references, not both" in remark.message


class Asked:
    """Draws black, and remembers what it was given."""

    def __init__(self, card: EngineCard) -> None:
        self.card = card
        self.given: list[Given] = []

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        progress(1, 1)
        self.given.append(given)
        return Footage(np.zeros((take.frames, take.height, take.width, 3), np.uint8), take.fps)

    def close(self) -> None:
        pass


def test_an_engine_is_given_as_much_of_films_and_sounds_as_its_take_is_long(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (60, 64, 96, 3), dtype=np.uint8)
    tone = np.sin(np.arange(3 * 16_000) / 16_000 * 2 * np.pi * 440).astype(np.float32)
    sound = Sound(np.stack([tone, tone], 1), 16_000)
    write_clip(tmp_path / "walk.mp4", frames, Fraction(20), sound)
    write_clip(tmp_path / "still.mp4", frames[:1], Fraction(20))
    write_clip(tmp_path / "voice.mp4", frames[:1], Fraction(20), sound)
    (tmp_path / "voice.mp4").rename(tmp_path / "voice.m4a")
    Image.fromarray(frames[0]).save(tmp_path / "a.png")
    names = ["voice.m4a", "walk.mp4", "a.png", "still.mp4"]
    planned = plan(tmp_path, names, max_film_references=2, max_pixels=48 * 32, max_frames=13)
    made = Asked(CARD)
    camera = Camera(lambda *_: made, Store(tmp_path / "store"), Cancellation())
    shoot(planned, LocalExecutor(camera, camera.close), Store(tmp_path / "store"), Recording())

    (take,) = planned.takes
    length = Fraction(take.frames) / take.fps
    voice, walk, picture, still = made.given[0].references
    assert isinstance(voice, Sound)
    assert (voice.rate, voice.samples.shape) == (8000, (round(length * 8000), 2))
    assert np.abs(voice.samples).max() > 0.5
    assert isinstance(walk, Footage)
    assert (walk.fps, walk.frames.shape) == (Fraction(20), (-(-length * 20 // 1), 32, 48, 3))
    assert walk.sound is not None
    assert np.array_equal(walk.sound.samples, voice.samples)
    assert isinstance(picture, np.ndarray)
    assert np.array_equal(picture[0], frames[0])
    assert isinstance(still, Footage)
    assert (len(still.frames), still.sound) == (1, None)


MARA = {"looks": "a woman", "voice": "en-gb-1", "reference": ["a.png"]}
SPEAKS = {"prompt": "@mara waits", "duration": "1s", "dialogue": {"cast": "mara", "line": "Nobody came."}}
SOUND = {**ALL, "abilities": CARD.abilities | {Ability.SOUND}, "references_alone": True}


def test_who_speaks_is_given_the_voice_of_the_cast_where_it_can_be(refs: Path) -> None:
    def voices(*shots: Any, mara: Any = MARA, **card: Any) -> list[list[str]]:
        planned = plan_takes(board(*shots, cast={"mara": mara}, folder=refs), catalogue(**{**SOUND, **card}))
        dropped = [one.message for one in planned.remarks if "this voice where an engine speaks" in one.message]
        found = [[reference.voice for reference in take.references] for take in planned.takes]
        assert bool(dropped) == (["", "en-gb-1"] not in found), "and what is dropped is told"
        return found

    assert voices(SPEAKS, "@mara waits", SPEAKS) == [["", "en-gb-1"], [""], ["", "en-gb-1"]]
    assert voices({**SPEAKS, "from": "a.png"}) == [[]], "frames or references"
    assert voices({**SPEAKS, "prompt": "she waits"}) == [[]], "she is not in the prompt"
    assert voices({**SPEAKS, "voice": "mine"}, SPEAKS) == [[""], ["", "en-gb-1"]], "the first is spoken by the voice"
    assert voices(SPEAKS, max_sound_references=0) == [[""]]
    assert voices(SPEAKS, mara={**MARA, "reference": ["a.png", "voice.wav"]}) == [["", ""]], "a recording of her own"
    assert voices(SPEAKS, mara={"looks": "a woman", "voice": "en-gb-1"}) == [[]], "no picture"


def test_the_voice_is_told_of_in_prompt_and_credential_and_spoken_anew_where_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (96, 64)).save(tmp_path / "a.png")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    h3 = next(entry.card.dialect for entry in known() if entry.card.name == "minimax-h3")
    made = Asked(CARD)
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(**SOUND, dialect=h3))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda *_, **__: made)
    out = film.make(board(SPEAKS, cast={"mara": MARA}, folder=tmp_path), tmp_path / "film.mp4", report=Recording())

    _, voice = made.given[0].references
    assert isinstance(voice, Sound)
    assert np.abs(voice.samples).max() > 0.1
    (take,) = FilmRecord.from_dict(sidecar.read(out.path), "it").takes
    assert "<Audio 1> is the voice-timbre reference for <Subject 1> (S1)." in take.prompt
    ((_, none), (sha, name)) = take.references
    assert (none, name) == ("", "en-gb-1")
    told = credential.read(out.path)
    ours = [manifest["assertions"] for manifest in told.manifests.values()]
    voices = re.findall(r'"com.sora.voices": (\[.*?\])', json.dumps(ours))
    assert [json.loads(each) for each in voices] == [[{"voice": name, "sha256": sha, "digitalSourceType": GENERATED}]]
    kept = Store(tmp_path / "store").card(take.key)
    assert kept is not None
    card = CardRecord.from_dict(kept.to_dict(), "it")
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "another"))
    assert file_hash(own_files([card], tmp_path)[sha]) == sha
