"""Draw scenes: actors on the paper theatre's sets, seen by a moving camera. Run it for a preview sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .config import FPS, FRAMES, HEIGHT, WIDTH, WORK, device
from .physics import GROUND, Array, simulate
from .places import ACTOR_TINT, background, select
from .scene import SHAPES, Scene, draw_scene
from .stage import FOCUS, Camera

COLOUR = {
    "red": (0.85, 0.12, 0.14),
    "orange": (0.97, 0.50, 0.08),
    "yellow": (1.0, 0.85, 0.12),
    "green": (0.10, 0.58, 0.22),
    "blue": (0.12, 0.32, 0.86),
    "purple": (0.50, 0.18, 0.70),
    "pink": (0.99, 0.50, 0.70),
    "white": (0.97, 0.97, 0.95),
}
FRAMING_ZOOM = {"wide": 0.88, "medium": 1.04, "close": 1.28}
PAN, TILT, ZOOM = 0.52, 0.24, 1.42  # what a camera move covers in one clip, in picture heights and as a ratio
OUTLINE = 0.11  # of the radius
SEPIA = (1.0, 0.84, 0.62)
GROUP = 8  # clips drawn together


@dataclass
class Clips:
    """A rendered batch of clips."""

    video: Tensor  # (clips, 3, frames, rows, columns), 0 to 1
    actor: Tensor  # (clips, frames, rows, columns): how much of a pixel the actor covers
    track: Tensor  # (clips, frames, 3): the actor's centre on the picture (x, y downwards) and radius, in heights


def point_camera(scenes: Sequence[Scene], where: torch.device, size: tuple[int, int]) -> Camera:
    """The camera's path through each clip: on this device, for pictures of `size` (rows, columns)."""
    time = np.linspace(-0.5, 0.5, FRAMES)
    x, y, zoom, start = [], [], [], []
    for scene in scenes:
        rng = np.random.default_rng(scene.seed + 1)
        pace = rng.uniform(0.9, 1.1)
        pan = {"left": -PAN, "right": PAN}.get(scene.camera, 0.0) * pace
        tilt = {"up": TILT, "down": -TILT}.get(scene.camera, 0.0) * pace
        ratio = np.log({"in": ZOOM, "out": 1 / ZOOM}.get(scene.camera, 1.0))
        x.append(pan * time)
        y.append(tilt * time)
        zoom.append(FRAMING_ZOOM[scene.framing] * np.exp(ratio * time))
        start.append(rng.uniform(0, 6))
    paths = [torch.tensor(np.array(values), dtype=torch.float32, device=where) for values in (x, y, zoom, start)]
    return Camera(paths[0], paths[1], paths[2], paths[3], *size)


def render(
    scenes: Sequence[Scene],
    where: torch.device | None = None,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    frames: Sequence[int] = range(FRAMES),
) -> Clips:
    """Draw a batch of scenes; scenes of one place together are quicker.

    Args:
        scenes: one for each clip.
        where: the device to draw on; the CPU without one.
        size: rows and columns of the pictures.
        frames: which frames of each clip are drawn.
    """
    where = where or torch.device("cpu")
    video = torch.empty(len(scenes), 3, len(frames), *size, device=where)
    actor = torch.empty(len(scenes), len(frames), *size, device=where)
    track = torch.empty(len(scenes), len(frames), 3, device=where)
    groups: dict[tuple[str, bool], list[int]] = {}
    for i, scene in enumerate(scenes):
        still = scene.camera == "static" and scene.place != "sea"
        groups.setdefault((scene.place, still), []).append(i)
    for (place, still), members in groups.items():
        for first in range(0, len(members), GROUP):  # small groups stay in the processor's cache
            part = members[first : first + GROUP]
            chosen = [scenes[i] for i in part]
            camera = point_camera(chosen, where, size).only(frames)
            clock = (torch.tensor(list(frames), device=where) / FPS).view(1, -1, 1, 1)
            ground = camera.only([0]) if still else camera
            picture = background(place, [s.time for s in chosen], ground, clock[:, : ground.x.shape[1]])
            video[part] = picture.expand(-1, -1, len(frames), -1, -1)
            video[part], actor[part], track[part] = _draw_actors(video[part], chosen, camera, frames)
    for i, scene in enumerate(scenes):
        if scene.style != "paper":
            video[i] = _styled(video[i], scene.style)
    return Clips(video.clamp_(0, 1), actor, track)


