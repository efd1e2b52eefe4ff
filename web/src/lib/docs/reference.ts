/** The OpenAPI document as a page shows it: groups of operations with their fields and answers. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  description?: string;
  examples?: unknown[];
  default?: unknown;
}

interface RawOperation {
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: { content?: Record<string, { schema?: Schema; example?: unknown; examples?: Record<string, { value?: unknown }> }> };
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: Schema; example?: unknown }> }>;
  security?: object[];
}

export interface Document {
  paths: Record<string, Record<string, RawOperation>>;
  components?: { schemas?: Record<string, Schema> };
}

export interface FieldRow {
  name: string;
  kind: string;
  isRequired: boolean;
  text: string;
}

export interface OperationRow {
  id: string;
  method: string;
  path: string;
  summary: string;
  text: string;
  isPublic: boolean;
  parameters: FieldRow[];
  body: FieldRow[];
  example: string;
  answer: FieldRow[];
  answerExample: string;
  statuses: { status: string; text: string }[];
}

export interface Group {
  name: string;
  operations: OperationRow[];
}

const SUCCESS = /^2/;

export function reference(document: Document): Group[] {
  const groups = new Map<string, OperationRow[]>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, raw] of Object.entries(methods)) {
      const name = raw.tags?.[0] ?? 'Other';
      const rows = groups.get(name) ?? [];
      rows.push(operationOf(document, path, method, raw));
      groups.set(name, rows);
    }
  }
  return [...groups].map(([name, operations]) => ({ name, operations }));
}

function operationOf(document: Document, path: string, method: string, raw: RawOperation): OperationRow {
  const body = Object.values(raw.requestBody?.content ?? {})[0];
  const answers = Object.entries(raw.responses ?? {});
  const successes = answers.filter(([status]) => SUCCESS.test(status)).map(([, answer]) => answer);
  // Of several the one with an example: what a request usually leads to.
  const good = successes.find((each) => Object.values(each.content ?? {}).some((said) => said.example !== undefined)) ?? successes[0];
  const said = Object.values(good?.content ?? {})[0];
  const example = body?.example ?? Object.values(body?.examples ?? {})[0]?.value;
  return {
    id: `${method}-${path.replace(/[^a-z0-9]+/gi, '-')}`.replace(/-$/, ''),
    method: method.toUpperCase(),
    path,
    summary: raw.summary ?? '',
    text: raw.description ?? '',
    isPublic: (raw.security ?? []).length === 0,
    parameters: (raw.parameters ?? []).map((each) => ({
      name: each.name,
      kind: kindOf(each.schema),
      isRequired: each.required ?? false,
      text: [each.in === 'query' ? '' : each.in, each.description ?? ''].filter(Boolean).join('; '),
    })),
    body: fieldsOf(document, body?.schema),
    example: example === undefined ? '' : JSON.stringify(example, null, 2),
    answer: fieldsOf(document, said?.schema),
    answerExample: said?.example === undefined ? '' : JSON.stringify(said.example, null, 2),
    statuses: answers.map(([status, each]) => ({ status, text: each.description ?? '' })),
  };
}

function resolve(document: Document, schema: Schema | undefined): Schema | undefined {
  const name = schema?.$ref?.split('/').pop();
  return name === undefined ? schema : document.components?.schemas?.[name];
}

function fieldsOf(document: Document, schema: Schema | undefined): FieldRow[] {
  const found = resolve(document, schema);
  const required = new Set(found?.required ?? []);
  return Object.entries(found?.properties ?? {}).map(([name, each]) => ({
    name,
    kind: kindOf(each),
    isRequired: required.has(name),
    text: each.description ?? '',
  }));
}

function kindOf(schema: Schema | undefined): string {
  if (schema === undefined) return '';
  if (schema.$ref !== undefined) return schema.$ref.split('/').pop() ?? '';
  if (schema.enum !== undefined) return schema.enum.join(' | ');
  if (schema.const !== undefined) return String(schema.const);
  const several = schema.anyOf ?? schema.allOf;
  if (several !== undefined) return several.map(kindOf).join(' | ');
  if (schema.type === 'array') return `${kindOf(schema.items)}[]`;
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? '');
  return schema.format === undefined ? type : `${type} (${schema.format})`;
}
