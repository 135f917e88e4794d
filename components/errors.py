"""What a component refuses before it declares anything."""

import pulumi

__all__ = ["ArgumentsError"]


class ArgumentsError(pulumi.RunError):
    """Arguments that don't go together; ends the program with this sentence and no traceback.

    Parameters
    ----------
    resource
        Name of the component in the stack.
    problem
        What is wrong, what was expected, and what to do.
    """

    def __init__(self, resource: str, problem: str) -> None:
        super().__init__(f"{resource}: {problem}")
