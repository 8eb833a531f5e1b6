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

/** The first block of this language. @throws when there is none */
export function blockOf(markdown: string, language: string): string {
  const [, indent = '', text] = new RegExp(`^( *)\`\`\`${language}\n([^]*?)^ *\`\`\`$`, 'm').exec(markdown) ?? [];
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
