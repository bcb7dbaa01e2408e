"""LTX-2 (2.0, 2.3, 2.5; full and distilled): video with synchronized sound.

One transformer denoises picture and sound together (HaCohen et al. 2026, arXiv 2601.03233). Given frames are clean
latents: at the start they take the place of the first ones, at the end one is appended as a keyframe. The distilled
models want exactly the sampling times that they were distilled for, and no guidance.

A take may begin with known frames (SDEdit, Meng et al. 2021, arXiv 2108.01073). Its sound begins as noise all the same,
so all steps are taken: until its own noise level is due, the picture is set to what is known at the level that is
(RePaint, Lugmayr et al. 2022, arXiv 2201.09865, without its resampling), and the sound is made to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch
from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel
from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2ConditionPipeline, LTX2VideoCondition
from diffusers.pipelines.ltx2.pipeline_ltx2_latent_upsample import LTX2LatentUpsamplePipeline
from diffusers.pipelines.ltx2.utils import DISTILLED_SIGMA_VALUES, STAGE_2_DISTILLED_SIGMA_VALUES
from numpy.typing import NDArray

from sora_cli.engines.base import Footage, Given, Take
from sora_cli.engines.families.diffusion import Diffusion, OnStep
from sora_cli.engines.family_options import Ltx2DistilledOptions, Ltx2Options
from sora_cli.engines.options import avoided
from sora_cli.engines.runtime.device import seeded
from sora_cli.engines.runtime.pixels import to_bytes, to_sound, to_unit
from sora_cli.engines.runtime.schedulers import Sampled, with_time
from sora_cli.errors import EngineMissing, RenderError
from sora_cli.media.stream import Frames

UNUSED = {"prompt_enhancer": None, "processor": None, "duration_head": None}
"""Parts of LTX-2.5 that rewrite the prompt or guess a length: here the storyboard says both."""
NEAR = 1e-6
"""Two noise levels nearer to each other than this are one: schedulers count in 32 bits."""


class HeldPipeline(LTX2ConditionPipeline):
    """The condition pipeline, with two things it lacks: latents handed on, and a keyframe on the very last frame.

    `known` are the latents that it began with, given frames among them, and how hard each of them is held (0 to 1).
    """

    tail: torch.Tensor | None = None
    last: int = 0
    known: tuple[torch.Tensor, torch.Tensor] | None = None

    def apply_first_frame_conditioning(  # noqa: PLR0917  the library's own signature
        self,
        latents: torch.Tensor,
        conditioning_mask: torch.Tensor,
        condition_latents: list[torch.Tensor],
        condition_strengths: list[float],
        condition_indices: list[int],
        latent_height: int,
        latent_width: int,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Put the handed-on latents in the place of those that the opening's frames were encoded to."""
        if self.tail is not None:
            own = self._pack_latents(
                self.tail.to(latents), self.transformer_spatial_patch_size, self.transformer_temporal_patch_size
            )
            condition_latents[0][:, -own.shape[1] :] = own
        held = super().apply_first_frame_conditioning(
            latents,
            conditioning_mask,
            condition_latents,
            condition_strengths,
            condition_indices,
            latent_height=latent_height,
            latent_width=latent_width,
        )
        self.known = held[0], held[1]
        return held[0], held[1], held[2]

    def _prepare_keyframe_coords(  # noqa: PLR0917  the library's own signature
        self,
        keyframe_latent_num_frames: int,
        keyframe_latent_height: int,
        keyframe_latent_width: int,
        pixel_frame_idx: int,
        num_pixel_frames: int,
        fps: float,
        device: torch.device,
    ) -> torch.Tensor:
        """A keyframe's place in time: the library knows latents only, and would put the last one 7 frames early."""
        return super()._prepare_keyframe_coords(
            keyframe_latent_num_frames,
            keyframe_latent_height,
            keyframe_latent_width,
            self.last or pixel_frame_idx,
            num_pixel_frames,
            fps,
            device,
        )


