"""The paths and properties that are asked for: what of them stands in Vault."""

from collections.abc import Iterator

from doctor.model import Finding, Link, broken, whole
from doctor.objects import ExternalSecret, Store
from doctor.scene import Scene

__all__ = ["LINKS"]


def probe_paths(scene: Scene) -> Iterator[Finding]:
    for external in scene.external_secrets():
        store = scene.store_of(external)
        if store is not None and store.mount:
            yield from _paths(scene, external, store)
        elif store is not None:
            yield from _whole_paths(scene, external, store)


def _whole_paths(scene: Scene, external: ExternalSecret, store: Store) -> Iterator[Finding]:
    """Look at keys of a store without a mount: each has to begin with one."""
    for path in external.paths:
        if not any(path.startswith(mount) for mount in scene.mounts()):
            yield broken(
                external.key,
                f"asks for {path}, and its store names no mount",
                cause=f"the path {path} doesn't begin with a mount of Vault, and the store adds none",
                cure="set spec.provider.vault.path in the store, or begin the key with the mount and data/",
                scope={store.key},
            )


def _paths(scene: Scene, external: ExternalSecret, store: Store) -> Iterator[Finding]:
    wrong = 0
    for path in external.paths:
        if path.startswith("data/"):
            wrong += 1
            yield broken(
                external.key,
                f"asks for {path}",
                cause="the path has data/ in it, which the operator adds itself",
                cure=f"set the key to {path.removeprefix('data/')}",
                scope={store.key},
            )
            continue
        properties = [name for _, key, name in external.properties if key == path and name]
        problem = _path_problem(scene, store, external, path, properties)
        if problem is not None:
            wrong += 1
            yield problem
    if not wrong and external.paths:
        yield whole(external.key, f"finds {', '.join(external.paths)} with all properties", {store.key})


def _path_problem(
    scene: Scene, store: Store, external: ExternalSecret, path: str, properties: list[str]
) -> Finding | None:
    subject = f"Path {store.mount}/{path}"
    found = scene.kv(store.mount, store.below_mount(path))
    if found is None or not found.get("data"):
        metadata = (found or {}).get("metadata") or {}
        deleted = bool(metadata.get("deletion_time") or metadata.get("destroyed"))
        what = "its newest version is deleted" if deleted else "isn't there"
        verb = "undelete or write" if deleted else "write"
        return broken(
            subject,
            what,
            cause=f"the {external.key} reads a path in Vault of which {what}"
            if deleted
            else f"the {external.key} reads a path that isn't in Vault",
            cure=f"{verb} {store.mount}/{path}, or correct the key",
            scope={store.key},
        )
    missing = [name for name in properties if name not in found["data"]]
    if missing:
        return broken(
            subject,
            f"has the properties {', '.join(sorted(found['data']))}",
            cause=f"the {external.key} reads a property that isn't there: {', '.join(missing)}",
            cure=f"write it to {store.mount}/{path}, or correct the property",
            scope={store.key},
        )
    return None


LINKS = (
    Link(
        "path",
        "Paths in Vault",
        "The paths and properties that each ExternalSecret names: that they are in Vault, and not deleted.",
        probe_paths,
        needs=("vault", "kv-mount"),
    ),
)
