"""The recipe's parts that need no trained weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanVACEPipeline
from torch.nn import functional

from examples.nano.autoencoder import maps_of
from examples.nano.batches import UNSEEN, Batches
from examples.nano.conditions import control, fold_mask, frames_condition, known_frames
from examples.nano.config import (
    FRAMES,
    HEIGHT,
    LATENT_FRAMES,
    LATENT_HEIGHT,
    LATENT_WIDTH,
    WIDTH,
)
from examples.nano.muon import Muon, orthogonalise
from examples.nano.score import held_out
from sora_cli.engines.nano import PaperAutoencoder, PaperTransformer
from sora_cli.engines.nano.autoencoder import Enlarger, smoothly_larger
from sora_cli.engines.nano.given import GivenInPart
from sora_cli.engines.nano.transformer import MASK_CHANNELS, SEEN_CHANNELS, Gelu, halved
from tests.nano.test_world import scene


def small_autoencoder() -> PaperAutoencoder:
    torch.manual_seed(0)
    return PaperAutoencoder(9, 16, 8, 1, 1, (8, 8, 8), [0.0] * 9, [1.0] * 9)


def test_cells_and_back_are_the_same_video() -> None:
    model = small_autoencoder()
    video = torch.rand(2, 3, 9, 32, 48)
    cells = model.to_cells(video)
    assert cells.shape == (12, 384, 4, 6)
    assert torch.equal(model.from_cells(cells, 2), video)
    assert torch.equal(model.split(model.merge(cells)), cells)


def test_an_enlarger_that_draws_nothing_shows_no_tiles() -> None:
    enlarger = Enlarger((8, 8, 8))
    with torch.no_grad():
        enlarger.leave.weight.zero_()
        enlarger.leave.bias.zero_()
        tiled = torch.arange(12).remainder(2).float().view(1, 1, 1, 1, 12).repeat_interleave(16, 4)
        shown = enlarger(tiled.expand(1, 3, 1, 64, 192))
    assert shown.shape == (1, 3, 1, 128, 384)
    assert shown.diff(dim=4).abs().max() < 0.3  # a step from tile to tile, which are 1 apart, is spread over pixels


def test_pictures_are_enlarged_as_by_torch() -> None:
    pictures = torch.rand(2, 3, 8, 12, generator=torch.Generator().manual_seed(1))
    theirs = functional.interpolate(pictures, scale_factor=8, mode="bicubic", align_corners=False)
    assert (smoothly_larger(pictures, 8) - theirs).abs().max() < 2e-6


def test_the_curve_of_the_layers_is_that_of_torch() -> None:
    at = torch.cat([torch.linspace(-30, 30, 20_001), torch.tensor([-1e4, 1e4, 0.0])])
    layer = Gelu(1, 1, approximate="tanh")
    exact = functional.gelu(at.double(), approximate="tanh")
    with torch.no_grad():
        assert (layer.gelu(at) - exact).abs().max() < 2e-6
    assert torch.equal(layer.gelu(at), functional.gelu(at, approximate="tanh")), "as it is learned"


def test_an_enlarger_sees_the_frames_before_and_after_and_no_others() -> None:
    torch.manual_seed(0)
    enlarger = Enlarger((8, 8, 8))
    video = torch.rand(1, 3, 5, 16, 24)
    changed = video.clone()
    changed[:, :, 4] = 0
    with torch.no_grad():
        same = (enlarger(video) - enlarger(changed)).abs().amax((0, 1, 3, 4)) < 1e-5
    assert same.tolist() == [True, True, True, False, False]


def test_latents_of_opening_frames_do_not_depend_on_what_follows() -> None:
    model = small_autoencoder()
    video = torch.rand(1, 3, 17, 32, 32)
    changed = video.clone()
    changed[:, :, 5:] = 0
    assert torch.equal(model.to_latents(video)[:, :, :2], model.to_latents(changed)[:, :, :2])


def test_the_autoencoder_saves_and_loads(tmp_path: Path) -> None:
    model = small_autoencoder()
    model.save_pretrained(tmp_path)
    again = PaperAutoencoder.from_pretrained(tmp_path)
    video = torch.rand(1, 3, 5, 64, 64)
    assert torch.equal(again.decode(again.encode(video).latent_dist.mode()).sample, model(video).sample)


class FakeTransformer:
    """Only what `prepare_masks` reads."""

    class config:  # noqa: N801
        patch_size = (1, 2, 2)


@pytest.mark.parametrize(("first", "last"), [(0, False), (1, False), (5, False), (9, False), (0, True), (5, True)])
def test_conditions_are_those_of_the_pipeline(first: int, last: bool) -> None:  # noqa: FBT001
    model = small_autoencoder()
    pipe = WanVACEPipeline(None, None, model, FlowMatchEulerDiscreteScheduler())
    pipe.transformer = FakeTransformer()
    video = torch.rand(1, 3, FRAMES, HEIGHT, WIDTH) * 2 - 1
    mask = known_frames(first, last=last).view(1, 1, FRAMES, 1, 1).expand(1, 3, FRAMES, HEIGHT, WIDTH)
    with torch.no_grad():
        theirs = torch.cat(
            [pipe.prepare_video_latents(video * (1 - mask), mask, [[]]), halved(pipe.prepare_masks(mask, [[]]))], 1
        )
        latents = model.film_to_latents(video)[0]
        grey = model.film_to_latents(torch.zeros_like(video))[0]
        ending = torch.zeros(1, 3, 5, HEIGHT, WIDTH)
        ending[:, :, -1] = video[:, :, -1]
        ended = torch.cat([model.film_to_latents(ending)[0, : model.components, 1], latents[model.components :, -1]])
        inactive, folded = frames_condition(latents, grey, ended, first, last=last)
        ours = control(inactive[None], grey[None], folded[None])
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_a_reference_comes_in_front_and_a_box_keeps_its_pixels() -> None:
    mask = torch.zeros(1, FRAMES, HEIGHT, WIDTH)
    mask[:, :, 3:50, 7:90] = 1
    folded = fold_mask(mask)
    assert folded.shape == (1, MASK_CHANNELS, LATENT_FRAMES, LATENT_HEIGHT, LATENT_WIDTH)
    assert folded.sum() == mask.sum() / FRAMES * LATENT_FRAMES
    latents = torch.rand(1, 4, LATENT_FRAMES, LATENT_HEIGHT, LATENT_WIDTH)
    joined = control(latents, latents, folded, latents[:, :, :1])
    assert joined.shape[2] == LATENT_FRAMES + 1
    assert joined[:, 4:, 0].abs().max() == 0


def test_muon_steps_are_orthogonal_and_it_learns() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(3, 8, 16)))
    assert ((values > 0.15) & (values < 2.0)).all()  # three iterations are rough, and good enough to learn by
    wide, tall = (torch.nn.Parameter(torch.randn(*shape)) for shape in ((4, 8), (8, 4)))
    optimizer = Muon([wide, tall], 0.3)
    for _ in range(600):
        loss = (tall @ wide - torch.eye(8) * 0.5).pow(2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] *= 0.99
    assert loss.item() == pytest.approx(1.0, abs=0.05)  # half of the identity's rank is out of reach: 4 x 0.25


def test_held_out_captions_are_the_same_every_time_and_say_what_is_measured() -> None:
    first, again = held_out(12), held_out(12)
    assert first == again
    assert len({text for _, text in first}) == 12
    assert scene() not in [s for s, _ in first]
    assert np.all([s.opening is None for s, _ in first])


def test_the_network_sees_the_pipelines_mask_at_half_of_its_size() -> None:
    mask = (torch.rand(1, FRAMES, HEIGHT // 2, WIDTH // 2) > 0.5).float()
    whole = mask.repeat_interleave(2, 2).repeat_interleave(2, 3)
    seen = halved(fold_mask(whole)).unflatten(1, (16, 16))
    assert torch.equal(seen[0, 3, 5, 0, 2, 4], mask[0, 1, 2 * 16 + 3, 4 * 16 + 5])
    assert float(seen.mean()) == pytest.approx(float(fold_mask(whole).mean()))


def small_transformer() -> PaperTransformer:
    torch.manual_seed(0)
    return PaperTransformer(
        num_attention_heads=1, attention_head_dim=12, in_channels=2, out_channels=2, text_dim=8, ffn_dim=16,
        num_layers=1, vace_layers=[0], vace_in_channels=2 + 2 + SEEN_CHANNELS, spread=[2.0, 0.5],
    )  # fmt: skip


def velocity(
    model: PaperTransformer, noisy: torch.Tensor, level: float, given: torch.Tensor, *, unknown: float, answer: float
) -> torch.Tensor:
    """What the model makes of an answer of its network, where a share of each cell's pixels is unknown."""
    mask = torch.zeros(len(given), MASK_CHANNELS, *given.shape[2:])
    mask[:, : int(unknown * MASK_CHANNELS)] = 1
    with torch.no_grad():
        model.proj_out.weight.zero_()
        model.proj_out.bias.fill_(answer)
        told = torch.cat([given, torch.zeros_like(given), mask], 1)
        times, words = torch.full((len(given),), 1000 * level), torch.zeros(len(given), 4, 8)
        return torch.as_tensor(model(noisy, times, words, control_hidden_states=told).sample)