class Ltx2(Diffusion[Ltx2Options | Ltx2DistilledOptions]):
    """Text, opening frames (8k+1 of them), a last frame, and sound."""

    def load(self) -> object:
        """The pipeline, without the parts that rewrite prompts or guess lengths."""
        absent = {name: None for name in UNUSED if name in self.checkpoint.components()}
        pipe = cast("Sampled", self.from_pretrained(HeldPipeline, **absent, **self.parts()))
        if issubclass(self.card.options, Ltx2DistilledOptions):
            plain = {"use_dynamic_shifting": False, "shift_terminal": None}  # the distilled times are used as they are
            for name in ("scheduler", "audio_scheduler"):  # without one of its own, sound has the picture's
                if (own := getattr(pipe, name, None)) is not None:
                    setattr(pipe, name, own.from_config({**own.config, **plain}))
        self.upsampler: LTX2LatentUpsamplerModel | None = None
        return pipe

    def render(self, take: Take, given: Given, options: Ltx2Options | Ltx2DistilledOptions, step: OnStep) -> Footage:
        """Run one stage, or two, and keep the last latents for the take that carries on."""
        if given.opening is not None and len(given.opening) % self.card.frame_step != self.card.frame_offset:
            raise RenderError(f"{take.name}: {len(given.opening)} opening frames; {self.card.name} takes 8k+1 of them")
        self.pipe.last = take.frames - 1
        self.pipe.tail = self.handed_on(take, given)
        asked = self.asked(take, given, options)
        latents: list[torch.Tensor] = []

        def keep(pipe: object, index: int, time: object, state: dict[str, torch.Tensor]) -> dict[str, object]:
            latents[:] = [state["latents"]]
            return step(pipe, index, time, state)

        with self.begun(take, given, options) as begun:
            if isinstance(options, Ltx2DistilledOptions):
                small = options.two_stage and not begun
                asked |= self.doubled(take, asked, keep) if small else {"sigmas": DISTILLED_SIGMA_VALUES}
            size: dict[str, object] = {"height": take.height, "width": take.width}
            found = self.pipe(**asked, **begun, **size, callback_on_step_end=self.held(take, keep), output_type="pt")
        sound = to_sound(found.audio[0], self.pipe.vocoder.config.output_sampling_rate, take)
        return Footage(to_bytes(found.frames[0]), take.fps, sound, {"video": self.last_latents(take, latents[0])})

    def passes(self, take: Take, given: Given, options: Ltx2Options | Ltx2DistilledOptions) -> int:
        """Count the steps: one more where the take begins with known frames, and one stage alone."""
        if take.start is None or given.start is None:
            return options.steps
        steps = len(DISTILLED_SIGMA_VALUES) if isinstance(options, Ltx2DistilledOptions) else options.steps
        return steps + (take.start.strength < 1)

    @contextmanager
    def begun(
        self, take: Take, given: Given, options: Ltx2Options | Ltx2DistilledOptions
    ) -> Iterator[dict[str, object]]:
        """What the pipeline is given of known frames, and meanwhile a scheduler that comes by their noise level."""
        if take.start is None or given.start is None:
            yield {}
            return
        own, level = self.pipe.scheduler, take.start.strength
        doubled = isinstance(options, Ltx2DistilledOptions) and options.two_stage and bool(take.start.takes)
        self.pipe.scheduler = with_time(own, level) if level < 1 else own
        try:
            yield {"latents": self.known(given.start, doubled=doubled), "noise_scale": 1.0}
        finally:
            self.pipe.scheduler = own

    def held(self, take: Take, step: OnStep) -> OnStep:
        """The step's callback, which also sets the picture to what is known until its own noise level is due."""
        if take.start is None:
            return step
        level = take.start.strength

        def put_back(pipe: HeldPipeline, index: int, time: object, state: dict[str, torch.Tensor]) -> dict[str, object]:
            due, latents = pipe.scheduler.sigmas[index + 1], state["latents"]
            if pipe.known is not None and due > level - NEAR:
                known, hold = pipe.known
                noise = torch.randn(known.shape, generator=seeded(take.seed)).to(known)
                latents[:, : known.shape[1]] = torch.lerp(known, noise, due.to(known) * (1 - hold))
            return {**step(pipe, index, time, state), "latents": latents}

        return put_back

    def known(self, start: Frames, *, doubled: bool) -> torch.Tensor:
        """The latents of frames that a take begins with; those of a draft, half as large, may be `doubled`."""
        frames = to_unit(start)
        if doubled:
            frames = torch.nn.functional.avg_pool2d(frames, 2)
        pixels = (frames.movedim(0, 1)[None] * 2 - 1).to(self.place, self.pipe.vae.dtype)
        latents: torch.Tensor = self.pipe.vae.encode(pixels).latent_dist.mode()
        return (self.larger(latents) if doubled else latents).float()

    def asked(self, take: Take, given: Given, options: Ltx2Options | Ltx2DistilledOptions) -> dict[str, object]:
        """Arguments that both stages share: all but size and times."""
        shared = {
            "conditions": self.conditions(given, options.hold),
            "num_frames": take.frames,
            "frame_rate": float(take.fps),
            "generator": seeded(take.seed),
            "use_cross_timestep": bool(self.checkpoint.value("transformer.cross_attn_mod")),  # not in LTX-2.0
        }
        if isinstance(options, Ltx2DistilledOptions):
            off = {"guidance_scale": 1.0, "stg_scale": 0.0, "modality_scale": 1.0, "guidance_rescale": 0.0}
            off |= {f"audio_{name}": value for name, value in off.items()}
            return {**shared, **off, **self.words(take, "", guided=False)}
        avoid = avoided(options.quality_avoid, take.avoid)
        guided = options.guidance > 1 or options.sound_guidance > 1
        block = 28 if self.checkpoint.value("transformer.cross_attn_mod") else 29
        layers = int(self.pipe.transformer.config.num_layers)
        alike = {
            "stg_scale": options.spatiotemporal,
            "modality_scale": options.modality,
            "guidance_rescale": options.rescale,
        }
        return {
            **shared,
            **self.words(take, avoid, guided=guided),
            "num_inference_steps": options.steps,
            "guidance_scale": options.guidance,
            "audio_guidance_scale": options.sound_guidance,
            **alike,
            **{f"audio_{name}": value for name, value in alike.items()},  # left out, the sound has 2.3's own
            "spatio_temporal_guidance_blocks": [min(block, layers - 1)],
        }

    def words(self, take: Take, avoid: str, *, guided: bool) -> dict[str, object]:
        """Text embeddings and their masks, kept by prompt."""
        names = ("prompt_embeds", "prompt_attention_mask", "negative_prompt_embeds", "negative_prompt_attention_mask")
        length = self.card.prompt_tokens or 1024

        def encode() -> dict[str, torch.Tensor | None]:
            made = self.pipe.encode_prompt(
                take.prompt, avoid, do_classifier_free_guidance=guided, max_sequence_length=length
            )
            return dict(zip(names, made, strict=True))

        return self.kept((take.prompt, avoid if guided else None), encode, take)

    def conditions(self, given: Given, hold: float) -> list[LTX2VideoCondition] | None:
        """Given frames as the pipeline takes them; None where there are none."""
        found = []
        if given.opening is not None:
            found.append(LTX2VideoCondition(frames=given.opening, index=0, strength=hold))
        if given.closing is not None:
            found.append(LTX2VideoCondition(frames=given.closing[:1], index=-1, strength=hold))
        return found or None

    def doubled(self, take: Take, asked: dict[str, object], keep: Callable[..., object]) -> dict[str, object]:
        """Sample at half the size and double the latents: what the second stage starts from."""
        step = 2 * self.card.size_step
        if take.width % step or take.height % step:
            raise RenderError(f"{take.name}: two_stage wants sizes in steps of {step}, not {take.width}x{take.height}")
        self.pipe.tail, tail = None, self.pipe.tail  # its latents are of the full size
        latents, sound = self.pipe(
            **asked,
            height=take.height // 2,
            width=take.width // 2,
            sigmas=DISTILLED_SIGMA_VALUES,
            callback_on_step_end=keep,
            output_type="latent",
            return_dict=False,
        )
        self.pipe.tail = tail
        times = STAGE_2_DISTILLED_SIGMA_VALUES
        return {"latents": self.larger(latents), "audio_latents": sound, "sigmas": times, "noise_scale": times[0]}

    def larger(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents `(1, channels, frames, height, width)` twice as high and wide, by the checkpoint's upsampler."""
        upsample = LTX2LatentUpsamplePipeline(vae=self.pipe.vae, latent_upsampler=self.doubler())
        found: torch.Tensor = upsample(latents=latents, output_type="latent", return_dict=False)[0]
        return found

    def doubler(self) -> LTX2LatentUpsamplerModel:
        """The checkpoint's latent upsampler, read when it is first wanted."""
        if self.upsampler is None:
            folder = self.checkpoint.folder / "latent_upsampler"
            if not folder.is_dir():
                raise EngineMissing(f"{self.card.name} has no latent_upsampler for two_stage", hint="leave it off")
            self.upsampler = LTX2LatentUpsamplerModel.from_pretrained(
                str(folder), torch_dtype=self.dtype, local_files_only=True, use_safetensors=True
            )
        return self.upsampler.to(self.place)  # type: ignore[no-any-return, arg-type]  # its decorator hides its types

    def last_latents(self, take: Take, packed: torch.Tensor) -> NDArray[np.float32]:
        """The last latent frame (8 frames of video), `(1, channels, 1, height / 32, width / 32)`."""
        ratio = self.pipe.vae_spatial_compression_ratio
        frames = (take.frames - 1) // self.pipe.vae_temporal_compression_ratio + 1
        rows, columns = take.height // ratio, take.width // ratio
        video = self.pipe._unpack_latents(packed[:, : frames * rows * columns], frames, rows, columns)  # noqa: SLF001
        return np.asarray(video[:, :, -1:].float().cpu().numpy(), dtype=np.float32)

    def handed_on(self, take: Take, given: Given) -> torch.Tensor | None:
        """The tail of the take before, where the opening covers the frames it stands for."""
        if given.tail is None or given.opening is None or len(given.opening) < 1 + self.card.frame_step:
            return None
        with np.load(given.tail) as held:
            tail = torch.from_numpy(held["video"])
        ratio = self.pipe.vae_spatial_compression_ratio
        fits = tail.shape[-2:] == (take.height // ratio, take.width // ratio)
        return tail if fits else None
