from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from pydantic import ValidationError

from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard, Given
from sora_cli.engines.changes import Start
from sora_cli.errors import RenderError
from tests.contracts.test_engines import pictures, silence, take_for

Cards = Callable[[str], EngineCard]


def calls_of(engine: Any) -> list[dict[str, Any]]:
    """What the engine asks its pipeline, from now on."""
    seen: list[dict[str, Any]] = []
    kind = type(engine.pipe)

    class Watched(kind):  # type: ignore[misc, valid-type]
        def __call__(self, **asked: Any) -> Any:
            seen.append(asked)
            return super().__call__(**asked)

    engine.pipe.__class__ = Watched
    return seen


def test_distilled_gets_its_own_times_and_no_guidance(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("ltx2-distilled"))
    seen, heard = calls_of(engine), []
    engine.generate(take_for(engine.card), Given(), lambda *step: heard.append(step))
    assert seen[0]["sigmas"][:2] == [1.0, 0.99375]
    assert {seen[0][name] for name in ("guidance_scale", "modality_scale", "audio_guidance_scale")} == {1.0}
    assert heard[-1] == (8, 8)
    sigmas = engine.pipe.scheduler.sigmas[:-1]
    assert torch.allclose(sigmas, torch.tensor(seen[0]["sigmas"]))  # unshifted
    with pytest.raises(ValidationError):
        engine.card.options.model_validate({"guidance": 3.0})


def test_the_sound_of_a_distilled_model_has_the_same_times_though_it_has_its_own_scheduler(
    tiny_card: Cards, tmp_path: Path
) -> None:
    location = tiny_card("ltx2-distilled").location
    assert location is not None
    folder = Path(shutil.copytree(location, tmp_path / location.name))
    shutil.copytree(folder / "scheduler", folder / "audio_scheduler")
    config = folder / "audio_scheduler/scheduler_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "use_dynamic_shifting": True}))
    index = folder / "model_index.json"
    sound = {"audio_scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"]}
    index.write_text(json.dumps({**json.loads(index.read_text()), **sound}))
    engine: Any = catalogue.open_engine(catalogue.card(str(folder)))
    engine.generate(take_for(engine.card), Given(), silence)
    assert torch.equal(engine.pipe.audio_scheduler.sigmas, engine.pipe.scheduler.sigmas)


def test_full_is_guided_apart_for_picture_and_sound(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("ltx2"))
    seen = calls_of(engine)
    options = {"steps": 2, "guidance": 2.0, "sound_guidance": 5.0}
    engine.generate(take_for(engine.card, options=options), Given(), silence)
    assert (seen[0]["guidance_scale"], seen[0]["audio_guidance_scale"]) == (2.0, 5.0)
    assert seen[0]["use_cross_timestep"] is False


@pytest.mark.parametrize(
    ("options", "passes"), [({}, 1), ({"spatiotemporal": 1.0}, 2), ({"spatiotemporal": 1.0, "modality": 2.0}, 3)]
)
def test_further_kinds_of_guidance_are_for_picture_and_sound_and_off_for_both(
    tiny_card: Cards, options: dict[str, float], passes: int
) -> None:
    engine: Any = catalogue.open_engine(tiny_card("ltx2"))
    seen, forwards = calls_of(engine), []
    engine.pipe.transformer.register_forward_hook(lambda *_: forwards.append(1))
    engine.generate(take_for(engine.card, options={"steps": 2, **options}), Given(), silence)
    assert len(forwards) == 2 * passes, "a pass for each kind, which has both ends of guidance in one batch"
    for name in ("stg_scale", "modality_scale", "guidance_rescale"):
        assert seen[0][f"audio_{name}"] == seen[0][name]


def test_two_stages_double_the_size(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("ltx2-distilled"))
    seen, heard = calls_of(engine), []
    take = take_for(engine.card, width=128, height=64, options={"two_stage": True})
    footage = engine.generate(take, Given(opening=pictures(take, 9)), lambda *step: heard.append(step))
    assert footage.frames.shape == (17, 64, 128, 3)
    assert (seen[0]["width"], seen[0]["height"]) == (64, 32)
    assert heard[-1] == (11, 11)
    with pytest.raises(RenderError, match="in steps of 64"):
        engine.generate(replace(take, width=96), Given(), silence)


