import { type Example, type House, ourPackages } from './examples.ts';
import { roomsAreEnteredByTheirIndex, roomsHaveReadmes } from './room-rules.ts';
import { noBannedWords } from './word-rule.ts';

const glossary: Example = {
  'docs/glossary.md': [
    '| held | not in this table |',
    '## Banned words',
    '| word | say |',
    '| --- | --- |',
    '| mail, news | message |',
    '| held | parked |',
    '| idle, nobody (of hosts) | healthy |',
  ].join('\n'),
};

/** The rules about words and rooms, each with a bad and a good example. */
export const roomExamples: Readonly<Record<string, House>> = {
  'no banned words': {
    rule: noBannedWords,
    bad: {
      ...glossary,
      'cli/src/a.ts': 'const newMail = readNEWS(MAIL_BOX);\n// The mail is here.\n/** Hosts\n * held back. */\nisIdle(nobody);',
      'cli/src/held-calls.ts': '',
    },
    violations: [
      ...[1, 2].map(line => `cli/src/a.ts:${line} 'mail' is banned by docs/glossary.md; say message`),
      "cli/src/a.ts:1 'news' is banned by docs/glossary.md; say message",
      "cli/src/a.ts:4 'held' is banned by docs/glossary.md; say parked",
      ...['idle', 'nobody'].map(word => `cli/src/a.ts:5 '${word}' is banned by docs/glossary.md; say healthy`),
      "cli/src/held-calls.ts:1 'held' is banned by docs/glossary.md; say parked",
    ],
    good: {
      ...glossary,
      'cli/src/a.ts':
        "const email = 'mail'; // Nobody is idle, whoever holds the mailbox.\nnewsletter(`held`, conf.idle_timeout, '//'); // [loadbalance] idle_timeout",
      'client-sdk/src/stats.ts': '/** `held` */\nreadonly held: number;',
      'test/a.ts': 'const mail = 1;',
    },
  },
  'rooms have a README': {
    rule: roomsHaveReadmes,
    bad: { 'client-sdk/README.md': '', 'client-sdk/src/link/a.ts': '', 'client-sdk/src/cache/a.ts': '', 'test/a.ts': '' },
    violations: ['client-sdk/src', 'client-sdk/src/cache', 'client-sdk/src/link', 'test'].map(
      room => `${room}/README.md:1 the room has no README.md`,
    ),
    good: {
      'client-sdk/README.md': '',
      'client-sdk/src/README.md': '',
      'client-sdk/src/link/README.md': '',
      'client-sdk/src/link/a.ts': '',
      'docs/a.md': '',
    },
  },
  'rooms are entered by their index': {
    rule: roomsAreEnteredByTheirIndex,
    bad: {
      ...ourPackages,
      'agent/src/x/index.ts': '',
      'agent/src/x/b.ts': `import '../y/a.ts';`,
      'agent/src/y/index.ts': '',
      'agent/src/y/a.ts': '',
      'agent/src/a.ts': `\nimport type { B } from './x/b.ts';`,
      'runtime/src/udp/index.ts': '',
      'runtime/src/udp/a.ts': '',
      'agent/src/c.ts': `import '@lars/runtime/udp/a';`,
    },
    violations: [
      "agent/src/a.ts:2 './x/b.ts' passes by agent/src/x/index.ts",
      "agent/src/x/b.ts:1 '../y/a.ts' passes by agent/src/y/index.ts",
      "agent/src/c.ts:1 '@lars/runtime/udp/a' passes by runtime/src/udp/index.ts",
    ],
    good: {
      ...ourPackages,
      'agent/src/index.ts': '',
      'agent/src/x/index.ts': `import './b.ts';`,
      'agent/src/x/b.ts': `import '../z/a.ts';\nimport '../c.ts';`,
      'agent/src/z/a.ts': `import '../x/index.ts';`,
      'agent/src/c.ts': `import './x/index.ts';\nimport './z/a.ts';`,
      'test/a.ts': `import '../agent/src/x/b.ts';`,
    },
  },
};
