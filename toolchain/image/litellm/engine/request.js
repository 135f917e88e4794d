'use strict';
// GraphQL, as the Python client sends it, to the JSON protocol of the engine.
//
// JSON is put together as text, so that number literals arrive digit by digit as the client wrote them.
//
// The two protocols read values alike but for the scalar Json: in GraphQL it is a string that holds JSON text and
// nothing else (not null, not an object), where the JSON protocol would take anything. So such strings are tagged,
// and the rest is refused in the words of the native engine.

const { parse } = require('graphql');
const { models } = require('./settings');

const ACTIONS = [   // a name before those that it begins with
  'createManyAndReturn', 'createMany', 'createOne', 'deleteMany', 'deleteOne', 'updateMany', 'updateOne',
  'upsertOne', 'findUnique', 'findFirst', 'findMany', 'aggregate', 'groupBy',
];
const RAW_ACTIONS = new Set(['queryRaw', 'executeRaw']);
const WRITING_ARGUMENTS = new Set(['data', 'create', 'update']);
const NAMES_AND_ORDER = new Set(['orderBy', 'by']);
const JSON_NULLS = new Set(['DbNull', 'JsonNull', 'AnyNull']);
const JSON_OPERATORS = new Set([
  'equals', 'not', 'array_contains', 'array_starts_with', 'array_ends_with', 'lt', 'lte', 'gt', 'gte',
]);

class QueryError extends Error {
  constructor(message, meta, code = 'P2009') {
    super(message);
    const userFacing = { is_panic: false, message, meta, error_code: code };
    this.answer = { errors: [{ error: message, user_facing_error: userFacing }] };
  }
}

const object = (entries) => `{${entries.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
const list = (texts) => `[${texts.join(',')}]`;

// ---- values

function plain(node) {
  switch (node.kind) {
    case 'IntValue':
    case 'FloatValue': return node.value;
    case 'StringValue':
    case 'EnumValue': return JSON.stringify(node.value);
    case 'BooleanValue': return String(node.value);
    case 'NullValue': return 'null';
    case 'ListValue': return list(node.values.map(plain));
    case 'ObjectValue': return object(node.fields.map((field) => [field.name.value, plain(field.value)]));
    default: throw new Error(`unsupported GraphQL value ${node.kind}`);
  }
}

// `context.model`: the model whose fields the keys may name; `context.isFields`: whether they do at this level;
// `context.isData`: whether the value is written rather than filtered by; `context.path`: for errors.
function value(node, context) {
  if (node.kind === 'ListValue') return list(node.values.map((item) => value(item, context)));
  if (node.kind !== 'ObjectValue') return plain(node);
  return object(node.fields.map((field) => [field.name.value, fieldValue(field, context)]));
}

function fieldValue({ name: { value: name }, value: node }, { model, isFields, isData, path }) {
  const type = isFields ? models[model]?.[name] : undefined;
  const here = [...path, name];
  if (type === undefined) {
    return value(node, { model, isFields: true, isData: isData && name !== 'where', path: here });
  }
  if (type === 'Json') return isData ? jsonScalar(node, here, true) : jsonFilter(node, here);
  if (type.startsWith('@')) return value(node, { model: type.slice(1), isFields: false, isData, path: here });
  return plain(node);
}

// {metadata: {equals: "…", path: […]}} in a where clause
function jsonFilter(node, path) {
  if (node.kind !== 'ObjectValue') return jsonScalar(node, path, false);
  return object(node.fields.map(({ name: { value: name }, value: operand }) => [
    name, JSON_OPERATORS.has(name) ? jsonScalar(operand, [...path, name], false) : plain(operand),
  ]));
}

function jsonScalar(node, path, isData) {
  if (node.kind === 'StringValue' || node.kind === 'EnumValue') {
    if (JSON_NULLS.has(node.value)) return object([['$type', '"Enum"'], ['value', JSON.stringify(node.value)]]);
    try {
      JSON.parse(node.value);
    } catch (error) {
      throw jsonError(`Invalid argument value. \`${node.value}\` is not a valid \`JSON String\`. `
        + `Underlying error: ${error.message}`, 'InvalidArgumentValue', path, isData);
    }
    return object([['$type', '"Json"'], ['value', JSON.stringify(node.value)]]);
  }
  if (node.kind === 'NullValue') {
    const message = `\`${path.join('.')}\`: A value is required but not set`;
    throw jsonError(message, 'RequiredArgumentMissing', path, isData);
  }
  throw jsonError(`Invalid argument type. \`${path.at(-1)}\` should be of any of the following types: `
    + '`JsonNullValueInput`, `Json`', 'InvalidArgumentType', path, isData);
}

// A Json field is a union of two types, and data is a union of a checked and an unchecked form: the native engine
// reports the same mistake once for each.
function jsonError(message, kind, path, isData) {
  let text = message;
  let meta = { kind, argumentPath: path, selectionPath: ['query'] };
  for (let level = 0; level < (isData ? 2 : 1); level += 1) {
    text = 'Unable to match input value to any allowed input type for the field. '
      + `Parse errors: [${text}, ${text}]`;
    meta = { kind: 'Union', errors: [meta, meta] };
  }
  return new QueryError(text, meta);
}

// ---- queries

function args(nodes, model) {
  return object(nodes.map(({ name: { value: name }, value: node }) => {
    if (NAMES_AND_ORDER.has(name)) return [name, plain(node)];
    return [name, value(node, { model, isFields: true, isData: WRITING_ARGUMENTS.has(name), path: [name] })];
  }));
}

function selection(set, model) {
  return object((set?.selections || []).map((node) => {
    const name = node.name.value;
    if (!node.selectionSet && !node.arguments?.length) return [name, 'true'];
    const type = models[model]?.[name];
    const target = type?.startsWith('@') ? type.slice(1) : model;
    const given = ['arguments', args(node.arguments || [], target)];
    return [name, object([given, ['selection', selection(node.selectionSet, target)]])];
  }));
}

// findUniqueLiteLLM_TeamTableOrThrow -> ['findUniqueOrThrow', 'LiteLLM_TeamTable']
function actionAndModel(name) {
  if (RAW_ACTIONS.has(name)) return [name, null];
  for (const action of ACTIONS) {
    if (!name.startsWith(action)) continue;
    const model = name.slice(action.length);
    if (models[model]) return [action, model];
    const bare = model.replace(/OrThrow$/, '');
    if (models[bare]) return [`${action}OrThrow`, bare];
  }
  throw new Error(`unknown root field ${name}`);
}

// Returns the query as `text`, and the name that the client expects the result under as `alias`.
function translate(query) {
  const root = parse(query, { noLocation: true }).definitions[0].selectionSet.selections[0];
  const [action, model] = actionAndModel(root.name.value);
  const given = root.arguments || [];
  const plainArguments = () => object(given.map((argument) => [argument.name.value, plain(argument.value)]));
  const parts = [
    ['arguments', model ? args(given, model) : plainArguments()],
    ['selection', selection(root.selectionSet, model)],
  ];
  const text = object([
    ...(model ? [['modelName', JSON.stringify(model)]] : []),
    ['action', JSON.stringify(action)],
    ['query', object(parts)],
  ]);
  return { text, alias: root.alias?.value ?? root.name.value };
}

module.exports = { QueryError, translate };
