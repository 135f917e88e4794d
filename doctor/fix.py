"""What is harmless to do about it: let the operator try again at once, instead of after its backoff."""

from datetime import UTC, datetime

from doctor.scene import Scene

__all__ = ["retry_now"]


def retry_now(scene: Scene) -> list[str]:
    """Annotate every store and ExternalSecret that is looked at, so that the operator looks at it anew.

    Returns
    -------
    list
        What was annotated, in words.

    Raises
    ------
    doctor.model.CannotLookError
        If the user of the kubeconfig may not.
    """
    stamp = {"force-sync": datetime.now(UTC).isoformat(timespec="milliseconds")}
    done = []
    for store in scene.stores():
        scene.kubernetes.annotate(scene.path_of(store), stamp)
        done.append(store.key)
    for external in scene.external_secrets():
        scene.kubernetes.annotate(scene.path_of(external), stamp)
        done.append(external.key)
    return done
