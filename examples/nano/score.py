"""Score the model: clips made from held-out captions, measured from their pixels, as a table.

python -m examples.nano.score --truth      the measuring itself, on rendered clips: it must reach 97 %
python -m examples.nano.score              the trained parts; `--shipped` for sora_cli/engines/nano
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from diffusers import WanVACEPipeline
from PIL import Image
from torch import Tensor

from sora_cli.engines import catalogue
from sora_cli.engines.base import Given, Take

from .autoencoder import Pool, load, measure
from .captions import describe, named_caption
from .config import CHECKPOINT, FPS, FRAMES, HEIGHT, SEEN_HEIGHT, SEEN_WIDTH, TEXT, WIDTH, WORK, device
from .examiner import Examiner, Findings
from .latents import Encoder, draw_box, reference_pictures
from .scene import Scene, draw_scene
from .sheet import GUIDANCE, STEPS
from .tracks import action_seen, gravity_seen, unproject, whole_heights
from .world import render

SEED = 940_001  # captions and scenes of this seed are in no chunk of latents, nor was the measuring fitted to them
TUNING_SEED = 970_001  # other held-out cases, to choose steps and guidance on: what is chosen is not scored there
CLIPS, CARRIED, BOXES, REFERENCES = 200, 96, 16, 96
MUST_SAY = ("place", "time", "shape", "colour", "action")
Row = tuple[str, str]


def held_out(count: int, seed: int = SEED) -> list[tuple[Scene, str]]:
    """So many held-out scenes, with captions that say all that is measured."""
    return [(scene, text) for scene, text, _ in cases_of(count, seed)]


def cases_of(count: int, seed: int = SEED) -> list[tuple[Scene, str, dict[str, str]]]:
    """The same, each with what its caption says of the scene, by property."""
    rng = np.random.default_rng(seed)
    chosen: list[tuple[Scene, str, dict[str, str]]] = []
    while len(chosen) < count:
        scene = draw_scene(rng, switches=0.0)
        text, said = describe(scene, rng)
        must = (*MUST_SAY, *(() if scene.camera == "static" else ("camera",)))
        if all(name in said for name in must):
            chosen.append((scene, text, said))
    return chosen


def judge(scenes: Sequence[Scene], found: Findings) -> dict[str, list[bool]]:
    """Which clips are right, by property: a verdict a clip, of gravity for those in which something falls or bounces.

    A camera counts from half of the true shift on, gravity within 25 %.
    """
    right: dict[str, list[bool]] = {n: [] for n in ("colour", "shape", "place", "time", "motion", "camera", "gravity")}
    for i, scene in enumerate(scenes):
        area = found.area[i].numpy()
        visible = area > max(0.015, 0.3 * float(area.max()))
        moves = found.moves[i].double().numpy()
        height = whole_heights(found.y[i].double().numpy(), found.foot[i].double().numpy(), area)
        x, y = unproject(found.x[i].double().numpy(), height, scene, moves)
        there = int(visible.sum()) >= 4
        right["colour"].append(there and found.names["colour"][i] == scene.colour)
        right["shape"].append(there and found.names["shape"][i] == scene.shape)
        for name in ("place", "time"):
            right[name].append(found.names[name][i] == getattr(scene, name))
        right["motion"].append(action_seen(x, y, visible) == scene.action)
        along = {
            "left": -moves[0],
            "right": moves[0],
            "up": moves[1],
            "down": -moves[1],
            "in": moves[2],
            "out": -moves[2],
        }
        far_enough = scene.camera == "static" or along[scene.camera] >= 0.5
        right["camera"].append(found.names["camera"][i] == scene.camera and far_enough)
        if scene.action in ("fall", "bounce"):
            pull = gravity_seen(y, visible)
            right["gravity"].append(pull is not None and abs(pull - 1) <= 0.25)
    return right


def truth(count: int = CLIPS, *, through_autoencoder: bool = False) -> dict[str, float]:
    """How well the measuring does on rendered clips: the share judged right, 0 to 1, by property."""
    examiner, encoder = Examiner(), Encoder(load()) if through_autoencoder else None
    right: dict[str, list[bool]] = {}
    cases = held_out(count)
    for first in range(0, count, 20):
        scenes = [scene for scene, _ in cases[first : first + 20]]
        size = (HEIGHT, WIDTH) if encoder else (SEEN_HEIGHT, SEEN_WIDTH)  # the examiner sees neither in full
        video = render(scenes, device(), size).video
        if encoder:
            video = (encoder.decode(encoder.encode(video * 2 - 1)) + 1) / 2
        for name, values in judge(scenes, examiner.look(video)).items():
            right.setdefault(name, []).extend(values)
    return {name: float(np.mean(values)) for name, values in right.items()}


class Studio:
    """The pipeline and the engine of a checkpoint's folder, with the calls that scoring makes.

    `seconds` are the times that `shoot` took, a clip each.
    """

    def __init__(self, folder: Path, steps: int, guidance: float, seed: int = SEED) -> None:
        self.engine = catalogue.open_engine(catalogue.card(str(folder)))
        self.pipe = WanVACEPipeline.from_pretrained(folder, dtype=torch.float32)
        self.pipe.set_progress_bar_config(disable=True)
        self.steps, self.guidance, self.seed = steps, guidance, seed
        self.seconds: list[float] = []

    def carry_on(self, prompt: str, seed: int, opening: Tensor) -> Tensor:
        """A clip `(3, frames, rows, columns)`, 0 to 1, that begins with the frames of `opening`, as `sora` makes it."""
        take = Take(
            name="carried", key="", engine="nano", revision="", prompt=prompt, avoid="", width=WIDTH, height=HEIGHT,
            fps=Fraction(FPS), frames=FRAMES, skip=opening.shape[1], play=FRAMES - opening.shape[1], seed=seed,
            options={"steps": self.steps, "guidance": self.guidance},
        )  # fmt: skip
        given = Given(opening=(opening * 255).round().byte().permute(1, 2, 3, 0).numpy())
        footage = self.engine.generate(take, given, lambda *_: None)
        return torch.from_numpy(footage.frames).permute(3, 0, 1, 2).float() / 255

    def shoot(
        self,
        prompt: str,
        seed: int,
        video: Tensor | None = None,
        mask: Tensor | None = None,
        picture: Tensor | None = None,
        *,
        avoid: str = "",
    ) -> Tensor:
        """One clip `(3, frames, rows, columns)`, 0 to 1, by a plain call of the pipeline.

        Args:
            prompt: its caption.
            seed: of the noise.
            video: a clip of that shape that is given where `mask` `(frames, rows, columns)` is 0.
            mask: 1 where to make.
            picture: a reference `(3, rows, columns)`, 0 to 1.
            avoid: negative words.
        """
        extra: dict[str, object] = {}
        if video is not None and mask is not None:
            grey = torch.where(mask.bool(), torch.full_like(video, 0.5), video)  # what is to be made is handed in grey
            extra = {"video": [_image(f) for f in grey.unbind(1)], "mask": [_image(f[None]) for f in mask.unbind(0)]}
        if picture is not None:
            extra["reference_images"] = [_image(picture)]
        began = time.time()
        frames = self.pipe(
            prompt,
            negative_prompt=avoid,
            height=HEIGHT,
            width=WIDTH,
            num_frames=FRAMES,
            num_inference_steps=self.steps,
            guidance_scale=self.guidance,
            max_sequence_length=TEXT.max_tokens,
            generator=torch.Generator().manual_seed(seed),
            output_type="np",
            **extra,
        ).frames[0]
        self.seconds.append(time.time() - began)
        return torch.from_numpy(np.asarray(frames)).permute(3, 0, 1, 2)


def _image(frame: Tensor) -> Image.Image:
    """A picture (1 or 3, rows, columns), 0 to 1."""
    values = (frame * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)


def score_text(studio: Studio, examiner: Examiner, count: int) -> list[Row]:
    """How many of `count` clips show what their captions say, by property."""
    cases = held_out(count, studio.seed)
    videos = torch.stack([studio.shoot(text, studio.seed + i) for i, (_, text) in enumerate(cases)])
    right = judge([scene for scene, _ in cases], examiner.look(videos))
    both = [a and b for a, b in zip(right["place"], right["time"], strict=True)]
    titles = {
        "colour": "an object of the asked colour is there",
        "shape": "shape right",
        "place": "place right",
        "time": "time of day right",
        "both": "place and time of day right",
        "motion": "direction of motion right",
        "camera": "camera right, and at least half the true shift",
        "gravity": "a fall or bounce follows gravity within 25 %",
    }
    right["both"] = both
    return [(title, f"{100 * float(np.mean(right[name])):.1f} %") for name, title in titles.items()]


def score_seam(studio: Studio, examiner: Examiner, count: int) -> list[Row]:
    """Carry five frames over `count` times: the step at the seam in dB, and how often the actor stays itself."""
    cases, encoder = held_out(count, studio.seed + 1), Encoder(load())
    steps, real_steps, same = [], [], []
    for i, (scene, text) in enumerate(cases):
        video = render([scene]).video
        made = studio.carry_on(text, studio.seed + i, video[0, :, :5])
        again = (encoder.decode(encoder.encode(video.to(device()) * 2 - 1))[0].cpu() + 1) / 2
        steps.append(_decibels(made[:, 4], made[:, 5]))
        real_steps.append(_decibels(again[:, 4], again[:, 5]))
        found = examiner.look(made[None])
        seen = found.area[0] > 0.3 * found.area[0].max()
        later = [found.colours[0][f] for f in range(5, FRAMES) if bool(seen[f])]
        kept = bool(later) and sum(c == scene.colour for c in later) >= 0.7 * len(later)
        same.append(kept and found.names["shape"][0] == scene.shape)
    worse = float(np.median(real_steps)) - float(np.median(steps))
    return [
        ("seam of a carried-over beat, against real clips", f"{worse:+.1f} dB"),
        ("same object, same colour across a carried-over seam", f"{100 * float(np.mean(same)):.1f} %"),
    ]


def score_boxes(studio: Studio, count: int) -> list[Row]:
    """Inpaint and outpaint clips: how much worse what was given comes back than by the autoencoder alone, in dB."""
    cases, encoder, rng = held_out(count, studio.seed + 2), Encoder(load()), np.random.default_rng(studio.seed)
    losses = []
    for i, (scene, text) in enumerate(cases):
        video = render([scene]).video
        box, _ = draw_box(rng)
        made = studio.shoot(text, studio.seed + i, video[0], box.expand(FRAMES, -1, -1))
        again = (encoder.decode(encoder.encode(video.to(device()) * 2 - 1))[0].cpu() + 1) / 2
        given = (1 - box).bool().expand_as(made)
        losses.append(_decibels(again[given], video[0][given]) - _decibels(made[given], video[0][given]))
    return [("inpainting and outpainting keep what was given, against the autoencoder", f"-{np.median(losses):.1f} dB")]


def score_references(studio: Studio, examiner: Examiner, count: int) -> list[Row]:
    """Give `count` captions that only name the actor a picture of it: how often its colour and shape appear."""
    cases, rng = held_out(count, studio.seed + 3), np.random.default_rng(studio.seed)
    scenes = [scene for scene, _ in cases]
    pictures = (reference_pictures(scenes, rng, (HEIGHT, WIDTH))[:, :, 0] + 1) / 2
    texts = [named_caption(scene, rng) for scene in scenes]
    videos = torch.stack([studio.shoot(t, studio.seed + i, picture=pictures[i]) for i, t in enumerate(texts)])
    right = judge(scenes, examiner.look(videos))
    both = [a and b for a, b in zip(right["colour"], right["shape"], strict=True)]
    rows = [
        ("a reference's colour and shape appear", both),
        ("its colour", right["colour"]),
        ("its shape", right["shape"]),
    ]
    return [(title, f"{100 * float(np.mean(values)):.1f} %") for title, values in rows]


def score_autoencoder() -> list[Row]:
    """How true the autoencoder is on held-out clips, in dB."""
    whole, boxes = measure(load(), Pool(48, 900_003, device(), (HEIGHT, WIDTH)))
    return [
        ("autoencoder, whole picture", f"{whole:.1f} dB"),
        ("autoencoder, inside the objects' boxes", f"{boxes:.1f} dB"),
    ]


def _decibels(first: Tensor, second: Tensor) -> float:
    return float(-10 * torch.log10((first - second).pow(2).mean().clamp(min=1e-8)))


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    return "\n".join(["| score, on held-out captions | value |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--truth", action="store_true")
    parser.add_argument("--shipped", action="store_true")
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of clips, for a quick look")
    parser.add_argument("--tuning", action="store_true", help="on cases of their own, to choose --steps and --guidance")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    options = parser.parse_args()
    if options.truth:
        for title, through in (("rendered", False), ("rendered, through the autoencoder", True)):
            print(
                title,
                {n: round(v, 3) for n, v in truth(int(CLIPS * options.share), through_autoencoder=through).items()},
                flush=True,
            )
        return
    folder = CHECKPOINT
    if not options.shipped:
        from .assemble import assemble

        folder = WORK / "model"
        assemble(folder)
    seed = TUNING_SEED if options.tuning else SEED
    studio, examiner, share = Studio(folder, options.steps, options.guidance, seed), Examiner(), options.share
    parts: list[Callable[[], list[Row]]] = [
        score_autoencoder,
        lambda: score_text(studio, examiner, int(CLIPS * share)),
        lambda: score_seam(studio, examiner, int(CARRIED * share)),
        lambda: score_boxes(studio, int(BOXES * share)),
        lambda: score_references(studio, examiner, int(REFERENCES * share)),
        lambda: [
            (
                f"time for one clip, {options.steps} steps, guidance {options.guidance}",
                f"{np.median(studio.seconds):.1f} s",
            )
        ],
    ]
    rows: list[Row] = []
    for part in parts:
        rows += part()
        print(rows[-1], flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
