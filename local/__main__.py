"""Entry of ``python -m local``."""

from local.cli import app
from toolchain.console import shown_errors

if __name__ == "__main__":
    with shown_errors():
        app(standalone_mode=True)
