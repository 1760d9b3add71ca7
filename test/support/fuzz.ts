/** Broken and half-broken messages: mutants of valid frames, the same ones for the same random numbers. */
import { HEADER_BYTES, writeHeader } from '@lars/proto';

/** Uniform in [0, 1). */
export type Random = () => number;

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

/**
 * A mutant of one of the frames: one to three mutations one after the other. In most mutants the head tells the true length
 * again, so that what is broken is found by whoever reads the body; now and then a frame stays whole.
 */
export function mutantOf(frames: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Uint8Array = pick(frames, random).slice();
  if (random() < 0.1) return bytes;
  for (let rounds = 1 + below(3, random); rounds > 0; rounds--) bytes = pick(MUTATIONS, random)(bytes, random);
  if (random() < 0.7) tellTrueLength(bytes);
  return bytes;
}

/** Some frames, whole and mutated, one after the other. */
export function mutantStream(frames: readonly Uint8Array[], random: Random): Uint8Array {
  return joined(Array.from({ length: 1 + below(6, random) }, () => mutantOf(frames, random)));
}

/** An integer in [0, limit). */
export function below(limit: number, random: Random): number {
  return Math.floor(random() * limit);
}

export function pick<T>(items: readonly T[], random: Random): T {
  const item = items[below(items.length, random)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
}

const flipBits: Mutation = (bytes, random) => {
  for (let flips = 1 + below(4, random); flips > 0 && bytes.length > 0; flips--) {
    const at = below(bytes.length, random);
    bytes[at] = (bytes[at] as number) ^ (1 << below(8, random));
  }
  return bytes;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, below(bytes.length + 1, random));

const append: Mutation = (bytes, random) => joined([bytes, garbage(1 + below(64, random), random)]);

const replaceByGarbage: Mutation = (_, random) => garbage(below(300, random), random);

/** A part of it once more, so that fields come twice. */
const duplicate: Mutation = (bytes, random) => {
  const from = below(bytes.length, random);
  const part = bytes.slice(from, from + 1 + below(64, random));
  return joined([bytes, part]);
};

const cutOut: Mutation = (bytes, random) => {
  const from = below(bytes.length, random);
  return joined([bytes.slice(0, from), bytes.slice(from + 1 + below(8, random))]);
};

const changeId: Mutation = (bytes, random) => changeHead(bytes, 0, pick(IDS, random));

const changeLength: Mutation = (bytes, random) => changeHead(bytes, 4, pick(LENGTHS, random)(bytes.length - HEADER_BYTES));

/** Somewhere in the body a number of up to ten bytes, most of its bits set. */
const insertHugeVarint: Mutation = (bytes, random) => {
  const varint = [...Array(below(11, random)).fill(0xff), below(128, random)];
  return insertIntoBody(bytes, Uint8Array.from([pick(TAGS, random), ...varint]), random);
};

/** Groups in groups, closed or not. */
const insertDeepGroups: Mutation = (bytes, random) => {
  const depth = 1 + below(pick([4, 120, 5_000], random), random);
  const opened = new Uint8Array(depth).fill(0x63);
  const closed = new Uint8Array(random() < 0.5 ? depth : below(depth, random)).fill(0x64);
  return insertIntoBody(bytes, joined([opened, closed]), random);
};

/** A string or message that claims more bytes than there are. */
const insertLongField: Mutation = (bytes, random) => {
  const claims = [0x80 | below(128, random), 0x80 | below(128, random), below(128, random)];
  return insertIntoBody(bytes, Uint8Array.from([pick([0x1a, 0x22, 0x2a, 0x62], random), ...claims, 1, 2, 3]), random);
};

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  truncate,
  append,
  replaceByGarbage,
  duplicate,
  cutOut,
  changeId,
  changeLength,
  insertHugeVarint,
  insertDeepGroups,
  insertLongField,
];

const IDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 101, 102, 103, -1, 2 ** 31 - 1, -(2 ** 31)] as const;
const TAGS = [0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x78] as const;
const LENGTHS: readonly ((bodyBytes: number) => number)[] = [
  () => -1,
  () => 0,
  () => -(2 ** 31),
  () => 2 ** 31 - 1,
  () => 65_527,
  () => 65_528,
  bodyBytes => bodyBytes + 1,
  bodyBytes => bodyBytes - 1,
  bodyBytes => bodyBytes + 4_096,
];

/** Written anew for each use. */
const HEAD = new Uint8Array(HEADER_BYTES);

function tellTrueLength(bytes: Uint8Array): void {
  changeHead(bytes, 4, bytes.length - HEADER_BYTES);
}

function changeHead(bytes: Uint8Array, at: 0 | 4, value: number): Uint8Array {
  if (bytes.length < HEADER_BYTES) return bytes;
  writeHeader(HEAD, 0, value, value);
  for (let byte = at; byte < at + 4; byte++) bytes[byte] = HEAD[byte] as number;
  return bytes;
}

function insertIntoBody(bytes: Uint8Array, insert: Uint8Array, random: Random): Uint8Array {
  const at = Math.min(bytes.length, HEADER_BYTES + below(Math.max(1, bytes.length - HEADER_BYTES), random));
  return joined([bytes.slice(0, at), insert, bytes.slice(at)]);
}

function garbage(length: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = below(256, random);
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
