/** A worker of `lars dispatch` that is measured, whose connections are the reactor's. */
import { serveDispatchedOn } from '@lars/dispatch';
import { createEngine } from '@lars/reactor';
import { keepCompiledCode } from '@lars/runtime/compiled-code';
import { createHandler } from './reactor-handler.ts';

keepCompiledCode();
const engine = await createEngine();
const service = await serveDispatchedOn(engine, undefined, createHandler({ thread: process.pid }));
void service.closed.then(() => engine.close());
