"""Keys that stand in no state: looked for across a stack's gateways and the paths of Vault that it uses."""
