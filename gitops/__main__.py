"""`python -m gitops`."""

from gitops.cli import app

if __name__ == "__main__":
    app(prog_name="python -m gitops")
