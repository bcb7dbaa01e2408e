"""Adapters are trained on tiny true classes: they load by diffusers' plain call, and a stopped course resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from sora_cli.engines import catalogue
from sora_cli.engines.adapters import misfit
from sora_cli.engines.base import Ability, EngineCard, Given
from sora_cli.engines.doctor import machine
from sora_cli.engines.options import adapter_facts
from sora_cli.engines.training import (
    CourseSettings,
    Example,
    LossCheck,
    open_course,
    refuse_untrained,
    require_packages,
)
from sora_cli.engines.training.needs import needs
from sora_cli.errors import EngineMissing, Interrupted, RequestError
from sora_cli.events import Silent
from tests.contracts.test_engines import silence, take_for
from tests.engines import tiny

pytest.importorskip("peft")

Cards = Callable[[str], EngineCard]
LONG = ("wan-ti2v", "ltx2-distilled")
"""Of the same classes as others."""


def settings_for(card: EngineCard, **other: object) -> CourseSettings:
    plain = CourseSettings(size=tiny.size_of(card), rank=4, steps=4, checks=2, rate=3e-2, batch=2)
    return replace(plain, **other)  # type: ignore[arg-type]


def examples_for(card: EngineCard) -> list[Example]:
    width, height = tiny.size_of(card)
    frames = tiny.frames_of(card)
    shown = np.random.default_rng(0).integers(0, 255, (4, frames, height, width, 3), dtype=np.uint8)
    return [
        Example(f"{at}.mp4", f"{at}", frames, f"a red ball w{at}", shown[at].copy, ("bad",) if at < 2 else (), at == 3)
        for at in range(4)
    ]


def course_for(card: EngineCard, kept: Path, **other: object) -> Any:
    course = open_course(card, settings_for(card, **other), kept, Silent())
    course.prepare(examples_for(card), silence)
    return course


def finished(course: Any) -> list[LossCheck]:
    checks = []
    while not course.over:
        checks.append(course.study(silence))
    return checks


@pytest.mark.parametrize(
    "name", ["wan", "wan-pair", "wan-vace", "ltx2", *(pytest.param(each, marks=pytest.mark.long) for each in LONG)]
)
def test_it_trains_saves_loads_by_the_plain_call_and_changes_the_picture(
    tiny_card: Cards, tmp_path: Path, name: str
) -> None:
    card = tiny_card(name)
    course = course_for(card, tmp_path / "kept")
    before = course._adapter()
    checks = finished(course)
    assert [check.step for check in checks] == [2, 4]
    assert all(check.held is not None for check in checks)
    course.save(tmp_path / "made.safetensors", {"sora": '{"name": "made"}'})
    assert adapter_facts(tmp_path / "made.safetensors") == {"name": "made"}
    assert not misfit(tmp_path / "made.safetensors", card)
    moved = [key for key, weight in course.best.items() if not np.array_equal(weight, before[key])]
    assert len(moved) >= 0.9 * len(before), "a row of words that are all alike has no gradient"
    assert not [key for key in moved if "audio" in key or "vace" in key]
    engine: Any = catalogue.open_engine(card)
    take = take_for(card, frames=tiny.frames_of(card))
    plain = engine.generate(take, Given(), silence).frames
    engine.pipe.load_lora_weights(str(tmp_path), weight_name="made.safetensors")
    assert not np.array_equal(engine.generate(take, Given(), silence).frames, plain)


def test_both_transformers_of_a_pair_learn_one_adapter_each_at_its_own_noise(tiny_card: Cards, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    course = course_for(tiny_card("wan-pair"), tmp_path)
    finished(course)
    high, low = (dict(network.named_parameters()) for network in course.networks)
    assert all(low[name] is weight for name, weight in high.items() if weight.requires_grad)
    lesson = course.lessons[0]
    noise = torch.randn((3, *lesson.latents.shape[1:]), generator=torch.Generator().manual_seed(1))
    levels = torch.tensor([0.9, 0.3, 0.875])
    with torch.no_grad():
        together = course.student.velocity(noise, [lesson.call] * 3, levels)
        alone = [
            course.student._velocity(course.networks[at], noise[i : i + 1], [lesson.call], levels[i : i + 1])
            for i, at in enumerate((0, 1, 0))
        ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)
    assert not torch.allclose(together[:1], alone[1], atol=1e-2)


def test_a_course_that_was_stopped_ends_with_the_weights_of_one_that_was_not(tiny_card: Cards, tmp_path: Path) -> None:
    card = tiny_card("wan")
    whole = course_for(card, tmp_path / "kept")
    expected = finished(whole)
    first = course_for(card, tmp_path / "kept")
    first.study(silence)
    first.save_state(tmp_path / "state.pt")

    def stop(step: int, _of: int) -> None:
        if step == 3:
            raise Interrupted(15)

    with pytest.raises(Interrupted):
        first.study(stop)
    second = course_for(card, tmp_path / "kept")
    assert second.resume(tmp_path / "state.pt") == 2
    assert finished(second) == expected[1:]
    for key, weight in whole._adapter().items():
        assert np.array_equal(second._adapter()[key], weight), key


def test_a_state_that_is_none_begins_anew(tiny_card: Cards, tmp_path: Path) -> None:
    course = course_for(tiny_card("wan"), tmp_path / "kept")
    assert course.resume(tmp_path / "none.pt") == 0
    (tmp_path / "torn.pt").write_bytes(b"PK\x03\x04 torn")
    assert course.resume(tmp_path / "torn.pt") == 0


def test_latents_and_embeddings_are_made_once_and_again_where_they_are_damaged(
    tiny_card: Cards, tmp_path: Path
) -> None:
    card, kept = tiny_card("wan"), tmp_path / "kept"
    course_for(card, kept).close()
    files = {path: path.read_bytes() for path in kept.iterdir()}

    def unread() -> Any:
        raise AssertionError("it is kept")

    course = open_course(card, settings_for(card), kept, Silent())
    course.prepare([replace(each, read=unread) for each in examples_for(card)], silence)
    for path in files:
        path.write_bytes(b"torn")
    course_for(card, kept).close()
    assert {path: path.read_bytes() for path in kept.iterdir()} == files


def test_activations_that_are_computed_again_give_the_same_weights(tiny_card: Cards, tmp_path: Path) -> None:
    card = tiny_card("wan")
    plain, again = (course_for(card, tmp_path, checkpointing=on, steps=2, checks=1) for on in (False, True))
    assert again.network.is_gradient_checkpointing
    assert finished(plain)[0].held == pytest.approx(finished(again)[0].held, rel=1e-3)


def test_it_ends_where_the_held_out_loss_turns_and_keeps_the_best(tiny_card: Cards, tmp_path: Path) -> None:
    course = course_for(tiny_card("wan"), tmp_path, steps=40, checks=40)
    losses = iter([3.0, 2.0, 2.5, 2.4, 2.3, 1.0])
    course._held_loss = lambda: next(losses)
    checks = finished(course)
    assert [check.best for check in checks] == [True, True, False, False, False]
    assert not np.array_equal(course.best["blocks.0.attn1.to_q.lora_B.weight"],
                              course._adapter()["blocks.0.attn1.to_q.lora_B.weight"])  # fmt: skip


def test_single_frames_are_learned_first_and_three_for_each_clip(tiny_card: Cards, tmp_path: Path) -> None:
    """A few pictures beside many clips have no phase of their own, and training ends early only after it."""
    import torch

    from sora_cli.engines.training.student import Lesson

    course = open_course(tiny_card("wan"), settings_for(tiny_card("wan"), steps=40, checks=40), tmp_path, Silent())
    clip, single = (Lesson(torch.zeros(1, 2, frames, 1, 1), {}, single=frames == 1) for frames in (3, 1))

    def drawn(lessons: list[Any], step: int) -> set[tuple[int, bool]]:
        course.lessons, course.step = lessons, step
        randoms = [torch.Generator().manual_seed(seed) for seed in range(20)]
        return {(len(batch), batch[0].single) for batch in map(course._batch, randoms)}

    assert drawn([clip, single, single], 0) == drawn([clip, single, single], 19) == {(6, True)}
    assert drawn([clip, single, single], 20) == {(6, True), (2, False)}
    assert drawn([clip, clip, single], 0) == {(6, True), (2, False)}
    assert drawn([single], 30) == {(6, True)}
    assert not course._singles_alone
    course.lessons, course.step, course.held = [clip, single, single], 18, [clip]
    losses = iter([1.0, 3.0, 2.0, 2.0])
    course._held_loss, course._learn = lambda: next(losses), lambda: setattr(course, "step", course.step + 1) or 0.0
    assert [course.study(silence).best for _ in range(4)] == [True, True, True, False]
    course.close()


def test_places_count_by_what_the_model_errs_there_before_it_learns(tiny_card: Cards, tmp_path: Path) -> None:
    course = course_for(tiny_card("wan"), tmp_path)
    for lesson in course.lessons:
        assert lesson.weight.shape == (1, 1, *lesson.latents.shape[2:])
        assert float(lesson.weight.mean()) == pytest.approx(1, abs=1e-5)
        errors = course._errors_at(lesson, 0.65).detach().mean(1, keepdim=True)
        both = np.corrcoef(errors.flatten().numpy(), lesson.weight.flatten().numpy())
        assert both[0, 1] > 0.5


def test_each_crop_is_a_lesson_and_what_is_held_out_has_one(tiny_card: Cards, tmp_path: Path) -> None:
    course = course_for(tiny_card("wan"), tmp_path, crops=3, batch=2)
    assert (len(course.lessons), len(course.held)) == (9, 1)
    whole, *parts = course.lessons[:3]
    assert all(part.latents.shape == whole.latents.shape for part in parts)
    assert not any(np.array_equal(part.latents, whole.latents) for part in parts)
    assert not any(np.array_equal(part.weight, whole.weight) for part in parts)
    assert all(part.call is whole.call for part in parts), "words are kept in memory once"
    plain = course_for(tiny_card("wan"), tmp_path, crops=1).lessons[0]
    assert np.array_equal(plain.latents, whole.latents)


def test_noise_levels_of_a_batch_lie_evenly_and_a_quarter_of_it_holds_what_others_give() -> None:
    import torch

    from sora_cli.engines.training.course import KEEPING, _kept, _levels
    from sora_cli.engines.training.student import Lesson

    random = torch.Generator().manual_seed(0)
    for _ in range(5):
        level = _levels(8, 3.0, random)
        share = torch.special.ndtr(torch.logit(level / (3 - 2 * level)))
        assert sorted((share * 8).int().tolist()) == list(range(8))
    lesson = Lesson(torch.zeros(1), {}, ({},))
    for count in (1, 8, 6):
        kept = [_kept([lesson] * count, random) for _ in range(400)]
        assert np.mean(kept) == pytest.approx(count * KEEPING, abs=0.08)
        assert max(kept) - min(kept) <= 1
    assert _kept([lesson, Lesson(torch.zeros(1), {})], random) == 0


def test_a_model_whose_layers_are_streamed_learns_without_that(tiny_card: Cards, tmp_path: Path) -> None:
    """As on a GPU that its text encoder does not fit; here all is on the processor."""
    import torch
    from diffusers.hooks.group_offloading import apply_group_offloading

    course = open_course(tiny_card("wan"), settings_for(tiny_card("wan")), tmp_path, Silent())
    here = torch.device("cpu")
    apply_group_offloading(course.network, onload_device=here, offload_device=here, offload_type="leaf_level")
    hooks = [module._diffusers_hook for module in course.network.modules() if hasattr(module, "_diffusers_hook")]
    assert sum(len(each.hooks) for each in hooks) > 10
    course.engine.unhook()
    assert not any(each.hooks for each in hooks)
    course.prepare(examples_for(course.card), silence)
    assert [check.step for check in finished(course)] == [2, 4]


def test_words_that_are_kept_move_less(tiny_card: Cards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a caption of something else gives is held to what the model made before."""
    import torch

    from sora_cli.engines.training import course as lora

    def moved(share: float) -> float:
        monkeypatch.setattr(lora, "KEEPING", share)
        made = course_for(tiny_card("wan"), tmp_path, steps=30, checks=1, batch=1)
        made.lessons = made.lessons[:2]
        finished(made)
        lesson = made.lessons[0]
        noise = torch.randn(lesson.latents.shape, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            base = made._unchanged([lesson], lesson.others, torch.tensor([0.7]), noise)
            errors = made.student.errors([lesson], lesson.others, torch.tensor([0.7]), noise, wanted=base)
        return float(errors.mean())

    assert moved(0.5) < 0.6 * moved(0.0)


def test_engines_for_which_none_can_be_trained_say_so(tiny_card: Cards, monkeypatch: pytest.MonkeyPatch) -> None:
    wan = tiny_card("wan")
    for card, words in (
        (replace(wan, family="helios"), "no LoRA can be trained"),
        (replace(wan, needs=frozenset({Ability.FIRST_FRAMES})), "starts from a picture"),
    ):
        with pytest.raises(RequestError, match=words):
            refuse_untrained(card)
    monkeypatch.setattr("sora_cli.packages.find_spec", lambda _name: None)
    with pytest.raises(EngineMissing) as caught:
        require_packages(None)
    assert caught.value.hint == "pip install 'sora-cli[lora]'"


def test_a_lora_of_another_model_does_not_fit(tiny_card: Cards, tmp_path: Path) -> None:
    course = course_for(tiny_card("wan"), tmp_path / "kept", steps=1, checks=1)
    finished(course)
    course.save(tmp_path / "made.safetensors", {"sora": '{"base": {"engine": "tiny-wan"}}'})
    told = misfit(tmp_path / "made.safetensors", catalogue.card("nano"))
    assert told == "made.safetensors does not fit engine nano: it was trained for tiny-wan"


def test_what_is_needed_grows_with_rank_steps_and_length() -> None:
    card, here = catalogue.card("nano"), machine()

    def found(frames: int = 17, **other: object) -> Any:
        settings = replace(CourseSettings(size=(384, 256)), **other)  # type: ignore[arg-type]
        return needs(card, settings, frames, here, examples=40, captions=40)

    usual = found()
    assert found(rank=32).weights == 2 * usual.weights == 2 * 16 * 29952
    assert found(steps=2000).seconds == pytest.approx(2 * usual.seconds)
    assert found(batch=64).memory_gb > found(batch=64, checkpointing=True).memory_gb >= usual.memory_gb
    assert found(quantize="int8").memory_gb < usual.memory_gb
    assert 0 < usual.disk_gb < 0.1
