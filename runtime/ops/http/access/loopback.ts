import { isIP } from "node:net";

/** Whether only this machine can reach it. A name other than localhost may be anybody. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  if (bare === "localhost" || bare === "::1") return true;
  return isIP(bare) === 4 ? bare.startsWith("127.") : /^::ffff:127\./.test(bare);
}
