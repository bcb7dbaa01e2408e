"""What holds for all tests."""

from __future__ import annotations

import signal

# Whoever starts tests in the background (`make test &`, a CI runner) may have signals ignored, which programs inherit.
# Tests that send signals want a program as a person starts it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
