"""What a substitute plugin has to say, in plain values; `service` translates it to the engine's protocol."""

import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from toolchain.plugins.differences import Path
from toolchain.plugins.errors import UnsupportedError
from toolchain.plugins.values import Document

__all__ = ["Checked", "Created", "Engine", "Failure", "Found", "Naming", "NamingMode", "Plugin", "Subject"]


@dataclass(frozen=True)
class Subject:
    """The resource that a call is about.

    Attributes
    ----------
    type
        Its type token, ``package:module:Type``.
    name
        Its logical name in the program.
    id
        The provider's id; empty before the resource exists.
    timeout_seconds
        The custom timeout of the operation, if the program sets one.
    ignored
        Property paths of ``ignoreChanges``.
    """

    urn: str
    type: str
    name: str
    id: str = ""
    timeout_seconds: float | None = None
    ignored: Sequence[str] = ()


class NamingMode(Enum):
    """What the project's autonaming configuration asks for."""

    OWN = "own"  # nothing: the plugin has its own pattern
    PROPOSED = "proposed"  # a name that the engine made
    DISABLED = "disabled"  # every name stands in the program


@dataclass(frozen=True)
class Naming:
    """How a resource without a name gets one.

    Attributes
    ----------
    seed
        Random bytes of the engine: the same for the preview and the update of one plan.
    """

    mode: NamingMode
    seed: bytes = b""
    proposed: str = ""

    def make(self, logical_name: str, digits: int) -> str | None:
        """Return a new physical name that ends in hex `digits`, or None where the program has to give one."""
        match self.mode:
            case NamingMode.DISABLED:
                return None
            case NamingMode.PROPOSED:
                return self.proposed
            case NamingMode.OWN:
                suffix = self.seed.hex()[:digits] or secrets.token_hex(digits)[:digits]
                return f"{logical_name}-{suffix}"


@dataclass(frozen=True)
class Failure:
    """An input that can't be: the property, and what is to be said of it; never its value."""

    property: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """The inputs as they will be compared and sent, and what is wrong with them."""

    inputs: Document
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class Created:
    """A resource that exists now."""

    id: str
    state: Document


@dataclass(frozen=True)
class Found:
    """A resource as the server has it; `inputs` are the program's, with live values where they differ."""

    id: str
    inputs: Document
    state: Document


@dataclass(frozen=True)
class Engine:
    """What a plugin may use of the engine that started it.

    Attributes
    ----------
    progress
        Show a line beside the resource with this URN, until the next one replaces it.
    cancelled
        Set when the user interrupts the run: every wait ends then.
    """

    cancelled: threading.Event
    progress: Callable[[str, str], None] = lambda _urn, _message: None


class Plugin(ABC):
    """The behaviour of one package's plugin. Every method may run in several threads at once.

    Parameters
    ----------
    version
        The version of the SDK that this stands in for.
    """

    package: ClassVar[str]

    def __init__(self, version: str, engine: Engine) -> None:
        self.version = version
        self.engine = engine

    def unsupported(self, what: str) -> UnsupportedError:
        """Return the error for `what` only the official plugin can do."""
        return UnsupportedError(self.package, self.version, what)

    @property
    def needs_official(self) -> str:
        """What is wrong with an option that only the official plugin knows."""
        return f"needs the official plugin: `pulumi plugin install resource {self.package} {self.version}`"

    def check_configuration(self, inputs: Document) -> list[Failure]:
        """Say what is wrong with the provider's inputs, which may hold unknowns."""
        del inputs
        return []

    def configuration_replaced_by(self, old: Document, new: Document, changed: list[str]) -> list[str]:
        """List the `changed` inputs for which everything that the provider made is to be replaced."""
        del old, new, changed
        return []

    @abstractmethod
    def configure(self, configuration: dict[str, str]) -> None:
        """Take the provider's inputs; whatever isn't a string comes as JSON. Nothing connects yet."""

    @abstractmethod
    def check(self, subject: Subject, old: Document, new: Document, naming: Naming) -> Checked:
        """Complete and check the inputs of a resource, without a connection."""

    def comparable(
        self, subject: Subject, state: Document, old: Document, new: Document
    ) -> tuple[Document, Document]:
        """Return both inputs in a form in which equal meaning is an equal value."""
        del subject, state
        return old, new

    @abstractmethod
    def is_replaced_by(self, subject: Subject, path: Path, old: Document, new: Document) -> bool:
        """Tell whether a change at `path` needs a new resource."""

    @abstractmethod
    def is_deleted_first(self, subject: Subject, old: Document, new: Document) -> bool:
        """Tell whether the old resource stands in the way of the one that replaces it."""

    def preview_create(self, subject: Subject, inputs: Document) -> Document:
        """Return what is known at preview of the state of a new resource."""
        del subject
        return inputs

    def preview_update(self, subject: Subject, inputs: Document, state: Document) -> Document:
        """Return what is known at preview of the state after an update."""
        del subject
        return {**state, **inputs}

    @abstractmethod
    def create(self, subject: Subject, inputs: Document) -> Created:
        """Make the resource."""

    @abstractmethod
    def read(self, subject: Subject, inputs: Document, state: Document) -> Found | None:
        """Return the resource as it is; None where it is gone. Without inputs it is being imported."""

    @abstractmethod
    def update(self, subject: Subject, old: Document, new: Document, state: Document) -> Document:
        """Change the resource and return its new state."""

    @abstractmethod
    def delete(self, subject: Subject, inputs: Document, state: Document) -> None:
        """Remove the resource; one that is gone already is no error."""

    def invoke(self, function: str, arguments: Document) -> Document:
        """Call a function of the package."""
        del arguments
        raise self.unsupported(f"the function {function}")
