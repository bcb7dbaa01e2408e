from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file, save_file

from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard, Given
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.engines.families.wan_vace import CARRIED_SETTLED, conditions, together
from sora_cli.engines.nano import PaperScheduler
from sora_cli.engines.nano.scheduling import SETTLED
from sora_cli.engines.options import WanOptions, with_defaults
from sora_cli.engines.runtime import pixels
from sora_cli.engines.training.student import Lesson, Student
from sora_cli.errors import EngineMissing, OutOfMemory, RenderError
from sora_cli.events import Note, Recording
from sora_cli.shoot.mask import feathered
from tests.contracts.test_engines import pictures, silence, take_for

Cards = Callable[[str], EngineCard]


def test_unknown_frames_are_exactly_grey_and_known_ones_exact(tiny_card: Cards) -> None:
    take = take_for(tiny_card("wan-vace"))
    opening, closing = pictures(take, 5), pictures(take, 1, 1)
    given = conditions(take, Given(opening=opening, closing=closing))
    video, mask = given["video"][0], given["mask"][0]
    assert torch.equal(video[5:-1], torch.full_like(video[5:-1], 0.5))
    assert np.array_equal(pixels.to_bytes(video[:5]), opening)
    assert np.array_equal(pixels.to_bytes(video[-1:]), closing)
    assert mask[:5].max() == 0
    assert mask[-1].max() == 0
    assert mask[5:-1].min() == 1


def test_the_pipeline_sees_the_same_with_grey_frames_as_with_none(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("wan-vace"))
    take, seen = take_for(engine.card), []
    inner = engine.pipe.prepare_video_latents
    engine.pipe.prepare_video_latents = lambda video, *rest: seen.append(video) or inner(video, *rest)
    engine.generate(take, Given(), silence)
    engine.generate(take, Given(opening=pictures(take, 1)), silence)
    assert torch.equal(seen[0], torch.zeros_like(seen[0]))
    assert torch.equal(seen[1][:, :, 1:], seen[0][:, :, 1:])


def test_a_mask_that_moves_is_the_same_in_all_frames_of_a_latent() -> None:
    mask = np.eye(9, dtype=np.float32)[:, None]  # in each frame another pixel
    held = together(mask, 4)[:, 0]
    assert np.array_equal(held[0], mask[0, 0])
    assert np.array_equal(held[1:5], np.repeat(mask[1:5].max(0), 4, axis=0))
    assert np.array_equal(held[5:], np.repeat(mask[5:].max(0), 4, axis=0))
    assert np.array_equal(together(mask[:3], 4)[1:, 0], np.repeat(mask[1:3].max(0), 2, axis=0))


def test_in_the_seam_the_model_sees_what_is_there(tiny_card: Cards) -> None:
    take = take_for(tiny_card("wan-vace"))
    film, inside = pictures(take, take.frames), np.zeros((take.height, take.width), np.float32)
    inside[8:-8, 8:-8] = 1
    soft = np.repeat(feathered(inside, 4)[None], take.frames, axis=0)
    given = conditions(take, Given(video=film, mask=soft))
    assert np.array_equal(given["mask"][0, :, 0], np.repeat(inside[None], take.frames, axis=0))
    assert np.array_equal(pixels.to_bytes(given["video"][0])[:, inside == 0], film[:, inside == 0])


def test_words_are_encoded_once(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("wan-vace"))
    take, calls = take_for(engine.card), []
    inner = engine.pipe.encode_prompt
    engine.pipe.encode_prompt = lambda **asked: calls.append(asked) or inner(**asked)
    first = engine.generate(take, Given(), silence)
    again = engine.generate(take, Given(), silence)
    engine.generate(replace(take, prompt="the grass"), Given(), silence)
    assert [asked["prompt"] for asked in calls if asked["prompt"]] == ["a red ball bounces", "the grass"]
    assert np.array_equal(first.frames, again.frames)


