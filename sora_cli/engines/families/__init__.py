"""The classes that run each family of models."""
