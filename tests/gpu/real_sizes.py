"""Wan 2.1 1.3B and LTX-2 at their real sizes with random weights, on a GPU: `python -m tests.gpu.real_sizes`.

Shapes are all that matter for speed and memory. The text encoders are one layer of the true width: each prompt is
encoded once and kept. Prints, for each model:

* peak memory against the estimate that `plan` prints (to be within 15 %);
* the ladder, walked under a limit on the process's memory: which rungs, and whether the take was made;
* a film of four takes against a bare script that loads once and loops: at equal settings (at most 1.02) and with
  `memory: fast` (at most 0.6).

`--tiny` shrinks everything, to try the script itself on a CPU.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace

from sora_cli.engines import cards
from sora_cli.engines.base import EngineCard, Given, Take
from sora_cli.engines.estimate import Machine, estimate
from sora_cli.engines.families.diffusion import Diffusion
from sora_cli.engines.families.ltx2 import HeldPipeline, Ltx2
from sora_cli.engines.families.wan import Wan
from sora_cli.engines.options import Memory
from sora_cli.engines.runtime.device import best_device, quiet
from sora_cli.errors import OutOfMemory
from sora_cli.events import Note, Recording
from tests.engines import tiny
from tests.engines.true_sizes import ENTRIES, LTX_20

MODELS = {"wan2.1-t2v-1.3b": ((832, 480), 81, 50), "ltx-2": ((768, 512), 121, 8)}
GIB = 1 << 30


def built(make: Callable[[], Any]) -> Any:
    """A pipeline with random bfloat16 weights, made where it will run."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if torch.cuda.is_available() else torch.float32)
    try:
        with torch.device(best_device()), quiet():
            return make()
    finally:
        torch.set_default_dtype(before)


def large_wan() -> dict[str, Any]:
    """What of Wan 2.1 1.3B has its true size."""
    from diffusers import AutoencoderKLWan, WanTransformer3DModel

    transformer = WanTransformer3DModel(num_attention_heads=12, ffn_dim=8960, num_layers=30)
    return {"vae": AutoencoderKLWan().float(), "transformer": transformer}


def wan(*, small: bool) -> Any:
    from diffusers import WanPipeline

    parts = {"vae": tiny.wan_vae(), "transformer": tiny.wan_transformer(16)} if small else large_wan()
    text = tiny.umt5() if small else tiny.umt5(4096)
    return WanPipeline(tokenizer=tiny.tokenizer(), scheduler=tiny.unipc(), text_encoder=text, **parts)


def large_ltx2() -> dict[str, Any]:
    """What of LTX-2 has its true size; its words are as narrow as the tiny text encoder's."""
    from diffusers import AutoencoderKLLTX2Audio, AutoencoderKLLTX2Video, LTX2VideoTransformer3DModel
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder

    return {
        "vae": AutoencoderKLLTX2Video(**LTX_20), "audio_vae": AutoencoderKLLTX2Audio(), "vocoder": LTX2Vocoder(),
        "transformer": LTX2VideoTransformer3DModel(caption_channels=16, rope_type="split"),
    }  # fmt: skip


def ltx2(*, small: bool) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler
    from diffusers.pipelines.ltx2 import LTX2TextConnectors

    if small:
        with tempfile.TemporaryDirectory() as folder:
            tiny.ltx2(Path(folder))
            return HeldPipeline.from_pretrained(folder)
    connectors = LTX2TextConnectors(
        caption_channels=16, text_proj_in_factor=3, video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=8, video_connector_num_layers=1, audio_connector_num_attention_heads=2,
        audio_connector_attention_head_dim=8, audio_connector_num_layers=1,
    )  # fmt: skip
    return HeldPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True), text_encoder=tiny.gemma3(),
        tokenizer=tiny.tokenizer(), connectors=connectors, **large_ltx2(),
    )  # fmt: skip


def engine_class(name: str, pipe: Any) -> type[Diffusion[Any]]:
    """The family's class, its pipeline handed to it instead of read."""
    family: type[Diffusion[Any]] = Wan if name.startswith("wan") else Ltx2

    class Handed(family):  # type: ignore[misc, valid-type]
        def load(self) -> Any:
            self.both = self.wants_picture = False
            self.upsampler = None
            return pipe

    return Handed


def card_of(name: str, folder: Path, pipe: Any) -> EngineCard:
    """The card, with the sizes that were really built."""
    for file, content in ENTRIES[name].items():
        if file.endswith(".json"):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(json.dumps(content))
    known = next(one.card for one in cards.known() if one.card.name == name)
    weights = {
        part: sum(weight.numel() for weight in model.parameters()) / 1e9
        for part, model in pipe.components.items()
        if isinstance(model, torch.nn.Module)
    }
    return replace(known, location=folder, revision="random", weights=weights)


