"""Every container: signed, accepted, caught when changed. And films that somebody else made."""

import io
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import c2pa
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from sora_cli.errors import MediaError, PolicyError, RequestError, SoraError, StampError
from sora_cli.media.deliveries import DELIVERIES, WEB, Delivery
from sora_cli.media.film import write_film
from sora_cli.media.read import probe, read_frames
from sora_cli.media.replay import replay
from sora_cli.media.stream import Chapter
from sora_cli.media.sums import read_sums
from sora_cli.stamp import Edit, Making, Release, Signer, check_mark, credential, look_at, verify
from sora_cli.stamp.beside import sidecar_of
from sora_cli.stamp.certificate import make_signer
from sora_cli.stamp.release import release
from sora_cli.stamp.watermark import make_badge, mark_at
from sora_cli.storyboard.model import Provenance, Watermark
from tests.stamp.conftest import FPS, FRAMES, SIZE, Send, make_master, noise, tone
from tests.stamp.pki import issue

KINDS = {
    **DELIVERIES,
    "moov at the end": replace(WEB, container_options={}),
    "fragmented": replace(WEB, container_options={"movflags": "+frag_keyframe+empty_moov"}),
    "webm": Delivery(
        name="webm", title="", suffix=".webm", mime="video/webm", container="webm", codec="libvpx-vp9",
        pixels="yuv420p", options={"deadline": "realtime", "cpu-used": "8"}, sound_codec="libopus", signable=False,
    ),
}  # fmt: skip


IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
CREATED = {
    "label": "c2pa.actions",
    "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": f"{IPTC}digitalCapture"}]},
}
CASES = Path(__file__).parents[1] / "cases"
FILES = [name for name in KINDS if name != "frames"]


@pytest.mark.parametrize("name", FILES)
def test_each_container_is_accepted_and_guarded(send: Send, tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    film = tmp_path / f"film{kind.suffix}"
    done = send(make_master(sound=tone()), out=film, kind=kind)
    assert verify(film).ok
    assert len(verify(film).parts) == 2
    assert len(probe(film).shown_at(FPS)) == FRAMES
    assert (done.sidecar is not None) == (kind.suffix in {".mkv", ".webm"})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["clips", film.name, *([f"{film.name}.c2pa"] if done.sidecar else [])]
    )
    raw = bytearray(film.read_bytes())
    # A WebP ends on the credential, and that on the padding of its signature, which says nothing and is not guarded.
    for part in (0.3, 0.5, 0.7, *(() if name == "webp" else (0.999,))):
        changed = bytearray(raw)
        changed[int(len(raw) * part)] ^= 0x10
        film.write_bytes(changed)
        assert not verify(film).ok, part
    film.write_bytes(raw + b"\0")
    assert not verify(film).ok
    film.write_bytes(raw)
    assert verify(film).ok


def test_a_folder_of_frames_is_accepted_and_guarded(send: Send, tmp_path: Path) -> None:
    film = tmp_path / "film.frames"
    for _ in range(2):  # the second takes the first one's place
        done = send(make_master(sound=tone()), out=film, kind=KINDS["frames"])
        assert verify(film).ok
    assert done.sidecar == film / "SHA256SUMS.c2pa"
    assert done.sidecar.exists()
    assert len(verify(film).parts) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "film.frames"]
    pictures = sorted(path.name for path in film.glob("*.png"))
    assert pictures == [f"frame-{number:06d}.png" for number in range(1, FRAMES + 1)]
    for name in (pictures[3], "sound.wav", "SHA256SUMS", "SHA256SUMS.c2pa"):
        raw = (film / name).read_bytes()
        changed = bytearray(raw)
        changed[len(raw) // 2] ^= 1
        (film / name).write_bytes(changed)
        assert not verify(film).ok, name
        (film / name).unlink()
        if name == "SHA256SUMS":
            with pytest.raises(RequestError, match="SHA256SUMS"):
                verify(film)
        else:
            assert not verify(film).ok, name
        (film / name).write_bytes(raw)
        assert verify(film).ok
    shutil.copy(film / pictures[0], film / "frame-000025.png")
    verdict = verify(film)
    assert not verdict.ok
    assert "frame-000025.png: not among the files that were signed" in verdict.problems
    with pytest.raises(RequestError, match=r"frame-000025\.png"):
        send(out=film, kind=KINDS["frames"])


@pytest.mark.parametrize("path", ["/etc/passwd", "../clips/0.mp4", "a/b", ".."])
def test_a_list_of_hashes_names_nothing_outside_its_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"# one\n{'0' * 64}  {path}\n{'0' * 64}  inside.png\n")
    assert list(read_sums(tmp_path)) == ["inside.png"]


