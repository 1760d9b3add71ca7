/** The schemas of docs/schemas, by which documents are checked. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';

const FOLDER = fileURLToPath(new URL('../../docs/schemas/', import.meta.url));
const SUFFIX = '.schema.json';

/** Their names, as 'route-list'. */
export const SCHEMA_NAMES: readonly string[] = readdirSync(FOLDER)
  .filter(name => name.endsWith(SUFFIX))
  .map(name => name.slice(0, -SUFFIX.length));

const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, allErrors: true });
for (const name of SCHEMA_NAMES) ajv.addSchema(JSON.parse(readFileSync(`${FOLDER}${name}${SUFFIX}`, 'utf8')));

/** What is wrong with the document; empty when it is as the schema says. */
export function schemaProblems(name: string, document: unknown): readonly string[] {
  const validate = ajv.getSchema(`${name}${SUFFIX}`);
  if (validate === undefined) throw new Error(`there is no schema ${name}`);
  validate(document);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
