"""Container images without a container engine: layers, and one OCI archive that holds several images.

The format is the OCI image layout, as a tar archive, which ``ctr images import`` takes. Layers are
deterministic: sorted, owned by root, dated 1970, so that the same content gives the same digest and is
stored once on the node.
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from toolchain import paths
from toolchain.artefact import Artefact, Build
from toolchain.kinds.debian import unpack_packages

__all__ = ["BaseLayer", "DebianLayer", "FileLayer", "Image", "ImageArchive", "ImageLayer", "remove_matching"]

IMAGE_FILES = paths.SOURCES / "image"

ZSTD_LEVEL = 3
COPY_BYTES = 1 << 20
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+zstd"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class ImageLayer(Artefact):
    """A part of an image's file system: ``layer.tar.zst`` with its digests in ``layer.json``."""

    def build(self, build: Build) -> None:
        root = build.folder / "root"
        root.mkdir()
        self.fill(build, root)
        build.note("packing")
        digests = write_layer(root, build.folder / "layer.tar.zst")
        (build.folder / "layer.json").write_text(json.dumps(digests))
        shutil.rmtree(root)

    @abstractmethod
    def fill(self, build: Build, root: Path) -> None:
        """Put into `root` what the layer adds to the image."""


@dataclass(frozen=True, kw_only=True)
class DebianLayer(ImageLayer):
    """Unpacked Debian packages."""

    packages: tuple[str, ...]
    removed: tuple[str, ...] = ()
    """Patterns of files that no image needs."""
    links: tuple[tuple[str, str], ...] = ()
    """Names that a package's own scripts would have linked: (link, target)."""

    def fill(self, build: Build, root: Path) -> None:
        unpack_packages(build, self.packages, root)
        remove_matching(root, self.removed)
        _link(root, self.links)


@dataclass(frozen=True, kw_only=True)
class BaseLayer(DebianLayer):
    """The layer below all others: a shell, the C library, the public certificates and the users."""

    users: tuple[tuple[str, int], ...]

    def fill(self, build: Build, root: Path) -> None:
        super().fill(build, root)
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / "usr" / name).mkdir(exist_ok=True)
            (root / name).symlink_to(f"usr/{name}")
        for name in ("dev", "etc", "proc", "run", "sys", "var"):
            (root / name).mkdir(exist_ok=True)
        (root / "tmp").mkdir(exist_ok=True)
        (root / "tmp").chmod(0o1777)
        self._write_users(root / "etc")
        _write_certificates(root)

    def _write_users(self, etc: Path) -> None:
        users = [("root", 0), *self.users]
        passwd = [f"{name}:x:{uid}:{uid}:{name}:/tmp:/usr/sbin/nologin\n" for name, uid in users]
        (etc / "passwd").write_text("".join(passwd))
        (etc / "group").write_text("".join(f"{name}:x:{uid}:\n" for name, uid in users))


@dataclass(frozen=True, kw_only=True)
class FileLayer(ImageLayer):
    """One program out of another artefact."""

    artefact: str
    file: str = "."
    """The file in that artefact, relative to what `ensure` returns."""
    target: str
    links: tuple[tuple[str, str], ...] = ()
    """Other names of it: (link, target)."""

    @property
    def parts(self) -> Sequence[str]:
        return (self.artefact,)

    def fill(self, build: Build, root: Path) -> None:
        target = root / self.target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(build.needed[self.artefact] / self.file, target)
        target.chmod(0o755)
        _link(root, self.links)


@dataclass(frozen=True, kw_only=True)
class Image:
    """What a container runtime needs to know of an image."""

    reference: str
    layers: tuple[str, ...]
    """Names of the layers' artefacts, the lowest first."""
    user: int
    entrypoint: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    working_folder: str = "/"
    stop_signal: str = "SIGTERM"

    def config(self, diff_ids: Sequence[str]) -> dict[str, Any]:
        """Return the OCI image configuration."""
        config = {
            "User": f"{self.user}:{self.user}",
            "Env": list(self.environment),
            "Entrypoint": list(self.entrypoint),
            "WorkingDir": self.working_folder,
            "StopSignal": self.stop_signal,
        }
        return {
            "architecture": "amd64",
            "os": "linux",
            "created": EPOCH,
            "config": {name: value for name, value in config.items() if value},
            "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
            "history": [{"created": EPOCH, "created_by": layer} for layer in self.layers],
        }


