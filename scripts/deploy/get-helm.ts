import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { cacheFolder } from "../kafka/variables.ts";

/** `npm run helm:get`: builds the helm that test/deploy renders the chart with, once, with Go. Minutes on a small machine. */
const HELM = "helm.sh/helm/v3/cmd/helm@v3.18.4";

const built = path.join(cacheFolder, "helm");
if (existsSync(built)) console.log(`there already: ${built}`);
else {
  const { status, error } = spawnSync("go", ["install", HELM], {
    env: { ...process.env, GOBIN: cacheFolder, CGO_ENABLED: "0" },
    stdio: "inherit",
  });
  if (error !== undefined) console.error(`helm is built with Go, which is not here: ${error.message}`);
  process.exitCode = status ?? 1;
}
