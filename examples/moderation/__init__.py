"""The recipe of what `sora_cli.policy.meaning` has learned, and the sentences it learned from."""
