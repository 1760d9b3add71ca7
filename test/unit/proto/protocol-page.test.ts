/** docs/protocol.md says what lars.proto says. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HEADER_BYTES, MAX_BODY_BYTES, MAX_DATAGRAM_BYTES, shardOf } from '@lars/proto';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

const page = readFileSync(fileOf('docs/protocol.md'), 'utf8');
const source = readFileSync(fileOf('proto/lars.proto'), 'utf8');
const lars = protobuf
  .parse(source, { keepCase: true, alternateCommentMode: true, preferTrailingComment: true })
  .root.resolveAll()
  .lookup('lars') as protobuf.Namespace;

const types = lars.nestedArray.filter(each => each instanceof protobuf.Type);

/** The cells of the tables in one section of the page, without the header and the line under it. */
function rowsUnder(heading: string): string[][] {
  const section = page.split(`\n${heading}\n`)[1]?.split(/\n#+ /)[0] ?? '';
  const rows = section.split('\n').filter(line => /^\| *\d/.test(line));
  return rows.map(row =>
    row
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  );
}

/** Messages that are additions as a whole. */
const ADDED_MESSAGES = ['ReportStatusAck', 'BatchReportRequest', 'BatchResult', 'LinkChallenge', 'LinkProof', 'LinkAccepted'];

function isAddition(type: protobuf.Type, field: protobuf.Field): boolean {
  return ADDED_MESSAGES.includes(type.name) || /\baddition\b/.test(`${field.comment}`);
}

test.each(types.map(type => [type.name, type] as const))('the fields of %s', (name, type) => {
  const fields = type.fieldsArray.map(field => [
    String(field.id),
    field.name,
    field.repeated ? `repeated ${field.type}` : field.type,
    isAddition(type, field),
  ]);
  const told = rowsUnder(`### ${name}`).map(([id, field, kind, meaning]) => [id, field, kind, meaning?.startsWith('**+**')]);
  expect(told).toStrictEqual(fields);
});

test('the page has no other message', () => {
  expect([...page.matchAll(/^### (\w+)$/gm)].map(match => match[1])).toStrictEqual(types.map(type => type.name));
});

test('the message ids and return codes', () => {
  const numbersOf = (name: string) => Object.entries(lars.lookupEnum(name).values);
  const codes = numbersOf('ReturnCode').map(([name, code]) => [String(code), name.replace('RET_', '')]);
  const ids = numbersOf('MessageId').map(([name, id]) => [String(id), name.replace('ID_', '')]);
  const told = rowsUnder('## Message ids').map(([number, name]) => [number, name?.replace(/^\*\*\+\*\* |,.*/g, '')]);
  expect(told).toStrictEqual([...ids, ...codes]);
});

test('the numbers in the text', () => {
  expect(page).toContain(`a header of ${HEADER_BYTES === 8 ? 'eight' : HEADER_BYTES} bytes`);
  expect(page).toContain(`0 to ${MAX_BODY_BYTES} |`);
  expect(page).toContain(`(${MAX_DATAGRAM_BYTES.toLocaleString('en')} bytes)`);
  expect(page).toContain(`module -3/2 belongs to server ${shardOf(-3, 2)}`);
});
