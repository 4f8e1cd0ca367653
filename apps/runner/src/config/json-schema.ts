import { z } from 'zod';
import type { Connectors } from '../connectors.ts';
import type { ConfigPath } from './config.ts';
import { fileSchema } from './schema.ts';

/** A JSON Schema (draft 7, which editors read). */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

const REFERENCE: JsonSchema = { type: 'string', pattern: '^\\$\\{.+\\}$' };

/** The JSON Schema of the configuration file; a number or a boolean may also be written as `${NAME}`. */
export function fileJsonSchema(connectors: Connectors): JsonSchema {
  const schema = z.toJSONSchema(fileSchema(connectors), {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => allowReference(jsonSchema),
  });
  return { title: 'Weir pipelines', ...schema };
}

function allowReference(schema: JsonSchema): void {
  const { type } = schema;
  if (type !== 'number' && type !== 'integer' && type !== 'boolean') return;
  if (schema.const !== undefined || schema.enum !== undefined) return;
  const { description, default: fallback, ...plain } = schema;
  for (const key of Object.keys(schema)) delete schema[key];
  Object.assign(schema, { anyOf: [plain, REFERENCE] });
  if (description !== undefined) schema.description = description;
  if (fallback !== undefined) schema.default = fallback;
}

/** The keys that the schema allows at a path; empty where any is allowed. */
export function knownKeys(schema: JsonSchema, path: ConfigPath): string[] {
  let schemas = branches(schema);
  for (const part of path) schemas = schemas.flatMap((at) => child(at, part)).flatMap(branches);
  return [...new Set(schemas.flatMap((at) => Object.keys(at.properties ?? {})))];
}

function child(schema: JsonSchema, part: string | number): JsonSchema[] {
  const at = typeof part === 'number' ? schema.items : (schema.properties?.[part] ?? schema.additionalProperties);
  return typeof at === 'object' && !Array.isArray(at) ? [at] : [];
}

function branches(schema: JsonSchema): JsonSchema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.allOf ?? [])] as JsonSchema[];
  return [schema, ...inner.flatMap(branches)];
}
