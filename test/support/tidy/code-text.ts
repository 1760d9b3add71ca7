const LITERAL = /\/\/.*|\/\*[\s\S]*?\*\/|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"/y;
const REGULAR_EXPRESSION = /\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/[\\\n])+\/[a-z]*/y;
/** What follows a backtick or the end of a substitution, up to the closing backtick or the next substitution. */
const TEMPLATE_TEXT = /(?:\\[\s\S]|(?!\$\{)[^`\\])*(?:`|\$\{)?/y;
/** After these a slash begins a regular expression; after a value it divides. */
const BEFORE_EXPRESSION = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|throw|await|yield))\s*$/;

/**
 * The text of a TypeScript file with comments, regular expressions and the contents of strings replaced by spaces. Quotes, line
 * breaks and all offsets stay. It scans, it does not parse: good enough for formatted sources.
 */
export function codeOnly(text: string): string {
  return codeAndComments(text).code;
}

/** The comments of a TypeScript file, with everything else replaced by spaces. Line breaks and all offsets stay. */
export function commentsOnly(text: string): string {
  return codeAndComments(text).comments;
}

function codeAndComments(text: string): { readonly code: string; readonly comments: string } {
  let code = '';
  let comments = '';
  let depth = 0;
  /** The brace depths at which a template's substitutions were opened. */
  const substitutions: number[] = [];

  const take = (pattern: RegExp): string => {
    pattern.lastIndex = code.length;
    return pattern.exec(text)?.[0] ?? '';
  };
  const takeTemplate = () => {
    const part = take(TEMPLATE_TEXT);
    if (part.endsWith('${')) {
      substitutions.push(depth);
      code += `${blank(part.slice(0, -2))}\${`;
    } else code += part.endsWith('`') ? `${blank(part.slice(0, -1))}\`` : blank(part);
  };

  while (code.length < text.length) {
    const next = text[code.length] as string;
    const literal = take(LITERAL);
    if (/^['"]/.test(literal)) code += next + blank(literal.slice(1, -1)) + next;
    else if (literal !== '') {
      comments += blank(text.slice(comments.length, code.length)) + literal;
      code += blank(literal);
    } else if (next === '/' && BEFORE_EXPRESSION.test(code.slice(-80))) code += blank(take(REGULAR_EXPRESSION)) || next;
    else {
      code += next;
      if (next === '{') depth += 1;
      const closesSubstitution = next === '}' && substitutions.at(-1) === depth;
      if (closesSubstitution) substitutions.pop();
      else if (next === '}') depth -= 1;
      if (closesSubstitution || next === '`') takeTemplate();
    }
  }
  return { code, comments: comments + blank(text.slice(comments.length)) };
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