@pytest.mark.parametrize("name", ["film", "a.txt"])
def test_pictures_take_the_place_of_nothing_else(send: Send, tmp_path: Path, name: str) -> None:
    (tmp_path / "film.frames").mkdir()
    (tmp_path / "film.frames" / name).write_text("mine")
    with pytest.raises(RequestError, match="something else"):
        send(out=tmp_path / "film.frames", kind=KINDS["frames"])
    assert (tmp_path / "film.frames" / name).read_text() == "mine"


def test_a_sidecar_belongs_to_its_film(send: Send, tmp_path: Path) -> None:
    one = send(out=tmp_path / "one.mkv", kind=KINDS["archive"])
    other = send(make_master(seed=4), out=tmp_path / "other.mkv", kind=KINDS["archive"])
    assert one.sidecar is not None
    assert other.sidecar is not None
    shutil.copy(one.sidecar, other.sidecar)
    assert verify(other.path).state == "invalid"
    store = one.sidecar.read_bytes()
    one.sidecar.unlink()
    verdict = verify(one.path)
    assert verdict.state == "unsupported"
    assert "none lies beside it" in verdict.sentence
    for junk in (b"junk", b"", store[:2000]):
        one.sidecar.write_bytes(junk)
        verdict = verify(one.path)
        assert verdict.sentence == "one.mkv has a credential that is damaged: nothing is proven about it."
        assert verdict.problems[0].startswith("one.mkv.c2pa: ")
        with pytest.raises(StampError, match=r"broken credential: that of .*one.mkv is damaged \(one.mkv.c2pa: "):
            look_at(one.path)
    one.sidecar.unlink()
    one.sidecar.symlink_to("nowhere")
    with pytest.raises(RequestError, match=r"cannot read .*one\.mkv\.c2pa: No such file"):
        verify(one.path)
    one.sidecar.unlink()
    one.sidecar.mkdir()
    with pytest.raises(RequestError, match=r"cannot read .*one\.mkv\.c2pa: it is a folder"):
        verify(one.path)


def test_a_sidecar_beside_a_film_that_holds_its_own_is_not_read(done: Release) -> None:
    done.path.with_name("film.mp4.c2pa").write_bytes(b"junk")
    assert verify(done.path).ok