def _styled(video: Tensor, style: str) -> Tensor:
    """A clip (3, frames, rows, columns) in another style."""
    light = (0.2126 * video[0] + 0.7152 * video[1] + 0.0722 * video[2]).expand_as(video)
    if style == "grey":
        return light
    if style == "sepia":
        return light * torch.tensor(SEPIA, device=video.device).view(3, 1, 1, 1) + 0.06
    return 0.5 + 0.5 * (0.75 * video + 0.25 * light)


def _draw_actors(
    video: Tensor, scenes: Sequence[Scene], camera: Camera, frames: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Put the actors and their shadows on the set; the picture, what they cover of it, and their track."""
    motion, kept = simulate(scenes), list(frames)
    cover = torch.zeros_like(video[:, 0])
    pairs = [i for i, scene in enumerate(scenes) if scene.other]
    if pairs:
        looks = [(*scenes[i].other, scenes[i].time) for i in pairs]  # type: ignore[misc]  # there is one
        body = _Body(motion.other_x[pairs][:, kept], motion.other_y[pairs][:, kept], motion.other_radius[pairs])
        video[pairs], cover[pairs], _ = _draw(video[pairs], looks, body, select(camera, torch.tensor(pairs)))
    body = _Body(motion.x[:, kept], motion.y[:, kept], motion.radius)
    video, covered, track = _draw(video, [(s.shape, s.colour, s.time) for s in scenes], body, camera)
    return video, torch.maximum(cover, covered), track


@dataclass
class _Body:
    """Tracks of actors in the world: `x` and `y` (clips, frames), `radius` (clips)."""

    x: Array
    y: Array
    radius: Array


def _draw(
    video: Tensor, looks: Sequence[tuple[str, str, str]], body: _Body, camera: Camera
) -> tuple[Tensor, Tensor, Tensor]:
    """Put one actor into each clip; `looks` are shape, colour and time of day."""
    where = video.device
    x, y = (torch.tensor(a, dtype=torch.float32, device=where)[:, :, None, None] for a in (body.x, body.y))
    radius = torch.tensor(body.radius, dtype=torch.float32, device=where)[:, None, None, None]
    across, up, scale = camera.axes(1.0, start=False)
    height = ((y - radius - GROUND) / 0.8).clamp(0, 1)
    spot = 1 - torch.hypot((across - x) / (radius * (1.15 - 0.4 * height)), (up - GROUND + 0.012) / (radius * 0.26))
    black = torch.zeros(1, 1, 1, 1, 1, device=where)
    video.lerp_(black, ((spot * 2.5).clamp(0, 1) * 0.34 * (1 - 0.6 * height))[:, None])
    u, v = (across - x) / radius, (up - y) / radius
    distance = _distances(
        [s for s, _, _ in looks], u.expand(-1, -1, camera.rows, -1), v.expand(-1, -1, -1, camera.columns)
    )
    behind = _distances([s for s, _, _ in looks], (u - 0.14).expand_as(distance), (v + 0.14).expand_as(distance))
    video.lerp_(black, (((behind + 0.12) / 0.24).clamp(0, 1) * 0.22)[:, None])
    edge = scale * radius
    cover = (distance * edge + 0.5).clamp(0, 1)
    paint = torch.tensor([COLOUR[c] for _, c, _ in looks], device=where) * torch.tensor(
        [ACTOR_TINT[t] for _, _, t in looks], device=where
    )
    paint = paint.view(-1, 3, 1, 1, 1)
    video.lerp_(paint * 0.62, cover[:, None])
    light = (0.94 + 0.10 * (v - 0.5 * u)).clamp(0.8, 1.08)[:, None]
    fill = ((distance - OUTLINE) * edge + 0.5).clamp(0, 1)
    video += fill[:, None] * (paint * light - video)
    return video, cover, _project(x, y, radius, camera)


def _project(x: Tensor, y: Tensor, radius: Tensor, camera: Camera) -> Tensor:
    """Where the camera sees a body: (clips, frames, 3) of x, y downwards from the middle, and radius, in heights."""
    zoom = camera.zoom
    seen_x = (x[..., 0, 0] - camera.x) * zoom
    lift = FOCUS + (0.5 - FOCUS) / zoom + camera.y
    seen_y = -(y[..., 0, 0] - lift) * zoom
    return torch.stack([seen_x, seen_y, radius[..., 0, 0] * zoom], -1)


# ---------------------------------------------------------------------------------------------------- shapes of actors


def _distances(shapes: Sequence[str], u: Tensor, v: Tensor) -> Tensor:
    """Signed distance to the outline, positive inside, in radii; `u` and `v` in radii from the centre, v upwards."""
    result = torch.empty(u.shape, device=u.device)
    for shape in SHAPES:
        chosen = [i for i, name in enumerate(shapes) if name == shape]
        if chosen:
            result[chosen] = _distance(shape, u[chosen], v[chosen])
    return result


def _distance(shape: str, u: Tensor, v: Tensor) -> Tensor:
    """Signed distance of one shape."""
    if shape == "ball":
        return 1 - torch.hypot(u, v)
    if shape == "ring":
        return 0.26 - (torch.hypot(u, v) - 0.74).abs()
    if shape == "box":
        return 0.86 - torch.maximum(u.abs(), v.abs())
    if shape == "triangle":
        return torch.minimum(v + 0.78, (1.12 - v) * 0.474 - u.abs() * 0.88)
    if shape == "heart":
        return _heart(u * 0.56, v * 0.56 + 0.51) / 0.56
    return _star(u, v)


def _star(u: Tensor, v: Tensor) -> Tensor:
    """A five-pointed star, one point up: the distance to the edge from a tip to the notch beside it."""
    sector = 2 * torch.pi / 5
    angle = torch.atan2(u, v)
    folded = (torch.remainder(angle + sector / 2, sector) - sector / 2).abs()
    reach = torch.hypot(u, v)
    x, y = reach * torch.cos(folded), reach * torch.sin(folded)
    tip, notch = 1.08, 0.52
    notch_x, notch_y = notch * np.cos(sector / 2), notch * np.sin(sector / 2)
    edge_x, edge_y = notch_x - tip, notch_y
    return (edge_x * y - edge_y * (x - tip)) / float(np.hypot(edge_x, edge_y))


def _heart(u: Tensor, v: Tensor) -> Tensor:
    """A heart with its tip at the origin (after Inigo Quilez, iquilezles.org/articles/distfunctions2d)."""
    u = u.abs()
    lobe = torch.hypot(u - 0.25, v - 0.75) - np.sqrt(2) / 4
    half = 0.5 * (u + v).clamp(min=0)
    side = torch.minimum(torch.hypot(u, v - 1), torch.hypot(u - half, v - half)) * torch.sign(u - v)
    return -torch.where(u + v > 1, lobe, side)


def strip(video: Tensor, frames: Sequence[int] = (0, 4, 8, 12, 16)) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Some frames of one clip `(3, frames, rows, columns)`, 0 to 1, side by side: `(rows, width, 3)` as bytes."""
    row = torch.cat([video[:, i] for i in frames], -1)
    return (row.permute(1, 2, 0) * 255).round().byte().cpu().numpy()


def main() -> None:
    """Write a preview sheet, and print its captions."""
    from PIL import Image

    from .captions import caption

    rng = np.random.default_rng(5)
    scenes = [draw_scene(rng, variety=0.4) for _ in range(24)]
    clips = render(scenes, device())
    rows = [strip(video) for video in clips.video]
    sheet = np.concatenate([np.concatenate(rows[:12]), np.concatenate(rows[12:])], 1)
    WORK.mkdir(exist_ok=True)
    Image.fromarray(sheet).save(WORK / "world.png")
    for scene in scenes:
        print(caption(scene, rng))
    print(f"wrote {WORK / 'world.png'}")


if __name__ == "__main__":
    main()
