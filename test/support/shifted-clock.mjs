// Loaded before a program: its clock is off by SHIFT_CLOCK_MS, as a machine's may be; with SHIFT_CLOCK_BACK_MS it is set right
// that long after the start, in one jump. Time that passes is not touched.
const shiftMs = Number(process.env.SHIFT_CLOCK_MS);
const backMs = Number(process.env.SHIFT_CLOCK_BACK_MS ?? Infinity);
const RealDate = Date;
const realNow = RealDate.now.bind(RealDate);
const now = () => realNow() + (performance.now() < backMs ? shiftMs : 0);
globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [now()] : args));
  }
  static now() {
    return now();
  }
};
const timeOrigin = performance.timeOrigin + shiftMs; // fixed at the start, whatever the clock does later
Object.defineProperty(performance, 'timeOrigin', { get: () => timeOrigin });