@pytest.mark.parametrize("name", ["a.png", "a.mp4", "a.ogg"])
def test_a_sidecar_of_another_program_is_read_where_a_file_holds_none(
    name: str, tmp_path: Path, signer: Signer
) -> None:
    path, kind = tmp_path / name, {".png": "image/png", ".mp4": "video/mp4"}.get(Path(name).suffix, "audio/ogg")
    if path.suffix == ".png":
        Image.new("RGB", (64, 64), "red").save(path)
    elif path.suffix == ".ogg":
        path.write_bytes(b"OggS" + bytes(range(100)))
    else:
        write_film(path, make_master(frames=2))
    about = {"claim_generator_info": [{"name": "x", "version": "1"}], "assertions": [CREATED]}
    with credential._context(signer) as context, path.open("rb") as file:
        builder = c2pa.Builder(about, context=context)
        builder.set_no_embed()
        store = builder.sign(kind, file, io.BytesIO())
    for beside in (path.with_name(f"{name}.c2pa"), path.with_suffix(".c2pa")):
        assert verify(path).state == ("unsupported" if path.suffix == ".ogg" else "none")
        beside.write_bytes(store)
        assert verify(path, anchors_pem=signer.root).ok
        assert look_at(path, signer.root).bare is False
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] + b"?" + whole[len(whole) // 2 + 1 :])
        assert verify(path).state == "invalid"
        with pytest.raises(StampError, match="was changed since it was signed") as caught:
            look_at(path)
        assert f"move {beside} away" in caught.value.hint
        path.write_bytes(whole)
        if beside.stem == path.stem:  # whose is it?
            shutil.copy(path, path.with_suffix(".txt"))
            assert verify(path).state in {"none", "unsupported"}
        beside.unlink()


# --- films that somebody else made --------------------------------------------------------------------------------


def stamped(source: Path, out: Path, *, provenance: Provenance, signer: Signer) -> Release:
    edit = Edit(clips=((source, 0, 0),))
    return release(replay(source), out, making=edit, provenance=provenance, signer=signer)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.mp4"
    chapters = (Chapter("one", 0, 7), Chapter("two", 7, FRAMES))
    write_film(path, replace(make_master(sound=tone()), chapters=chapters, author="Ann"))
    return path


def test_stamping_somebodys_film(theirs: Path, tmp_path: Path, signer: Signer) -> None:
    out, before = tmp_path / "stamped.mp4", theirs.read_bytes()
    mark = Watermark(opacity=1.0)
    done = stamped(theirs, out, provenance=Provenance(watermark=mark), signer=signer)
    assert theirs.read_bytes() == before
    assert done.verdict.ok
    assert done.verdict.actions == ("c2pa.opened", "c2pa.addedText", "c2pa.transcoded")
    assert done.verdict.source == ""  # nothing is said of how it was made
    assert "was stamped with sora" in done.verdict.sentence
    assert [(part.name, part.relationship, part.state) for part in done.verdict.parts] == [
        ("theirs.mp4", "parentOf", "unsigned")
    ]
    found = probe(out)
    assert (found.frames, found.fps, found.width, found.height, found.channels) == (FRAMES, FPS, *SIZE, 2)
    again = replay(out)
    assert (again.title, again.author) == ("Test", "Ann")
    assert again.chapters == (Chapter("one", 0, 7), Chapter("two", 7, FRAMES))
    badge = make_badge(mark, *SIZE)
    x, y = mark_at(5, FPS, SIZE, badge.size)
    patch = read_frames(out, 5, 1)[0, y : y + badge.size[1], x : x + badge.size[0]].astype(int)
    assert np.abs(patch - badge.rgba[..., :3])[badge.rgba[..., 3] == 255].mean() < 25


def test_a_credential_beside_a_film_goes_into_what_is_made_of_it(
    send: Send, tmp_path: Path, provenance: Provenance, signer: Signer
) -> None:
    """A film that cannot hold its own, or whose own lies on the network, is no unsigned part of another one."""
    mkv = send(make_master(frames=4), out=tmp_path / "one.mkv", kind=KINDS["archive"], making=Making()).path
    remote, bare = tmp_path / "remote.mp4", {"claim_generator_info": [{"name": "x"}], "assertions": [CREATED]}
    shutil.copy(CASES / "Q_remote.mp4", remote)
    with credential._context(signer) as context, remote.open("rb") as file, c2pa.Builder(bare, context) as builder:
        builder.set_no_embed()
        store = builder.sign("application/octet-stream", file, io.BytesIO())
    sidecar_of(remote).write_bytes(store)
    for source in (mkv, remote):
        done = stamped(source, tmp_path / "out.mp4", provenance=provenance, signer=signer)
        ((name, state, by, notes),) = [(each.name, each.state, each.signer, each.notes) for each in done.verdict.parts]
        assert (name, state, by, notes) == (source.name, "whole", "sora local signer", ())


def test_an_old_credential_is_kept_inside(send: Send, tmp_path: Path, signer: Signer) -> None:
    jane = issue("Jane Doe Films")
    first = send(signer=make_signer(jane.chain, jane.key, source="x"))
    done = stamped(first.path, tmp_path / "again.mp4", provenance=Provenance(), signer=signer)
    (parent,) = done.verdict.parts
    assert (parent.relationship, parent.state, parent.signer) == ("parentOf", "whole", "Jane Doe Films")
    assert parent.source == "trainedAlgorithmicMedia"
    assert [part.name for part in parent.parts] == ["scene-1/shot-1", "scene-1/shot-2"]
    assert parent.parts[0].parameters["prompt"] == "a red ball"


def test_a_broken_credential_is_not_stamped_over(done: Release, tmp_path: Path, signer: Signer) -> None:
    raw = bytearray(done.path.read_bytes())
    raw[-9] ^= 1
    done.path.write_bytes(raw)
    with pytest.raises(StampError, match="broken credential"):
        stamped(done.path, tmp_path / "again.mp4", provenance=Provenance(), signer=signer)
    assert not (tmp_path / "again.mp4").exists()


def test_what_is_no_film_is_not_stamped(tmp_path: Path, signer: Signer, making: Making) -> None:
    for path in (tmp_path / "none.mp4", making.origins[0].references[0], tmp_path / "junk.mp4"):
        if path.name == "junk.mp4":
            path.write_bytes(b"junk" * 99)
        with pytest.raises(SoraError) as caught:
            stamped(path, tmp_path / "out.mp4", provenance=Provenance(), signer=signer)
        assert str(path.name) in caught.value.message
        assert not (tmp_path / "out.mp4").exists()
    with pytest.raises(PolicyError):
        stamped(
            making.origins[0].clip, tmp_path / "out.mp4",
            provenance=Provenance(watermark=Watermark(on=False)), signer=signer,
        )  # fmt: skip


def test_odd_sizes_and_changing_rates(tmp_path: Path, signer: Signer) -> None:
    odd = tmp_path / "odd.mkv"
    with av.open(str(odd), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 255, 159, "bgr0"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for number, at in enumerate((0, 40, 80, 200, 240, 280, 320)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(noise(number)[:159, :255]), format="rgb24")
            frame = frame.reformat(format="bgr0")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    done = stamped(odd, tmp_path / "even.mp4", provenance=Provenance(), signer=signer)
    found = probe(done.path)
    assert (found.width, found.height) == (254, 158)
    assert abs(found.duration - Fraction(36, 100)) < Fraction(5, 100)
    assert done.verdict.ok


def test_the_mark_can_be_checked_before_work_is_done(tmp_path: Path) -> None:
    check_mark(Watermark(), 256, 160)
    check_mark(Watermark(on=False), 256, 160, may_leave_unmarked=True)
    with pytest.raises(PolicyError):
        check_mark(Watermark(on=False), 256, 160)
    with pytest.raises(MediaError):
        check_mark(Watermark(image=tmp_path / "none.png"), 256, 160)


# --- other readers ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_ffmpegs_copy_drops_the_manifest_and_verify_says_so(done: Release, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-i", done.path, "-c", "copy", copy], check=True)  # noqa: S607
    assert verify(copy).state == "none"


@pytest.mark.parametrize("name", ["web", "moov at the end", "fragmented", "prores"])
def test_another_engine_agrees(send: Send, tmp_path: Path, name: str) -> None:
    """encypher-c2pa is an implementation of its own, in Rust, without c2pa-rs; it is asked where it is installed."""
    other = pytest.importorskip("encypher_c2pa")
    done = send(make_master(sound=tone()), out=tmp_path / f"film{KINDS[name].suffix}", kind=KINDS[name])
    ask = {"telemetry": False, "online": False, "trust_pem": done.signer.root, "no_default_trust": True}
    found = other.verify(str(done.path), **ask)
    assert (found["validation_state"], found["integrity"], found["hard_binding"]) == ("Trusted", "valid", "match")
    raw = bytearray(done.path.read_bytes())
    raw[len(raw) // 2] ^= 1
    done.path.write_bytes(raw)
    assert other.verify(str(done.path), **ask)["integrity"] == "invalid"
