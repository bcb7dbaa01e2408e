"""The recipe's commands make a larger nano, and go on with one that is there: a step of each, and a take of it."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from examples.nano.config import LARGE, NANO, ROOT, ClipSizes
from sora_cli.engines import catalogue
from sora_cli.engines.base import Given, Take

STAGES = """
import dataclasses, sys, tempfile
from pathlib import Path
from examples.nano import config
config.WORK = Path(sys.argv[1])
config.TRAINING = dataclasses.replace(config.TRAINING, clips_per_chunk=2, batch=2, stills_first=0, stills_share=0.0)
from examples.nano import assemble, latents, resume, transformer
from examples.nano.autoencoder import load
from examples.nano.batches import Batches
import torch
resume.main()
latents.FOLDER.mkdir(parents=True)
torch.save(latents.make_chunk(latents.Encoder(load()), 0), latents.FOLDER / "0.pt")
trainer = transformer.Trainer()
trainer.compiled = None
trainer.learn(Batches().draw(0), 1.0)
trainer.save()
assemble.assemble(config.WORK / "model")
"""


@pytest.mark.long
@pytest.mark.parametrize(("course", "clip"), [({"NANO_SIZE": "large"}, LARGE), ({"NANO_COURSE": "steering"}, NANO)])
def test_each_course_ends_in_a_checkpoint_that_shoots_takes(
    tmp_path: Path, course: dict[str, str], clip: ClipSizes
) -> None:
    told = {**os.environ, **course, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", STAGES, str(tmp_path)], env=told, check=True)
    card = catalogue.card(str(tmp_path / "model"))
    size = (clip.width, clip.height)
    assert (card.native_size, card.frames_for(1), card.longest) == (size, clip.frames, clip.frames)
    take = Take(
        name="take", key="", engine="nano", revision="", prompt="a red ball bounces on the grass", avoid="",
        width=size[0], height=size[1], fps=Fraction(12), frames=clip.frames, skip=0, play=clip.frames, seed=1,
        options={"steps": 1},
    )  # fmt: skip
    footage = catalogue.open_engine(card).generate(take, Given(), lambda *_: None)
    assert footage.frames.shape == (clip.frames, *size[::-1], 3)
