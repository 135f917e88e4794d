"""`revoke` and `destroy`: the keys first, and proven dead, then the rest."""

from local.gateway import Outputs
from local.instance import Instance
from local.prove import prove_dead
from local.stack import NoStackError, PulumiError, Stack, exists
from toolchain.console import console

__all__ = ["destroy_rest", "preview_destroy", "revoke"]

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
    # The values are needed for the proof. The outputs keep them until the whole stack is gone, so that a
    # revocation that was interrupted can still be proven.
    outputs = Outputs.of(stack.outputs())
    if urns := stack.key_urns():
        targets = [f"--target={urn}" for urn in urns]
        if code := stack.run("destroy", *targets, "--target-dependents", *UNATTENDED):
            raise PulumiError(("destroy", "--target=keys"), f"exit code {code}, see above")
    if not outputs.keys:
        if not outputs.delivered:
            console.print("The stack has no virtual keys.")
        return outputs.not_asked()
    return [*prove_dead(stack, outputs), *outputs.not_asked()]


def destroy_rest(instance: Instance) -> None:
    """Delete everything of the stack, once its keys are revoked.

    Raises
    ------
    PulumiError
        Something could not be deleted; it is kept in the state.
    """
    if code := _stack(instance).run("destroy", *UNATTENDED):
        raise PulumiError(("destroy",), f"exit code {code}, see above")


def _stack(instance: Instance) -> Stack:
    if not exists(instance):
        raise NoStackError(instance)
    return Stack.ready(instance)
