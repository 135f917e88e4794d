# What the token of `pulumi up` needs, with the default names (mount litellm, auth mount kubernetes).

# The KV v2 mount and its values.
path "sys/mounts" { capabilities = ["read"] }
path "sys/mounts/litellm" { capabilities = ["create", "read", "update", "delete"] }
path "sys/mounts/litellm/tune" { capabilities = ["read", "update"] }
path "sys/remount" { capabilities = ["update", "sudo"] }
path "litellm/*" { capabilities = ["create", "read", "update", "delete", "list"] }

# The policy of the store.
path "sys/policies/acl/litellm-read" { capabilities = ["create", "read", "update", "delete"] }

# The kubernetes auth method, its configuration and the store's role.
path "sys/auth" { capabilities = ["read"] }
path "sys/auth/kubernetes" { capabilities = ["create", "read", "update", "delete", "sudo"] }
path "sys/mounts/auth/kubernetes" { capabilities = ["read"] }
path "sys/mounts/auth/kubernetes/tune" { capabilities = ["read", "update"] }
path "auth/kubernetes/*" { capabilities = ["create", "read", "update", "delete", "list"] }

# The database engine, if there are databases: its mount, connections and roles, and the leases that go with them.
path "sys/mounts/database" { capabilities = ["create", "read", "update", "delete"] }
path "sys/mounts/database/tune" { capabilities = ["read", "update"] }
path "database/config/*" { capabilities = ["create", "read", "update", "delete"] }
path "database/rotate-root/*" { capabilities = ["update"] }
path "database/roles/*" { capabilities = ["create", "read", "update", "delete"] }
path "database/static-roles/*" { capabilities = ["create", "read", "update", "delete"] }
path "sys/leases/revoke-prefix/database/creds/*" { capabilities = ["update", "sudo"] }

path "auth/token/lookup-self" { capabilities = ["read"] }
