"""Three servers of OpenBao on the real platform, told in order: set up, failing, restored, destroyed."""

import base64
import itertools
import logging
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from local.instance import Instance
from tests.conftest import INSTANCE, ROOT
from tests.support.cluster import Cluster
from tests.support.foundation import Foundation, foundation_configuration, made_up_credentials
from tests.support.project import CommandError, Project
from tests.support.walk import readable, writable

log = logging.getLogger(__name__)

NAMESPACE = f"foundation-{secrets.token_hex(3)}"
PATIENCE_SECONDS = 90
FORBIDDEN = 403


@pytest.fixture(scope="module")
def credential_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("credentials")


@pytest.fixture(scope="module")
def project(
    platform: Mapping[str, str], credential_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Deploy the program with the configuration of the local platform."""
    environment = {**platform, **made_up_credentials(credential_folder, NAMESPACE)}
    folder = tmp_path_factory.mktemp("foundation") / "foundation"
    configuration = foundation_configuration(NAMESPACE)
    project = Project.of_program(ROOT / "foundation", folder, environment, configuration)
    try:
        project.up()
        yield project
    finally:
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
        for left in Instance.named(INSTANCE).data_folder.glob(f"{NAMESPACE}-*"):
            shutil.rmtree(left)


@pytest.fixture(scope="module")
def foundation(project: Project, cluster: Cluster, credential_folder: Path) -> Foundation:
    del project  # only for the order
    return Foundation(cluster, NAMESPACE, credential_folder / "ca.crt", Instance.named(INSTANCE).data_folder)


@pytest.fixture
def admin(foundation: Foundation) -> Iterator[httpx.Client]:
    with foundation.api(foundation.token("admin")) as api:
        yield api


def write(api: httpx.Client, key: str, value: str) -> bool:
    """Write a value; whether the servers have said that it is kept."""
    try:
        return api.post(f"/v1/kept/{key}", json={"value": value}).is_success
    except httpx.HTTPError:
        return False


@retry(
    retry=retry_if_exception_type(httpx.HTTPError),
    stop=stop_after_delay(PATIENCE_SECONDS),
    wait=wait_fixed(0.5),
    reraise=True,
)
def kept(foundation: Foundation) -> dict[str, str]:
    """Give everything that was written, as the leader has it: a standby may be a moment behind."""
    with foundation.api(foundation.token("admin"), "vault-active") as api:
        keys = api.request("LIST", "/v1/kept/").raise_for_status().json()["data"]["keys"]
        return {key: api.get(f"/v1/kept/{key}").raise_for_status().json()["data"]["value"] for key in keys}


# --- set up ----------------------------------------------------------------------------------------------


def test_three_servers_have_joined_one_cluster_and_are_healthy(foundation: Foundation) -> None:
    state = foundation.healthy(foundation.token("admin"))
    assert sorted(state["voters"]) == foundation.members
    assert state["failure_tolerance"] == 1


def test_nobody_has_the_root_policy(admin: httpx.Client) -> None:
    accessors = admin.request("LIST", "/v1/auth/token/accessors").raise_for_status().json()["data"]["keys"]
    for accessor in accessors:
        found = admin.post("/v1/auth/token/lookup-accessor", json={"accessor": accessor}).json()["data"]
        assert "root" not in found["policies"], found["display_name"]
    assert accessors


def test_every_request_is_in_the_audit_log_of_the_leader(foundation: Foundation, admin: httpx.Client) -> None:
    admin.post("/v1/sys/mounts/kept", json={"type": "kv"}).raise_for_status()
    file = foundation.folder(f"audit-{foundation.leader()}") / "audit.log"
    assert '"path":"sys/mounts/kept"' in file.read_text()


def test_the_snapshot_role_can_take_a_snapshot_and_nothing_else(foundation: Foundation) -> None:
    with foundation.api(foundation.token("snapshot"), "vault-active") as api:
        with api.stream("GET", "/v1/sys/storage/raft/snapshot", timeout=30) as answer:
            assert answer.is_success
            assert next(answer.iter_raw())
        for method, path in (("GET", "kept/x"), ("POST", "sys/storage/raft/snapshot"), ("GET", "sys/mounts")):
            assert api.request(method, f"/v1/{path}").status_code == FORBIDDEN, path


def test_the_snapshot_role_reads_nothing_but_snapshots(foundation: Foundation) -> None:
    root, holder = (foundation.vault(foundation.token(role)) for role in ("admin", "snapshot"))
    assert readable(root, holder) == {"sys/storage/raft/snapshot"}
    assert writable(root, holder) == set()


def test_another_account_or_audience_does_not_log_in(foundation: Foundation) -> None:
    assert foundation.log_in("admin", account="vault-snapshot").status_code == FORBIDDEN
    assert not foundation.log_in("admin", audience="another").is_success


def test_nothing_changes_without_a_change(project: Project) -> None:
    assert project.preview() == []
    project.refresh()
    assert project.preview() == []


def test_no_private_key_stands_in_what_pulumi_writes(project: Project, credential_folder: Path) -> None:
    values = [(credential_folder / name).read_bytes() for name in ("tls.key", "seal-key")]
    forms = [form for value in values for form in (value, base64.b64encode(value))]
    forms.append(values[0].splitlines()[1])
    for content in (*project.written_files().values(), project.transcript.encode()):
        assert not any(form in content for form in forms)


# --- a leader lost ---------------------------------------------------------------------------------------


def test_writes_go_on_when_the_leader_is_killed_and_none_is_lost(
    foundation: Foundation, admin: httpx.Client
) -> None:
    lost = foundation.leader()
    assert lost
    written: dict[str, str] = {}
    moments: list[float] = []

    def write_one() -> None:
        key, value = f"n{len(written):04}", secrets.token_hex(8)
        if write(admin, key, value):
            written[key] = value
            moments.append(time.monotonic())

    for _ in range(20):
        write_one()
    before = len(written)
    foundation.kill(lost)
    killed = time.monotonic()
    while (new := foundation.leader()) in (None, lost) or len(written) < before + 20:
        assert time.monotonic() - killed < PATIENCE_SECONDS, f"no new leader: {new}, {len(written)} writes"
        write_one()
    assert new in foundation.members
    longest = max(later - earlier for earlier, later in itertools.pairwise(moments))
    log.info(
        "%s killed, %s leads: at most %.1f s between two writes, %d kept", lost, new, longest, len(written)
    )
    assert {key: value for key, value in kept(foundation).items() if key in written} == written
    foundation.wait_until_ready()
    foundation.healthy(foundation.token("admin"))


# --- disks lost ------------------------------------------------------------------------------------------


def test_the_first_server_joins_again_when_it_has_lost_its_disk(foundation: Foundation) -> None:
    everything = kept(foundation)
    data = foundation.folder("data-vault-0")
    shutil.rmtree(data / "raft")
    (data / "vault.db").unlink()
    foundation.kill("vault-0")
    foundation.wait_until_ready()
    state = foundation.healthy(foundation.token("admin"))
    assert sorted(state["voters"]) == foundation.members
    assert state["leader"] in foundation.members
    assert kept(foundation) == everything


def test_what_was_deleted_comes_back_from_a_snapshot(foundation: Foundation, admin: httpx.Client) -> None:
    everything = kept(foundation)
    snapshot = foundation.take_snapshot()
    admin.delete("/v1/sys/mounts/kept", timeout=30).raise_for_status()
    assert admin.get("/v1/kept/n0000").status_code != httpx.codes.OK
    foundation.restore(foundation.token("admin"), snapshot)
    assert kept(foundation) == everything


def test_a_cluster_that_has_lost_every_disk_comes_back_from_a_snapshot(foundation: Foundation) -> None:
    everything = kept(foundation)
    snapshot = foundation.take_snapshot()
    foundation.scale(0)
    for member in foundation.members:
        data = foundation.folder(f"data-{member}")
        shutil.rmtree(data / "raft")
        (data / "vault.db").unlink()
    foundation.scale(3)
    with foundation.api(foundation.token("admin")) as api:
        assert "kept/" not in api.get("/v1/sys/mounts").raise_for_status().json()["data"]
    foundation.restore(foundation.token("admin"), snapshot, force=True)
    assert kept(foundation) == everything
    # A server that was a standby of the new cluster speaks with the old one's keys once it starts anew.
    for member in foundation.members:
        foundation.kill(member)
    foundation.wait_until_ready()
    state = foundation.healthy(foundation.token("admin"))
    assert sorted(state["voters"]) == foundation.members
    assert kept(foundation) == everything


def test_only_the_newest_snapshots_are_kept(foundation: Foundation) -> None:
    newest = [foundation.take_snapshot() for _ in range(2)]
    there = sorted(foundation.folder("vault-snapshots").glob("*"))
    assert len(there) == 3
    assert there[-2:] == newest


# --- bad input, and the end ------------------------------------------------------------------------------


def test_a_mistake_is_one_sentence_and_changes_nothing(project: Project) -> None:
    key = "foundation:server"
    good = project.configuration[key]
    project.configure(lambda configuration: configuration.update({key: {**good, "replicas": 2}}))
    with pytest.raises(CommandError) as caught:
        project.preview()
    assert "foundation:server.replicas: 2: expected an odd number" in caught.value.output
    assert "Traceback" not in caught.value.output
    project.configure(lambda configuration: configuration.update({key: good}))
    assert project.preview() == []


def test_nothing_is_left_when_it_is_destroyed(project: Project, foundation: Foundation) -> None:
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert project.resources() == []
    assert foundation.objects() == []
