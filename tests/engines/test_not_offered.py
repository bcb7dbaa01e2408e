from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from sora_cli.engines.families import not_offered

ENGINES = Path(not_offered.__file__).parent
FAMILIES = {
    "WanPipeline": "wan.py wan_family.py",
    "WanImageToVideoPipeline": "wan.py wan_family.py",
    "WanVACEPipeline": "wan_vace.py wan_family.py",
    "LTX2ConditionPipeline": "ltx2.py",
    "LTX2LatentUpsamplePipeline": "ltx2.py",
    "HeliosPipeline": "helios.py",
    "HeliosPyramidPipeline": "helios.py",
    "Flux2KleinPipeline": "stills.py",
    "QwenImagePipeline": "stills.py",
    "ZImagePipeline": "stills.py",
    "SanaPipeline": "stills.py",
}


def said_in(*names: str) -> set[str]:
    """Every keyword and every string in our files."""
    found: set[str] = set()
    for name in names:
        for node in ast.walk(ast.parse((ENGINES / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_parameter_of_a_call_is_used_or_has_a_reason(name: str) -> None:
    import diffusers

    taken = set(inspect.signature(getattr(diffusers, name).__call__).parameters) - {"self"}
    used = said_in(*FAMILIES[name].split(), "diffusion.py")
    reasons = not_offered.NOT_OFFERED[name]
    assert taken - used <= set(reasons), "neither used nor on the list"
    assert set(reasons) <= taken, "on the list, but the library has it no more"
    assert all(reasons.values())


def test_every_input_of_the_modular_pipeline_is_used_or_has_a_reason() -> None:
    from diffusers import MiniMaxH3Blocks

    blocks = MiniMaxH3Blocks()
    made = {one.name for one in blocks.intermediate_outputs}
    taken = {one.name for one in blocks.inputs if one.name} - (made - {"latents", "audio_latents", "height", "width"})
    used = said_in("minimax_h3.py", "diffusion.py")
    unexplained = taken - used - set(not_offered.NOT_OFFERED["MiniMaxH3Blocks"])
    # Inputs of later blocks that earlier blocks make: no storyboard could say them.
    assert unexplained <= {"keyframe_anchors", "keyframes", "normalized_references"}


def test_a_known_option_that_is_not_ours_is_refused_with_its_reason() -> None:
    assert "seed" in not_offered.why_not("latents")
    assert not_offered.why_not("nonsense") == ""
