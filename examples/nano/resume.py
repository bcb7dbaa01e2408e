"""Begin again from the checkpoint that ships, where the training state in `.nano/` is gone.

    python -m examples.nano.resume

Writes autoencoder, tokenizer, text encoder and transformer to where the other stages look for them; the optimizers
begin anew. A nano of another size gets all but the transformer. Latents are made again by `examples.nano.latents`, and
training goes on with `examples.nano.transformer`.
"""

from __future__ import annotations

import torch
from diffusers import WanVACEPipeline

from .autoencoder import FOLDER
from .config import CLIP, NANO, SHIPPED, TRAINING
from .text import ENCODER, TOKENIZER
from .transformer import STATE, Trainer


def main() -> None:
    """Write the state from the checkpoint that ships.

    Raises:
        SystemExit: there is a state already.
    """
    if STATE.exists():
        raise SystemExit(f"{STATE} is there already: remove it to begin again from {SHIPPED}")
    pipe = WanVACEPipeline.from_pretrained(SHIPPED, dtype=torch.float32)
    pipe.vae.save_pretrained(FOLDER)
    pipe.text_encoder.save_pretrained(ENCODER)
    pipe.tokenizer.save_pretrained(TOKENIZER)
    if CLIP is not NANO:
        print(f"autoencoder and words are those of {SHIPPED}; the transformer has other tokens, and begins anew")
        return
    trainer = Trainer()
    for weights in (trainer.model, trainer.average):
        weights["transformer"].load_state_dict(pipe.transformer.state_dict())
    trainer.samples = TRAINING.stills_first  # it has seen them
    trainer.save()
    print(f"{STATE} holds the weights of {SHIPPED}")


if __name__ == "__main__":
    main()
