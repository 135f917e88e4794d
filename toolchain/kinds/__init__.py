"""The kinds of artefacts: one module for each way to get one."""
