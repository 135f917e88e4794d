"""Keys in Vault: the folders that a stack delivers to, and what in them bears the mark of the stack."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from providers.litellm.destination import ALIAS, BASE_URL, OWNER, STAGED, TOKEN_ID, Destination
from providers.litellm.orphan_search.stack_state import StackState
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultError
from providers.vault.kv import KvPath
from providers.vault.sources import fingerprint

__all__ = ["Folder", "Place", "folders", "placed_keys"]

_PATIENCE_SECONDS = 5


@dataclass(frozen=True)
class Folder:
    """A folder of a KV v2 mount.

    Attributes
    ----------
    path
        Below the mount; empty for the mount itself, in which only its own paths are looked at.
    """

    vault: VaultConnection
    mount: str
    path: str

    def __str__(self) -> str:
        return f"{self.mount}/{self.path}" if self.path else self.mount


@dataclass(frozen=True)
class Place:
    """A key that stands in Vault.

    Attributes
    ----------
    key_property
        That holds it, or would if it weren't staged only; empty if what stands there is something else.
    owner
        URN of the key's resource.
    token_id
        SHA-256 of the key, hex.
    base_url
        Of the gateway that it was made for; None for a key that is only staged.
    is_staged
        Whether it is where an interrupted create has left it, and no consumer looks.
    """

    path: KvPath = field(repr=False, compare=False)
    key_property: str
    owner: str
    token_id: str
    alias: str | None = None
    base_url: str | None = None
    is_staged: bool = False


def folders(state: StackState) -> set[Folder]:
    """Name the folders that the keys of a stack are delivered to: the first one on the way to each."""
    found = set()
    for key in state.keys:
        if key.deliver and key.gateway is not None:
            place = Destination.parse(key.deliver)
            first, slash, _ = place.path.partition("/")
            vault = replace(
                VaultConnection.parse(key.gateway.get("vault")), patience_seconds=_PATIENCE_SECONDS
            )
            found.add(Folder(vault, place.mount, first if slash else ""))
    return found


def placed_keys(
    among: Iterable[Folder], is_ours: Callable[[str], bool], report: Callable[[str], None]
) -> list[Place]:
    """Find the keys of a stack in some folders.

    Parameters
    ----------
    among
        The folders.
    is_ours
        Whether a URN is one of the stack.
    report
        Is told what couldn't be looked at, in a sentence.
    """
    found: list[Place] = []
    for folder in sorted(among, key=str):
        try:
            paths = list(_paths_below(folder))
        except VaultError as error:
            report(str(error))
            continue
        for path in paths:
            try:
                data = path.read().data
            except VaultError as error:
                report(str(error))
                continue
            if is_ours(str(data.get(OWNER))):
                found += _keys_at(path, data)
    return found


def _paths_below(folder: Folder) -> Iterator[KvPath]:
    for name in KvPath(folder.vault, folder.mount, folder.path).children():
        below = f"{folder.path}/{name}" if folder.path else name
        if not name.endswith("/"):
            yield KvPath(folder.vault, folder.mount, below)
        elif folder.path:
            yield from _paths_below(replace(folder, path=below.rstrip("/")))


def _keys_at(path: KvPath, data: Mapping[str, Any]) -> Iterator[Place]:
    """Tell the key that its consumers read from one that an interrupted create has staged."""
    hashes = {name: fingerprint(value) for name, value in data.items() if isinstance(value, str)}
    for name, token_id in hashes.items():
        if name.endswith(STAGED):
            yield Place(path, name.removesuffix(STAGED), data[OWNER], token_id, is_staged=True)
    if TOKEN_ID in data:
        token_id = data[TOKEN_ID]
        # What was put in its place by hand is nobody's key of ours: then only the facts beside it are.
        holder = next((name for name, its_hash in hashes.items() if its_hash == token_id), "")
        yield Place(path, holder, data[OWNER], token_id, data.get(ALIAS), data.get(BASE_URL))
