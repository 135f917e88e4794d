"""External Secrets Operator itself: installed by this stack, or by somebody else and then looked for."""

from collections.abc import Sequence
from typing import Any

import pulumi

from components.external_secrets.chart import chart_values
from components.external_secrets.operator_pod import LABELS, operator_pod
from components.external_secrets.operator_rights import CLUSTER_RULES, ELECTION_RULES
from components.kubernetes import Manifest, labels, namespace
from providers.kubernetes.definition_files import digest
from providers.kubernetes.definitions import Definitions
from providers.kubernetes.served_api import ServedApi
from schema import ExternalSecretsSettings, HelmInstall, KubernetesSettings, ManifestsInstall, NoInstall

__all__ = ["Operator"]

RBAC = "rbac.authorization.k8s.io"
NAME = "external-secrets"
GROUPS = ("external-secrets.io", "generators.external-secrets.io")
ADVICE = (
    "External Secrets Operator isn't installed, or is of another release; install it, or let this stack do "
    "so: llm-gateway:externalSecrets.install"
)
ARGOCD_ADVICE = (
    "Argo CD hasn't installed External Secrets Operator; see the Application that "
    "llm-gateway:externalSecrets.install asks for and `python -m gitops` writes"
)


class Operator(pulumi.ComponentResource):
    """The operator, its rights and its definitions, before anything that uses them and until nothing does.

    Attributes
    ----------
    ready
        What every store, ExternalSecret, PushSecret and generator depends on: so an `up` from nothing makes
        the operator first, and a `destroy` waits for their finalizers before the operator goes.
    """

    ready: Sequence[pulumi.Resource]

    def __init__(
        self,
        name: str,
        *,
        settings: ExternalSecretsSettings,
        cluster: KubernetesSettings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the operator.

        Parameters
        ----------
        settings
            Who installs it, and how.
        cluster
            The cluster that the provider in `opts` deploys to.
        """
        super().__init__("llm-gateway:external-secrets:Operator", name, None, opts)
        self._name, self._cluster = name, cluster.connection()
        self._child = pulumi.ResourceOptions(parent=self)
        install = settings.install
        installed: list[pulumi.Resource] = []
        match install:
            case ManifestsInstall():
                installed = [self._from_manifests(install)]
            case HelmInstall():
                installed = [self._from_chart(install)]
        others = isinstance(install, NoInstall)
        served = ServedApi(
            f"{name}-api",
            api=f"{GROUPS[0]}/{settings.api_version}",
            advice=ADVICE if others or installed else ARGOCD_ADVICE,
            timeout_seconds=0 if others else settings.sync_timeout_seconds,
            guarded=GROUPS if installed else (),
            cluster=self._cluster,
            opts=self._after(*installed),
        )
        self.ready = [served]
        self.register_outputs({})

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=list(resources)))

    # --- plain objects -----------------------------------------------------------------------------------

    def _from_manifests(self, install: ManifestsInstall) -> pulumi.Resource:
        """Declare the objects of the operator's chart that its controller needs."""
        home = namespace(install.namespace, create=install.create_namespace, opts=self._child)
        definitions = Definitions(
            f"{self._name}-definitions",
            files=install.crds,
            sha256=digest(install.crds),
            cluster=self._cluster,
            opts=self._child,
        )
        account = self._object("v1", "ServiceAccount", install.service_account, home)
        bindings = self._rights("Cluster", CLUSTER_RULES, account, home)
        if install.replicas > 1:
            bindings += self._rights("", ELECTION_RULES, account, home)
        return self._object(
            "apps/v1",
            "Deployment",
            NAME,
            home,
            spec={
                "replicas": install.replicas,
                "selector": {"matchLabels": LABELS},
                "template": {
                    "metadata": {"labels": labels("operator", NAME)},
                    "spec": operator_pod(install, account.object_name),
                },
            },
            # It ends when a definition that it watches isn't there, or when it may not watch.
            depends_on=[definitions, *bindings],
        )

    def _rights(
        self, scope: str, rules: Sequence[dict[str, Any]], account: Manifest, home: pulumi.Output[str]
    ) -> list[Manifest]:
        """Give the ServiceAccount a Role, or a ClusterRole."""
        place = None if scope else home
        name = f"{NAME}-controller" if scope else f"{NAME}-leaderelection"
        role = self._object(f"{RBAC}/v1", f"{scope}Role", name, place, rules=list(rules))
        reference = {"apiGroup": RBAC, "kind": f"{scope}Role", "name": role.object_name}
        subject = {"kind": "ServiceAccount", "name": account.object_name, "namespace": home}
        return [
            self._object(
                f"{RBAC}/v1", f"{scope}RoleBinding", name, place, roleRef=reference, subjects=[subject]
            )
        ]

    def _object(
        self,
        api_version: str,
        kind: str,
        object_name: str,
        home: pulumi.Output[str] | None,
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        **body: Any,
    ) -> Manifest:
        metadata = {"name": object_name, "labels": labels("operator", NAME)}
        return Manifest(
            api_version,
            kind,
            f"{self._name}-{kind.lower()}",
            {"metadata": metadata | ({"namespace": home} if home is not None else {}), **body},
            self._after(*depends_on),
        )

    # --- the chart ---------------------------------------------------------------------------------------

    def _from_chart(self, install: HelmInstall) -> pulumi.Resource:
        """Declare a Helm release, whose definitions come and go with it."""
        from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs  # noqa: PLC0415 - half a second

        return Release(
            self._name,
            name=NAME,
            chart=NAME,
            version=install.version,
            repository_opts=RepositoryOptsArgs(repo=install.repository),
            namespace=install.namespace,
            create_namespace=install.create_namespace,
            values=chart_values(install),
            timeout=install.timeout_seconds,
            # A release that failed halfway is taken back, so that the next `up` can begin anew.
            atomic=True,
            opts=self._child,
        )
