"""Where models lie on this machine: the folders that SORA_MODELS names, and the hub's cache."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sora_cli.bounded import expanded, is_folder
from sora_cli.engines.checkpoint import INDEXES

IN_CACHE = "models--"
"""How folders of repositories begin in the hub's cache."""


def hub_cache() -> Path:
    """The hub's cache on this machine, by the hub's own rules (HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME)."""
    if named := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return expanded(named)
    if home := os.environ.get("HF_HOME"):
        return expanded(home) / "hub"
    return expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface" / "hub"


def model_folders(*, there: bool = True) -> list[Path]:
    """The folders named in SORA_MODELS, separated as PATH is: those that are there, or those that are not."""
    named = os.environ.get("SORA_MODELS", "").split(os.pathsep)
    return [path for name in named if name and is_folder(path := expanded(name)) == there]


def find(repo: str, revision: str | None = None) -> Path | None:
    """The folder of a hub repository on this machine: in SORA_MODELS (whole id or its last part), or the hub's cache.

    In the cache, `revision` (a commit or a branch; `main` by default) names the snapshot.
    """
    if revision is None:
        for folder in model_folders():
            for place in (folder / repo, folder / repo.rpartition("/")[2]):
                if has_index(place):
                    return place
    cached = snapshot(repo, revision)
    return cached if cached and has_index(cached) else None


def repo_cache(repo: str) -> Path:
    """The folder in which the hub's cache keeps a repository; there or not."""
    return hub_cache() / f"{IN_CACHE}{repo.replace('/', '--')}"


def snapshot(repo: str, revision: str | None = None) -> Path | None:
    """The folder of a repository in the hub's cache, whatever it holds."""
    base = repo_cache(repo)
    ref = base / "refs" / (revision or "main")
    commit = ref.read_text(encoding="utf-8").strip() if ref.is_file() else revision
    place = base / "snapshots" / (commit or "")
    return place if commit and is_folder(place) else None


def revisions(repo: str) -> list[str]:
    """The commits of a repository that are in the hub's cache: one that was asked for by its commit has no branch."""
    places = _folders(repo_cache(repo) / "snapshots")
    return [place.name for place in places if has_index(place)]


def inside(folder: Path) -> Path | None:
    """The first checkpoint in a folder or in the folders in it, as the hub's own cache lays them."""
    found = (place for deep in ("*", "*/*") for index in INDEXES for place in folder.glob(f"{deep}/{index}"))
    with suppress(OSError):
        return next((place.parent for place in found), None)
    return None


def has_index(folder: Path) -> bool:
    """Whether a folder looks like a checkpoint."""
    try:
        return any((folder / name).is_file() for name in INDEXES)
    except OSError:  # a name that is longer than names may be, or a folder that we may not look into
        return False


def local_checkpoints() -> list[Path]:
    """Every checkpoint that SORA_MODELS names, directly in a folder of it, or one level deeper (`owner/name`)."""
    found = [folder for folder in model_folders() if has_index(folder)]
    for child in (child for folder in model_folders() if folder not in found for child in _folders(folder)):
        found += [child] if has_index(child) else filter(has_index, _folders(child))
    return found


def fetched() -> dict[str, Path]:
    """Every checkpoint in the hub's cache, by its repository."""
    names = [place.name.removeprefix(IN_CACHE) for place in _folders(hub_cache()) if place.name.startswith(IN_CACHE)]
    repos = [name.replace("--", "/", 1) for name in names]
    return {repo: place for repo in repos if (place := find(repo))}


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder; none in one that we may not look into, such as `lost+found` of a disk."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []
