"""`revoke` and `destroy`: the keys first, and proven dead, then the rest."""

from local.gateway import Outputs
from local.instance import Instance
from local.prove import prove_dead
from local.stack import NoStackError, PulumiError, Stack, exists
from toolchain.console import console

__all__ = ["destroy", "preview_destroy", "revoke"]

UNATTENDED = ("--yes", "--skip-preview")


def preview_destroy(instance: Instance) -> int:
    """Show what a destroy would delete, and return the CLI's exit code."""
    return _stack(instance).run("destroy", "--preview-only")


def revoke(instance: Instance) -> list[str]:
    """Delete the virtual keys and nothing else, and prove that no replica accepts one any more.

    Returns
    -------
    list of str
        Lines of a table; none where the stack has no keys.

    Raises
    ------
    NoStackError
        There is no stack.
    PulumiError
        A key could not be deleted; it is kept in the state.
    KeyLivesError
        A key is still accepted.
    """
    stack = _stack(instance)
    urns = stack.key_urns()
    if not urns:
        console.print("The stack has no virtual keys.")
        return []
    # The values are needed for the proof, and the state forgets them with the keys.
    outputs = Outputs.of(stack.outputs())
    targets = [f"--target={urn}" for urn in urns]
    arguments = ("destroy", *targets, "--target-dependents", *UNATTENDED)
    if code := stack.run(*arguments):
        raise PulumiError(("destroy", "--target=keys"), f"exit code {code}, see above")
    return prove_dead(stack, outputs)


def destroy(instance: Instance) -> list[str]:
    """Revoke the keys with proof, then delete everything else of the stack.

    Raises
    ------
    PulumiError
        Something could not be deleted.
    """
    lines = revoke(instance)
    if code := _stack(instance).run("destroy", *UNATTENDED):
        raise PulumiError(("destroy",), f"exit code {code}, see above")
    return lines


def _stack(instance: Instance) -> Stack:
    if not exists(instance):
        raise NoStackError(instance)
    return Stack.ready(instance)
