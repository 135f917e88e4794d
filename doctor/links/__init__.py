"""The chain, link by link, in the order in which one leans on the other."""

from doctor.links import (
    cluster,
    database,
    identity,
    keys,
    mounts,
    operator,
    paths,
    secrets,
    vault_server,
    ways,
    workload,
)
from doctor.links.hardening import HARDENING
from doctor.model import Link

__all__ = ["HARDENING", "LINKS"]

LINKS: tuple[Link, ...] = (
    *cluster.LINKS,
    *vault_server.LINKS,
    *mounts.LINKS,
    *paths.LINKS,
    *identity.LINKS,
    *operator.LINKS,
    *secrets.LINKS,
    *database.LINKS,
    *workload.LINKS,
    *ways.LINKS,
    *keys.LINKS,
)
