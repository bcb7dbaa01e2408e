"""A film leaves: marked, signed, checked, and whole at its name or not there at all."""

import _thread
import datetime as dt
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from sora_cli.cli.console import verdict_lines
from sora_cli.errors import MediaError, PolicyError, RequestError, StampError
from sora_cli.events import Event, Recording, Silent, StageDone, StageStarted, StageStep
from sora_cli.media.deliveries import WEB
from sora_cli.media.read import probe
from sora_cli.media.stream import Master
from sora_cli.stamp import (
    GENERATED,
    Making,
    Origin,
    Release,
    Signer,
    SpokenLine,
    credential,
    look_at,
    release_sound,
    verify,
)
from sora_cli.stamp.release import Releases, ReleaseTarget
from sora_cli.storyboard.model import Provenance, Watermark
from tests.benchmarks.bench_stamp import big_film
from tests.stamp.conftest import FPS, FRAMES, SIZE, Send, make_master, noise, tone


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_released_film_is_whole_and_proves_itself(done: Release, making: Making) -> None:
    found = probe(done.path)
    assert (found.width, found.height, found.frames, found.fps) == (*SIZE, FRAMES, FPS)
    verdict = verify(done.path)
    assert verdict.ok
    assert verdict == done.verdict
    assert (verdict.state, verdict.trust, verdict.self_made) == ("trusted", "this installation", True)
    assert (verdict.author, verdict.training, verdict.generator) == ("Jane Doe", "notAllowed", "sora 0.1.0")
    assert verdict.source == "trainedAlgorithmicMedia"
    assert verdict.parameters["storyboard_sha256"] == "ab" * 32
    assert dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(verdict.created) < dt.timedelta(minutes=5)
    assert "self-made" in verdict.sentence
    assert "not changed since" in verdict.sentence
    assert list(done.path.parent.iterdir()) in ([done.path.parent / "clips", done.path],
                                                [done.path, done.path.parent / "clips"])  # fmt: skip
    assert making.origins


def test_each_take_is_an_ingredient_with_its_own_manifest(done: Release, making: Making) -> None:
    parts = done.verdict.parts
    assert [part.name for part in parts] == ["scene-1/shot-1", "scene-1/shot-2"]
    assert {(part.relationship, part.state, part.signer) for part in parts} == {
        ("componentOf", "whole", "sora local signer")
    }
    assert [(part.start, part.end) for part in parts] == [(0.0, 1.0), (1.0, 2.0)]
    for part, origin in zip(parts, making.origins, strict=True):
        told = part.parameters
        assert (told["prompt"], told["seed"], told["engine"], told["revision"], told["key"], told["options"]) == (
            origin.prompt, origin.seed, origin.engine, origin.revision, origin.key, dict(origin.options),
        )  # fmt: skip
        assert part.source == "trainedAlgorithmicMedia"
    assert [(inner.name, inner.relationship) for inner in parts[0].parts] == [("ball.png", "inputTo")]


def test_actions_and_statements_follow_the_specification(done: Release) -> None:
    manifest = credential.read(done.path).manifests[credential.read(done.path).active]
    actions = next(a["data"] for a in manifest["assertions"] if a["label"].startswith("c2pa.actions"))
    assert actions["allActionsIncluded"] is True
    names = [each["action"] for each in actions["actions"]]
    assert names == ["c2pa.created", "c2pa.placed", "c2pa.placed", "c2pa.adjustedColor", "c2pa.addedText"]
    assert all("digitalSourceType" in each for each in actions["actions"] if each["action"] != "c2pa.placed")
    for each in actions["actions"]:
        assert all("." in key or key in {"ingredients", "ingredientIds"} for key in each.get("parameters", {}))
    assert manifest["claim_generator_info"][0]["specVersion"] == "2.4.0"
    assert manifest["claim_version"] == 2


def test_nothing_tells_where_on_the_machine_it_was_made(done: Release, tmp_path: Path) -> None:
    raw = done.path.read_bytes()
    assert str(tmp_path).encode() not in raw
    assert str(Path.home()).encode() not in raw


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("nothing", "trainedAlgorithmicMedia"),
        ("music", "compositeWithTrainedAlgorithmicMedia"),
        ("picture", "compositeWithTrainedAlgorithmicMedia"),
    ],
)
def test_the_users_own_material_makes_it_a_composite(
    tmp_path: Path, making: Making, send: Send, change: str, expected: str
) -> None:
    if change == "music":
        song = tmp_path / "song.wav"
        _wav(song)
        making = replace(making, sounds=((song, 0, 24),))
    if change == "picture":
        own = tmp_path / "own.png"
        Image.fromarray(noise(3)).save(own)
        first = replace(making.origins[0], own_media=(own,))
        making = replace(making, origins=(first, making.origins[1]))
    done = send(make_master(sound=tone()), making=making)
    assert done.verdict.source == expected
    if change == "music":
        assert done.verdict.actions[-1] == "c2pa.addedText"
        assert "c2pa.mixed" in done.verdict.actions
        assert done.verdict.parts[-1].name == "song.wav"
        assert (done.verdict.parts[-1].start, done.verdict.parts[-1].end) == (0.0, 2.0)
    if change == "picture":
        assert [part.source for part in done.verdict.parts] == [expected, "trainedAlgorithmicMedia"]
        assert {inner.name for inner in done.verdict.parts[0].parts} == {"ball.png", "own.png"}


