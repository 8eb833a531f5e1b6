import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { estimateTextTokens } from './estimate-text-tokens.js';

describe('the estimate of tokens', () => {
  // Counted with o200k_base (gpt-tokenizer 4.0.0), 2026-11-21.
  it.each<[string, number]>([
    [
      'The quick brown fox jumps over the lazy dog, and nobody knows why it has never been asked whether it wants to.',
      24,
    ],
    [
      'Die Warteschlange nimmt jeden Aufruf an und verteilt ihn auf die Anbieter, die gerade Platz haben; niemand muss dafür etwas tun.',
      27,
    ],
    [
      "Chaque appel accepté reçoit exactement une réponse, ou une erreur claire, quoi qu'il arrive entre-temps à l'un des fournisseurs.",
      26,
    ],
    [
      'Очередь принимает каждый вызов и распределяет его между провайдерами, у которых есть место; никто не должен ничего делать.',
      27,
    ],
    ['队列接受每个调用并将其分配给有空闲容量的提供商;没有人需要为此做任何事情。每个调用只得到一个结果。', 37],
    ['キューはすべての呼び出しを受け付け、空きのあるプロバイダーに振り分けます。何もする必要はありません。', 39],
    ['대기열은 모든 호출을 받아들이고 여유가 있는 공급자에게 나누어 줍니다. 아무도 아무것도 할 필요가 없습니다.', 34],
    ['تقبل قائمة الانتظار كل مكالمة وتوزعها على المزودين الذين لديهم مساحة حاليا ولا يحتاج أحد إلى فعل أي شيء', 28],
    ['कतार हर कॉल को स्वीकार करती है और उसे उन प्रदाताओं में बाँटती है जिनके पास जगह है।', 25],
    ['Well done 🎉🎉 see you tomorrow 👋😀 and bring 🍕🍕🍕', 20],
    ['3.14159265358979 2026-11-21T16:43:43Z 1234567890 42 7 1000000', 34],
  ])('of %j is near %d', (text, counted) => {
    expect(estimateTextTokens(text) / counted).toBeGreaterThan(0.8);
    expect(estimateTextTokens(text) / counted).toBeLessThan(1.25);
  });

  it('is never more than the bytes, and grows with the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const tokens = estimateTextTokens(text);
        expect(tokens).toBeLessThanOrEqual(Math.ceil(Buffer.byteLength(text) * 1.05));
        expect(estimateTextTokens(`${text} more words`)).toBeGreaterThan(tokens - 1);
      }),
    );
  });

  it('takes long runs of one character in one pass', () => {
    expect(estimateTextTokens('a'.repeat(1_000_000))).toBeLessThan(300_000);
  });
});
