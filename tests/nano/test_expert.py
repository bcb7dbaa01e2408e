"""The expert for low noise begins as the transformer that ships, and only what is new of it learns."""

import torch

from examples.nano.batches import SEEN_CHANNELS
from examples.nano.config import CHECKPOINT, LATENT_FRAMES, LATENT_HEIGHT, LATENT_WIDTH
from examples.nano.expert import FINER_FROM, begin, learns
from sora_cli.engines.nano import PaperTransformer


def told_by(model: PaperTransformer, level: float) -> torch.Tensor:
    seeded = torch.Generator().manual_seed(5)
    channels, width = model.config.in_channels, model.config.text_dim
    latents = torch.randn(1, channels, LATENT_FRAMES, LATENT_HEIGHT, LATENT_WIDTH, generator=seeded)
    control = torch.zeros(1, 2 * channels + SEEN_CHANNELS, *latents.shape[2:])
    control[:, 2 * channels :] = 1
    return model(
        hidden_states=latents,
        timestep=torch.tensor([1000 * level]),
        encoder_hidden_states=torch.randn(1, 20, width, generator=seeded),
        control_hidden_states=control,
        return_dict=False,
    )[0]


def test_it_begins_as_what_ships_and_only_its_last_blocks_learn() -> None:
    shipped = PaperTransformer.from_pretrained(CHECKPOINT / "transformer", dtype=torch.float32)
    expert = begin()
    velocity = told_by(expert, 0.3)
    with torch.no_grad():
        before = told_by(shipped, 0.3)
    assert (velocity - before).std() < 0.05 * before.std()
    velocity.pow(2).mean().backward()
    taught = {name for name, weight in expert.named_parameters() if weight.grad is not None and weight.grad.any()}
    learning = {name for name, _ in expert.named_parameters() if learns(name)}
    assert {"finer.weight", "proj_out.weight", f"blocks.{FINER_FROM}.attn1.to_q.weight"} <= learning & taught
    assert not {name for name in learning if name.startswith(("vace", "condition", "patch", "blocks.0."))}
