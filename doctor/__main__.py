import os
import signal

# Nothing has to be undone, so an interruption ends it at once; an exception would be lost in a finalizer.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

from doctor.cli import app

app(prog_name="python -m doctor")
