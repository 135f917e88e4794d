'use strict';
// What the Python client says by arguments and environment, and the data model that it was generated from.

const fs = require('fs');
const path = require('path');

const DEFAULT_PORT = 4466;
const DEFAULT_CONNECTIONS = 10;
const DEFAULT_TIMEOUT_SECONDS = 10;
const IDLE_TIMEOUT_MS = 300_000;

// Parameters of a Prisma URL that mean nothing to node-postgres, which refuses what it doesn't know.
const UNUSED_PARAMETERS = [
  'pgbouncer', 'socket_timeout', 'statement_cache_size', 'max_connection_lifetime',
  'max_idle_connection_lifetime', 'sslaccept', 'single_use_connections',
];

const portFlag = process.argv.indexOf('-p');
const port = Number((portFlag > 0 && process.argv[portFlag + 1]) || process.env.PORT || DEFAULT_PORT);

const datamodel = process.env.PRISMA_DML
  ? Buffer.from(process.env.PRISMA_DML, 'base64').toString('utf8')
  : fs.readFileSync(process.env.PRISMA_DML_PATH, 'utf8');

// models[model][field] is the field's scalar type, or '@Model' where it is a relation.
const models = {};
for (const [, name, body] of datamodel.matchAll(/^model\s+(\w+)\s*\{([\s\S]*?)^\}/gm)) {
  const fields = Object.create(null);
  for (const line of body.split('\n')) {
    const declaration = /^\s*(\w+)\s+(\w+)(\[\])?(\?)?/.exec(line.replace(/\/\/.*$/, ''));
    if (declaration) fields[declaration[1]] = declaration[2];
  }
  models[name] = fields;
}
for (const fields of Object.values(models)) {
  for (const [field, type] of Object.entries(fields)) {
    if (models[type]) fields[field] = `@${type}`;
  }
}

function databaseUrl() {
  const overrides = JSON.parse(process.env.OVERWRITE_DATASOURCES || '[]');
  if (overrides[0]?.url) return overrides[0].url;
  const source = /datasource\s+\w+\s*\{[\s\S]*?url\s*=\s*(?:env\("([^"]+)"\)|"([^"]+)")/.exec(datamodel);
  return source[1] ? process.env[source[1]] : source[2];
}

function databaseSettings() {
  const url = new URL(databaseUrl());
  const take = (name) => {
    const value = url.searchParams.get(name);
    url.searchParams.delete(name);
    return value;
  };
  const connections = Number(take('connection_limit')) || DEFAULT_CONNECTIONS;
  const poolTimeout = take('pool_timeout');
  const connectTimeout = take('connect_timeout');
  const schema = take('schema');
  UNUSED_PARAMETERS.forEach(take);
  const waitSeconds = poolTimeout === '0' ? 0 : connectTimeout || poolTimeout || DEFAULT_TIMEOUT_SECONDS;
  return {
    host: url.hostname,
    port: Number(url.port || 5432),
    schema,
    connections,
    poolTimeoutSeconds: Number(poolTimeout || DEFAULT_TIMEOUT_SECONDS),
    pool: {
      connectionString: url.toString(),
      max: connections,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      connectionTimeoutMillis: 1000 * Number(waitSeconds),
    },
  };
}

// Clients up to 0.13 expect the results of raw queries as Prisma had them before 5.14; their source tells.
function clientWantsTypedRawValues() {
  try {
    const source = path.join(path.dirname(process.env.PRISMA_DML_PATH), '_raw_query.py');
    return fs.readFileSync(source, 'utf8').includes('prisma__type');
  } catch {
    return false;   // the data model isn't beside a client
  }
}

module.exports = {
  port,
  datamodel,
  models,
  database: databaseSettings(),
  typedRawValues: clientWantsTypedRawValues(),
};
