/** A shell example of a document: the block marked `sh run`, and the bare block behind it that shows what it prints. */
export interface GuideExample {
  script: string;
  /** A `…` stands for anything; lines may be left out. */
  printed: string;
}

/** All of them, in order. Blocks inside list items lose their indentation. */
export function examplesOf(markdown: string): GuideExample[] {
  const blocks = markdown.matchAll(/^( *)```sh run\n([^]*?)^ *```\n(?:\s*?^ *```\n([^]*?)^ *```$)?/gm);
  return [...blocks].map(([, indent = '', script = '', printed = '']) => ({
    script: withoutIndent(script, indent),
    printed: withoutIndent(printed, indent),
  }));
}

/** Blocks in a language that can be run, and what their first line says of that: `run`, or `not run: WHY`. */
export function runnableBlocks(markdown: string): { language: string; how: string }[] {
  const blocks = markdown.matchAll(/^ *```(sh|bash|js|mjs|ts|python)(?: (.*))?$/gm);
  return [...blocks].map(([, language = '', how = '']) => ({ language, how }));
}

/** The first block of this language. @throws when there is none */
export function blockOf(markdown: string, language: string): string {
  const [, indent = '', text] =
    new RegExp(`^( *)\`\`\`${language}(?: run)?\n([^]*?)^ *\`\`\`$`, 'm').exec(markdown) ?? [];
  if (text === undefined) throw new Error(`there is no ${language} block`);
  return withoutIndent(text, indent);
}

/** What the document promises and the output lacks, in the promised order; empty when all is there. */
export function missingFrom(output: string, printed: string): string[] {
  const missing: string[] = [];
  let from = 0;
  const pieces = printed.split(/…|\n/).map((piece) => piece.trim());
  for (const piece of pieces.filter((piece) => piece !== '')) {
    const at = output.indexOf(piece, from);
    if (at === -1) missing.push(piece);
    else from = at + piece.length;
  }
  return missing;
}

const withoutIndent = (text: string, indent: string): string =>
  indent === '' ? text : text.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
