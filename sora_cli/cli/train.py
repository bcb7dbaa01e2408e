"""The command that trains: train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from sora_cli.cli import complete, console
from sora_cli.cli.options import LimitOptions, MaxTime, Overwrite, ReportOptions
from sora_cli.cli.session import working
from sora_cli.errors import RequestError

if TYPE_CHECKING:
    from sora_cli.engines.training import Quantized
    from sora_cli.flows.train import Trained
    from sora_cli.flows.training_survey import Survey
    from sora_cli.training.captions import Kind


class CourseOptions(Struct, frozen=True):
    """How a LoRA is trained; what is left out suits the engine."""

    rank: Annotated[int, typer.Option(min=1, max=256, help="Make the LoRA's matrices this wide.")] = 16
    steps: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Train this many steps; 0: the engine's default.")
    ] = 0
    rate: Annotated[float, typer.Option(min=0, max=1, help="Learn at most at this rate; 0: the engine's default.")] = (
        0.0
    )
    shift: Annotated[
        float, typer.Option(min=0, max=30, help="Move noise levels towards noise by this; 0: as sampling does.")
    ] = 0.0
    crops: Annotated[
        int, typer.Option(min=0, max=64, help="Learn this many crops of each clip, the whole first; 0: 4.")
    ] = 0
    resolution: Annotated[str, typer.Option(metavar="WxH", help="Train at this size, for example 480x320.")] = ""
    quantize: Annotated[
        str, typer.Option(metavar="KIND", help="Keep weights that do not learn in 8 bits: int8 or float8.")
    ] = ""
    frames: Annotated[int, typer.Option(min=0, max=10_000, help="Learn this many frames at once; 0: about 33.")] = 0
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Draw batches and noise with this seed.")] = 0


class MaterialOptions(Struct, frozen=True):
    """What is learned, and how files that have no words are described."""

    kind: Annotated[str, typer.Option(metavar="KIND", help="Learn a character (somebody, something) or a look.")] = (
        "character"
    )
    caption: Annotated[str, typer.Option(metavar="WORDS", help="Describe files that have no text beside them.")] = ""
    captioner: Annotated[
        str, typer.Option(metavar="MODEL", help="Let this captioner, which is on this machine, describe them.")
    ] = ""
    keep: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Keep the meaning of this word, like NAME's; repeatable.")
    ] = None


class AgreementOptions(Struct, frozen=True):
    """That the real people in the material agreed, and the licence that the LoRA is given."""

    consent: Annotated[
        Path | None,
        typer.Option(metavar="RELEASE", help="Add this release, which the people who are seen signed or spoke."),
    ] = None
    who: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Name who agreed; repeatable.")] = None
    statement: Annotated[str, typer.Option(metavar="WORDS", help="Give the words that they agreed to.")] = ""
    agreed: Annotated[str, typer.Option(metavar="DAY", help="Give the day they agreed: 2026-11-03.")] = ""
    licence: Annotated[str, typer.Option(metavar="WORDS", help="Write this licence into the LoRA's card.")] = ""
    policy: Annotated[
        str, typer.Option(metavar="POLICY", help="Use this policy: standard, strict, off or a policy file.")
    ] = ""


def train(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of what is learned: @NAME in prompts.")],
    source: Annotated[
        Path, typer.Option("--from", metavar="FOLDER", help="Learn from the clips and pictures here; they stay.")
    ],
    course: CourseOptions,
    agreement: AgreementOptions,
    reporting: ReportOptions,
    *,
    engine: Annotated[
        str | None, typer.Option(metavar="ID", autocompletion=complete.engines, help="Train this model.")
    ] = None,
    material: MaterialOptions,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FOLDER", help="Write the LoRA here. Default: NAME.")
    ] = None,
    max_time: MaxTime = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is used and needed; train nothing.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Train a LoRA of a character or look on your own clips."""
    from sora_cli.flows import consented
    from sora_cli.flows import train as work
    from sora_cli.flows import training_survey as ahead

    asked = ahead.Asked(
        name=name, folder=source, engine=engine, kind=_kind(material.kind), rank=course.rank, steps=course.steps,
        rate=course.rate, shift=course.shift, crops=course.crops,
        size=_size(course.resolution), quantize=_quantized(course.quantize), frames=course.frames,
        seed=course.seed, caption=material.caption, captioner=material.captioner,
        others=tuple(material.keep or ()), licence=agreement.licence, policy=agreement.policy,
        agreed=consented.agreement(agreement.consent, agreement.who or (), agreement.statement, agreement.agreed),
        out=output, overwrite=overwrite,
    )  # fmt: skip
    with working(reporting, LimitOptions(max_time=max_time)) as (report, studio):
        found = ahead.survey(asked, report, dry_run=dry_run)
        if dry_run:
            _show(found, as_json=reporting.as_json)
            if ahead.unready(asked, report):
                raise typer.Exit(3)
            return
        console.show_summary(name, found.facts())
        made = work.train(found, report, studio.cancel)
    if reporting.as_json:
        console.stdout_json(made.card)
    _show_made(made, name, material.kind)


def _show(found: Survey, *, as_json: bool) -> None:
    if as_json:
        console.stdout_json(found.as_dict())
    else:
        console.show_facts(found.asked.name, found.facts())


def _show_made(made: Trained, name: str, kind: str) -> None:
    use = f"cast: {{{name}: {{lora: {made.folder}}}}}" if kind == "character" else f"options: {{lora: {made.folder}}}"
    files = {"LoRA": made.file.name, "card": "card.json", "samples": "sheet.png", "use it": use}
    console.show_summary(str(made.folder), files)


def _kind(written: str) -> Kind:
    kinds: dict[str, Kind] = {"character": "character", "look": "look"}
    if written in kinds:
        return kinds[written]
    raise RequestError(f"--kind {written}: no such kind", hint="write character or look")


def _quantized(written: str) -> Quantized | None:
    kinds: dict[str, Quantized | None] = {"": None, "int8": "int8", "float8": "float8"}
    if written in kinds:
        return kinds[written]
    raise RequestError(f"--quantize {written}: no such kind", hint="write int8 or float8")


def _size(written: str) -> tuple[int, int] | None:
    """`480x320` as (width, height)."""
    if not written:
        return None
    width, _, height = written.lower().partition("x")
    if width.isdecimal() and height.isdecimal() and 0 < int(width) <= 10_000 and 0 < int(height) <= 10_000:
        return int(width), int(height)
    raise RequestError(f"--resolution {written}: not a size", hint="write width and height: 480x320")
