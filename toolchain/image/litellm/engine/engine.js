'use strict';
// The WebAssembly query engine on a pool of PostgreSQL connections.

const fs = require('fs');
const path = require('path');
const pg = require('pg');
const { PrismaPg } = require('@prisma/adapter-pg');
const { bindAdapter } = require('@prisma/driver-adapter-utils');
const { database, datamodel } = require('./settings');

const DRIVER_ERROR = 'P2036';   // the engine's code for "the driver threw; ask it what"
const NO_TRACE = '{}';
const LAST_ANSWERS_MS = 100;

// ---- connections

const pool = new pg.Pool(database.pool);
pool.on('connect', (connection) => {
  // The adapter cuts a timestamptz at its '+', so every session has to be in UTC.
  const schema = database.schema ? `; SET search_path TO "${database.schema}"` : '';
  connection.query(`SET TIME ZONE 'UTC'${schema}`).catch(() => {});   // a broken connection fails its first query
});
pool.on('error', () => {});   // an idle connection that broke: the pool has dropped it

const poolIsFull = () => pool.totalCount >= database.connections;

// ---- adapter

const TEXT = 25;
// Types that the adapter refuses, by their object id: name, char, aclitem, interval, unknown, void, record, …
const READ_AS_TEXT = new Set([18, 19, 28, 705, 1033, 1186, 2205, 2249, 2278, 3220]);

function readUnknownTypesAsText(queryable) {
  const performIO = queryable.performIO.bind(queryable);
  queryable.performIO = async (query) => {
    const result = await performIO(query);
    for (const field of (result.ok && result.value.fields) || []) {
      if (READ_AS_TEXT.has(field.dataTypeID)) field.dataTypeID = TEXT;
    }
    return result;
  };
  return queryable;
}

const adapter = readUnknownTypesAsText(
  new PrismaPg(pool, database.schema ? { schema: database.schema } : undefined));
const startTransactionOfAdapter = adapter.startTransaction.bind(adapter);
adapter.startTransaction = async () => {
  const result = await startTransactionOfAdapter();
  if (result.ok) readUnknownTypesAsText(result.value);
  return result;
};
const boundAdapter = bindAdapter(adapter);

// Errors of the driver stay here while only their number passes through the engine.
function takeDriverError(id) {
  const { errorRegistry } = boundAdapter;
  const found = errorRegistry.consumeError(id);
  delete errorRegistry.registeredErrors?.[id];
  return found?.error;
}

// ---- engine

const runtimeFolder = path.join(path.dirname(require.resolve('@prisma/client/package.json')), 'runtime');
const runtime = require(path.join(runtimeFolder, 'query_engine_bg.postgresql.js'));
const binary = fs.readFileSync(path.join(runtimeFolder, 'query_engine_bg.postgresql.wasm'));
const compiled = new WebAssembly.Module(binary);

runtime.__wbg_set_wasm(new WebAssembly.Instance(compiled, { './query_engine_bg.js': runtime }).exports);
const engine = new runtime.QueryEngine({
  datamodel,
  env: process.env,
  logQueries: false,
  ignoreEnvVarErrors: true,
  datasourceOverrides: {},
  logLevel: 'error',
  configDir: '.',
  engineProtocol: 'json',
}, () => {}, boundAdapter);

let connected = null;

function connect() {
  connected ??= Promise.resolve(engine.connect(NO_TRACE)).catch((error) => {
    connected = null;
    throw error;
  });
  return connected;
}

// ---- panics

// A panic inside WebAssembly never settles the promise that waits for it: so every call can be rejected from here.
const rejectWaiting = new Set();

function settled(promise) {
  return new Promise((resolve, reject) => {
    rejectWaiting.add(reject);
    Promise.resolve(promise).then(resolve, reject).finally(() => rejectWaiting.delete(reject));
  });
}

// Its memory is in no known state after a panic, so the process ends when the callers have their answer. LiteLLM
// watches its engine, and starts another.
function endOnPanic(error) {
  console.error('query engine:', error?.stack || error);
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  const panic = { is_panic: true, message: 'PANIC in the query engine', meta: null, error_code: 'P2010' };
  for (const reject of rejectWaiting) reject(new Error(JSON.stringify(panic)));
  setTimeout(() => process.exit(1), LAST_ANSWERS_MS);
}
process.on('unhandledRejection', endOnPanic);
process.on('uncaughtException', endOnPanic);

async function call(method, ...args) {
  await connect();
  return JSON.parse(await settled(engine[method](...args)));
}

module.exports = {
  DRIVER_ERROR,
  poolIsFull,
  takeDriverError,
  query: (text, transactionId) => call('query', text, NO_TRACE, transactionId),
  startTransaction: (options) => call('startTransaction', JSON.stringify(options), NO_TRACE),
  commitTransaction: (id) => call('commitTransaction', id, NO_TRACE),
  rollbackTransaction: (id) => call('rollbackTransaction', id, NO_TRACE),
};
