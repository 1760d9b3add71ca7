import { createTestAgent } from '@lars/client-sdk/testing';
import { type Attributes, type Span, SpanKind, type SpanOptions, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { afterEach, expect, test } from 'vitest';
import { larsChannels } from '../../../client-sdk/src/index.ts';
import { traceLarsCalls } from '../../../examples/opentelemetry.ts';

interface RecordedSpan {
  readonly name: string;
  readonly kind: SpanKind | undefined;
  readonly attributes: Attributes;
  readonly events: string[];
  status: SpanStatusCode;
  ends: number;
}

/** A tracer by the interface of OpenTelemetry, that keeps what it is told. What the example does not use is missing. */
function recordingTracer(): { readonly tracer: Tracer; readonly spans: RecordedSpan[] } {
  const spans: RecordedSpan[] = [];
  const startSpan = (name: string, { kind, attributes = {} }: SpanOptions = {}): Span => {
    const record: RecordedSpan = { name, kind, attributes, events: [], status: SpanStatusCode.UNSET, ends: 0 };
    spans.push(record);
    const span: Partial<Span> = {
      setAttribute: (key, value) => span.setAttributes?.({ [key]: value }) as Span,
      setAttributes: more => Object.assign(record.attributes, more) && (span as Span),
      addEvent: event => {
        record.events.push(event);
        return span as Span;
      },
      recordException: exception => void record.events.push(String(exception)),
      setStatus: ({ code }) => {
        record.status = code;
        return span as Span;
      },
      end: () => {
        record.ends += 1;
      },
    };
    return span as Span;
  };
  return { tracer: { startSpan } as Tracer, spans };
}

let stop = () => {};
afterEach(() => stop());

test('each call has a span, with its host and how it went, until that is stopped', async () => {
  const { tracer, spans } = recordingTracer();
  stop = traceLarsCalls(tracer);
  const agent = createTestAgent({ routes: { '1/2': ['10.0.0.5:80'] } });
  await agent.call(1, 2, () => larsChannels.agentAway.publish({ agent: '127.0.0.1:8888', awayForMs: 0 }));
  await expect(agent.call(1, 2, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  await expect(agent.call(1, 3, () => undefined)).rejects.toMatchObject({ code: 'LARS_NO_EXIST' });
  const lars = { 'lars.modid': 1, 'lars.cmdid': 2 };
  const host = { 'server.address': '10.0.0.5', 'server.port': 80 };
  const made = { name: 'lars 1/2', kind: SpanKind.CLIENT, ends: 1, status: SpanStatusCode.ERROR };
  const all = [
    { ...made, status: SpanStatusCode.UNSET, attributes: { ...lars, ...host, 'lars.ok': true }, events: ['lars:agent:away'] },
    { ...made, attributes: { ...lars, ...host, 'lars.ok': false }, events: ['Error: broken'] },
    { ...made, name: 'lars 1/3', attributes: { ...lars, 'lars.cmdid': 3 }, events: [expect.stringContaining('module 1/3')] },
  ];
  expect(spans).toEqual(all);
  stop();
  await agent.call(1, 2, () => undefined);
  expect(spans).toEqual(all);
});