def take_of(card: EngineCard, number: int, size: tuple[int, int], frames: int, steps: int) -> Take:
    options: dict[str, Any] = {"steps": steps}
    return Take(
        name=f"take {number}", key="", engine=card.name, revision=card.revision, prompt=f"a red ball w{number}",
        avoid="", width=size[0], height=size[1], fps=card.fps, frames=frames, skip=0, play=frames, seed=number,
        options=options,
    )  # fmt: skip


def timed(work: Callable[[], Any]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def memory_table(name: str, engine: Any, take: Take) -> None:
    """Peak against estimate."""
    if not torch.cuda.is_available():
        print(f"{name}: no GPU, so no peak memory")  # noqa: T201
        return
    torch.cuda.reset_peak_memory_stats()
    engine.generate(take, Given(), lambda *_: None)
    peak = torch.cuda.max_memory_allocated() / 1e9
    total = torch.cuda.get_device_properties(0).total_memory / 1e9
    card = replace(engine.card, location=None)
    told = estimate(
        card, (take.width, take.height, take.frames), take.options, memory=Memory(), machine=Machine(total, 0, 0)
    )
    print(f"{name}: peak {peak:.1f} GB, estimate {told.device_gb:.1f} GB, ratio {told.device_gb / peak:.2f}")  # noqa: T201


def ladder(name: str, make: Callable[[], Any], card: EngineCard, take: Take) -> None:
    """Under ever tighter limits: which rungs were taken, and whether the take was made."""
    if not torch.cuda.is_available():
        return
    total = torch.cuda.get_device_properties(0).total_memory
    for limit in (40, 24, 16, 12, 8, 6):
        heard = Recording()
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit * GIB / total))
        try:
            engine = engine_class(name, make())(card, report=heard)
            engine.generate(take, Given(), lambda *_: None)
            engine.close()
            made = "made"
        except (OutOfMemory, torch.OutOfMemoryError):
            made = "out of memory"
        rungs = "; ".join(note.message.partition("by ")[2] for note in heard.of(Note))
        print(f"{name}: limit {limit} GiB: {made}; rungs: {rungs or 'none'}")  # noqa: T201
    torch.cuda.set_per_process_memory_fraction(1.0)


def recorded(engine: Any, takes: list[Take]) -> list[dict[str, Any]]:
    """What the engine asks its pipeline for these takes."""
    seen: list[dict[str, Any]] = []
    kind = type(engine.pipe)

    class Watched(kind):  # type: ignore[misc, valid-type]
        def __call__(self, **asked: Any) -> Any:
            seen.append(asked)
            return super().__call__(**asked)

    engine.pipe.__class__ = Watched
    for take in takes:
        engine.generate(take, Given(), lambda *_: None)
    engine.pipe.__class__ = kind
    return [{name: value for name, value in asked.items() if name != "callback_on_step_end"} for asked in seen]


def shot(engine: Any, takes: list[Take]) -> None:
    for take in takes:
        engine.generate(take, Given(), lambda *_: None)


def looped(pipe: Any, asked: list[dict[str, Any]]) -> None:
    with torch.no_grad():
        for one in asked:
            pipe(**{**one, "generator": torch.Generator().manual_seed(1)})


def film(name: str, make: Callable[[], Any], card: EngineCard, takes: list[Take]) -> None:
    """Four takes by the engine, by the engine in fast mode, and by a bare loop."""
    engine: Any = engine_class(name, make())(card)
    asked = recorded(engine, takes)  # and so it is warm
    spent = {"auto": timed(lambda: shot(engine, takes)), "bare": timed(lambda: looped(engine.pipe, asked))}
    engine.close()
    fast: Any = engine_class(name, make())(card, memory="fast")
    shot(fast, takes[:1])  # compiles
    spent["fast"] = timed(lambda: shot(fast, takes))
    fast.close()
    for mode, most in (("auto", 1.02), ("fast", 0.6)):
        ratio = spent[mode] / spent["bare"]
        print(f"{name}: four takes, {mode}: {spent[mode]:.1f} s, bare {spent['bare']:.1f} s, {ratio:.3f} (<= {most})")  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--only", choices=sorted(MODELS))
    asked = parser.parse_args()
    for name in [asked.only] if asked.only else sorted(MODELS):
        size, frames, steps = ((64, 64), 9, 2) if asked.tiny else MODELS[name]
        kind = wan if name.startswith("wan") else ltx2

        def make(kind: Callable[..., Any] = kind) -> Any:
            return built(lambda: kind(small=asked.tiny))

        with tempfile.TemporaryDirectory() as folder:
            pipe = make()
            card = card_of(name, Path(folder), pipe)
            takes = [take_of(card, number, size, frames, steps) for number in range(4)]
            engine = engine_class(name, pipe)(card)
            memory_table(name, engine, takes[0])
            engine.close()
            del pipe
            ladder(name, make, card, takes[0])
            film(name, make, card, takes)


if __name__ == "__main__":
    main()
