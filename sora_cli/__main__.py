"""`python -m sora_cli`, and the `sora` command."""

from __future__ import annotations

import codecs
import contextlib
import gc
import io
import json
import os
import sys

SIGNALLED = 128
"""A signal ended the command where its exit code is above this, as shells have it."""
RESTARTS = 2
"""How often a command whose device was lost is started again: a driver forgives nothing to the process that met it."""
COUNT = "SORA_RESTARTS"


def start_again() -> None:
    """Start the same command in a new process, which goes on where this one was; but not for ever."""
    from sora_cli.cli import console

    done = int(os.environ.get(COUNT, "0"))
    if os.name == "posix" and done < RESTARTS:
        console.say(f"starting again in a new process ({done + 1} of {RESTARTS})", "yellow")
        sys.stdout.flush()
        # -P: a `random.py` of the user's that lies in the working folder is not the library's.
        words = [sys.executable, "-P", "-m", "sora_cli", *sys.argv[1:]]
        os.execve(sys.executable, words, {**os.environ, COUNT: str(done + 1)})  # noqa: S606  our own program


def _open_closed() -> None:
    """Give what a shell has closed (`>&-`) to nobody: else the next file that is opened, a film, takes its number."""
    while (found := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(found)
    sys.stdout = sys.stdout or io.TextIOWrapper(io.FileIO(1, "w", closefd=False))
    sys.stderr = sys.stderr or io.TextIOWrapper(io.FileIO(2, "w", closefd=False))


class _Output(io.TextIOWrapper):
    """Stdout, for whoever writes to it: that it cannot be written is told as that, a help text's too."""

    def __init__(self, out: io.TextIOWrapper) -> None:
        codecs.register_error("spelled", _spelled)
        super().__init__(out.buffer, out.encoding, "spelled", line_buffering=out.line_buffering)
        self._out = out  # which closes the buffer when nobody holds it any more

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise self._lost(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._lost(error) from error

    def _lost(self, error: OSError) -> OSError:
        """What to raise; a pipe whose reader is gone is no error."""
        from sora_cli.errors import Unwritten

        nowhere = os.open(os.devnull, os.O_WRONLY)  # what is left would be written, and fail, once more at the end
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        return error if isinstance(error, BrokenPipeError) else Unwritten(error.errno, error.strerror)


class _Messages(io.TextIOWrapper):
    """Stderr: where it cannot be written (a log on a full disk) nobody hears what is said, and the work goes on."""

    def __init__(self, out: io.TextIOWrapper) -> None:
        super().__init__(out.buffer, out.encoding, out.errors, line_buffering=out.line_buffering)
        self._out = out  # which closes the buffer when nobody holds it any more

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def _spelled(error: UnicodeError) -> tuple[bytes, int]:
    """A character that stdout has no bytes for: those of a name that is not UTF-8 as they are, others as in JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    with contextlib.suppress(UnicodeEncodeError):
        return sign.encode("ascii", "surrogateescape"), error.start + 1
    return json.dumps(sign).strip('"').encode("ascii"), error.start + 1


def run() -> None:
    """Run the command line of this process."""
    _open_closed()
    # Collecting while modules are read finds nothing and costs commands that only look a tenth of their time;
    # `session.working` collects again.
    gc.disable()
    if isinstance(out := sys.stdout, io.TextIOWrapper) and not isinstance(out, _Output):
        sys.stdout = _Output(out)
    if isinstance(err := sys.stderr, io.TextIOWrapper) and not isinstance(err, _Messages):
        sys.stderr = _Messages(err)
    code = 130
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C before the program is even read
        from sora_cli.cli.main import main

        code = main(again=start_again)
    if code > SIGNALLED:
        # The step that runs on the device may take long, and a thread cannot be ended: whoever interrupts wants out.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    if not gc.isenabled():
        gc.freeze()  # nor is there anything to find at the end, where Python would look through it all three times
    sys.exit(code)


if __name__ == "__main__":
    run()