def _wav(path: Path) -> None:
    import wave

    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.zeros(8000, np.int16).tobytes())


def test_material_that_c2pa_cannot_hash_is_still_named(tmp_path: Path, making: Making, send: Send) -> None:
    song = tmp_path / "song.ogg"
    song.write_bytes(b"OggS")
    making = replace(making, sounds=((song, 0, 6), (song, 12, 24)))  # the last of them was told alone
    done = send(making=making)
    assert next(line for line in verdict_lines(done.verdict) if "song" in line) == (
        "  song.ogg 0.00-0.50 s, 1.00-2.00 s: unsigned"
    )
    assert [each["name"] for each in done.verdict.parameters["music"]] == ["song.ogg"]
    assert done.verdict.parameters["music"][0]["sha256"] == digest(song)
    assert done.verdict.parts[-1].name == "song.ogg"
    assert done.verdict.source == "compositeWithTrainedAlgorithmicMedia"


def test_speech_and_sounds_that_were_made_are_told(making: Making, send: Send) -> None:
    line = SpokenLine(who="mara", text="It burns.", voice="en-gb-1", start=0.25, end=1.0)
    done = send(make_master(sound=tone()), making=replace(making, speech=(line,), synthesized=("thunder",)))
    assert done.verdict.ok
    assert done.verdict.source == "trainedAlgorithmicMedia"
    assert done.verdict.actions.count("c2pa.mixed") == 2
    raw = done.path.read_bytes()
    for told in (b"It burns.", b"en-gb-1", b"thunder", b"trainedAlgorithmicMedia", b"algorithmicMedia"):
        assert told in raw


def test_a_shots_own_sound_has_its_place(tmp_path: Path, making: Making, send: Send) -> None:
    _wav(tmp_path / "steps.wav")
    done = send(making=replace(making, sounds=((tmp_path / "steps.wav", 3, 9),)))
    part = done.verdict.parts[-1]
    assert (part.name, part.start, part.end) == ("steps.wav", 0.25, 0.75)
    assert done.verdict.source == "compositeWithTrainedAlgorithmicMedia"


def test_a_reference_whose_name_has_the_wrong_ending(making: Making, send: Send) -> None:
    """It could be rendered from, so the film must not fail over it at the very end."""
    reference = making.origins[0].references[0]
    Image.fromarray(noise(1)).save(reference, format="JPEG")
    done = send(making=making)
    assert done.verdict.parts[0].parts[0].name == "ball.png"
    assert done.verdict.parts[0].parameters["inputs"] == [{"name": "ball.png", "sha256": digest(reference)}]


def test_the_store_is_not_written_to(making: Making, send: Send) -> None:
    before = [(digest(origin.clip), origin.clip.stat().st_mtime_ns) for origin in making.origins]
    send()
    assert before == [(digest(origin.clip), origin.clip.stat().st_mtime_ns) for origin in making.origins]


def test_stages_are_told(send: Send) -> None:
    heard = Recording()
    send(report=heard)
    assert [(each.stage, each.total) for each in heard.of(StageStarted)] == [("write", FRAMES), ("stamp", 2)]
    assert [each.stage for each in heard.of(StageDone)] == ["write", "stamp"]
    steps = [(each.stage, each.done) for each in heard.of(StageStep)]
    assert steps == [("write", n + 1) for n in range(FRAMES)] + [("stamp", 1), ("stamp", 2)]


@pytest.mark.parametrize("mark", [Watermark(on=False), Watermark(opacity=0.05), Watermark(text="")])
def test_an_unmarked_film_needs_leave(tmp_path: Path, send: Send, mark: Watermark) -> None:
    unmarked = Provenance(watermark=mark)
    with pytest.raises(PolicyError, match="visible mark") as caught:
        send(provenance=unmarked)
    assert caught.value.exit_code == 4
    assert not (tmp_path / "film.mp4").exists()
    done = send(provenance=unmarked, may_leave_unmarked=True)
    assert not done.marked
    assert "c2pa.addedText" not in done.verdict.actions


class Halt:
    """A report that stops the work at a stage's step, as Ctrl-C or an error would."""

    def __init__(self, stage: str, error: type[BaseException]) -> None:
        self.stage, self.error = stage, error

    def __call__(self, event: Event) -> None:
        if isinstance(event, StageStep) and event.stage == self.stage:
            raise self.error


