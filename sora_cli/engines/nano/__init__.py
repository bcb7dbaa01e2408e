"""The embedded model: a checkpoint in diffusers layout, and the classes of ours that it names.

`README.md` beside this file is its model card; `examples/nano/` is how it was made. Diffusers loads a foreign class
only where its module was imported before, so `import sora_cli.engines.nano` comes before `from_pretrained`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .autoencoder import PaperAutoencoder as PaperAutoencoder
    from .scheduling import PaperScheduler as PaperScheduler
    from .transformer import PaperTransformer as PaperTransformer

__all__ = ["PaperAutoencoder", "PaperScheduler", "PaperTransformer"]


def __getattr__(name: str) -> object:
    """Load torch only when the class is asked for: `sora --help` passes here too."""
    if name == "PaperAutoencoder":
        from .autoencoder import PaperAutoencoder

        return PaperAutoencoder
    if name == "PaperTransformer":
        from .transformer import PaperTransformer

        return PaperTransformer
    if name == "PaperScheduler":
        from .scheduling import PaperScheduler

        return PaperScheduler
    if name in {"ModelMixin", "SchedulerMixin"}:
        import diffusers  # it looks beside a class for the base that tells it how to load it

        return getattr(diffusers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