@pytest.mark.parametrize("drafts", [("a draft's key",), ()], ids=["of a draft", "of a film"])
def test_a_take_of_two_stages_begins_with_its_drafts_latents_doubled(tiny_card: Cards, drafts: tuple[str, ...]) -> None:
    engine: Any = catalogue.open_engine(tiny_card("ltx2-distilled"))
    seen, heard, own = calls_of(engine), [], engine.pipe.scheduler
    take = take_for(engine.card, width=128, height=64, options={"two_stage": True}, start=Start(0.5, drafts))
    given = Given(start=pictures(take, take.frames))
    footage = engine.generate(take, given, lambda *step: heard.append(step))
    assert footage.frames.shape == (17, 64, 128, 3)
    assert footage.sound is not None
    assert [asked["latents"].shape for asked in seen] == [(1, 4, 3, 2, 4)], "its own first stage is not sampled"
    assert bool(engine.upsampler) == bool(drafts), "a film has all its pixels: to halve them would lose some"
    assert heard[-1] == (9, 9), "the eight times, and its own noise level"
    assert engine.pipe.scheduler is own


def test_the_picture_is_held_to_known_frames_until_their_noise_level_is_due(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("ltx2"))
    take = take_for(engine.card, options={"steps": 6}, start=Start(0.5))
    held: list[bool] = []
    inner = engine.held

    def watched(*asked: Any) -> Any:
        def look(pipe: Any, index: int, time: object, state: dict[str, torch.Tensor]) -> dict[str, Any]:
            done = put_back(pipe, index, time, state)
            (known, hold), due = pipe.known, pipe.scheduler.sigmas[index + 1]
            noise = torch.randn(known.shape, generator=torch.Generator().manual_seed(take.seed))
            held.append(torch.allclose(done["latents"], known + due * (1 - hold) * (noise - known), atol=1e-5))
            opening = take.height // 32 * take.width // 32 * 2  # nine frames are two latent ones
            assert torch.equal(done["latents"][:, :opening], known[:, :opening]), "what is given stays as it is"
            return dict(done)

        put_back = inner(*asked)
        return look

    engine.held = watched
    engine.generate(take, Given(opening=pictures(take, 9), start=pictures(take, take.frames)), silence)
    assert len(held) == 7
    assert held == sorted(held, reverse=True), "first it is held, then it is not"
    assert 0 < sum(held) < 6


def test_opening_latents_are_the_tail_of_the_take_before(tiny_card: Cards, tmp_path: Path) -> None:
    engine: Any = catalogue.open_engine(tiny_card("ltx2-distilled"))
    take = take_for(engine.card)
    first = engine.generate(take, Given(), silence)
    assert first.tail["video"].shape == (1, 4, 1, 2, 3)
    path = tmp_path / "tail.npz"
    np.savez(path, **first.tail)
    given = Given(opening=first.frames[-9:], tail=path)
    second = engine.generate(replace(take, seed=9), given, silence)
    held = engine.pipe.tail
    assert torch.equal(held, torch.from_numpy(first.tail["video"]))
    by_pixels = engine.generate(replace(take, seed=9), replace(given, tail=None), silence)
    assert not np.array_equal(second.frames, by_pixels.frames)
    assert engine.pipe.tail is None


def test_openings_must_be_on_the_grid(tiny_card: Cards) -> None:
    engine = catalogue.open_engine(tiny_card("ltx2"))
    take = take_for(engine.card)
    with pytest.raises(RenderError, match=r"8k\+1"):
        engine.generate(take, Given(opening=pictures(take, 5)), silence)


def test_sound_can_be_switched_off(tiny_card: Cards) -> None:
    engine = catalogue.open_engine(tiny_card("ltx2-distilled"))
    assert engine.generate(take_for(engine.card, sound=False), Given(), silence).sound is None
