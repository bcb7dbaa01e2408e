"""Code of others may raise anything, and is told as one error; a bug of ours is told as a bug, not as a mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sora_cli import atomic
from sora_cli.engines import hub
from sora_cli.errors import HINT_WRITE, MachineError, MediaError, RequestError, SoraError, is_bug
from sora_cli.packages import EXTRAS, absent, imported, install, others
from sora_cli.store.store import megabytes


class Strange(Exception):
    pass


def test_whatever_others_raise_is_told_with_its_class() -> None:
    with (
        pytest.raises(MachineError, match=r"it broke: Strange: no reason"),
        others(lambda why: MachineError(f"it broke: {why}")),
    ):
        raise Strange("no reason")
    with pytest.raises(RequestError, match="ours"), others(MachineError):
        raise RequestError("ours")
    with pytest.raises(Strange), others(MachineError, through=Strange):
        raise Strange
    with pytest.raises(KeyboardInterrupt), others(MachineError):
        raise KeyboardInterrupt


def caught(call: object, *given: object) -> BaseException:
    with pytest.raises(Exception) as error:  # noqa: PT011  of any class
        call(*given)  # type: ignore[operator]
    return error.value


def test_a_bug_is_what_our_own_code_raises_and_no_user_can_cause() -> None:
    assert is_bug(caught(megabytes, None)), "sora was called wrongly"
    assert not is_bug(caught(json.loads, 3)), "a library raised it"
    assert not is_bug(caught(hub.pull, "no such", None)), "an error to show"
    assert not is_bug(SoraError("never raised"))


def test_a_bug_while_a_model_is_fetched_is_not_told_as_a_silent_hub(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "_files", lambda *_: {"model.safetensors": None})  # a file without a size
    with pytest.raises(AttributeError):
        hub.pull("owner/name")


def test_the_table_of_extras_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    written = {name: each for name, each in project["optional-dependencies"].items() if name not in {"dev", "clients"}}
    assert written.keys() == EXTRAS.keys()
    imports = {name: {canonicalize_name(each) for each in dists} for name, dists in packages_distributions().items()}
    here = set().union(*imports.values())
    for extra, lines in written.items():
        for wanted in map(Requirement, lines):
            if canonicalize_name(wanted.name) in here and (wanted.marker is None or wanted.marker.evaluate()):
                names = {name for name, dists in imports.items() if wanted.name in dists}
                assert names & set(EXTRAS[extra]), (extra, wanted.name)


def test_an_absent_package_and_a_broken_one_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> MachineError:
        with pytest.raises(MachineError) as error, imported("`upscale`", "spandrel"):
            raise ImportError("of another build")
        return error.value

    monkeypatch.setattr("sora_cli.packages.find_spec", lambda _name: None)
    assert absent("upscale") == ["spandrel"]
    assert told().message == "`upscale` needs the package spandrel, which is not installed"
    assert told().hint == install("upscale") == "pip install 'sora-cli[upscale]'"
    monkeypatch.setattr("sora_cli.packages.find_spec", lambda name: name)
    assert told().message == "`upscale` needs the package spandrel, which cannot be imported: of another build"


def test_what_the_disk_refuses_is_told_with_the_file_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match=r"cannot write .*file/out\.txt: (Not a directory|File exists)") as told:
        atomic.save(tmp_path / "file" / "out.txt", "words")
    assert told.value.hint == HINT_WRITE
    atomic.save(tmp_path / "new" / "out.txt", "words")
    assert (tmp_path / "new" / "out.txt").read_text() == "words"


def test_libraries_keep_and_send_nothing_about_their_use(tmp_path: Path) -> None:
    """Left alone, onnxruntime keeps a number of this machine and sends it to its makers with what it runs."""
    kept = {name: word for name, word in os.environ.items() if "TELEMETRY" not in name and name != "CI"}
    words = [sys.executable, "-c", "import sora_cli, onnxruntime"]
    subprocess.run(words, env=kept | {"XDG_CACHE_HOME": str(tmp_path)}, check=True)
    assert not list(tmp_path.iterdir())
