"""The program's settings, as this command needs them: complete, though nothing is asked."""

import os

import pulumi

from gitops.errors import StackFileError
from gitops.stack_file import StackFile
from schema import NAMESPACE, Settings
from settings import load

__all__ = ["stack_settings"]


def stack_settings(stack: StackFile) -> Settings:
    """Read the settings of a stack.

    Raises
    ------
    schema.SettingsError
        If they are wrong.
    StackFileError
        If something that a file shall hold is left to the environment, which doesn't have it: a preview would
        go on without.
    """
    pulumi.runtime.set_all_config(dict(stack.config), list(stack.secret_keys))
    previous = pulumi.runtime.settings.SETTINGS.dry_run
    pulumi.runtime.settings.SETTINGS.dry_run = True
    try:
        settings = load()
    finally:
        pulumi.runtime.settings.SETTINGS.dry_run = previous
    variable = settings.vault.ca_cert_env
    if variable and variable not in os.environ:
        raise StackFileError(
            f"{NAMESPACE}:vault.caCertEnv: the environment variable {variable} is not set; "
            "expected the path of a CA in PEM"
        )
    return settings
