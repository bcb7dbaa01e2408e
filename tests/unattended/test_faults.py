"""What goes wrong with disks and clocks: nothing lost, nothing half-made taken for whole, a clear word."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sora_cli import atomic
from sora_cli.cancel import Cancellation
from sora_cli.errors import RequestError, StampError, StoreError
from sora_cli.flows import prune
from sora_cli.lock import Lock, scratch
from sora_cli.media.clip import write_clip
from sora_cli.shoot import studio
from sora_cli.stamp import local_signer
from sora_cli.stamp.credential import sign
from sora_cli.store import Clip, ClipFacts, Store
from tests.unattended.conftest import Machine

KEY, OTHER = "ab" + "0" * 30, "cd" + "1" * 30
FACTS = ClipFacts(frames=5, width=32, height=16, fps=Fraction(12), sound=False, seconds=1, score=0, fields={"seed": 1})
BOARD = """\
title: Two
shots:
  - {name: one, prompt: a red ball rolls right, duration: 1s}
  - {name: two, prompt: a blue cube falls, duration: 1s}
"""
WORDS = ("storyboard", "two.yaml", "-o", "two.mp4")


def locked(store: Store) -> Lock:
    lock = store.lock(KEY)
    assert lock is not None
    return lock


def keep(store: Store, key: str = KEY, write: Callable[[Path], object] = lambda path: path.write_bytes(b"x")) -> Clip:
    lock = store.lock(key)
    assert lock is not None
    with lock:

        def written(path: Path) -> None:
            write(path)

        return store.keep(key, FACTS, written, None)


# -- claims ----------------------------------------------------------------------------------------------------


def test_a_lock_is_held_by_one_and_gone_when_given_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with locked(store):
        assert store.lock(KEY) is None
        assert store.lock(OTHER) is not None
    with locked(store):
        pass
    assert not list(tmp_path.rglob(f"{KEY}.lock"))


HOLDER = """
import sys, time
from pathlib import Path
from sora_cli.store import Store
store = Store(Path(sys.argv[1]))
lock = store.lock(sys.argv[2])
(Path(sys.argv[1]) / sys.argv[2][:2] / f".{sys.argv[2]}.{'e' * 32}.mp4").write_bytes(b"half")
print("held", flush=True)
time.sleep(600)
"""


def test_a_lock_ends_with_its_process_and_what_that_left_is_removed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path), KEY], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        store = Store(tmp_path)
        assert store.lock(KEY) is None
        assert len(list(tmp_path.rglob(".*.mp4"))) == 1
        holder.kill()
    assert list(tmp_path.rglob("*.lock")), "the dead one's lock file is there, but locks nothing"
    with locked(store):
        assert list(tmp_path.rglob(".*.mp4")) == []


def test_a_lock_file_that_is_just_lying_there_locks_nothing(tmp_path: Path) -> None:
    (tmp_path / KEY[:2]).mkdir()
    (tmp_path / KEY[:2] / f"{KEY}.lock").write_text("12345 2001-01-01")
    with locked(Store(tmp_path)):
        pass


def test_a_link_that_leads_nowhere_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "store.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(StoreError, match="plain file"), Store(tmp_path / "store").used():
        pass
    (tmp_path / ".film.mp4.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(RequestError, match="plain file"), studio.place(tmp_path / "film.mp4", Cancellation()):
        pass
    assert not (tmp_path / "victim").exists()


def test_a_file_of_somebody_elses_with_the_name_of_a_lock_stays(tmp_path: Path) -> None:
    (tmp_path / ".film.mp4.lock").write_text("mine")
    with studio.place(tmp_path / "film.mp4", Cancellation()):
        pass
    assert (tmp_path / ".film.mp4.lock").read_text() == "mine"


def test_folders_of_others_are_no_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("sora-films", "sora-0123456789abcdef"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "film.mp4").write_text("mine")
        (tmp_path / f"{name}.lock").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / ".scratch-of-sora.lock").touch()
    (tmp_path / "sora-00000000000000aa").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "sora-00000000000000bb").mkdir()  # another user's: what is in it cannot be looked at
    (tmp_path / "sora-00000000000000bb" / ".scratch-of-sora.lock").symlink_to("no" * 200)
    before = sorted(tmp_path.rglob("*"))
    with scratch():
        pass
    assert sorted(tmp_path.rglob("*")) == before


DIES = """
import os
from sora_cli.lock import scratch
with scratch() as folder:
    (folder / "file").write_bytes(b"x")
    print(folder, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_scratch_of_the_dead_is_removed_and_of_the_living_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", DIES], capture_output=True, text=True, check=False, env=environment)
    assert Path(done.stdout.strip(), "file").exists()
    with scratch() as one, scratch() as other:
        assert {path for path in tmp_path.iterdir() if path.is_dir()} == {one, other}
    assert list(tmp_path.iterdir()) == []


def test_what_a_run_left_that_was_killed_when_its_film_was_whole_is_removed(machine: Machine) -> None:
    machine.write("two.yaml", BOARD)
    assert machine.run(*WORDS).returncode == 0
    lock = machine.folder / ".two.mp4.lock"
    lock.touch()
    with Lock.wait(lock):
        assert "up to date" in machine.run(*WORDS).stderr
        assert lock.exists(), "somebody holds it"
    lock.touch()
    assert "up to date" in machine.run(*WORDS).stderr
    assert machine.leftovers() == []


def test_threads_that_want_one_lock_take_turns(tmp_path: Path) -> None:
    inside: list[int] = []
    most = []

    def work() -> None:
        for _ in range(20):
            with Lock.wait(tmp_path / "lock"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 80


# -- cleaning --------------------------------------------------------------------------------------------------


def released(store: Store, film: Path, *keys: str) -> Path:
    sidecar = film.with_suffix(".json")
    store.films.released(film, sidecar, keys)
    sidecar.write_text(json.dumps({"takes": [{"key": key} for key in keys]}))
    return sidecar


def test_cleaning_spares_what_an_existing_films_sidecar_names(tmp_path: Path) -> None:
    store, films = Store(tmp_path / "store"), tmp_path / "films"
    films.mkdir()
    keep(store, KEY)
    keep(store, OTHER)
    sidecar = released(store, films / "one.mp4", KEY)
    done = prune.clean(store, keep_days=0)
    assert (done.clips, done.kept) == (1, 1)
    assert store.find(KEY)
    assert store.find(OTHER) is None
    sidecar.unlink()
    assert prune.clean(store, keep_days=0).clips == 1
    assert [path.name for path in store.folder.rglob("*") if path.is_file()] == ["store.lock"]


@pytest.mark.parametrize(
    "place", ["films/final.mp4.sora.json", "films/kept [1]/one.json", "one.json", "other/one.json"]
)
def test_cleaning_spares_a_film_under_another_name_or_in_a_folder_near_by(tmp_path: Path, place: str) -> None:
    store, films, now = Store(tmp_path / "store"), tmp_path / "films", tmp_path / place
    films.mkdir()
    now.parent.mkdir(exist_ok=True)
    for key in (KEY, OTHER):
        keep(store, key)
    sidecar = released(store, films / "one.mp4", KEY, OTHER)
    now.write_text(json.dumps({"takes": [{"key": KEY}]}))  # renamed or moved, and shot anew in part
    sidecar.unlink()
    for _ in range(2):
        done = prune.clean(store, keep_days=0)
    assert store.find(KEY)
    assert (store.find(OTHER), done.kept, prune.survey(store).films) == (None, 1, 1)
    now.unlink()
    assert prune.clean(store, keep_days=0).clips == 1


def test_a_film_that_was_moved_is_known_again_once_it_was_seen(machine: Machine) -> None:
    machine.write("two.yaml", BOARD)
    assert machine.run(*WORDS).returncode == 0
    away = machine.folder / "away"
    away.mkdir()
    for name in ("two.mp4", "two.mp4.sora.json", "two.mp4.sheet.png"):
        (machine.folder / name).rename(away / name)
    assert "up to date" in machine.run("storyboard", "two.yaml", "-o", "away/two.mp4").stderr
    done = machine.run("store", "clean", "--keep-days", "0", "--json")
    assert json.loads(done.stdout)["clips"] == 0
    assert "2, " in machine.run("store").stdout


def test_cleaning_spares_films_on_a_disk_that_is_away_and_sidecars_that_were_changed(tmp_path: Path) -> None:
    store, disk = Store(tmp_path / "store"), tmp_path / "disk"
    disk.mkdir()
    keep(store, KEY)
    sidecar = released(store, disk / "one.mp4", KEY)
    disk.rename(tmp_path / "away")
    done = prune.clean(store, keep_days=0)
    assert (done.clips, done.away) == (0, (str(disk / "one.mp4"),))
    (tmp_path / "away").rename(disk)
    sidecar.write_text("{")
    assert prune.clean(store, keep_days=0).clips == 0
    shutil.rmtree(disk)
    assert prune.clean(store, keep_days=0, forget_missing=True).clips == 1


def test_cleaning_spares_films_whose_place_cannot_be_looked_at(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    keep(store, KEY)
    store.films.released(tmp_path / "one.mp4", tmp_path / ("unseen" * 50) / "one.mp4.sora.json", (KEY,))
    assert prune.survey(store).away == (str(tmp_path / "one.mp4"),)
    assert prune.clean(store, keep_days=0).clips == 0


def test_cleaning_keeps_what_was_used_lately_and_touches_nothing_that_is_not_ours(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keep(store, KEY)
    keep(store, OTHER)
    long_ago = time.time() - 10 * prune.DAY
    for path in tmp_path.rglob("*.*"):
        os.utime(path, (long_ago, long_ago))
    store.find(KEY)
    mine = tmp_path / "ab" / "holiday.mp4"
    mine.write_bytes(b"mine")
    assert prune.clean(store, keep_days=7, dry_run=True).clips == 1
    assert store.card(OTHER)
    assert prune.clean(store, keep_days=7).clips == 1
    assert store.find(KEY)
    assert mine.exists()


def test_a_store_in_use_is_not_cleaned_and_not_used_while_it_is_cleaned(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.used(), store.used(), pytest.raises(StoreError, match="another sora is working"):
        prune.clean(store, keep_days=0)

    def give_up() -> None:
        raise TimeoutError

    alone = store.alone()
    assert alone is not None
    with alone, pytest.raises(StoreError):
        store.used(give_up)


# -- disks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["mp4", "json"])
def test_a_flipped_bit_anywhere_in_a_clip_or_its_card_makes_it_absent(tmp_path: Path, part: str) -> None:
    store = Store(tmp_path)
    keep(store, KEY, lambda path: path.write_bytes(os.urandom(64)))
    path = store.path(KEY, part)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = store.find(KEY)
        assert found is None or json.loads(path.read_bytes()) == json.loads(whole), f"byte {place}"
    path.write_bytes(whole)
    assert store.find(KEY)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace", "mkdir"])
def test_a_write_that_the_system_refuses_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    store = Store(tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr(os if call == "fsync" else Path, call, refuse)
        with pytest.raises(StoreError, match=os.strerror(number)) as told:
            keep(store)
    assert told.value.hint
    assert store.find(KEY) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    assert keep(store) == store.find(KEY)


def test_the_folder_is_synced_after_the_card_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    replace, fsync = Path.replace, os.fsync

    def noted_replace(path: Path, target: Path) -> Path:
        calls.append(f"name {target.suffix}")
        return replace(path, target)

    def noted_fsync(handle: int) -> None:
        calls.append("sync folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "sync file")  # noqa: PTH112
        fsync(handle)

    monkeypatch.setattr(Path, "replace", noted_replace)
    monkeypatch.setattr(os, "fsync", noted_fsync)
    keep(Store(tmp_path))
    assert calls == [
        *("sync file", "name .mp4", "sync folder"), *("sync file", "name .json", "sync folder"), "sync folder",
    ]  # fmt: skip


def test_a_folder_that_its_system_cannot_flush_takes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def only_files(handle: int) -> None:  # as VirtualBox's shared folders have it
        if os.path.isdir(f"/proc/self/fd/{handle}"):  # noqa: PTH112
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    atomic.save(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text() == "text"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system wants root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S607  wherever the system has it


def fill(folder: Path, leave: int) -> Path:
    """Fill a disk but for so many bytes."""
    path = folder / "ballast"
    size = shutil.disk_usage(folder).free - leave
    with path.open("wb") as file:
        file.write(bytes(max(0, size)))
    return path


@pytest.mark.parametrize("leave", [0, 20_000, 100_000])
def test_a_disk_that_fills_up_while_a_clip_is_written(small_disk: Path, leave: int) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (25, 128, 192, 3), np.uint8)
    ballast = fill(small_disk, leave)
    store = Store(small_disk / "store")
    with pytest.raises(StoreError, match="No space left") as told:
        keep(store, KEY, lambda path: write_clip(path, frames, Fraction(12)))
    assert "sora store clean" in told.value.hint
    assert store.find(KEY) is None
    ballast.unlink()
    (small_disk / "store").exists()
    write_small = np.ascontiguousarray(frames[:3])
    assert keep(store, KEY, lambda path: write_clip(path, write_small, Fraction(12)))
    assert not [path for path in small_disk.rglob(".*") if path.is_file()]


def test_low_disk_is_seen_before_a_take_is_begun(machine: Machine, small_disk: Path) -> None:
    machine.write("two.yaml", BOARD)
    done = machine.run(*WORDS, environment={"SORA_STORE": str(small_disk / "store")})
    assert done.returncode == 1
    assert "is nearly full" in done.stderr
    assert machine.drawn() == {}
    assert "Traceback" not in done.stderr


def test_a_film_whose_disk_is_full_is_told_and_its_clips_are_kept(machine: Machine, small_disk: Path) -> None:
    machine.write("two.yaml", BOARD)
    ballast = fill(small_disk, 4096)
    words = ("storyboard", "two.yaml", "-o", str(small_disk / "two.mp4"))
    done = machine.run(*words)
    assert done.returncode == 1, done.stderr
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]
    ballast.unlink()
    assert machine.run(*words).returncode == 0
    assert set(machine.drawn().values()) == {1}


@pytest.mark.parametrize("leave", [0, 4_000, 10_000])
def test_a_disk_that_fills_up_while_a_film_is_signed(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leave: int
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write_clip(tmp_path / "clip.mp4", np.random.default_rng(1).integers(0, 256, (9, 64, 64, 3), np.uint8), Fraction(12))
    fill(small_disk, leave)
    with pytest.raises(StampError, match="No space left on device") as told:
        sign(tmp_path / "clip.mp4", small_disk / "out.mp4", {"title": "clip"}, local_signer())
    assert "make room" in told.value.hint
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_store_that_may_only_be_read_serves_what_it_has(machine: Machine, small_disk: Path) -> None:
    machine.write("two.yaml", BOARD)
    there = {"SORA_STORE": str(small_disk / "store")}
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)  # noqa: S607
    assert machine.run(*WORDS, environment=there).returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)  # noqa: S607
    done = machine.run(*WORDS[:2], "-o", "again.mp4", environment=there)
    assert done.returncode == 0, done.stderr
    machine.write("two.yaml", BOARD.replace("cube", "star"))
    done = machine.run(*WORDS, environment=there)
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr


def small_files() -> None:
    """Let no file of this process grow past 8 kB."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))


def test_half_a_starter_is_none(machine: Machine) -> None:
    def no_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    with machine.start("new", preexec_fn=no_files) as process:
        assert "cannot write storyboard.yaml: File too large" in process.communicate(timeout=60)[1]
    assert machine.run("new").returncode == 0


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_a_sound_file_may_not_grow_past_the_users_limit(tmp_path: Path, kind: str) -> None:
    program = (
        "import sys, numpy as np; from pathlib import Path; from sora_cli.sound.files import write_blocks; "
        "write_blocks(Path(sys.argv[1]), [np.random.default_rng(0).random((48_000, 2), np.float32)], sys.argv[2])"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "sound"), kind]
    done = subprocess.run(words, preexec_fn=small_files, capture_output=True, text=True, check=False)
    assert done.stderr.endswith("OSError: [Errno 27] File too large\n")


def test_a_file_may_not_grow_past_the_users_limit(machine: Machine) -> None:
    machine.write("two.yaml", BOARD)
    with machine.start(*WORDS, preexec_fn=small_files) as process:
        _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "File too large" in err
    assert "Traceback" not in err
    assert not list(machine.store.glob("??/*.json"))
    assert machine.run(*WORDS).returncode == 0


def test_the_limit_of_the_store_is_kept(machine: Machine) -> None:
    machine.write("two.yaml", BOARD)
    done = machine.run(*WORDS, "--max-disk", "0.5MB")
    assert done.returncode == 1
    assert "past its limit" in done.stderr
    assert machine.run(*WORDS, "--max-disk", "10MB").returncode == 0
    for wrong in ("10", "GB", "-1GB", "nanGB", "1e999GB"):
        assert machine.run(*WORDS, "--max-disk", wrong).returncode == 2


@pytest.mark.parametrize("place", ["store", "films", "luts"])
def test_a_folder_that_may_only_be_read(machine: Machine, place: str) -> None:
    machine.write("two.yaml", BOARD)
    folder = machine.folder / place
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting wants root")
    try:
        luts = ["--luts", "luts/two"] if place == "luts" else []
        done = machine.run("storyboard", "two.yaml", "-o", "films/two.mp4", *luts)
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607  wherever the system has it
    assert done.returncode in {1, 2}
    why = "Read-only file system" if place == "store" else f"nothing may be written to {place}"
    assert why in done.stderr
    assert place == "store" or not list(machine.store.glob("??/*.json"))
    assert "Traceback" not in done.stderr


def test_damaged_clips_are_made_again(machine: Machine) -> None:
    machine.write("two.yaml", BOARD)
    assert machine.run(*WORDS).returncode == 0
    film = (machine.folder / "two.mp4").read_bytes()
    first, second = sorted(machine.store.glob("??/*.mp4"))
    first.write_bytes(first.read_bytes()[:-100])
    damaged = bytearray(second.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    second.write_bytes(damaged)
    assert machine.run(*WORDS).returncode == 0
    assert (machine.folder / "two.mp4").read_bytes() == film, "a film that is whole needs no clips"
    (machine.folder / "two.mp4").unlink()
    assert machine.run(*WORDS).returncode == 0
    assert sorted(machine.drawn().values()) == [2, 2]


# -- clocks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", [pytest.param(1980, marks=pytest.mark.long), 2100])
def test_a_clock_that_jumps_costs_nothing(machine: Machine, year: int) -> None:
    machine.write("two.yaml", BOARD)
    assert machine.run(*WORDS).returncode == 0
    then = (year - 1970) * 365 * prune.DAY
    for path in machine.folder.rglob("*"):
        if path.is_file() and "site" not in path.parts:
            os.utime(path, (then, then))
    done = machine.run(*WORDS)
    assert "up to date" in done.stderr
    machine.run("store", "clean", "--keep-days", "0")
    (machine.folder / "two.mp4").unlink()
    assert machine.run(*WORDS).returncode == 0
    assert set(machine.drawn().values()) == {1}
