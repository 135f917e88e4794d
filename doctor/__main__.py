import sys

try:
    from doctor.cli import app

    app(prog_name="python -m doctor")
except KeyboardInterrupt:
    sys.exit(130)  # before the command has begun: what it needs is still being imported
