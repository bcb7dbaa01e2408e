"""What may happen in nano's world, as plain values: the vocabulary of scenes and how they are drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")

SHAPES = ("ball", "box", "star", "triangle", "ring", "heart")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
PLACES = ("meadow", "sea", "desert", "snow", "city", "room", "forest")
TIMES = ("day", "sunset", "night")
ACTIONS = ("bounce", "roll_right", "roll_left", "fall", "float", "still")
CAMERAS = ("static", "left", "right", "up", "down", "in", "out")
FRAMINGS = ("wide", "medium", "close")
SIZES = ("small", "normal", "large")

# Rarer things, which are not among what `score.py` measures.
STOPS = ("stop_right", "stop_left")  # slides, and friction brings it to rest
HITS = ("hit_right", "hit_left")  # runs into the other actor, and gives it of its momentum
ORBITS = ("orbit",)  # circles in the air around the other
PACES = ("normal", "slow")
STYLES = ("paper", "grey", "sepia", "pastel")

TIME_SHARES = (0.46, 0.27, 0.27)
ACTION_SHARES = (0.2, 0.19, 0.19, 0.15, 0.15, 0.12)
CAMERA_SHARES = (0.4, 0.13, 0.13, 0.08, 0.08, 0.09, 0.09)
FRAMING_SHARES = (0.25, 0.5, 0.25)
SIZE_SHARES = (0.25, 0.5, 0.25)
STEERED = {"against": 0.29, "along": 0.13, "pan": 0.17, "zoom": 0.34, "tilt": 0.07}
"""Of steered scenes: the camera pans against an actor that rolls, or along with it, or moves whatever it does."""
MOVES = {"pan": ("left", "right"), "zoom": ("in", "out"), "tilt": ("up", "down")}


@dataclass(frozen=True)
class Scene:
    """One clip before it is drawn. `opening` is what the actor did in the first frames, if something else."""

    place: str
    time: str
    shape: str
    colour: str
    size: str
    action: str
    camera: str
    framing: str
    opening: str | None
    seed: int
    other: tuple[str, str] | None = None  # shape and colour of a second actor, which stands beside if it has no part
    pace: str = "normal"  # or slow motion, at half the speed
    style: str = "paper"

    @property
    def other_shape(self) -> str | None:
        """The shape of the second actor, if there is one."""
        return self.other[0] if self.other else None

    @property
    def other_colour(self) -> str | None:
        """The colour of the second actor, if there is one."""
        return self.other[1] if self.other else None


def pick(rng: np.random.Generator, options: Sequence[Choice], shares: Sequence[float] | None = None) -> Choice:
    """Draw one of the options: with these chances, which add up to 1, or all alike."""
    return options[int(rng.choice(len(options), p=shares))]


def draw_scene(rng: np.random.Generator, switches: float = 0.15, variety: float = 0.0, steered: float = 0.0) -> Scene:
    """A random scene. A share of `switches` change their action after the first frames, as a new beat does.

    A share of `variety` has something rarer: a second actor, friction, slow motion, another style. A share of `steered`
    has a camera that moves, by `STEERED`.
    """
    scene = Scene(
        place=pick(rng, PLACES),
        time=pick(rng, TIMES, TIME_SHARES),
        shape=pick(rng, SHAPES),
        colour=pick(rng, COLOURS),
        size=pick(rng, SIZES, SIZE_SHARES),
        action=pick(rng, ACTIONS, ACTION_SHARES),
        camera=pick(rng, CAMERAS, CAMERA_SHARES),
        framing=pick(rng, FRAMINGS, FRAMING_SHARES),
        opening=None,
        seed=int(rng.integers(1 << 30)),
    )
    if scene.framing == "close" and (scene.size == "large" or scene.camera in ("in", "out")):
        scene = replace(scene, size="normal")
    if rng.random() < switches:
        scene = replace(scene, opening=pick(rng, [a for a in ACTIONS if a not in (scene.action, "fall")]))
    if variety and rng.random() < variety:
        scene = _rarer(scene, rng)
    return _steered(scene, rng) if steered and rng.random() < steered else scene


def _steered(scene: Scene, rng: np.random.Generator) -> Scene:
    """The scene with a camera that moves; of two actors it stays as it is."""
    if scene.other:
        return scene
    how = pick(rng, tuple(STEERED), tuple(STEERED.values()))
    if how in MOVES:
        framing = pick(rng, ("wide", "medium")) if how == "zoom" and scene.framing == "close" else scene.framing
        return replace(scene, camera=pick(rng, MOVES[how]), framing=framing)
    there, back = rng.permutation(MOVES["pan"])
    return replace(scene, action=f"roll_{there}", camera=str(there if how == "along" else back))


def _rarer(scene: Scene, rng: np.random.Generator) -> Scene:
    """The scene with one or two of the rarer things."""
    what = rng.random()
    if what < 0.5:
        other = (pick(rng, SHAPES), pick(rng, [c for c in COLOURS if c != scene.colour]))
        action = pick(rng, (*HITS, *ORBITS, "still", "bounce", "float"), (0.25, 0.25, 0.2, 0.1, 0.1, 0.1))
        framing = "wide" if scene.framing == "wide" else "medium"
        scene = replace(scene, other=other, action=action, framing=framing, size="small", opening=None)
    elif what < 0.65:
        scene = replace(scene, action=pick(rng, STOPS), opening=None)
    if what > 0.8 or rng.random() < 0.2:
        scene = replace(scene, pace="slow", opening=None)
    if 0.65 < what < 0.85 or rng.random() < 0.2:
        scene = replace(scene, style=pick(rng, STYLES[1:]))
    return scene
