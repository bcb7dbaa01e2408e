"""`python -m sora_cli`, and the `sora` command."""

from __future__ import annotations

import contextlib
import os
import sys

INTERRUPTED = 128


def run() -> None:
    """Run the command line of this process."""
    code = 130
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C before the program is even read
        from sora_cli.cli import main

        code = main()
    if code > INTERRUPTED:
        # The step that runs on the device may take long, and a thread cannot be ended: whoever interrupts wants out.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    run()
