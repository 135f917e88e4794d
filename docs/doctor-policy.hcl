# What `python -m doctor` asks Vault: reads. Put your own mounts in the place of `litellm` and `kubernetes`.
path "sys/mounts" { capabilities = ["read"] }
path "sys/auth" { capabilities = ["read"] }
path "sys/policies/acl/*" { capabilities = ["read"] }
path "auth/kubernetes/*" { capabilities = ["read"] }
path "litellm/data/*" { capabilities = ["read"] }
path "litellm/metadata/*" { capabilities = ["read"] }

# For --hardening only. A look-up by accessor is written as an update, and changes nothing.
path "sys/audit" { capabilities = ["read", "sudo"] }
path "auth/token/accessors" { capabilities = ["list", "sudo"] }
path "auth/token/lookup-accessor" { capabilities = ["update"] }
