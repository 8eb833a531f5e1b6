// Loaded before a program: its clock is off by SHIFT_CLOCK_MS, as a machine's may be. Time that passes is not touched.
const shiftMs = Number(process.env.SHIFT_CLOCK_MS);
const RealDate = Date;
const realNow = RealDate.now.bind(RealDate);
globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [realNow() + shiftMs] : args));
  }
  static now() {
    return realNow() + shiftMs;
  }
};
const timeOrigin = performance.timeOrigin + shiftMs;
Object.defineProperty(performance, 'timeOrigin', { get: () => timeOrigin });
