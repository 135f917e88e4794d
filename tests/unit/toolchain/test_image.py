"""Image layers and archives: deterministic, complete, and in the OCI layout."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from toolchain.artefact import Build
from toolchain.kinds.image import FileLayer, Image, ImageArchive, remove_matching, write_layer


def tree(folder: Path) -> Path:
    (folder / "usr" / "bin").mkdir(parents=True)
    (folder / "usr" / "bin" / "tool").write_text("#!/bin/sh\n")
    (folder / "usr" / "bin" / "tool").chmod(0o755)
    (folder / "bin").symlink_to("usr/bin")
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)
    return folder


def members(layer: Path) -> dict[str, tarfile.TarInfo]:
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(layer.read_bytes())).read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        return {member.name: member for member in archive}


def test_a_layer_does_not_depend_on_when_and_where_it_was_packed(tmp_path: Path) -> None:
    one, other = tree(tmp_path / "one"), tree(tmp_path / "other")
    os.utime(other / "usr" / "bin" / "tool", (1, 1))

    digests = [write_layer(folder, tmp_path / f"{folder.name}.tar.zst") for folder in (one, other)]

    assert digests[0] == digests[1]


def test_a_layer_changes_with_its_content(tmp_path: Path) -> None:
    folder = tree(tmp_path / "root")
    before = write_layer(folder, tmp_path / "before.tar.zst")
    (folder / "usr" / "bin" / "tool").write_text("#!/bin/bash\n")

    assert write_layer(folder, tmp_path / "after.tar.zst")["digest"] != before["digest"]


def test_a_layer_keeps_modes_and_links_and_is_owned_by_root(tmp_path: Path) -> None:
    write_layer(tree(tmp_path / "root"), tmp_path / "layer.tar.zst")

    found = members(tmp_path / "layer.tar.zst")

    assert list(found) == ["bin", "tmp", "usr", "usr/bin", "usr/bin/tool"]
    assert found["bin"].linkname == "usr/bin"
    assert found["tmp"].mode == 0o1777
    assert found["usr/bin/tool"].mode == 0o755
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in found.values()} == {
        (0, 0, "", 0)
    }


def test_the_digests_of_a_layer_are_those_of_its_bytes(tmp_path: Path) -> None:
    digests = write_layer(tree(tmp_path / "root"), tmp_path / "layer.tar.zst")

    packed = (tmp_path / "layer.tar.zst").read_bytes()
    plain = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed)).read()
    assert digests["size"] == len(packed)
    assert digests["digest"] == f"sha256:{hashlib.sha256(packed).hexdigest()}"
    assert digests["diffId"] == f"sha256:{hashlib.sha256(plain).hexdigest()}"


def test_patterns_remove_files_and_folders(tmp_path: Path) -> None:
    root = tree(tmp_path / "root")

    remove_matching(root, ["usr/**/tool", "tmp", "not-there"])

    assert sorted(path.name for path in root.rglob("*")) == ["bin", "bin", "usr"]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Archive of two images that share a layer."""
    needed: dict[str, Path] = {}
    for name in ("base", "tool"):
        folder = tmp_path / name
        tree(folder / "root")
        (folder / "root" / name).touch()
        (folder / "layer.json").write_text(json.dumps(write_layer(folder / "root", folder / "layer.tar.zst")))
        needed[name] = folder
    images = (
        Image(reference="docker.io/local/base:1", layers=("base",), user=1),
        Image(
            reference="docker.io/local/tool:2",
            layers=("base", "tool"),
            user=10001,
            entrypoint=("/tool",),
            stop_signal="SIGINT",
        ),
    )
    target = tmp_path / "archive"
    target.mkdir()
    build = Build(folder=target, log=tmp_path / "log", note=lambda _: None, needed=needed)
    ImageArchive(name="images", version="1", images=images).build(build)
    return target


def contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive / "images.tar") as opened:
        return {member.name: opened.extractfile(member).read() for member in opened}  # type: ignore[union-attr]


def blob(found: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = found[f"blobs/{descriptor['digest'].replace(':', '/')}"]
    assert len(content) == descriptor["size"]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    return content


def test_an_archive_holds_what_its_manifests_name(archive: Path) -> None:
    found = contents(archive)
    index = json.loads(found["index.json"])

    assert json.loads(found["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    for entry in index["manifests"]:
        manifest = json.loads(blob(found, entry))
        config = json.loads(blob(found, manifest["config"]))
        layers = [blob(found, layer) for layer in manifest["layers"]]
        plain = [zstandard.ZstdDecompressor().stream_reader(io.BytesIO(layer)).read() for layer in layers]
        diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in plain]
        assert config["rootfs"]["diff_ids"] == diff_ids


def test_an_archive_names_its_images(archive: Path) -> None:
    index = json.loads(contents(archive)["index.json"])

    names = [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]]
    assert names == ["docker.io/local/base:1", "docker.io/local/tool:2"]
    assert json.loads((archive / "images.json").read_text()) == names


def test_a_shared_layer_is_stored_once(archive: Path) -> None:
    with tarfile.open(archive / "images.tar") as opened:
        names = opened.getnames()

    # Two layers, two configurations, two manifests.
    assert len([name for name in names if name.startswith("blobs/")]) == 6
    assert len(names) == len(set(names))


def test_an_image_runs_as_its_user_and_program(archive: Path) -> None:
    found = contents(archive)
    manifest = json.loads(blob(found, json.loads(found["index.json"])["manifests"][1]))

    config = json.loads(blob(found, manifest["config"]))["config"]

    assert config == {
        "User": "10001:10001",
        "Entrypoint": ["/tool"],
        "WorkingDir": "/",
        "StopSignal": "SIGINT",
    }


def test_a_file_layer_holds_one_program_and_its_other_names(tmp_path: Path) -> None:
    (tmp_path / "bao").write_text("program")
    (tmp_path / "layer").mkdir()
    layer = FileLayer(
        name="layer",
        version="1",
        artefact="openbao",
        target="usr/local/bin/bao",
        links=(("usr/bin/vault", "../local/bin/bao"),),
    )
    build = Build(
        folder=tmp_path / "layer",
        log=tmp_path / "log",
        note=lambda _: None,
        needed={"openbao": tmp_path / "bao"},
    )

    layer.build(build)

    assert sorted(path.name for path in (tmp_path / "layer").iterdir()) == ["layer.json", "layer.tar.zst"]
    found = members(tmp_path / "layer" / "layer.tar.zst")
    assert found["usr/local/bin/bao"].mode == 0o755
    assert found["usr/bin/vault"].linkname == "../local/bin/bao"
