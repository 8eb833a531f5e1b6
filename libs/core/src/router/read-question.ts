import { memberOf } from '../fit/read-needs.js';

/** What the user asked last: the texts of the last user message. */
export function lastUserText(messages: readonly Readonly<Record<string, unknown>>[]): string {
  const content = messages.findLast(({ role }) => role === 'user')?.['content'];
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => memberOf(part, 'text'))
    .filter((text) => typeof text === 'string')
    .join('\n');
}

/** Languages of the fenced code in a text, as their fences name them: ```` ```py ```` is `python`. Unnamed ones are none. */
export function codeLanguagesIn(text: string): Set<string> {
  const languages = new Set<string>();
  for (const [, name] of text.matchAll(/^[ \t]{0,3}(?:```|~~~)[ \t]{0,3}([A-Za-z][\w+#.-]{0,30})/gm)) {
    languages.add(languageOf(name!));
  }
  return languages;
}

export function languageOf(name: string): string {
  const lower = name.toLowerCase();
  return SHORT_NAMES.get(lower) ?? lower;
}

const SHORT_NAMES = new Map([
  ['py', 'python'],
  ['python3', 'python'],
  ['js', 'javascript'],
  ['jsx', 'javascript'],
  ['mjs', 'javascript'],
  ['ts', 'typescript'],
  ['tsx', 'typescript'],
  ['rs', 'rust'],
  ['rb', 'ruby'],
  ['golang', 'go'],
  ['c++', 'cpp'],
  ['cc', 'cpp'],
  ['cs', 'csharp'],
  ['c#', 'csharp'],
  ['kt', 'kotlin'],
  ['sh', 'bash'],
  ['shell', 'bash'],
  ['zsh', 'bash'],
  ['yml', 'yaml'],
  ['md', 'markdown'],
]);
