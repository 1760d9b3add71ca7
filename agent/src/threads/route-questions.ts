// pure
import type { ModuleId, PackedQuestions, RouteQuestion } from './messages.ts';

const NUMBERS = 3;
/** So many at most go in one message: who gets it should not be held up for long. */
const MAX_QUESTIONS = 1_000;

export function unpackQuestions(packed: PackedQuestions, visit: (question: RouteQuestion) => void): void {
  for (let at = 0; at < packed.length; at += NUMBERS) {
    visit({ modid: packed[at] as number, cmdid: packed[at + 1] as number, version: packed[at + 2] as number });
  }
}

/** Collects questions: a message of many costs little more than one of a single one. */
export class QuestionBatch {
  readonly #post: (packed: PackedQuestions) => void;
  #numbers: number[] = [];

  constructor(post: (packed: PackedQuestions) => void) {
    this.#post = post;
  }

  add({ modid, cmdid }: ModuleId, version: number): void {
    this.#numbers.push(modid, cmdid, version);
    if (this.#numbers.length >= MAX_QUESTIONS * NUMBERS) this.flush();
  }

  /** Whoever adds sees to it that this is called soon. */
  flush(): void {
    if (this.#numbers.length === 0) return;
    const packed = Float64Array.from(this.#numbers);
    this.#numbers = [];
    this.#post(packed);
  }
}
