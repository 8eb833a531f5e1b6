declare module '*.tsv' {
  const source: string;
  export default source;
}
