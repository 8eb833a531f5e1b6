/** While Redis refuses or is away, every loop of every group fails several times a second: one of them is told. */
export function atMostEachSecond(tell: (error: Error) => void): (error: Error) => void {
  let toldAt = -Infinity;
  return (error) => {
    const now = performance.now();
    if (now - toldAt < 1_000) return;
    toldAt = now;
    tell(error);
  };
}