@dataclass(frozen=True, kw_only=True)
class ImageArchive(Artefact):
    """Several images in one archive, ``images.tar``, with their references in ``images.json``."""

    images: tuple[Image, ...]

    @property
    def parts(self) -> Sequence[str]:
        return tuple(dict.fromkeys(layer for image in self.images for layer in image.layers))

    def build(self, build: Build) -> None:
        with tarfile.open(build.folder / "images.tar", "w") as archive:
            _add_bytes(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            layers = {name: _add_layer(archive, build.needed[name]) for name in self.parts}
            manifests = [_add_image(archive, image, layers) for image in self.images]
            _add_bytes(archive, "index.json", _json({"schemaVersion": 2, "manifests": manifests}))
        references = [image.reference for image in self.images]
        (build.folder / "images.json").write_text(json.dumps(references, indent=2))


@dataclass(frozen=True)
class _Layer:
    descriptor: dict[str, Any]
    diff_id: str


def remove_matching(root: Path, patterns: Iterable[str]) -> None:
    """Delete the files and folders below `root` that a glob pattern names."""
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def write_layer(root: Path, target: Path) -> dict[str, Any]:
    """Pack a folder as a layer.

    Parameters
    ----------
    root
        Folder with the layer's content.
    target
        The compressed tar archive to write.

    Returns
    -------
    dict
        ``diffId`` (digest of the plain archive), ``digest`` and ``size`` (of the compressed one).
    """
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, threads=max(2, os.cpu_count() or 1))
    with target.open("wb") as file:
        packed = _Hashing(file)
        with compressor.stream_writer(cast("BinaryIO", packed), closefd=False) as stream:
            plain = _Hashing(stream)
            with tarfile.open(
                fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT, bufsize=COPY_BYTES
            ) as archive:
                for path in sorted(root.iterdir()):
                    archive.add(path, path.name, filter=_anonymous)
    return {"diffId": plain.digest, "digest": packed.digest, "size": packed.size}


class _Hashing(io.RawIOBase):
    """A writer that passes everything on and keeps its digest."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._sink.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove from a member what depends on who packed it and when."""
    member.mtime = 0
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _link(root: Path, links: Iterable[tuple[str, str]]) -> None:
    for link, target in links:
        (root / link).parent.mkdir(parents=True, exist_ok=True)
        (root / link).symlink_to(target)


def _write_certificates(root: Path) -> None:
    """Put all public certificates into the one file that programs read, as update-ca-certificates does."""
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle.write_text("".join(file.read_text() for file in certificates))


def _add_layer(archive: tarfile.TarFile, folder: Path) -> _Layer:
    digests = json.loads((folder / "layer.json").read_text())
    member = tarfile.TarInfo(_blob(digests["digest"]))
    member.size = digests["size"]
    with (folder / "layer.tar.zst").open("rb") as content:
        archive.addfile(member, content)
    descriptor = {"mediaType": LAYER_TYPE, "digest": digests["digest"], "size": digests["size"]}
    return _Layer(descriptor, digests["diffId"])


def _add_image(archive: tarfile.TarFile, image: Image, layers: dict[str, _Layer]) -> dict[str, Any]:
    own = [layers[name] for name in image.layers]
    config = _add_blob(archive, CONFIG_TYPE, _json(image.config([layer.diff_id for layer in own])))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config,
        "layers": [layer.descriptor for layer in own],
    }
    return {
        **_add_blob(archive, MANIFEST_TYPE, _json(manifest)),
        "platform": {"architecture": "amd64", "os": "linux"},
        "annotations": {
            "io.containerd.image.name": image.reference,
            "org.opencontainers.image.ref.name": image.reference.rpartition(":")[2],
        },
    }


def _add_blob(archive: tarfile.TarFile, media_type: str, content: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    _add_bytes(archive, _blob(digest), content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
