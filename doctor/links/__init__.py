"""The chain, link by link, in the order in which one leans on the other."""

from doctor.links import cluster, identity, keys, mounts, operator, secrets, vault_server, workload
from doctor.model import Link

__all__ = ["LINKS"]

LINKS: tuple[Link, ...] = (
    *cluster.LINKS,
    *vault_server.LINKS,
    *mounts.LINKS,
    *identity.LINKS,
    *operator.LINKS,
    *secrets.LINKS,
    *workload.LINKS,
    *keys.LINKS,
)