@pytest.mark.parametrize("unknown", [1.0, 0.25])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_what_the_transformer_must_learn_has_spread_one_at_every_noise_level(level: float, unknown: float) -> None:
    model, shape = small_transformer(), (2, 2, 4, 16, 24)
    given = (1 - unknown) * torch.randn(shape)
    clean = given + unknown**0.5 * torch.randn(shape) * torch.tensor([2.0, 0.5]).view(1, 2, 1, 1, 1)
    noise = torch.randn(shape)
    noisy = (1 - level) * clean + level * noise
    plain, full = (velocity(model, noisy, level, given, unknown=unknown, answer=answer) for answer in (0.0, 1.0))
    rest = (noise - clean - plain) / (full - plain)
    assert rest.transpose(0, 1).flatten(1).std(1) == pytest.approx([1.0, 1.0], abs=0.05)
    away = torch.stack(
        [torch.corrcoef(torch.stack([rest[:, c].flatten(), noisy[:, c].flatten()]))[0, 1] for c in (0, 1)]
    )
    assert away.abs().max() < 0.05  # nothing of it could be told from the noisy latents by a straight line


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_cell_that_is_given_whole_comes_back_whatever_the_network_says(level: float) -> None:
    given, noise = torch.randn(2, 2, 2, 4, 6), torch.randn(2, 2, 2, 4, 6)
    noisy = (1 - level) * given + level * noise
    back = noisy - level * velocity(small_transformer(), noisy, level, given, unknown=0.0, answer=1.0)
    assert (back - given).abs().max() < 0.03


