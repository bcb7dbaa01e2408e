"""The world that nano learns from: its physics, its camera, its pictures and its captions."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from examples.nano.captions import describe, named_caption, vocabulary
from examples.nano.config import FPS, FRAMES, HEIGHT, WIDTH
from examples.nano.physics import ELASTICITY, FRICTION, GRAVITY, ORBIT_RADIUS, RESTITUTION, simulate
from examples.nano.scene import ACTIONS, CAMERAS, PLACES, SHAPES, TIMES, Scene, draw_scene
from examples.nano.stage import Camera, Edge, Stage, blocks, humps, peaks
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


@pytest.mark.parametrize("action", ["hit_right", "hit_left"])
def test_a_collision_conserves_momentum_and_keeps_its_share_of_speed(action: str) -> None:
    motion = simulate([scene(action=action, size="small", other=("box", "blue"), seed=4)])
    mass, other = motion.radius[0] ** 2, motion.other_radius[0] ** 2
    speed, other_speed = np.diff(motion.x[0]) * FPS, np.diff(motion.other_x[0]) * FPS
    assert other_speed[0] == 0
    assert mass * speed[0] == pytest.approx(mass * speed[-1] + other * other_speed[-1])
    assert other_speed[-1] - speed[-1] == pytest.approx(ELASTICITY * speed[0])


def test_friction_slows_a_slide_evenly_until_it_rests() -> None:
    speeds = np.diff(simulate([scene(action="stop_right")], frames=40).x[0]) * FPS
    assert np.diff(speeds[:8]) * FPS == pytest.approx(-FRICTION, rel=1e-6)
    assert speeds[-1] == 0


def test_an_orbit_keeps_its_distance() -> None:
    motion = simulate([scene(action="orbit", other=("star", "white"))])
    away = np.hypot(motion.x - motion.other_x, motion.y - motion.other_y)[0]
    assert away[1:] == pytest.approx(ORBIT_RADIUS)


def test_slow_motion_is_the_same_fall_at_half_the_speed() -> None:
    normal, slow = simulate([scene(action="fall"), scene(action="fall", pace="slow")]).y
    assert slow[:13:2] == pytest.approx(normal[:7], abs=0.002)


def test_black_and_white_has_no_colour_and_a_second_actor_is_seen() -> None:
    one, two = scene(style="grey"), scene(style="grey", other=("box", "white"))
    clips = render([one, two], frames=(0,))
    assert torch.allclose(clips.video[:, 0], clips.video[:, 2])
    assert clips.actor[1].sum() > 1.5 * clips.actor[0].sum()


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
    assert 0.74 < int(rows.max()) / HEIGHT < 0.84  # the ground line


@pytest.mark.parametrize(
    "body",
    [humps(0.1, 1.0, 0.2, 0.3), peaks(0.1, 1.0, 0.2, 0.3), blocks(0.1, 1.0, 0.2, 0.3)],
    ids=["hump", "peak", "block"],
)
@pytest.mark.parametrize("size", [(128, 192), (256, 384)])
def test_nothing_is_drawn_above_and_beside_a_body(body: Edge, size: tuple[int, int]) -> None:
    still = torch.zeros(1, 1)
    camera = Camera(still, still, still + 1, torch.zeros(1), *size)
    stage = Stage(camera)
    stage.sheet(body, torch.ones(3), 1.0, shadow=0.0)
    drawn = stage.picture[0, :, 0] > 0
    x, y, scale = (axis[0, 0] for axis in camera.axes(1.0))
    pixel = 1 / float(scale)
    under = torch.stack([body(x + shift * pixel) for shift in (-1, -0.5, 0, 0.5, 1)]).amax(0)
    assert not (drawn & (y > under + pixel)).any()


def test_a_picture_of_twice_the_size_is_the_same_picture() -> None:
    scenes = [scene(place=place) for place in PLACES]
    small, large = (render(scenes, size=size, frames=(0,)).video for size in ((128, 192), (256, 384)))
    error = F.avg_pool3d(large, (1, 2, 2)) - small
    assert -10 * torch.log10(error.pow(2).mean()) > 45


def test_what_a_caption_says_is_true() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        subject = draw_scene(rng, variety=0.6)
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
