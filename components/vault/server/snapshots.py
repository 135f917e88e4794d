"""Snapshots of raft: a CronJob that logs in as its ServiceAccount and holds no token of its own."""

from typing import Any

from components.kubernetes import SKIP_AWAIT, Manifest
from components.vault.server.objects import Objects, identity, selector
from components.vault.server.places import API_PORT
from components.vault.server.pod import PREFIX, TOOL, hardened
from components.vault.server.setup import SNAPSHOT
from components.vault.server.storage import claim_spec, folder_volume, ownership
from schema.foundation import FoundationSettings, S3Settings, SnapshotSettings

__all__ = ["snapshots"]

FOLDER, TOKEN_FOLDER, CA_FOLDER = "/snapshots", "/var/run/login", "/server/ca"

# A snapshot appears under its name only once it is whole; only then an old one goes.
TAKE = """
set -eu
umask 077
name="$PREFIX-$(date -u +%Y%m%dT%H%M%SZ).snap"
token=$("$TOOL" write -field=token "auth/$AUTH_MOUNT/login" role=snapshot jwt=@/var/run/login/token)
export BAO_TOKEN="$token" VAULT_TOKEN="$token"
"$TOOL" operator raft snapshot save /snapshots/part
mv /snapshots/part "/snapshots/$name"
echo "took $name"
if [ "$KEEP" -gt 0 ]; then
  ls -1 /snapshots | sort -r | tail -n +$((KEEP + 1)) | while read -r old; do rm -- "/snapshots/$old"; done
fi
"""
UPLOAD = """
set -eu
for file in /snapshots/*.snap; do aws s3 cp "$file" "$TARGET/${file##*/}"; done
"""


def snapshots(objects: Objects, settings: FoundationSettings, wanted: SnapshotSettings) -> Manifest:
    """Declare the CronJob and what it writes to."""
    name = f"{settings.name}-snapshot"
    body = identity(wanted.service_account_annotations) | {"automountServiceAccountToken": False}
    account = objects.make("v1", "ServiceAccount", body, name=name, component="snapshot")
    store = _claim(objects, settings, wanted) if wanted.target == "volume" else {"emptyDir": {}}
    pod = _pod(settings, wanted, {"name": "snapshots", **store})
    template = {"metadata": {"labels": selector(settings, "snapshot")}, "spec": pod}
    job = {"backoffLimit": 2, "activeDeadlineSeconds": 1800, "template": template}
    spec = {
        "schedule": wanted.schedule,
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 600,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": job},
    }
    return objects.make(
        "batch/v1", "CronJob", {"spec": spec}, name=name, component="snapshot", depends_on=[account]
    )


def _claim(objects: Objects, settings: FoundationSettings, wanted: SnapshotSettings) -> dict[str, Any]:
    claim = f"{settings.name}-snapshots"
    depends_on = []
    if wanted.volume.host_folder:
        name, body = folder_volume(settings, wanted.volume, claim)
        depends_on = [objects.make("v1", "PersistentVolume", body, name=name, retain=settings.retain_data)]
    objects.make(
        "v1",
        "PersistentVolumeClaim",
        # A class that waits for the first Pod would have `pulumi up` wait for the first snapshot.
        {"metadata": {"annotations": SKIP_AWAIT}, "spec": claim_spec(wanted.volume)},
        name=claim,
        component="snapshot",
        depends_on=depends_on,
        retain=settings.retain_data,
    )
    return {"persistentVolumeClaim": {"claimName": claim}}


def _pod(settings: FoundationSettings, wanted: SnapshotSettings, store: dict[str, Any]) -> dict[str, Any]:
    user = settings.server.run_as_user
    take, folder = _taking(settings, wanted), {"snapshots": FOLDER}
    before = [ownership(settings, folder)] if wanted.target == "volume" and wanted.volume.host_folder else []
    if wanted.s3 and wanted.target == "s3":
        before, last = [*before, take], _uploading(wanted.s3)
    else:
        last = take
    token = {"audience": settings.audience, "expirationSeconds": 600, "path": "token"}
    ca = {
        "secretName": settings.tls.secret,
        "defaultMode": 0o440,
        "items": [{"key": "ca.crt", "path": "ca.crt"}],
    }
    return {
        "serviceAccountName": f"{settings.name}-snapshot",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": user,
            "fsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": before,
        "containers": [last],
        "volumes": [
            store,
            {"name": "login", "projected": {"sources": [{"serviceAccountToken": token}]}},
            {"name": "ca", "secret": ca},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def _taking(settings: FoundationSettings, wanted: SnapshotSettings) -> dict[str, Any]:
    product = settings.server.product
    variables = {
        "HOME": "/tmp",  # noqa: S108 - of the container
        "TOOL": TOOL[product],
        "PREFIX": settings.name,
        "AUTH_MOUNT": settings.auth_mount,
        "KEEP": str(wanted.keep if wanted.target == "volume" else 0),
        f"{PREFIX[product]}_ADDR": f"https://{settings.name}-active.{settings.namespace}.svc:{API_PORT}",
        f"{PREFIX[product]}_CACERT": f"{CA_FOLDER}/ca.crt",
        f"{PREFIX[product]}_TLS_SERVER_NAME": settings.service_host,
    }
    mounts = {"snapshots": FOLDER, "login": TOKEN_FOLDER, "ca": CA_FOLDER, "tmp": "/tmp"}  # noqa: S108 - the same
    return _container(SNAPSHOT, settings.server.image, TAKE, variables, mounts)


def _uploading(s3: S3Settings) -> dict[str, Any]:
    prefix = f"/{s3.prefix.strip('/')}" if s3.prefix else ""
    variables = {"HOME": "/tmp", "TARGET": f"s3://{s3.bucket}{prefix}"}  # noqa: S108 - of the container
    variables |= {"AWS_REGION": s3.region} if s3.region else {}
    variables |= {"AWS_ENDPOINT_URL": s3.endpoint} if s3.endpoint else {}
    mounts = {"snapshots": FOLDER, "tmp": "/tmp"}  # noqa: S108 - of the container
    container = _container("upload", s3.image, UPLOAD, variables, mounts)
    if s3.credentials_secret:
        container["envFrom"] = [{"secretRef": {"name": s3.credentials_secret}}]
    return container


def _container(
    name: str, image: str, script: str, variables: dict[str, str], mounts: dict[str, str]
) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
        "env": [{"name": variable, "value": value} for variable, value in variables.items()],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": hardened(),
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, path in mounts.items()],
    }
