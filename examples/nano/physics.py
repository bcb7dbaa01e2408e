"""How actors move: simple mechanics in world units (the height of the picture at zoom 1) and seconds.

x grows to the right, y upwards; the ground is at `GROUND`. Numpy, all clips of a batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import FPS, FRAMES
from .scene import HITS, ORBITS, STOPS, Scene

Array = NDArray[np.float64]

GROUND = 0.2
GRAVITY = 2.4
SUBSTEPS = 8
SWITCH_FRAME = 4  # a changed action starts after this frame: five frames are what a beat carries over

DIAMETER = {"small": 0.32, "normal": 0.37, "large": 0.43}
FOOT = {
    "ball": 1.0,
    "box": 0.86,
    "star": 0.87,
    "triangle": 0.78,
    "ring": 1.0,
    "heart": 0.91,
}  # centre to ground, in radii
RESTITUTION = {"bounce": 0.84, "fall": 0.2}
JUMP_SPEED = 1.3  # of an actor on the ground that is told to bounce
FRICTION = 0.75  # what sliding slows an actor down by, a second squared
ELASTICITY = 0.8  # of two actors that hit each other
TURN, ORBIT_HEIGHT, ORBIT_RADIUS = 3.2, 0.56, 0.27  # radians a second, and where the circle is
SLOW = 0.5


@dataclass
class Motion:
    """Where the actors are: `x` and `y` of their centres, each of shape (clips, frames), and `radius` (clips).

    `other_x`, `other_y` and `other_radius` are those of the second actors; where there is none, they mean nothing.
    """

    x: Array
    y: Array
    radius: Array
    other_x: Array
    other_y: Array
    other_radius: Array


@dataclass
class _State:
    """Positions and speeds of all actors at one moment, each of shape (clips,)."""

    x: Array
    y: Array
    vx: Array
    vy: Array
    roll: Array  # the rolling speed each was given: friction is too small to see in a second
    rise: Array
    other_x: Array
    other_y: Array
    other_vx: Array
    turn: Array  # radians of an orbit


def simulate(scenes: Sequence[Scene], frames: int = FRAMES) -> Motion:
    """Where the actors of all scenes are in each of `frames` frames; a scene's seed decides what it leaves open."""
    rngs = [np.random.default_rng(scene.seed) for scene in scenes]
    radius = np.array([DIAMETER[s.size] / 2 * rng.uniform(0.95, 1.05) for s, rng in zip(scenes, rngs, strict=True)])
    floor = GROUND + radius * np.array([FOOT[s.shape] for s in scenes])
    state = _start(scenes, rngs, floor)
    other_radius = np.array([DIAMETER["small"] / 2 * rng.uniform(0.95, 1.2) for rng in rngs])
    other_floor = GROUND + other_radius * np.array([FOOT[s.other_shape or "ball"] for s in scenes])
    _start_others(state, scenes, rngs, other_floor)
    seconds = np.array([SLOW if s.pace == "slow" else 1.0 for s in scenes]) / FPS / SUBSTEPS
    tracks: list[tuple[Array, ...]] = []
    for frame in range(frames):
        actions = [s.opening if s.opening and frame < SWITCH_FRAME else s.action for s in scenes]
        if frame == SWITCH_FRAME:
            _switch(state, scenes, floor)
        tracks.append((state.x.copy(), state.y.copy(), state.other_x.copy(), state.other_y.copy()))
        for _ in range(SUBSTEPS):
            _advance(state, actions, floor, seconds)
            _meet(state, scenes, radius, other_radius)
    x, y, other_x, other_y = (np.stack(track, 1) for track in zip(*tracks, strict=True))
    return Motion(x, y, radius, other_x, other_y, other_radius)


def _start(scenes: Sequence[Scene], rngs: Sequence[np.random.Generator], floor: Array) -> _State:
    """Where each actor begins, so that most of its action happens in front of the camera."""
    count = len(scenes)
    state = _State(*(np.zeros(count) for _ in range(10)))
    for i, (scene, rng) in enumerate(zip(scenes, rngs, strict=True)):
        first = scene.opening or scene.action
        state.roll[i], state.rise[i] = rng.uniform(0.45, 0.65), rng.uniform(0.24, 0.36)
        state.x[i], state.y[i] = rng.uniform(-0.28, 0.28), floor[i]
        if first in ("roll_right", "roll_left"):
            state.vx[i] = state.roll[i] if first == "roll_right" else -state.roll[i]
            state.x[i] = -state.vx[i] * rng.uniform(0.45, 0.85) * (FRAMES - 1) / 16  # in the middle at half time
        elif first == "bounce":
            state.y[i] += rng.uniform(0.26, 0.42)
            state.vy[i] = rng.uniform(-0.5, 0.3)
        elif first == "fall":
            state.y[i] += rng.uniform(0.45, 0.68)
        elif first == "float":
            state.y[i] += rng.uniform(0.0, 0.12)
            state.vy[i] = state.rise[i]
        elif first in (*STOPS, *HITS):
            side = 1 if first.endswith("right") else -1
            state.vx[i] = side * rng.uniform(0.75, 0.95)
            state.x[i] = -side * rng.uniform(0.45, 0.6)
    return state


