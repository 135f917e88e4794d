'use strict';
// Results and errors of the engine's JSON protocol, in the form of the GraphQL protocol.

const { DRIVER_ERROR, poolIsFull, takeDriverError } = require('./engine');
const { database, typedRawValues } = require('./settings');

const CONNECTION_LOST = new RegExp(
  'Connection terminated|Client has encountered a connection error|server closed the connection|ECONNRESET|EPIPE', 'i');

function graphqlResult(result, alias) {
  if (result.errors) return { errors: withoutDriverErrors(result.errors) };
  if (result.data && 'queryRaw' in result.data) return { data: { [alias]: rawResult(result.data.queryRaw) } };
  const data = {};
  for (const [name, value] of Object.entries(result.data || {})) data[alias || name] = untagged(value);
  return { data };
}

// {"$type": "DateTime", "value": "…"}: DateTime, BigInt, Decimal, Bytes, Json and Enum are strings in GraphQL.
function untagged(value) {
  if (Array.isArray(value)) return value.map(untagged);
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.$type === 'string') return value.value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, untagged(inner)]));
}

function rawResult(result) {
  if (!typedRawValues || !result?.columns) return result;
  return result.rows.map((row) => Object.fromEntries(
    result.columns.map((column, i) => [column, typedValue(row[i], result.types[i])])));
}

function typedValue(value, type) {
  if (value === null || value === undefined) return { prisma__type: 'null', prisma__value: null };
  if (!type.endsWith('-array')) return { prisma__type: type, prisma__value: value };
  const itemType = type.slice(0, -'-array'.length);
  return { prisma__type: 'array', prisma__value: value.map((item) => typedValue(item, itemType)) };
}

function errorResult(message, code, meta = null) {
  return { errors: [oneError(message, code, meta)] };
}

function oneError(message, code, meta = null) {
  return { error: message, user_facing_error: { is_panic: false, message, meta, error_code: code } };
}

function withoutDriverErrors(errors) {
  return errors.map((error) => {
    const userFacing = error.user_facing_error;
    if (userFacing?.error_code !== DRIVER_ERROR) return error;
    const found = userFacing.meta && takeDriverError(userFacing.meta.id);
    return driverError(found ?? new Error(userFacing.message));
  });
}

// What the driver threw, as the native engine would say it: LiteLLM decides by these codes whether to reconnect.
function driverError(error) {
  const message = String(error?.message || error?.code || error);
  if (/timeout exceeded when trying to connect/i.test(message) && poolIsFull()) {
    const limits = { connection_limit: database.connections, timeout: database.poolTimeoutSeconds };
    return oneError('Timed out fetching a new connection from the connection pool. More info: '
      + 'http://pris.ly/d/connection-pool (Current connection pool timeout: '
      + `${limits.timeout}, connection limit: ${limits.connection_limit})`, 'P2024', limits);
  }
  if (CONNECTION_LOST.test(message)) return oneError('Server has closed the connection.', 'P1017');
  const where = `\`${database.host}\`:\`${database.port}\``;
  return oneError(`Can't reach database server at ${where}\n\n`
    + `Please make sure your database server is running at ${where}.`,
  'P1001', { database_host: database.host, database_port: database.port });
}

module.exports = { driverError, errorResult, graphqlResult, withoutDriverErrors };
