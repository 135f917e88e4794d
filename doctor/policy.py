"""What a Vault policy allows: enough of its language to say whether a path may be read. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Rule", "capabilities", "parse_policy"]

_COMMENT = re.compile(r"(?m)^\s*(#|//).*$")
_BLOCK = re.compile(r'path\s+"([^"]+)"\s*\{(.*?)\}', re.DOTALL)
_CAPABILITIES = re.compile(r"capabilities\s*=\s*\[([^\]]*)\]")


@dataclass(frozen=True)
class Rule:
    """One `path` block."""

    path: str
    capabilities: frozenset[str]

    def matches(self, path: str) -> bool:
        """Whether it speaks of a path: `+` stands for one segment, `*` at the end for anything."""
        pattern = re.escape(self.path.removesuffix("*")).replace(r"\+", "[^/]+")
        return re.fullmatch(pattern + (".*" if self.path.endswith("*") else ""), path) is not None


def parse_policy(text: str) -> list[Rule]:
    """Read the blocks of a policy in HCL, with their capabilities."""
    return [
        Rule(path, frozenset(re.findall(r'"([a-z]+)"', " ".join(_CAPABILITIES.findall(body)))))
        for path, body in _BLOCK.findall(_COMMENT.sub("", text))
    ]


def capabilities(rules: Iterable[Rule], path: str) -> frozenset[str]:
    """Say what may be done at a path: the most exact rules decide, and `deny` among them denies."""
    matching = [rule for rule in rules if rule.matches(path)]
    if not matching:
        return frozenset()
    best = max(_exactness(rule) for rule in matching)
    granted = frozenset().union(*(rule.capabilities for rule in matching if _exactness(rule) == best))
    return frozenset() if "deny" in granted else granted


def _exactness(rule: Rule) -> tuple[int, bool, int]:
    """Order rules as Vault does: a later first wildcard, no `*` at the end, a longer text."""
    first = re.search(r"[+*]", rule.path)
    return (first.start() if first else len(rule.path) + 1, not rule.path.endswith("*"), len(rule.path))
