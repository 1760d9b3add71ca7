// pure
/** Something that is wrong on this machine, or soon will be, and what to do about it. */
export interface Problem {
  /** wrong: something does not work. soon: it works, and may not for long, or not as it should. */
  readonly level: 'wrong' | 'soon';
  readonly what: string;
  readonly todo: string;
}

export function wrong(what: string, todo: string): Problem {
  return { level: 'wrong', what, todo };
}

export function soon(what: string, todo: string): Problem {
  return { level: 'soon', what, todo };
}