def test_a_take_that_carries_on_draws_less_noise_anew_and_the_next_one_as_much_as_before(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("wan-vace"))
    engine.pipe.scheduler = PaperScheduler(shift=4.0)
    take, settled = take_for(engine.card), []
    for given in (Given(), Given(opening=pictures(take, 5)), Given()):
        engine.generate(take, given, silence)
        settled.append(engine.pipe.scheduler.settled)
    assert settled == [SETTLED, CARRIED_SETTLED, SETTLED]


def test_options_reach_the_pipeline(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("wan-vace"))
    take = take_for(engine.card, options={"steps": 3, "guidance": 1.0, "shift": 7.0, "control": 0.5})
    heard = []
    engine.generate(take, Given(), lambda *step: heard.append(step))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert engine.pipe.scheduler.config.flow_shift == 7.0
    assert not engine.pipe.do_classifier_free_guidance
    engine.generate(replace(take, options={"steps": 1}), Given(), silence)
    assert engine.pipe.scheduler.config.flow_shift == 3.0  # the checkpoint's own again


def test_the_checkpoints_own_times_are_those_of_text_and_of_pictures(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("wan-ti2v"))
    take = take_for(engine.card, options={"steps": 1, "shift": 9.0})
    engine.generate(take, Given(), silence)
    engine.generate(replace(take, options={"steps": 1, "shift": None}), Given(opening=pictures(take, 1)), silence)
    assert engine.pipe.scheduler.config.flow_shift == 3.0, "not those of the take before"


def test_noise_levels_are_learned_as_they_are_sampled(tiny_card: Cards, tmp_path: Path) -> None:
    for chosen, wanted in ((5.0, 5.0), (None, 3.0)):
        card = tiny_card("wan")
        card = replace(card, options=with_defaults(WanOptions, {"shift": chosen}))
        student = Student(catalogue.open_engine(card), (32, 32), tmp_path)  # type: ignore[arg-type]
        lesson = Lesson(torch.zeros(1, 4, 2, 4, 4), {})
        before = student.shift(lesson)
        student.call(f"the ball {chosen}", 5)
        assert (before, student.shift(lesson)) == (wanted, wanted)


def test_a_prompt_too_long_is_said_aloud(tiny_card: Cards) -> None:
    heard = Recording()
    card = replace(tiny_card("wan-vace"), prompt_tokens=6)
    engine = catalogue.open_engine(card, report=heard)
    engine.generate(take_for(card, prompt="a red ball bounces on the grass"), Given(), silence)
    (note,) = heard.of(Note)
    assert "the prompt has 8 tokens" in note.message
    assert "bounces" in note.message


