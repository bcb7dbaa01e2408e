"""What holds for the film as a whole: its size and rate, its policy, its author and mark."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from sora_cli.storyboard.files import PICTURES, YAML_FILES, Files, is_path, suffix
from sora_cli.storyboard.fill import Pruned
from sora_cli.storyboard.forms import Wrong
from sora_cli.storyboard.model import POLICIES, FilmSize, Provenance, Watermark
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.policies import in_force, machines, read_file
from sora_cli.storyboard.policy import BUILT_IN, Policy
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.schema import OutputForm, ProvenanceForm, WatermarkForm
from sora_cli.storyboard.sizes import of_lines
from sora_cli.storyboard.source import quoted


def read_output(
    form: OutputForm | None, document: Document, problems: Problems, pruned: Pruned
) -> tuple[FilmSize, Fraction | None]:
    """The film's size and rate; what is not written is the engine's to say."""
    if form is None:
        return FilmSize(), None
    size = form.size or FilmSize()
    aspect = size.aspect or form.aspect
    shaped = size.lines and form.aspect
    for key, wrong in (("aspect", form.size and not shaped), ("height", size.width)):
        if wrong and getattr(form, key) is not None:
            hint = "write size alone, or aspect and height, or a size such as 720p and aspect"
            problems.add(f"`size` says it already; {quoted(key)} is too much", document.mark(("output", key)), hint)
    unread = {("output", key) for key in ("aspect", "width", "size")} & pruned
    if form.height and not aspect and not size.width and not unread:
        hint = "add `aspect: 16:9`, or write `size: WIDTHxHEIGHT`"
        problems.add("`height` alone leaves the width open", document.mark(("output", "height")), hint)
    if size.lines and form.aspect:
        return _of_lines(size.lines, form.aspect, document, problems), form.fps
    if size.width:
        return size, form.fps
    return FilmSize(height=form.height, aspect=aspect), form.fps


def _of_lines(lines: int, shape: tuple[int, int], document: Document, problems: Problems) -> FilmSize:
    """The size of `720p` in another shape; one that is too large is told."""
    try:
        return of_lines(lines, shape)
    except Wrong as error:
        problems.add(error.message, document.mark(("output", "aspect")), error.hint)
        return FilmSize()


def read_policy(
    written: str | None, document: Document, problems: Problems, files: Files
) -> tuple[str, Path | None, Policy]:
    """The policy's word, or `file` and its path; and what holds, this machine's policy counted in."""
    machine = machines(problems)
    if written is None or written in POLICIES:
        return written or "standard", None, in_force(BUILT_IN.get(written or ""), machine)
    if suffix(written) in YAML_FILES or is_path(written):
        path = files.find(written, ("policy",), YAML_FILES, "a policy file")
        return "file", path, in_force(read_file(path, problems) if path else None, machine)
    hint = problems.meant(written, POLICIES) or f"write standard, strict, off or a file ({', '.join(YAML_FILES)})"
    mend = document.small(("policy",), written, POLICIES)
    problems.add(f"{quoted(written)} is not a policy", document.mark(("policy",)), hint, mend=mend)
    return "standard", None, in_force(None, machine)


def read_provenance(
    form: ProvenanceForm | None, rules: Policy, document: Document, problems: Problems, files: Files
) -> Provenance:
    """Author, mark and permission; a film without a mark is refused where the policy wants one."""
    if form is None:
        return Provenance()
    mark = Watermark() if form.watermark is None else _watermark(files, written=form.watermark)
    if not mark.on and rules.marked:
        hint = "remove the line, or choose another policy"
        place = document.mark(("provenance", "watermark"))
        problems.add(f"the {rules.name} policy does not allow a film without its watermark", place, hint, code=4)
    return Provenance(form.author or "", mark, form.training or "not-allowed")


def _watermark(files: Files, *, written: WatermarkForm | str | bool) -> Watermark:
    if isinstance(written, bool):
        return Watermark(on=written)
    if isinstance(written, str):
        return {"off": Watermark(on=False), "on": Watermark()}.get(written, Watermark(text=written))
    default = Watermark()
    image = (
        files.find(written.image, ("provenance", "watermark", "image"), PICTURES, "a picture")
        if written.image
        else None
    )
    opacity = default.opacity if written.opacity is None else written.opacity
    return Watermark(text=written.text or default.text, opacity=opacity, image=image)
