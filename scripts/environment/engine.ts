/** The engine, loaded by the commands that need it: reading and writing topics start faster without. */
export const engine = () => import("../../runtime/index.ts");
