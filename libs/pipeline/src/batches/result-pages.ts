import type { BatchResults } from '@sluice/store';
import type { LineEnd } from '@sluice/wire';

const MOST_LINES = 1_000;
const FIRST_LINES = 8;
/** In memory at a time, more or less: a page's size follows that of the page before. */
const PAGE_BYTES = 2 * 1024 * 1024;

/** Results of lines that are done, by line, a page at a time and none of them empty. */
export async function* resultPages(
  batchId: string,
  ends: readonly LineEnd[],
  results: Pick<BatchResults, 'page'>,
): AsyncGenerator<{ line: number; content: string }[]> {
  let limit = FIRST_LINES;
  for (let afterLine = 0; ;) {
    const page = await results.page(batchId, { ends, afterLine, limit });
    if (page.length > 0) yield page;
    if (page.length < limit) return;
    afterLine = page.at(-1)!.line;
    const bytes = page.reduce((sum, { content }) => sum + content.length, 0);
    limit = Math.max(1, Math.min(MOST_LINES, 4 * limit, Math.floor((PAGE_BYTES / Math.max(1, bytes)) * page.length)));
  }
}