def test_failures_are_told_in_our_words(tiny_card: Cards) -> None:
    engine: Any = catalogue.open_engine(tiny_card("wan-vace"))
    take = take_for(engine.card)

    def fail_with(error: Exception) -> None:
        def forward(*_: object, **__: object) -> None:
            raise error

        engine.pipe.transformer.forward = forward

    fail_with(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    with pytest.raises(OutOfMemory, match="ran out of memory"):
        engine.generate(take, Given(), silence)
    fail_with(RuntimeError("mat1 and mat2\nshapes"))
    with pytest.raises(RenderError, match=r"failed: RuntimeError: mat1 and mat2$"):
        engine.generate(take, Given(), silence)


def copied(card: EngineCard, folder: Path) -> Path:
    import shutil

    assert card.location is not None
    shutil.copytree(card.location, folder)
    return folder


def test_weights_that_are_there_as_a_variant_alone_are_loaded(tiny_card: Cards, tmp_path: Path) -> None:
    """As many folders on the hub hold them; beside others, a variant counts for nothing."""
    card = tiny_card("wan-vace")
    folder = copied(card, tmp_path / "fp16")
    assert Checkpoint.read(folder).variant is None
    part = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    beside = part.rename(part.with_name("diffusion_pytorch_model.fp16.safetensors"))
    found = Checkpoint.read(folder)
    assert (found.variant, found.bytes_of("transformer")) == ("fp16", beside.stat().st_size)
    engine = catalogue.open_engine(catalogue.card(str(folder)))
    take = take_for(card)
    same = catalogue.open_engine(card).generate(take, Given(), silence)
    assert np.array_equal(engine.generate(take, Given(), silence).frames, same.frames)


@pytest.mark.parametrize(
    ("name", "file", "weight"),
    [
        ("wan-vace", "text_encoder/model", "encoder.block.1.layer.0.SelfAttention.o.weight"),
        ("wan-vace", "transformer/diffusion_pytorch_model", "blocks.0.attn1.to_q.weight"),
        ("minimax-h3", "text_encoder/model", "model.language_model.layers.32.self_attn.o_proj.weight"),
        ("minimax-h3", "audio_vae/diffusion_pytorch_model", "decoder.ups.0.0.bias"),
    ],
)
def test_a_model_without_all_of_its_weights_is_refused_by_name(
    tiny_card: Cards, tmp_path: Path, name: str, file: str, weight: str
) -> None:
    """A text encoder's would be filled with random numbers."""
    folder = copied(tiny_card(name), tmp_path / "short")
    path = (folder / file).with_suffix(".safetensors")
    held = load_file(path)
    del held[weight]
    save_file(held, path, metadata={"format": "pt"})
    with pytest.raises(EngineMissing, match=f"{path.parent.name} lack the weights {re.escape(weight)}"):
        catalogue.open_engine(catalogue.card(str(folder)))


def test_weights_that_a_model_has_no_place_for_are_told(tiny_card: Cards, tmp_path: Path) -> None:
    folder = copied(tiny_card("wan-vace"), tmp_path / "more")
    path = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    more = {"control_adapter.conv.weight": torch.ones(2, 2), "control_adapter.conv.bias": torch.ones(2)}
    save_file(load_file(path) | more, path, metadata={"format": "pt"})
    told: list[object] = []
    catalogue.open_engine(catalogue.card(str(folder)), report=told.append)
    assert "2 tensors in " in str(told)
    assert "WanVACETransformer3DModel has no place for, such as control_adapter.conv.bias" in str(told)
    told.clear()
    catalogue.open_engine(tiny_card("wan-vace"), report=told.append)
    assert not told


def test_a_missing_a_damaged_and_a_foreign_file(tiny_card: Cards, tmp_path: Path) -> None:
    card = tiny_card("wan-vace")
    folder = copied(card, tmp_path / "missing")
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(EngineMissing, match="vae holds no weights"):
        catalogue.open_engine(catalogue.card(str(folder)))
    folder = copied(card, tmp_path / "damaged")
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").write_bytes(b"not a tensor file at all")
    with pytest.raises(EngineMissing) as caught:
        catalogue.open_engine(catalogue.card(str(folder)))
    assert caught.value.hint
    folder = copied(card, tmp_path / "wrong")
    index = folder / "model_index.json"
    index.write_text(index.read_text().replace("WanVACETransformer3DModel", "NoSuchModel"))
    with pytest.raises(EngineMissing, match="is a NoSuchModel, which diffusers"):
        catalogue.card(str(folder))
    with pytest.raises(EngineMissing, match="cannot be loaded from"):
        catalogue.open_engine(replace(card, location=folder))


def test_what_words_and_the_given_alone_tell_is_worked_out_once_a_take(tiny_card: Cards) -> None:
    """The frames are those of two passes of a step, one after the other, to within a level of 255."""
    engine: Any = catalogue.open_engine(tiny_card("wan-vace"))
    take, seen = take_for(engine.card, options={"steps": 3}), []
    model = engine.pipe.transformer
    for part in (model.condition_embedder.text_embedder, model.vace_patch_embedding, model.blocks[0].attn2.to_k):
        part.forward = lambda given, inner=part.forward: seen.append(inner) or inner(given)
    both = [engine.generate(each, Given(), silence).frames for each in (take, replace(take, prompt="the grass"))]
    assert len(seen) == 2 * 3
    engine.offload.at_once = False
    one = [engine.generate(each, Given(), silence).frames for each in (take, replace(take, prompt="the grass"))]
    assert len(seen) == 2 * 3 + 2 * 3 * 2 * 3
    assert np.abs(np.stack(both).astype(int) - np.stack(one)).max() <= 1