def test_latents_of_a_cell_that_is_given_in_part_look_as_what_is_given_and_others_stay() -> None:
    model = small_autoencoder()
    told = GivenInPart(model.components, SEEN_CHANNELS, 12)
    told.learn(*maps_of(model))
    mask = torch.zeros(1, FRAMES, HEIGHT // 2, WIDTH // 2)
    mask[..., 19:90, 37:103] = 1

    def seen(latents: torch.Tensor) -> torch.Tensor:
        """What the encoder makes of the given pixels of what the decoder's first part draws."""
        flat = latents[:, : model.components].transpose(1, 2).flatten(0, 1)
        picture = model.from_cells(model.split(model.restore(flat)), 1)
        return model.to_latents(picture * (1 - mask)[:, None])

    with torch.no_grad():
        true, guess = (torch.randn(1, 9, LATENT_FRAMES, LATENT_HEIGHT, LATENT_WIDTH) for _ in range(2))
        given, folded = seen(true), fold_mask(mask)
        found = told(guess, given, folded)
        away = [(seen(latents) - given).pow(2).mean(1) for latents in (guess, found)]
    unknown = folded.mean(1)
    part = (unknown > 0) & (unknown < 1)
    later = part & (torch.arange(LATENT_FRAMES)[:, None, None] > 0)  # the first has one picture, shown four times
    assert away[1][later].mean() < 0.01 * away[0][later].mean()
    assert torch.equal(found.movedim(1, -1)[~part], guess.movedim(1, -1)[~part])
    assert torch.equal(found[:, model.components :], guess[:, model.components :])


def test_a_clip_without_words_has_the_reference_of_another_and_names_nothing() -> None:
    clips = torch.arange(16.0).view(-1, 1, 1, 1, 1).expand(-1, 1, 1, 4, 4)
    chunk = {
        "scenes": [scene() for _ in clips],
        "latents": clips,
        "weight": clips[:, 0],
        "references": clips,
        "captions": [["words"] for _ in clips],
        "named": ["words" for _ in clips],
    }
    batches = Batches.__new__(Batches)  # without the chunks of a training that may not have begun
    batches.rng, batches.clips, batches.stills = np.random.default_rng(1), [], [chunk]
    batches.grey = torch.zeros(1, 1, 4, 4)
    told, own = [], []
    for batch in (batches.draw(0) for _ in range(20)):
        if batch.reference:
            told += [caption == "words" for caption in batch.captions]
            own += (batch.latents[:, 0, 0, 0, 0] == batch.latents[:, 0, 1, 0, 0]).tolist()
            assert [name != UNSEEN for name in batch.names["shape"].tolist()] == told[-len(batch.captions) :]
    with_words, without = ([o for o, t in zip(own, told, strict=True) if t is wanted] for wanted in (True, False))
    assert all(with_words)
    assert sum(without) < 0.2 * len(without)
