"""What each command does, as a short line through the rooms below."""
