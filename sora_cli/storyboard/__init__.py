"""The storyboard language: from YAML text to a checked `Storyboard`."""