def _start_others(state: _State, scenes: Sequence[Scene], rngs: Sequence[np.random.Generator], floor: Array) -> None:
    """Where each second actor begins, at rest; it changes `state` in place."""
    for i, (scene, rng) in enumerate(zip(scenes, rngs, strict=True)):
        state.other_y[i] = floor[i]
        if scene.action in HITS:
            state.other_x[i] = rng.uniform(0.0, 0.15) * np.sign(state.vx[i])
        elif scene.action in ORBITS:
            state.turn[i] = rng.uniform(0, 2 * np.pi)
            state.other_x[i], state.other_y[i] = rng.uniform(-0.15, 0.15), ORBIT_HEIGHT
        else:
            state.x[i] = rng.choice((-1, 1)) * rng.uniform(0.24, 0.36) if scene.other else state.x[i]
            state.other_x[i] = -np.sign(state.x[i]) * rng.uniform(0.24, 0.36)


def _meet(state: _State, scenes: Sequence[Scene], radius: Array, other_radius: Array) -> None:
    """Collisions that conserve momentum (masses go with the area of the paper), and orbits; changes `state`."""
    for i, scene in enumerate(scenes):
        if scene.action in HITS:
            closing = (state.vx[i] - state.other_vx[i]) * np.sign(state.other_x[i] - state.x[i])
            if closing > 0 and abs(state.other_x[i] - state.x[i]) < radius[i] + other_radius[i]:
                mass, other = radius[i] ** 2, other_radius[i] ** 2
                together = (mass * state.vx[i] + other * state.other_vx[i]) / (mass + other)
                apart = ELASTICITY * (state.other_vx[i] - state.vx[i]) / (mass + other)
                state.vx[i], state.other_vx[i] = together + other * apart, together - mass * apart
        elif scene.action in ORBITS:
            state.x[i] = state.other_x[i] + ORBIT_RADIUS * np.cos(state.turn[i])
            state.y[i] = state.other_y[i] + ORBIT_RADIUS * np.sin(state.turn[i])


def _switch(state: _State, scenes: Sequence[Scene], floor: Array) -> None:
    """Give actors that change what they do the push that begins it; it changes `state` in place."""
    for i, scene in enumerate(scenes):
        if scene.opening is None:
            continue
        if scene.action == "bounce" and state.y[i] < floor[i] + 0.02:
            state.vy[i] = JUMP_SPEED
        if scene.action not in ("roll_right", "roll_left"):
            state.vx[i] = 0.0
        else:
            state.vx[i] = state.roll[i] if scene.action == "roll_right" else -state.roll[i]


def _advance(state: _State, actions: Sequence[str], floor: Array, seconds: Array) -> None:
    """One step of time of so many seconds for each clip; it changes `state` in place."""
    acts = np.array(actions)
    weightless = acts == "float"
    bounce = np.array([RESTITUTION.get(a, 0.0) for a in actions])
    slower = np.maximum(np.abs(state.vx) - FRICTION * seconds, 0.0)
    state.vx = np.where(np.isin(acts, STOPS), np.sign(state.vx) * slower, state.vx)
    state.other_x = state.other_x + state.other_vx * seconds
    state.turn = state.turn + TURN * seconds
    # trapezoidal in y: exact for free fall, so a bounce loses only what its restitution says
    before = state.vy.copy()
    state.vy = np.where(
        weightless, state.vy + (state.rise - state.vy) * np.minimum(1.0, 8 * seconds), state.vy - GRAVITY * seconds
    )
    state.x = state.x + state.vx * seconds
    state.y = state.y + (before + state.vy) / 2 * seconds
    landed = ~weightless & (state.y <= floor)
    state.y = np.where(landed, floor, state.y)
    state.vy = np.where(landed, np.where(np.abs(state.vy) > 0.25, -bounce * state.vy, 0.0), state.vy)
