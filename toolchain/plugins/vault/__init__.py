"""The substitute for the Vault plugin: the types of ``pulumi_vault``, against Vault or OpenBao."""
