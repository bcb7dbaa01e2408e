"""The checkpoint that ships: standard layout, small, loads without a warning, and does every task."""

import json
import warnings

import pytest
import torch
from diffusers import WanVACEPipeline
from PIL import Image

from examples.nano.assemble import LARGEST
from examples.nano.captions import vocabulary
from examples.nano.config import CHECKPOINT, FPS, FRAMES, HEIGHT, TEXT, WIDTH
from examples.nano.scene import SHAPES
from examples.nano.text import SIDES
from examples.nano.words import CAMERA_WORDS
from examples.nano.world import render
from sora_cli.engines import nano
from sora_cli.engines.cards.nano import nano_card
from sora_cli.engines.nano.scheduling import SETTLED
from tests.nano.test_world import scene


@pytest.fixture(scope="module")
def pipe() -> WanVACEPipeline:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = WanVACEPipeline.from_pretrained(CHECKPOINT, dtype=torch.float32)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def shoot(pipe: WanVACEPipeline, **extra: object) -> torch.Tensor:
    settings = {"height": HEIGHT, "width": WIDTH, "num_frames": FRAMES, "num_inference_steps": 1, "guidance_scale": 1.0}
    generator = torch.Generator().manual_seed(0)
    frames = pipe(
        "a red ball bounces on the grass",
        max_sequence_length=TEXT.max_tokens,
        generator=generator,
        output_type="pt",
        **{**settings, **extra},
    ).frames[0]
    return torch.as_tensor(frames)


def test_it_is_small_and_in_diffusers_layout() -> None:
    files = [path for path in CHECKPOINT.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) <= LARGEST
    index = json.loads((CHECKPOINT / "model_index.json").read_text())
    assert index["_class_name"] == "WanVACEPipeline"
    assert index["vae"] == [nano.__name__, "PaperAutoencoder"]


def test_its_card_says_what_it_was_trained_for() -> None:
    card = nano_card()
    assert (card.native_size, card.max_frames, card.fps) == ((WIDTH, HEIGHT), FRAMES, FPS)
    assert card.film_size == card.native_size
    assert card.subjects == SHAPES


def test_its_words_are_those_it_was_taught() -> None:
    assert (CHECKPOINT / "words.txt").read_text().split() == vocabulary()


def test_it_hears_which_side_is_the_cameras(pipe: WanVACEPipeline) -> None:
    def heard(text: str) -> list[str]:
        return sorted(pipe.tokenizer(text).input_ids)

    for pan in CAMERA_WORDS["left"]:
        one, other = (f"a red ball rolls {a}. {pan.replace('left', b)}" for a, b in (SIDES, SIDES[::-1]))
        assert heard(one) != heard(other), pan
    assert heard("it rolls from left to right") != heard("it rolls from right to left")
    words = pipe.tokenizer.convert_ids_to_tokens
    assert "panleft" not in words(heard("the camera pans right, and a box beside it moves to the left"))
    assert heard("A Red Ball")[:3] == heard("a red ball")[:3]


def test_it_makes_a_clip_and_a_picture(pipe: WanVACEPipeline) -> None:
    assert shoot(pipe).shape == (FRAMES, 3, HEIGHT, WIDTH)
    assert shoot(pipe, num_frames=1).shape == (1, 3, HEIGHT, WIDTH)


def test_it_takes_opening_frames_and_a_reference(pipe: WanVACEPipeline) -> None:
    frame, grey = Image.new("RGB", (WIDTH, HEIGHT), (90, 160, 90)), Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))
    known, unknown = Image.new("L", (WIDTH, HEIGHT), 0), Image.new("L", (WIDTH, HEIGHT), 255)
    made = shoot(pipe, video=[frame] * 5 + [grey] * 12, mask=[known] * 5 + [unknown] * 12)
    assert made.shape == (FRAMES, 3, HEIGHT, WIDTH)
    assert shoot(pipe, reference_images=[frame]).shape == (FRAMES, 3, HEIGHT, WIDTH)


def test_what_is_given_around_a_box_comes_back_as_by_the_autoencoder(pipe: WanVACEPipeline) -> None:
    video = render([scene(action="roll_right")]).video[0]
    mask = torch.zeros(HEIGHT, WIDTH)
    mask[83:190, 107:271] = 1  # through the middle of cells
    grey = torch.where(mask > 0, 0.5, video)
    made = shoot(
        pipe,
        num_inference_steps=3,
        video=[Image.fromarray((f * 255).round().byte().permute(1, 2, 0).numpy()) for f in grey.unbind(1)],
        mask=[Image.fromarray((mask * 255).byte().numpy())] * FRAMES,
    ).transpose(0, 1)
    with torch.no_grad():
        again = pipe.vae(video[None] * 2 - 1).sample[0] / 2 + 0.5
    given = (mask == 0).expand_as(video)
    lost, usual = ((shown - video)[given].pow(2).mean() for shown in (made, again))
    assert 10 * torch.log10(lost / usual) < 1.5


def test_the_autoencoder_keeps_a_clip_of_its_world(pipe: WanVACEPipeline) -> None:
    video = render([scene(action="roll_right", camera="left")]).video * 2 - 1
    with torch.no_grad():
        again = pipe.vae(video).sample
    assert -10 * torch.log10((again - video).pow(2).mean() / 4) > 25


def test_noise_is_drawn_anew_below_the_settled_level_and_the_same_for_the_same_start() -> None:
    def run(start: torch.Tensor, settled: float = SETTLED) -> list[torch.Tensor]:
        scheduler = nano.PaperScheduler(shift=4.0)
        scheduler.settled = settled
        scheduler.set_timesteps(12)
        x, seen = start, []
        for time in scheduler.timesteps:
            x = scheduler.step(torch.zeros_like(x), time, x, return_dict=False)[0]
            seen.append(x)
        return seen

    start = torch.randn(1, 4, 5, 8, 12, generator=torch.Generator().manual_seed(3))
    first, again, other = run(start), run(start), run(start + 1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert torch.allclose(first[0], start, atol=1e-5)  # nothing moves, and above the settled level no noise is new
    assert not torch.allclose(first[-2], start, atol=0.1)
    assert all(torch.allclose(latents, start, atol=1e-5) for latents in run(start, 0))
    assert not torch.allclose(first[-2] - start, other[-2] - start - 1, atol=0.1)
