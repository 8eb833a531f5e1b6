/** Cells of numbers stand right. */
export function markdownTable(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const isNumber = head.map((_, column) => cells.slice(1).every((row) => /^[+*]*[\d.,]*[%–]?$/.test(row[column])));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const line = (row) => {
    const padded = row.map((cell, column) =>
      isNumber[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
    );
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, column) => (isNumber[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(cells[0]), line(rule), ...cells.slice(1).map(line)].join('\n');
}
