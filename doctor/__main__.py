from doctor.cli import app

app(prog_name="python -m doctor")
