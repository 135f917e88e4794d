"""Certificate and seal key: there already, made by cert-manager, or made of files."""

import base64

import pulumi

from components.kubernetes import WAIT_READY, Manifest
from components.vault.server.objects import Objects
from components.vault.server.pod import SEAL_KEY
from schema.foundation import FoundationSettings

__all__ = ["credentials"]

FILES = ("ca.crt", "tls.crt", "tls.key")


def credentials(objects: Objects, settings: FoundationSettings) -> list[Manifest]:
    """Declare what isn't there yet; what is secret stands in the state as ciphertext alone."""
    made = []
    tls = settings.tls
    if tls.source == "files":
        data = {name: _secret(tls.file(name).encode()) for name in FILES}
        made.append(
            objects.make("v1", "Secret", {"type": "kubernetes.io/tls", "data": data}, name=tls.secret)
        )
    if tls.source == "cert-manager":
        spec = {
            "secretName": tls.secret,
            "issuerRef": {"group": "cert-manager.io", "kind": tls.issuer_kind, "name": tls.issuer},
            "dnsNames": settings.certificate_names,
            "usages": ["server auth", "client auth"],
            "privateKey": {"rotationPolicy": "Always"},
        }
        body = {"metadata": {"annotations": WAIT_READY}, "spec": spec}
        made.append(objects.make("cert-manager.io/v1", "Certificate", body, name=tls.secret))
    if settings.seal.key and (key := settings.seal.key.content()):
        seal = {"type": "Opaque", "data": {SEAL_KEY: _secret(key)}}
        made.append(objects.make("v1", "Secret", seal, name=f"{settings.name}-seal"))
    return made


def _secret(content: bytes) -> pulumi.Output[str]:
    return pulumi.Output.secret(base64.b64encode(content).decode())
