"""Commands against what does the same work without us; `python -m tests.benchmarks commands` prints the rows.

* `generate` on nano in a fresh process, against a plain script: import diffusers, load, sample, `export_to_video`, sign
  by c2pa-python called bare. The same weights, steps, guidance, size, frames and seed. What only we do (the mark, the
  contact sheet, the sidecar, the checks of words and frames) is counted.
* A rerun of a film of many shots with nothing to do, against `plan` of it.
* `plan` of ten times as many takes that have changed since their film was made, whose reasons are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sora_cli import storyboard
from sora_cli.engines import catalogue
from sora_cli.flows import preview
from sora_cli.plan import plan_takes
from sora_cli.store import Store
from tests.benchmarks.pairs import Row, Side, in_turn, python
from tests.unattended.conftest import new_machine

PROMPT = "a red ball bounces on the grass"
FRESH = 'rm -rf store ours.* && exec "$@"'
"""A shell that makes a clip anew each time."""
BARE = """
import sys, torch, c2pa
from pathlib import Path
from diffusers import DiffusionPipeline
from diffusers.utils import export_to_video
import sora_cli.engines.nano
from sora_cli.engines import catalogue
card = catalogue.card("nano")
options, (width, height) = card.options(), card.native_size
pipe = DiffusionPipeline.from_pretrained(str(card.location), torch_dtype=torch.float32)
pipe.set_progress_bar_config(disable=True)
frames = pipe(prompt=sys.argv[1], negative_prompt=options.quality_avoid, height=height, width=width,
    num_frames=card.frames_for(12), num_inference_steps=options.steps, guidance_scale=options.guidance,
    max_sequence_length=card.prompt_tokens, generator=torch.Generator("cpu").manual_seed(1), output_type="np").frames[0]
export_to_video(list(frames[:12]), "plain.mp4", fps=12)
identity = Path("config/sora/identity")
chain, key = (identity.joinpath(name).read_bytes() for name in ("chain.pem", "key.pem"))
signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None))
from tests.benchmarks.bench_stamp import MANIFEST
with c2pa.Context.from_dict({"version": 1}, signer) as context, c2pa.Builder(MANIFEST, context) as builder:
    builder.sign_file("plain.mp4", "signed.mp4")
"""


def board_of(count: int, seconds: float = 0.25) -> str:
    """A storyboard of so many shots."""
    lines = [f"  - {{name: s{n}, prompt: a red ball {n}, duration: {seconds}s}}\n" for n in range(count)]
    return "title: Long\nshots:\n" + "".join(lines)


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Each of them, in `folder`."""
    machine = new_machine(folder)
    drawn = {**machine.environment, "XDG_CACHE_HOME": str(folder / "cache")}
    nano = {**drawn, "SORA_ENGINE": "nano"}
    sora = python("-m", "sora_cli")
    clip = [*sora, "generate", PROMPT, "--duration", "1s", "--seed", "1", "--overwrite", "-o", "ours.mp4"]
    made, plain = (Side(one, folder, nano) for one in (["sh", "-c", FRESH, "sh", *clip], python("-c", BARE, PROMPT)))
    what = "`generate`, 1 s on nano, in a fresh process"
    yield in_turn(what, "a plain diffusers script", made, plain, rounds=rounds, bar=1.05)
    machine.write("long.yaml", board_of(200))
    again = Side([*sora, "storyboard", "long.yaml", "-o", "long.mp4"], folder, drawn)
    look = Side([*sora, "plan", "long.yaml"], folder, drawn)
    yield in_turn("rerun of 200 shots, nothing to do", "`plan` of them", again, look, rounds=rounds, bar=1.3)
    for count in (1_000, 10_000):
        remember(machine.write(f"{count}.yaml", board_of(count)), machine.store)
    many, few = (Side([*sora, "plan", f"{count}.yaml", "--why"], folder, nano) for count in (10_000, 1_000))
    yield in_turn("`plan --why` of 10,000 changed takes", "the same of 1,000", many, few, rounds=rounds, bar=11)


def takes(folder: Path, rounds: int, before: Path) -> Iterator[Row]:
    """A film of 18 takes on nano, each shot anew, against the same by another checkout of sora."""
    sides = []
    for name, code in (("now", Path.cwd()), ("before", before)):
        place = folder / name
        place.mkdir()
        environment = {**new_machine(place).environment, "SORA_ENGINE": "nano", "PYTHONPATH": str(code)}
        (place / "film.yaml").write_text(board_of(18, 1), encoding="utf-8")
        words = [*python("-m", "sora_cli"), "storyboard", "film.yaml", "-o", "ours.mp4", "--overwrite"]
        sides.append(Side(["sh", "-c", FRESH, "sh", *words], place, environment))
    yield in_turn("a film of 18 takes of 1 s on nano", f"the checkout {before.name}", *sides, rounds=rounds, bar=0.75)


def remember(board: Path, store: Path) -> None:
    """Note a film of a storyboard, all of whose takes had other keys."""
    plan = plan_takes(storyboard.load(board), catalogue.card)
    Store(store).films.remember(preview.film_id(plan.board), {take.name: "0" * 32 for take in plan.takes})
