"""Why there is nothing to look at, each as one sentence.

SearchError                         the command ends with it
 +-- StateUnreadableError           what should be a state isn't one, or can't be had
 +-- NothingToSearchError           neither state nor options name a gateway
"""

from providers.errors import ProviderError

__all__ = ["NothingToSearchError", "SearchError", "StateUnreadableError"]


class SearchError(ProviderError):
    """Base of what keeps the search from starting."""


class StateUnreadableError(SearchError):
    """There is no state to compare with."""

    def __init__(self, source: str, why: str) -> None:
        super().__init__(
            f"{source}: {why}; "
            "give the state by --state FILE (`pulumi stack export` writes it), or the stack by --stack"
        )


class NothingToSearchError(SearchError):
    """Nobody says which gateway is meant, or whose keys."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no {what}")
