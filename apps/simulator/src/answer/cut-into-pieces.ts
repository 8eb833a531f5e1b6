const SURROGATES = /[\ud800-\udfff]/;

/** A text in pieces of so many characters, the last may be shorter. No piece ends inside a character of two units. */
export function cutIntoPieces(text: string, characters: number): string[] {
  const pieces: string[] = [];
  if (SURROGATES.test(text)) {
    const whole = Array.from(text);
    for (let i = 0; i < whole.length; i += characters) pieces.push(whole.slice(i, i + characters).join(''));
    return pieces;
  }
  for (let i = 0; i < text.length; i += characters) pieces.push(text.slice(i, i + characters));
  return pieces;
}
