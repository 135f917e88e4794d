"""Policies as tables: a path and what may be done there."""

import json
from collections.abc import Iterable, Sequence

__all__ = ["OF_ITS_TOKEN", "Rules", "policy_text"]

Rules = Iterable[tuple[str, Sequence[str]]]

# What the operator does with its own token. Vault's default policy, which has more, is not given.
OF_ITS_TOKEN: Rules = (
    ("auth/token/lookup-self", ["read"]),
    ("auth/token/renew-self", ["update"]),
    ("auth/token/revoke-self", ["update"]),
)


def policy_text(rules: Rules) -> str:
    """Write rules as HCL; of two for one path the later one counts."""
    return "".join(
        f"path {json.dumps(path)} {{\n  capabilities = {json.dumps(capabilities)}\n}}\n"
        for path, capabilities in dict(rules).items()
    )
