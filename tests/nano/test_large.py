"""The recipe makes a larger nano by the same commands: a step of each, and a take of what comes out."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from examples.nano.config import LARGE, ROOT
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
def test_a_larger_nano_is_made_by_the_same_commands_and_shoots_takes_of_its_size(tmp_path: Path) -> None:
    told = {**os.environ, "NANO_SIZE": "large", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", STAGES, str(tmp_path)], env=told, check=True)
    card = catalogue.card(str(tmp_path / "model"))
    size = (LARGE.width, LARGE.height)
    assert (card.native_size, card.frames_for(1), card.longest) == (size, LARGE.frames, LARGE.frames)
    take = Take(
        name="large", key="", engine="nano", revision="", prompt="a red ball bounces on the grass", avoid="",
        width=size[0], height=size[1], fps=Fraction(12), frames=LARGE.frames, skip=0, play=LARGE.frames, seed=1,
        options={"steps": 1},
    )  # fmt: skip
    footage = catalogue.open_engine(card).generate(take, Given(), lambda *_: None)
    assert footage.frames.shape == (LARGE.frames, *size[::-1], 3)
