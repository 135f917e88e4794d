"""The folder and the command: what is written, what is left alone, and how it ends."""

import pytest

from tests.unit.gitops.conftest import Command

DEPLOYMENT = "litellm/deployment-litellm.yaml"


def test_what_is_gone_from_the_program_goes_from_the_folder_and_nothing_else(command: Command) -> None:
    command("render")
    foreign = {"README.md": "ours", "litellm/own.yaml": "kind: ConfigMap", "litellm/deep/er.yaml": "x: 1"}
    for path, content in foreign.items():
        (command.folder / path).parent.mkdir(exist_ok=True)
        (command.folder / path).write_text(content)
    command.config["gateway"]["ingress"] = {"kind": "none"}
    done = command("render")
    assert done.stdout == f"remove {command.folder / 'litellm/ingress-litellm.yaml'}\n"
    assert foreign.items() <= command.written().items()


def test_a_folder_of_which_nothing_is_left_goes_too(command: Command) -> None:
    command.config["apps"] = [{"name": "search", "key": {"models": ["gpt-4o"]}}]
    command("render")
    del command.config["apps"]
    command("render")
    assert not (command.folder / "search").exists()


def test_check_tells_a_folder_that_is_out_of_date_and_writes_nothing(command: Command) -> None:
    assert command("render", "--check").exit_code == 1
    assert not command.folder.exists()
    command("render")
    assert command("render", "--check").exit_code == 0
    (command.folder / DEPLOYMENT).write_text(
        (command.folder / DEPLOYMENT).read_text().replace("replicas: 1", "replicas: 9")
    )
    done = command("render", "--check")
    assert (done.exit_code, done.stdout) == (1, f"update {command.folder / DEPLOYMENT}\n")
    assert "is out of date" in done.stderr
    assert command.object(DEPLOYMENT)["spec"]["replicas"] == 9


def test_a_dry_run_shows_and_writes_nothing(command: Command) -> None:
    done = command("render", "--dry-run")
    assert done.exit_code == 0
    assert f"create {command.folder / DEPLOYMENT}\n" in done.stdout
    assert not command.folder.exists()


def test_a_file_of_somebody_else_is_not_overwritten(command: Command) -> None:
    file = command.folder / DEPLOYMENT
    file.parent.mkdir(parents=True)
    file.write_text("kind: Deployment\n")
    done = command("render")
    assert done.exit_code == 2
    assert f"{file}: is not of this command" in done.stderr
    assert command.written() == {DEPLOYMENT: "kind: Deployment\n"}


def test_files_of_another_stack_are_left_alone(command: Command) -> None:
    command("render")
    file = command.folder / "other/configmap-x.yaml"
    file.parent.mkdir()
    file.write_text((command.folder / DEPLOYMENT).read_text().replace("the stack dev", "the stack prod"))
    assert command("render", "--check").exit_code == 0


def test_a_second_rendering_touches_no_file(command: Command) -> None:
    command("render")
    before = {path: path.stat().st_mtime_ns for path in command.folder.rglob("*.yaml")}
    done = command("render")
    assert done.stdout == ""
    assert {path: path.stat().st_mtime_ns for path in command.folder.rglob("*.yaml")} == before


# --- mistakes --------------------------------------------------------------------------------------------


def test_a_mistake_in_the_configuration_is_said_in_the_programs_own_sentence(command: Command) -> None:
    command.config["externalSecrets"] = {"install": {"mode": "argocd", "version": "latest"}}
    done = command("render")
    assert done.exit_code == 2
    assert done.stderr == (
        'error: llm-gateway:externalSecrets.install.version: "latest": '
        "expected one version of the chart, such as 0.20.4, and no range\n"
    )


def test_a_ca_that_is_not_there_is_missed_and_not_left_empty(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_CACERT")
    done = command("render")
    assert done.exit_code == 2
    assert "llm-gateway:vault.caCertEnv: the environment variable VAULT_CACERT is not set" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("Pulumi.prod.yaml", None, "Pulumi.prod.yaml: can't be read: No such file or directory"),
        ("Pulumi.prod.yaml", "a: [", "Pulumi.prod.yaml: isn't YAML"),
        ("Pulumi.prod.yaml", "a: 1", "Pulumi.prod.yaml: has no `config`"),
        ("prod.yaml", "a: 1", "prod.yaml: expected a file called Pulumi.<stack>.yaml"),
    ],
)
def test_a_stack_file_that_can_not_be_used_is_named(
    command: Command, name: str, content: str | None, sentence: str
) -> None:
    file = command.folder.parent / name
    if content is not None:
        file.write_text(content)
    done = command("render", "--config-file", str(file))
    assert done.exit_code == 2
    assert sentence in done.stderr
