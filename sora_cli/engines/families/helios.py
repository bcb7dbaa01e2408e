"""Helios: long takes, made 33 frames at a time, each stretch seeing a compressed history of all before it.

Yuan et al. 2026, arXiv 2603.04379. `HeliosPipeline` is the base model; `HeliosPyramidPipeline` the middle and the
distilled one, which sample each stretch at three sizes. Given frames become the history: what is made comes after
them, so the take begins with the given frames themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from diffusers.pipelines.helios.pipeline_helios import HeliosPipeline
from diffusers.pipelines.helios.pipeline_helios_pyramid import HeliosPyramidPipeline
from numpy.typing import NDArray
from PIL import Image

from sora_cli.engines.base import Footage, Given, Take
from sora_cli.engines.families.diffusion import Diffusion, OnStep
from sora_cli.engines.family_options import HeliosDistilledOptions, HeliosMidOptions, HeliosOptions
from sora_cli.engines.options import avoided
from sora_cli.engines.runtime.device import seeded
from sora_cli.engines.runtime.pixels import to_bytes, to_unit
from sora_cli.media.stream import Frames

CHUNK = 33
"""Frames made at a time: nine latent frames."""


class SteadyPyramid(HeliosPyramidPipeline):
    """The pyramid pipeline with its block noise drawn in closed form.

    The library factors the noise's covariance by Cholesky; with the released gamma of 1/3 that matrix is singular, and
    the factorization fails on some processors. Its eigenvectors are known: a block's mean, and what differs from it.
    """

    def sample_block_noise(  # noqa: PLR0917  the library's own signature
        self,
        batch_size: int,
        channel: int,
        num_frames: int,
        height: int,
        width: int,
        patch_size: tuple[int, ...] = (1, 2, 2),
        device: torch.device | None = None,
        generator: torch.Generator | None = None,
    ) -> torch.Tensor:
        """Noise `(batch, channel, frames, height, width)` whose blocks of a patch are correlated by -gamma."""
        gamma, (_, rows, columns) = float(self.scheduler.config.gamma), patch_size
        shape = (batch_size, channel, num_frames, height // rows, rows, width // columns, columns)
        place = generator.device if generator is not None else device
        noise = torch.randn(shape, generator=generator, device=place).to(device)
        mean = noise.mean((4, 6), keepdim=True)
        together = max(0.0, 1 + gamma - gamma * rows * columns) ** 0.5
        mixed: torch.Tensor = (1 + gamma) ** 0.5 * (noise - mean) + together * mean
        return mixed.reshape(batch_size, channel, num_frames, height, width)


Chosen = HeliosOptions | HeliosMidOptions | HeliosDistilledOptions


class Helios(Diffusion[Chosen]):
    """Text, an opening picture, or frames carried on from, without a limit that matters on length."""

    def load(self) -> object:
        """The pipeline that the checkpoint names; its autoencoder stays in float32, as its authors run it."""
        pyramid = self.checkpoint.pipeline == HeliosPyramidPipeline.__name__
        return self.from_pretrained(SteadyPyramid if pyramid else HeliosPipeline)

    def passes(self, take: Take, given: Given, options: Chosen) -> int:
        """Steps of every stretch; a distilled model takes twice as many for the first."""
        chunks = chunks_for(take, given)
        if isinstance(options, HeliosOptions):
            return options.steps * chunks
        return 3 * options.stage_steps * (chunks + isinstance(options, HeliosDistilledOptions))

    def render(self, take: Take, given: Given, options: Chosen, step: OnStep) -> Footage:
        """Make the stretches, each decoded as it is done, and keep the last one's latents."""
        ends: list[torch.Tensor] = []

        def heard(pipe: HeliosPipeline, index: int, time: object, state: dict[str, torch.Tensor]) -> dict[str, object]:
            latents = state["latents"]
            whole = latents.shape[-1] * pipe.vae_scale_factor_spatial == take.width
            if whole and index == pipe.num_timesteps - 1:
                ends.append(latents)
            return step(pipe, index, time, state)

        held = self.history(take, given)
        with decoded(self.pipe) as made:
            self.pipe(
                **self.words(take, options),
                **held,
                **sampling(options),
                height=take.height,
                width=take.width,
                num_frames=CHUNK * chunks_for(take, given),
                generator=seeded(take.seed, self.place),
                callback_on_step_end=heard,
                output_type="latent",
            )
        if given.opening is not None:
            made.insert(0, given.opening)
        frames = np.concatenate(made)
        whole = len(frames) == take.frames and bool(ends)
        first = held.get("image_latents", ends[0][:, :, :1] if ends else None)
        tail = (
            {"video": as_array(ends[-1]), "first": as_array(first)} if whole and isinstance(first, torch.Tensor) else {}
        )
        return Footage(frames[: take.frames], take.fps, tail=tail)

    def words(self, take: Take, options: Chosen) -> dict[str, object]:
        """Text embeddings, kept by prompt; the distilled model has no negative ones."""
        length = self.card.prompt_tokens or 512
        if isinstance(options, HeliosDistilledOptions):
            return self.embedded(take, "", guided=False, max_sequence_length=length)
        avoid = avoided(options.quality_avoid, take.avoid)
        return self.embedded(take, avoid, guided=options.guidance > 1, max_sequence_length=length)

    def history(self, take: Take, given: Given) -> dict[str, object]:
        """What the pipeline continues: handed-on latents, whole stretches of frames, or a picture."""
        if given.opening is None:
            return {}
        if len(given.opening) < CHUNK:
            return {"image": Image.fromarray(given.opening[-1])}
        if given.tail is not None and len(given.opening) == CHUNK:
            with np.load(given.tail) as kept:
                video, first = torch.from_numpy(kept["video"]), torch.from_numpy(kept["first"])
            ratio = self.pipe.vae_scale_factor_spatial
            if video.shape[-2:] == (take.height // ratio, take.width // ratio):
                held = {"video_latents": video.to(self.place), "image_latents": first.to(self.place)}
                return {**held, "add_noise_to_image_latents": False}  # they are noised along with the video's
        return {"video": to_unit(given.opening)[None]}


def chunks_for(take: Take, given: Given) -> int:
    """How many stretches of 33 frames a take needs beyond the frames that it is given."""
    held = len(given.opening) if given.opening is not None else 0
    return max(1, -(-(take.frames - held) // CHUNK))


def sampling(options: Chosen) -> dict[str, object]:
    """Steps and guidance as the pipelines name them."""
    if isinstance(options, HeliosOptions):
        return {"num_inference_steps": options.steps, "guidance_scale": options.guidance}
    steps = [options.stage_steps] * 3
    if isinstance(options, HeliosMidOptions):
        return {"pyramid_num_inference_steps_list": steps, "guidance_scale": options.guidance}
    return {"pyramid_num_inference_steps_list": steps, "guidance_scale": 1.0, "is_amplify_first_chunk": True}


@contextmanager
def decoded(pipe: HeliosPipeline) -> Iterator[list[Frames]]:
    """Collect each stretch's frames as bytes when the pipeline decodes it.

    The pipeline would keep all of them on the device as floats, and cut up to three frames off the end.
    """
    made: list[Frames] = []
    inner = pipe.vae.decode

    def decode(latents: torch.Tensor, return_dict: bool = True) -> tuple[torch.Tensor]:  # noqa: ARG001, FBT001, FBT002
        video = inner(latents, return_dict=False)[0]
        made.append(to_bytes(video[0].permute(1, 0, 2, 3) / 2 + 0.5))
        return (video[..., :1, :1],)

    pipe.vae.decode = decode
    try:
        yield made
    finally:
        del pipe.vae.decode


def as_array(latents: torch.Tensor) -> NDArray[np.float32]:
    """Latents for a footage's tail."""
    return np.asarray(latents.float().cpu().numpy(), dtype=np.float32)
