"""The chain, link by link, in the order in which one leans on the other."""

from doctor.links import cluster, identity, keys, mounts, operator, paths, secrets, vault_server, workload
from doctor.model import Link

__all__ = ["LINKS"]

LINKS: tuple[Link, ...] = (
    *cluster.LINKS,
    *vault_server.LINKS,
    *mounts.LINKS,
    *paths.LINKS,
    *identity.LINKS,
    *operator.LINKS,
    *secrets.LINKS,
    *workload.LINKS,
    *keys.LINKS,
)
