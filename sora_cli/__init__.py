"""sora: a YAML storyboard becomes a stamped film, on your own machine."""

__version__ = "0.1.0"
