/** Spans of OpenTelemetry for what a program calls through LARS, made from the events of the SDK. To be copied. */
import { type LarsAgentEvent, type LarsCallEvent, larsChannels } from '@lars/client-sdk';
import { type Span, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';

/**
 * Makes a span of each `call` from now on, below the span that is active where it begins, with an event for each change of the agent's state meanwhile.
 * @returns ends that
 */
export function traceLarsCalls(tracer: Tracer): () => void {
  const spans = new Map<LarsCallEvent, Span>();

  const handlers = {
    start(call: LarsCallEvent) {
      const attributes = { 'lars.modid': call.modid, 'lars.cmdid': call.cmdid };
      spans.set(call, tracer.startSpan(`lars ${call.modid}/${call.cmdid}`, { kind: SpanKind.CLIENT, attributes }));
    },
    error(call: LarsCallEvent & { error: unknown }) {
      const { error } = call;
      spans.get(call)?.recordException(error instanceof Error ? error : String(error));
    },
    asyncEnd(call: LarsCallEvent) {
      const span = spans.get(call);
      spans.delete(call);
      if (call.host !== undefined) span?.setAttributes({ 'server.address': call.host.host, 'server.port': call.host.port });
      // Without a report there was no host to call, or the caller did not want the result any more.
      if (call.ok !== undefined) span?.setAttribute('lars.ok', call.ok);
      if (call.ok !== true) span?.setStatus({ code: SpanStatusCode.ERROR });
      span?.end();
    },
    end: () => undefined,
    asyncStart: () => undefined,
  };
  const onAgent = (message: unknown, name: string | symbol) => {
    const { agent, awayForMs } = message as LarsAgentEvent;
    for (const span of spans.values()) span.addEvent(String(name), { agent, awayForMs });
  };
  const { call, agentAway, agentBack } = larsChannels;
  call.subscribe(handlers);
  agentAway.subscribe(onAgent);
  agentBack.subscribe(onAgent);
  return () => {
    call.unsubscribe(handlers);
    agentAway.unsubscribe(onAgent);
    agentBack.unsubscribe(onAgent);
  };
}
