"""`python -m sora_cli`, and the `sora` command."""

from __future__ import annotations

import sys

from sora_cli.cli import main


def run() -> None:
    """Run the command line of this process."""
    sys.exit(main())


if __name__ == "__main__":
    run()
