"""A process that has read all the code already, and forks a child for each run.

Most of what a run of a few small shots takes is reading torch and diffusers. Here that is done once. The child is a
process like any other: the program's own entry, its own arguments, environment, folder, session and streams; a signal
hits it for real. It ends as Python does, but for taking apart what was read, which would take half a second. Before the
fork nothing is read but code: no weights, no device, and no thread is started, since a fork would lose it (onnxruntime
starts one, so whoever wants it reads it).
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO

import sora_cli

PACKAGES = (
    "PIL.Image", "av", "c2pa", "cryptography.hazmat.backends.openssl.backend", "diffusers", "iscc_core", "moviepy",
    "rich._emoji_codes", "skimage.filters.edges", "skimage.restoration.uft", "torch", "transformers", "typer",
)  # fmt: skip
"""Beside our own; some read the rest of themselves when it is wanted."""
Stream = IO[str] | int
MOST = 1 << 18
"""Bytes of a request."""
SHARED = "SORA_TESTS_FORKS"
"""Names where the process listens that all of pytest's workers share (tests/conftest.py)."""
POSSIBLE = sys.platform == "linux"


class Child:
    """A run, as `subprocess.Popen` has it; its number is not given to another process while this is held."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.pid = int(line.recv(MOST))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended; None while it runs."""
        if self.returncode is None and select.select([self._line], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end: the exit code, or minus the signal that killed it."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            self.returncode = int(self._line.recv(MOST))
            self._line.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """Starts runs from a process that has read the code: the one of all pytest's workers, or one of its own."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    @cached_property
    def _place(self) -> Path:
        shared = os.environ.get(SHARED)
        place = Path(shared) if shared else self._stack.enter_context(served())
        until = time.monotonic() + 300
        while not place.exists():
            assert time.monotonic() < until, "the process that forks runs did not begin; it says why on stderr"
            time.sleep(0.05)
        return place

    def start(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], out: Stream, err: Stream
    ) -> Child:
        """The program with these words, in a process of its own."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line.connect(str(self._place))
        request = json.dumps([list(words), str(folder), dict(environment)]).encode()
        streams = [each if isinstance(each, int) else each.fileno() for each in (out, err)]
        socket.send_fds(line, [request], streams)
        return Child(line)


@contextlib.contextmanager
def forks() -> Iterator[Forks]:
    """Whoever forks runs, for as long as it is wanted."""
    with contextlib.ExitStack() as stack:
        yield Forks(stack)


@contextlib.contextmanager
def served() -> Iterator[Path]:
    """Start the process: where it listens, once it has read the code."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "line"
        one = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TRANSFORMERS_VERBOSITY": "error"}
        command = [sys.executable, "-m", "tests.unattended.forks", str(place)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=one, cwd=Path(__file__).parents[2]) as process:
            yield place
            assert process.stdin is not None
            process.stdin.close()


def serve(place: Path) -> None:
    """Read the code, then fork a child for each request until nobody wants more; returns in children alone."""
    ours = pkgutil.walk_packages(sora_cli.__path__, "sora_cli.")
    for name in (*PACKAGES, *(module.name for module in ours)):
        with contextlib.suppress(ModuleNotFoundError):  # what an extra brings that is not here
            importlib.import_module(name)
    sys.modules["PIL.Image"].init()
    sys.modules["transformers.conversion_mapping"].get_checkpoint_conversion_mapping("t5")  # the table of all models
    assert sys.modules["diffusers"].WanVACEPipeline
    assert len(os.listdir("/proc/self/task")) == 1, "a thread was started, which children would lose"  # noqa: PTH208
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(place.with_suffix(".new")))
        listener.listen(64)
        place.with_suffix(".new").rename(place)
        while True:
            if sys.stdin in select.select([listener, sys.stdin], [], [])[0]:
                os._exit(0)
            line, _ = listener.accept()
            if os.fork() == 0:
                break
            line.close()
    _attend(line)


def _attend(line: socket.socket) -> None:
    """Fork the run that is asked for, and tell how it ended; returns in the run alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, handles, _, _ = socket.recv_fds(line, MOST, 2)
    pid = os.fork()
    if pid == 0:
        line.close()
        _become(*json.loads(request), handles)
        return
    for handle in handles:
        os.close(handle)
    line.send(str(pid).encode())
    end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # its number stays taken until whoever asked has heard
    assert end is not None
    with contextlib.suppress(OSError):
        line.send(str(end.si_status if end.si_code == os.CLD_EXITED else -end.si_status).encode())
        line.recv(1)
    os._exit(0)


def _become(words: list[str], folder: str, environment: dict[str, str], handles: Sequence[int]) -> None:
    """Be the program as it is started: its words, folder, environment, session and streams."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.argv = ["sora", *words]
    for number, handle in enumerate((os.open(os.devnull, os.O_RDONLY), *handles)):
        os.dup2(handle, number)
        os.close(handle)
    for number, name in ((1, "stdout"), (2, "stderr")):  # those of before were made for streams of another kind
        was = getattr(sys, name)
        lines = 1 if number == 2 or os.isatty(number) else -1
        setattr(sys, name, open(number, "w", lines, was.encoding, was.errors, closefd=False))  # noqa: SIM115


def _end(code: object) -> None:
    """What Python does at the end of a program, but for taking its modules apart."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120  # as Python has it
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
    from sora_cli.__main__ import run

    try:
        run()
    except SystemExit as end:
        _end(end.code)
