"""The world that nano learns from: its physics, its camera, its pictures and its captions."""

import numpy as np
import pytest
import torch

from examples.nano.captions import describe, named_caption, vocabulary
from examples.nano.config import FPS, FRAMES, HEIGHT, WIDTH
from examples.nano.physics import GRAVITY, RESTITUTION, simulate
from examples.nano.scene import ACTIONS, CAMERAS, PLACES, SHAPES, TIMES, Scene, draw_scene
from examples.nano.tracks import action_seen, gravity_seen, unproject
from examples.nano.world import render


def scene(**changes: object) -> Scene:
    values: dict[str, object] = {
        "place": "meadow",
        "time": "day",
        "shape": "ball",
        "colour": "red",
        "size": "normal",
        "action": "still",
        "camera": "static",
        "framing": "medium",
        "opening": None,
        "seed": 7,
    }
    return Scene(**{**values, **changes})  # type: ignore[arg-type]


def test_a_fall_accelerates_by_the_worlds_gravity() -> None:
    motion = simulate([scene(action="fall")])
    speeds = np.diff(motion.y[0])[:5] * FPS
    assert np.diff(speeds) * FPS == pytest.approx(-GRAVITY, rel=1e-6)


def test_a_bounce_keeps_the_share_of_its_speed_that_its_restitution_says() -> None:
    motion = simulate([scene(action="bounce", seed=3)], frames=60)
    height = motion.y[0] - motion.y[0].min()
    tops = [height[i] for i in range(1, 59) if height[i - 1] < height[i] >= height[i + 1]]
    assert tops[1] / tops[0] == pytest.approx(RESTITUTION["bounce"] ** 2, rel=0.12)  # tops fall between frames


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_recognised_from_its_true_track(action: str) -> None:
    for seed in range(20):
        motion = simulate([scene(action=action, seed=seed)])
        assert action_seen(motion.x[0], motion.y[0], np.ones(FRAMES, bool)) == action


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_track_on_the_picture_leads_back_to_the_world(camera: str) -> None:
    subject = scene(action="roll_right", camera=camera)
    track = render([subject]).track[0].double().numpy()
    moves = np.array([{"left": -1, "right": 1}.get(camera, 0), {"up": 1, "down": -1}.get(camera, 0),
                      {"in": 1, "out": -1}.get(camera, 0)], dtype=float)  # fmt: skip
    x, y = unproject(track[:, 0], track[:, 1], subject, moves)
    motion = simulate([subject])
    assert np.abs(x - motion.x[0]).max() < 0.06  # the pace of a move varies by a tenth
    assert np.abs(y - motion.y[0]).max() < 0.04


def test_gravity_is_measured_from_a_fall() -> None:
    motion = simulate([scene(action="fall")])
    pull = gravity_seen(motion.y[0], np.ones(FRAMES, bool))
    assert pull == pytest.approx(1, abs=0.02)


def test_some_frames_are_the_same_as_in_the_whole_clip() -> None:
    subject = scene(action="bounce", camera="right", place="sea")
    whole, some = render([subject]), render([subject], frames=(4, 16))
    assert torch.allclose(whole.video[:, :, [4, 16]], some.video, atol=1e-6)
    assert torch.allclose(whole.track[:, [4, 16]], some.track, atol=1e-6)


def test_pictures_are_deterministic_and_mixing_places_changes_nothing() -> None:
    scenes = [scene(place=place, time=time) for place in PLACES for time in TIMES]
    together = render(scenes, frames=(0,))
    assert together.video.shape == (21, 3, 1, HEIGHT, WIDTH)
    alone = render(scenes[5:6], frames=(0,))
    assert torch.allclose(together.video[5:6], alone.video, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_actors_are_large_and_stand_on_the_ground(shape: str) -> None:
    clips = render([scene(shape=shape)], frames=(0,))
    rows = torch.nonzero(clips.actor[0, 0].amax(1) > 0.5).flatten()
    assert 0.28 < len(rows) / HEIGHT < 0.50
    assert 95 < int(rows.max()) < 108  # the ground line


def test_what_a_caption_says_is_true() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        subject = draw_scene(rng)
        text, said = describe(subject, rng)
        assert text.strip()
        assert "  " not in text
        assert all(getattr(subject, name) == value for name, value in said.items())


def test_ordinary_words_are_known() -> None:
    words = set(vocabulary())
    ordinary = (
        "beach seaside meadow field forest dusk evening sunny jumps drops drifts slides pans push cube box sphere"
    )
    assert set(ordinary.split()) <= words


def test_a_named_caption_says_nothing_of_looks() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        text = named_caption(scene(colour="red", shape="ball"), rng)
        assert "red" not in text.split()
        assert "ball" not in text.split()
