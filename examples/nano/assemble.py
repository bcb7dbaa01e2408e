"""Put the trained parts together as the folder that `WanVACEPipeline.from_pretrained` loads.

python -m examples.nano.assemble            into sora_cli/engines/nano, replacing what is there file by file
python -m examples.nano.assemble --to DIR   somewhere else
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import WanVACEPipeline
from transformers import AutoTokenizer, UMT5EncoderModel

from sora_cli.engines.nano import PaperScheduler

from .autoencoder import load
from .captions import vocabulary
from .config import CHECKPOINT, FRAMES, HEIGHT, WIDTH, device
from .text import ENCODER, TOKENIZER
from .transformer import STATE, build

FLOW_SHIFT = 4.0
LARGEST = 60 * 1024 * 1024  # bytes on disk


def pipeline() -> WanVACEPipeline:
    """The pipeline of the trained parts, in float32.

    Raises:
        OSError: a stage that trains one of them has not run.
    """
    transformer, encoder = build(), UMT5EncoderModel.from_pretrained(ENCODER)
    average = torch.load(STATE, map_location="cpu", weights_only=True)["average"]
    torch.nn.ModuleDict({"transformer": transformer, "text_encoder": encoder}).load_state_dict(average)
    autoencoder = load()
    autoencoder.register_to_config(sample_width=WIDTH, sample_height=HEIGHT, sample_frames=FRAMES)
    return WanVACEPipeline(
        tokenizer=AutoTokenizer.from_pretrained(TOKENIZER),
        text_encoder=encoder.eval(),
        vae=autoencoder,
        scheduler=PaperScheduler(shift=FLOW_SHIFT),
        transformer=transformer.eval(),
    ).to(device())


def assemble(target: Path) -> None:
    """Write the folder in diffusers' layout: aside first, then file by file into place, since it may be in use."""
    target.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        pipeline().to(torch.bfloat16).save_pretrained(draft)
        for config in draft.rglob("config.json"):  # diffusers writes down where on this machine a part was loaded from
            facts = json.loads(config.read_text(encoding="utf-8"))
            if facts.pop("_name_or_path", None) is not None:
                config.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        index = json.loads((draft / "model_index.json").read_text())
        index["vae"] = ["sora_cli.engines.nano", "PaperAutoencoder"]
        index["transformer"] = ["sora_cli.engines.nano", "PaperTransformer"]
        index["scheduler"] = ["sora_cli.engines.nano", "PaperScheduler"]
        index["tokenizer"] = ["transformers", "PreTrainedTokenizerFast"]
        (draft / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
        (draft / "words.txt").write_text("\n".join(vocabulary()) + "\n")
        files = [path for path in draft.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        if size > LARGEST:
            raise SystemExit(f"{size / 2**20:.1f} MB is more than a checkpoint may have")
        for path in files:
            place = target / path.relative_to(draft)
            place.parent.mkdir(exist_ok=True)
            path.chmod(0o644)
            path.replace(place)
        print(f"{size / 2**20:.1f} MB in {target}")
    finally:
        shutil.rmtree(draft)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=CHECKPOINT)
    assemble(parser.parse_args().to)


if __name__ == "__main__":
    main()
