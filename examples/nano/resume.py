"""Begin again from the checkpoint that ships, where the training state in `.nano/` is gone.

    python -m examples.nano.resume

Writes autoencoder, tokenizer, text encoder and transformer to where the other stages look for them; the optimizers
begin anew. Latents are made again by `examples.nano.latents`, and training goes on with `examples.nano.transformer`.
"""

from __future__ import annotations

import torch
from diffusers import WanVACEPipeline

from .autoencoder import FOLDER
from .config import CHECKPOINT, TRAINING
from .text import ENCODER, TOKENIZER
from .transformer import STATE, Trainer


def main() -> None:
    """Write the state from the checkpoint that ships.

    Raises:
        SystemExit: there is a state already.
    """
    if STATE.exists():
        raise SystemExit(f"{STATE} is there already: remove it to begin again from {CHECKPOINT}")
    pipe = WanVACEPipeline.from_pretrained(CHECKPOINT, dtype=torch.float32)
    pipe.vae.save_pretrained(FOLDER)
    pipe.text_encoder.save_pretrained(ENCODER)
    pipe.tokenizer.save_pretrained(TOKENIZER)
    trainer = Trainer()
    for weights in (trainer.model, trainer.average):
        weights["transformer"].load_state_dict(pipe.transformer.state_dict())
    trainer.samples = TRAINING.stills_first  # it has seen them
    trainer.save()
    print(f"{STATE} holds the weights of {CHECKPOINT}")


if __name__ == "__main__":
    main()
