"""Where a server finds what it needs, and on which ports it is found."""

from dataclasses import dataclass

from schema.foundation import FoundationSettings

__all__ = ["API_PORT", "CLUSTER_PORT", "SEAL_FOLDER", "TLS_FOLDER", "Places", "places_of"]

API_PORT, CLUSTER_PORT = 8200, 8201
TLS_FOLDER, SEAL_FOLDER = "/server/tls", "/server/seal"


@dataclass(frozen=True)
class Places:
    """Where a server keeps what it writes."""

    data: str
    audit: str


def places_of(settings: FoundationSettings) -> Places:
    """Give our own folders, or those that the chart of the product mounts what it claims at."""
    root = f"/{settings.server.product}" if settings.deploy == "helm" else "/server"
    return Places(f"{root}/data", f"{root}/audit")
