"""What is remembered of a platform between two commands: where it runs and with which images."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from local.files import write_private
from local.instance import Instance
from toolchain.errors import UserError

__all__ = ["ForeignStorage", "PlatformRecord", "Storage"]

ForeignStorage = Literal["claim", "empty"]
Storage = Literal["host"] | ForeignStorage
FILE_NAME = "platform.json"


class PlatformRecord(BaseModel):
    """Where the platform runs.

    Parameters
    ----------
    kubeconfig
        The user's own kubeconfig; None: the local node.
    storage
        Where OpenBao and PostgreSQL keep their data: in a folder of the node's ``host``, in a ``claim`` of
        the cluster's default storage class, or in an ``empty`` folder that is lost with its Pod.
    images
        Image reference of each part.
    owner
        What marks this platform's objects in a cluster that isn't its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kubeconfig: Path | None = None
    storage: Storage = "host"
    images: dict[str, str]
    owner: str = ""

    @classmethod
    def load(cls, instance: Instance) -> Self | None:
        """Return what was remembered, or None when the platform was never up."""
        file = instance.folder / FILE_NAME
        try:
            return cls.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise UserError(
                f"The record {file} has {error.error_count()} errors: delete it and run `up` again."
            ) from None

    def save(self, instance: Instance) -> None:
        write_private(instance.folder / FILE_NAME, self.model_dump_json(indent=1))

    @staticmethod
    def forget(instance: Instance) -> None:
        (instance.folder / FILE_NAME).unlink(missing_ok=True)