@pytest.mark.parametrize("stage", ["write", "stamp"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_is_cut_short_leaves_what_was_there(
    tmp_path: Path, send: Send, stage: str, error: type[BaseException]
) -> None:
    out = tmp_path / "film.mp4"
    out.write_bytes(b"the film of yesterday")
    with pytest.raises(error):
        send(report=Halt(stage, error))
    assert out.read_bytes() == b"the film of yesterday"
    assert {path.name for path in tmp_path.iterdir()} == {"clips", "film.mp4"}


def test_an_interrupt_while_signing_is_heard_at_once(tmp_path: Path, signer: Signer) -> None:
    """c2pa's own callbacks would swallow it."""
    big_film(tmp_path / "big.mov", 320 << 20)
    done = threading.Event()

    def interrupt() -> None:
        """Once the signed film is being written."""
        while not done.wait(0.001):
            if len(list(tmp_path.iterdir())) > 1:
                _thread.interrupt_main()
                return

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            credential.sign(tmp_path / "big.mov", tmp_path / "signed.mov", _bare(), signer)
    finally:
        done.set()
        watcher.join()
    assert [path.name for path in tmp_path.iterdir()] == ["big.mov"]


def test_a_clip_that_is_no_film_is_a_clear_error(tmp_path: Path, making: Making, send: Send) -> None:
    making.origins[1].clip.write_bytes(b"not a film")
    with pytest.raises(StampError, match=r"1\.mp4 cannot be signed"):
        send()
    assert {path.name for path in tmp_path.iterdir()} == {"clips"}


def test_an_ingredient_that_was_tampered_with_before_fails_the_film(
    tmp_path: Path, making: Making, signer: Signer
) -> None:
    """c2pa itself calls such a film trusted."""
    signed = tmp_path / "signed.mp4"
    credential.sign(making.origins[0].clip, signed, _bare(), signer)
    raw = bytearray(signed.read_bytes())
    raw[-50] ^= 1
    making.origins[0].clip.write_bytes(raw)
    signed.unlink()
    parent = credential.Ingredient(path=making.origins[0].clip, title="old", relationship="componentOf", label="take-0")
    out = tmp_path / "again.mp4"
    credential.sign(making.origins[1].clip, out, _bare(), signer, ingredients=[parent])
    verdict = verify(out)
    assert verdict.state == "trusted"
    assert not verdict.ok
    assert verdict.parts[0].state == "failed"
    assert "is as it was signed by this installation's own self-made signer, \"sora local" in verdict.sentence
    assert '", but a part of it had been tampered with before: old: its pictures' in verdict.sentence
    with pytest.raises(
        StampError, match=r"a part of .*again\.mp4 had been changed before it was signed \(old: "
    ) as caught:
        look_at(out)
    assert "as it was signed" not in caught.value.hint


def _bare() -> dict[str, object]:
    created = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/composite",
    }
    return {
        "claim_generator_info": [{"name": "test"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }


def test_places_that_cannot_be_written(tmp_path: Path, send: Send) -> None:
    for out, words in ((tmp_path, "it is a folder"), (tmp_path / "no" / "film.mp4", "does not exist")):
        with pytest.raises(RequestError, match=words):
            send(out=out)


def test_a_master_that_breaks_its_word_leaves_nothing(tmp_path: Path, send: Send) -> None:
    def short() -> Iterator[av.VideoFrame]:
        yield av.VideoFrame.from_ndarray(noise(1), format="rgb24")

    master = Master(width=SIZE[0], height=SIZE[1], fps=FPS, frames=5, pictures=short)
    with pytest.raises(MediaError):
        send(master)
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]


def test_a_film_that_fails_takes_those_with_it_that_wait_to_be_signed(
    tmp_path: Path, making: Making, provenance: Provenance, signer: Signer
) -> None:
    out = tmp_path / "film.mp4"
    out.write_bytes(b"what was there")
    short = replace(make_master(), frames=FRAMES + 1)
    target = ReleaseTarget(out, provenance, signer, WEB, Silent())
    with Releases() as films:
        films.write(make_master(), target, making)
        with pytest.raises(MediaError):
            films.write(short, replace(target, out=tmp_path / "next.mp4"), making)
    assert out.read_bytes() == b"what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "film.mp4"]


def test_signing_in_place_is_refused(making: Making, signer: Signer) -> None:
    clip = making.origins[0].clip
    before = digest(clip)
    with pytest.raises(StampError, match="in place"):
        credential.sign(clip, clip, _bare(), signer)
    assert digest(clip) == before


def test_odd_options_and_seeds_are_told(making: Making, send: Send) -> None:
    odd = {"none": None, "path": Path("/secret/place/lora.bin"), "half": FPS / 5, "list": [1, (2, None)], "on": True}
    first: Origin = replace(making.origins[0], options=odd, seed=2**64 - 1, prompt='"ü" 雨 \u0000 ' * 50)
    making = replace(making, origins=(first,))
    done = send(making=making)
    told = done.verdict.parts[0].parameters
    assert told["seed"] == str(2**64 - 1)
    assert told["options"] == {"path": "lora.bin", "half": "12/5", "list": [1, [2]], "on": True}
    assert told["prompt"] == first.prompt


def test_a_sound_goes_into_a_folder_that_is_made_for_it(tmp_path: Path, signer: Signer) -> None:
    out = tmp_path / "new" / "voices.wav"
    blocks = [np.zeros((4800, 2), np.float32)]
    release_sound(blocks, out, facts={}, source=GENERATED, provenance=Provenance(), signer=signer)
    assert verify(out).ok
