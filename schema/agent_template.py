"""What a template of Vault Agent asks Vault for, found without running it.

The language is Consul Template's, whose functions `secret`, `secrets` and `pkiCert` are those that ask:
https://github.com/hashicorp/consul-template/blob/main/docs/templating-language.md
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from providers.inputs import nearest
from schema.apps import AppSettings

__all__ = ["Asked", "asked_by", "refused_by_policy"]

_ACTION = re.compile(r"\{\{-?\s*(?P<comment>/\*)?(?P<code>.*?)\}\}", re.DOTALL)
_TEXT = r'"(?:[^"\\]|\\.)*"|`[^`]*`'
_CALL = re.compile(
    rf"(?P<text>{_TEXT})"
    rf"|(?<![\w.$])(?P<function>secrets|secret|pkiCert)\b\s*(?P<path>{_TEXT})?(?P<more>\s*(?:{_TEXT}|[$.(]))?"
)


@dataclass(frozen=True)
class Asked:
    """One call of a template: a function and the path that it names.

    Attributes
    ----------
    path
        None where the path is put together as the template runs.
    sends
        Whether parameters go with it, which makes it a write.
    lists
        Whether it lists what is below the path.
    """

    path: str | None
    sends: bool = False
    lists: bool = False


def asked_by(template: str) -> Iterator[Asked]:
    """Give each call of a template that asks Vault."""
    for action in _ACTION.finditer(template):
        if action["comment"]:
            continue
        for call in _CALL.finditer(action["code"]):
            if function := call["function"]:
                path = call["path"][1:-1].partition("?")[0].strip("/") if call["path"] else None
                yield Asked(
                    path,
                    sends=function == "pkiCert" or bool(call["more"] and function == "secret"),
                    lists=function == "secrets",
                )


def refused_by_policy(template: str, app: AppSettings, mount: str) -> Iterator[str]:
    """Say of each call why the policy of the app wouldn't let its agent make it.

    Parameters
    ----------
    app
        Whose paths and engines the policy is made of.
    mount
        Its KV v2 mount.
    """
    policy = _Policy(app, mount)
    for asked in asked_by(template):
        if asked.path is None:
            yield from policy.refuses_unknown()
        elif asked.lists:
            yield from policy.refuses_list(asked.path)
        elif method := policy.drawn.get(asked.path):
            if asked.sends != (method == "POST"):
                how = "sends parameters to" if asked.sends else "sends no parameters to"
                yield f"{how} {asked.path!r}, whose dynamic.method is {method}"
        else:
            yield from policy.refuses(asked.path, writes=asked.sends)


class _Policy:
    """What the policy of an app has: paths, wildcards at their end, and roles of engines."""

    def __init__(self, app: AppSettings, mount: str) -> None:
        self._mount, self._prefix = mount, app.prefix
        self._readable = [f"{app.prefix}/{path}" for path in app.readable()]
        self._below = tuple(path.removesuffix("*") for path in self._readable if path.endswith("*"))
        self.drawn = {dynamic.path: dynamic.method for dynamic in app.drawn()}

    def refuses(self, path: str, *, writes: bool) -> Iterator[str]:
        in_kv = self._in_kv(path, "data")
        if not writes and (in_kv in self._readable or in_kv.startswith(self._below)):
            return
        known = [*self.drawn, *(f"{self._mount}/data/{readable}" for readable in self._readable)]
        yield (
            f"{'writes to' if writes else 'reads'} {path!r}, which the app's policy doesn't have "
            f"(it has {', '.join(known)}){nearest(path, known)}"
        )

    def refuses_list(self, path: str) -> Iterator[str]:
        if not self._in_kv(f"{path}/", "metadata").startswith(self._below):
            yield (
                f"lists {path!r}, which the app's policy doesn't have: with read: [tls/*] it lists what is "
                f"below {self._mount}/metadata/{self._prefix}/tls"
            )

    def refuses_unknown(self) -> Iterator[str]:
        """Refuse a path that nobody knows yet, unless a wildcard may be meant for it."""
        if not self._below:
            yield (
                "asks for a path that isn't written out, so nobody can say whether the app's policy has it: "
                f'write secret "{self._mount}/data/{self._prefix}/...", or let the app read all that is '
                "below a path: read: [tls/*]"
            )

    def _in_kv(self, path: str, part: str) -> str:
        """Give the path below the mount, which an agent takes with `data/` or without; "" elsewhere."""
        if not path.startswith(f"{self._mount}/"):
            return ""
        return path.removeprefix(f"{self._mount}/").removeprefix(f"{part}/")
