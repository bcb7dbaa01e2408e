"""The storyboard that `sora new` writes: it teaches the format and renders as it stands."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

from sora_cli.atomic import remove
from sora_cli.errors import HINT_WRITE, RequestError, WorkError
from sora_cli.spelling import YAML

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
"""What a disk says that is full or fails: another place of the same disk helps nobody."""
_STARTER = """\
# A storyboard for sora: a film, told in scenes, shots and beats.
#
#   sora check storyboard.yaml      what is wrong, all at once
#   sora plan storyboard.yaml       what will be rendered
#   sora storyboard storyboard.yaml
#
# Beats continue, shots cut, scenes reset.

storyboard: 1                      # version of this format
title: A Walk to the Sea
seed: 7                            # the same seed gives the same film
engine: nano                       # built in: a paper theatre. `sora models` lists others
output: {fps: 12}                  # size: 384x256 (WIDTHxHEIGHT); left out, the engine's own
style: paper cut-out animation     # goes behind every prompt
avoid: text, logos                 # what must not be seen

vars: {colour: red}                # ${colour} below; `--set colour=blue` wins

cast:                              # @pip in a prompt puts these words in
  pip:
    looks: a small ${colour} ball
    # reference: pip.png           # a picture that anchors how Pip looks

look: {match: scene, strength: 0.8}   # colours are held to each scene's first shot

# sound: {music: song.wav, loudness: -16}   # a file beside this one
# provenance: {author: Your Name}           # goes into the film's signed credential

scenes:
  - name: hill
    setting: a green meadow        # goes in front of every prompt of the scene
    light: daylight
    shots:
      - name: start
        framing: wide              # wide, full, medium, close, detail, over-shoulder, aerial, pov
        beats:                     # one take without a cut; each beat carries on from the one before
          - prompt: "@pip stays still"
            duration: 1s           # 4s, 1500ms, 48f (frames), or a number of seconds
          - prompt: "@pip bounces up and down"
            duration: 2s
      - prompt: "@pip rolls to the right"
        camera: pan right          # pan left, tilt up, zoom in ...
        from: previous             # opens on the last picture of the shot before
        duration: 1500ms

  - name: shore
    setting: a beach
    light: warm light
    shots:
      - name: waves
        prompt: "@pip rolls to the right, at sunset"
        duration: 2s
        transition: dissolve 0.5s  # cut, dissolve, fade (through black), wipe left
      - prompt: a yellow star floats up at night
        light: moonlight           # its own, instead of the scene's
        duration: 2s
        takes: 2                   # two seeds are tried, the better one is kept
        transition: fade 1s
"""


def starter() -> str:
    """A commented storyboard that teaches the format; it needs no files and renders on the embedded engine."""
    return _STARTER


def write_starter(place: Path) -> Path:
    """Write the starter storyboard into a folder, or to a `.yaml` file; never over a file that is there.

    Raises:
        RequestError: there is one already, or the folder cannot be written.
        WorkError: the disk is full, or fails.
    """
    path = place if place.suffix.lower() in YAML else place / "storyboard.yaml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(starter())
    except FileExistsError as error:
        hint = "name another folder or file: sora new PLACE"
        if not path.exists():  # what is there has the name of its folder
            raise RequestError(f"cannot write {path}: {path.parent} is no folder", hint=hint) from error
        raise RequestError(f"{path} is there already", hint=hint) from error
    except OSError as error:
        with contextlib.suppress(OSError):
            remove(path)  # half of it is none, and would be there already in the next run
        told = f"cannot write {path}: {error.strerror}"
        if error.errno in FULL:
            raise WorkError(told, hint=HINT_WRITE) from error
        raise RequestError(told, hint="name a folder you may write to") from error
    return path
