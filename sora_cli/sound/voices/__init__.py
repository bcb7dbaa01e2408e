"""Voices: text in, samples with the times of its words out."""

from sora_cli.sound.voices.base import Speech, Unspeakable, Voice, VoiceCard, Word
from sora_cli.sound.voices.catalogue import cards, find

__all__ = ["Speech", "Unspeakable", "Voice", "VoiceCard", "Word", "cards", "find"]
