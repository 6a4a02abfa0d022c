/** Texts that bundle.js puts in. */
declare module "bundled:worker" {
  const source: string;
  export default source;
}
declare module "bundled:module" {
  const base64: string;
  export default base64;
}
