"""What every test starts from."""

from __future__ import annotations

import signal

# A shell that starts this in its background has SIGINT ignored, and children inherit that: Ctrl-C is tested, though.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
